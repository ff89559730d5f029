/* check: one decision about a request of Postfix. Each stands in a file of its own in checks/ and in the list of checks/meson.build.
 *
 * A check says when it runs and what it must know of the directory. The frame (request.h) asks for that once for all checks of a request,
 * waits, and runs them; a check itself is a pure function and never waits. A check that counts over all hosts also says what, and is run
 * when that was counted. */
#pragma once
#include "base/arena.h"
#include "proto/directory.h"
#include "proto/limit.h"
#include "proto/policy.h"
#include "rt/counters.h"

enum mr_check_id {
#define CHECK(name) MR_CHECK_##name,
#include "checks/check-list.h"
#undef CHECK
	MR_CHECKS
};

enum mr_check_state { MR_STATE_RCPT = 1, MR_STATE_END_OF_MESSAGE = 2 }; /* bits */
enum mr_check_need {
	MR_NEED_LOGIN = 1,     /* the account of sasl_username, where there is one */
	MR_NEED_RECIPIENT = 2, /* at RCPT: who finally gets mail for the recipient */
};

struct mr_check_input {
	const struct mr_policy_request *request;
	enum mr_check_state state;
	uint64_t size;                 /* bytes of the message, as far as the client has said; else 0 */
	bool has_login, has_recipient; /* else the next two mean nothing */
	enum mr_dir_status login;      /* of the account; the rest of it only if that is OK */
	bool login_enabled, login_locked;
	struct mr_slice login_address; /* lower case */
	const struct mr_limit *limits; /* rules that hold when it sends */
	size_t n_limits;
	const struct mr_dir_resolve *recipient;
	uint64_t recipients; /* of the message so far, this one included; at its end all */
	bool has_client;     /* else the next one means nothing */
	struct mr_ip client;
	const struct mr_counted *counted; /* of what the check wanted counted; NULL: nothing */
	struct mr_arena *arena;           /* of the request: for replies */
};

enum mr_check_kind {
	MR_CHECK_PASS,    /* nothing against it */
	MR_CHECK_REFUSE,  /* with `reply`, which may also be HOLD */
	MR_CHECK_UNKNOWN, /* the directory could not tell: on_error decides */
};
struct mr_check_answer {
	enum mr_check_kind kind;
	const char *reply;  /* "550 5.1.1 User unknown": what the client is told */
	const char *reason; /* one word for the log: "unknown" */
	bool notice;        /* worth a line of its own: the first of many */
};

struct mr_check {
	const char *name;
	unsigned states, needs; /* bits */
	/* Fills in at most MR_COUNTERS_MAX counts, taken at the end of a message, looked at before; how many. NULL: never any. Checks with
	 * it run after all the others, if those have nothing against it, without an answer about the recipient. */
	size_t (*count)(const struct mr_check_input *in, struct mr_count *out);
	void (*run)(const struct mr_check_input *in, struct mr_check_answer *out); /* *out comes as PASS */
};

extern const struct mr_check *const mr_checks[MR_CHECKS];

/* Takes mail now; of a foreign address that is assumed. */
bool mr_check_receives(const struct mr_dir_final *f);
/* True when there are finals that take mail, all of them are local, and all of them are `is`. */
bool mr_check_all_receivers(const struct mr_check_input *in, bool (*is)(const struct mr_dir_final *f, const struct mr_check_input *in));
