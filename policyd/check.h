/* check: one decision about a request of Postfix. Each stands in a file of its own in checks/ and in the list of checks/meson.build.
 *
 * A check says when it runs and what it must know of the directory. The frame (request.h) asks for that once for all checks of a request,
 * waits, and runs them; a check itself is a pure function and never waits. A check that wants something counted over all hosts, looked up
 * in the grey list or among what was seen before, also says what, and is run when that is known. */
#pragma once
#include "base/arena.h"
#include "conf/conf.h"
#include "proto/directory.h"
#include "proto/limit.h"
#include "proto/policy.h"
#include "rt/counters.h"
#include "rt/distinct.h"
#include "rt/greylist.h"

enum mr_check_id {
#define CHECK(name, mode) MR_CHECK_##name,
#include "checks/check-list.h"
#undef CHECK
	MR_CHECKS
};

enum mr_check_mode { MR_MODE_OFF, MR_MODE_OBSERVE, MR_MODE_ENFORCE };
enum mr_check_on_error { MR_ON_ERROR_PASS, MR_ON_ERROR_DEFER };
enum mr_check_state {
	MR_STATE_RCPT = 1,
	MR_STATE_END_OF_MESSAGE = 2,
	MR_STATE_LOGIN = 4, /* a log-in that was right, with an empty request: only hijack is told of it, and refuses nothing */
};                          /* bits */
enum mr_check_need {
	MR_NEED_LOGIN = 1,     /* the account of sasl_username, where there is one */
	MR_NEED_RECIPIENT = 2, /* at RCPT: who finally gets mail for the recipient */
};

/* What checks are told by the configuration, beside their modes. */
struct mr_check_settings {
	struct mr_conf_nets clients_allow, clients_deny;
	struct mr_conf_strings own_names; /* of this site, beside the host's: names and addresses */
	struct mr_grey_rules grey;
	struct mr_conf_strings grey_exempt; /* domains of clients */
	struct mr_conf_strings hijack_signals;
	uint64_t hijack_known_for;                       /* ms */
	int64_t hijack_notice, hijack_hold, hijack_lock; /* points from which on; 0: never */
};

struct mr_check_input {
	const struct mr_policy_request *request;
	const struct mr_check_settings *settings;
	enum mr_check_on_error on_error; /* of the check that is asked */
	enum mr_check_state state;
	uint64_t size;                 /* bytes of the message, as far as the client has said; else 0 */
	bool has_login, has_recipient; /* else the next two mean nothing */
	enum mr_dir_status login;      /* of the account; the rest of it only if that is OK */
	bool login_enabled, login_locked, login_receive_only;
	struct mr_slice login_address; /* lower case */
	const struct mr_limit *limits; /* rules that hold when it sends */
	size_t n_limits;
	const struct mr_dir_resolve *recipient;
	struct mr_slice only_mailbox; /* the one of ours behind the recipient, who may lead elsewhere, too; "" where there are several */
	bool sender_allowed;          /* the lists of every mailbox behind the recipient allow the envelope sender */
	uint64_t recipients;          /* of the message so far, this one included; at its end all */
	bool has_client;              /* else the next one means nothing */
	struct mr_ip client;
	struct mr_slice own_host;          /* name of this host */
	const struct mr_counted *counted;  /* of what the check wanted counted; NULL: nothing */
	const struct mr_grey_answer *grey; /* of what the check wanted looked up; NULL: nothing */
	const struct mr_distincts *seen;   /* of what the check wanted to know of what was seen; NULL: nothing */
	struct mr_arena *arena;            /* of the request: for replies */
};

enum mr_check_kind {
	MR_CHECK_PASS,    /* nothing against it */
	MR_CHECK_REFUSE,  /* with `reply`, which may also be HOLD */
	MR_CHECK_UNKNOWN, /* a back end could not tell: on_error decides; without a reason it was lookup */
};
struct mr_check_answer {
	enum mr_check_kind kind;
	const char *reply;  /* "550 5.1.1 User unknown": what the client is told */
	const char *reason; /* one word for the log: "unknown" */
	bool notice;        /* worth a line of its own: the first of many */
	bool suspect;       /* people are told that the account may be hijacked, and of the reason */
	/* In mode enforce: */
	const char *lock;             /* why the account that is logged in is to be locked (lock.h); NULL: it is not */
	const struct mr_limit *limit; /* that it has reached for the first time, of which it is told; or NULL */
};

struct mr_check {
	const char *name;
	unsigned states, needs; /* bits */
	/* Fills in at most MR_COUNTERS_MAX counts, taken at the end of a message, looked at before; how many. NULL: never any. Checks with
	 * it run after all the others, if those have nothing against it, without an answer about the recipient. */
	size_t (*count)(const struct mr_check_input *in, struct mr_count *out);
	/* What is to be looked up in the grey list; false: nothing. NULL: never any. When it runs: as with count. */
	bool (*grey)(const struct mr_check_input *in, struct mr_grey_triple *out);
	/* Fills in at most MR_DISTINCT_MAX items that are noted and looked at; how many. Asked once more with the answer in `seen`: of that
	 * the check is not told. NULL: never any. When it runs: as with count. */
	size_t (*seen)(const struct mr_check_input *in, struct mr_distinct_item *out);
	void (*run)(const struct mr_check_input *in, struct mr_check_answer *out); /* *out comes as PASS */
};

extern const struct mr_check *const mr_checks[MR_CHECKS];

/* Takes mail now; of a foreign address that is assumed. */
bool mr_check_receives(const struct mr_dir_final *f);
bool mr_check_allows(const struct mr_dir_final *f, const struct mr_check_input *in); /* its lists allow the envelope sender */
/* True when there are finals that take mail, and all of them are `is`. */
bool mr_check_all_receivers(const struct mr_check_input *in, bool (*is)(const struct mr_dir_final *f, const struct mr_check_input *in));
/* What the lists of client networks say: the narrowest that the client is in. An IPv6 host is its /64. */
enum mr_dir_listed mr_check_client_listed(const struct mr_check_input *in);
/* Nobody is logged in, the client is neither this host itself nor allowed (clients_allow), and the recipient does not await its mail
 * (sender_allowed). */
bool mr_check_is_stranger(const struct mr_check_input *in);
/* Refuses, or says that it is not known whether the recipient awaits that mail. */
void mr_check_refuse_stranger(const struct mr_check_input *in, const char *reply, const char *reason, struct mr_check_answer *out);
