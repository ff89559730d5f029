/* login: the server side of Dovecot's auth-policy hook: who may try a password, and how fast.
 *
 * Counted are different wrong passwords (their salted hashes, as Dovecot sends them), so that a forgotten phone with an old one counts
 * once:
 *
 *   pair      of an address for one login
 *   address   of an address for all logins; IPv6 by /64
 *   network   of an IPv4 /24 or IPv6 /48 for all logins
 *   place     where the login is known in a network, of that network and device for that login; then the three above do not count
 *
 * A password that is tried takes its place in these before Dovecot looks at it, and gives it back when it was right: many at once do not
 * get more tries than one after the other. Past half of a limit each try is delayed, at the limit refused until the oldest is a window old.
 * A login that fails from many networks is delayed everywhere but in its known ones; nothing blocks it there. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/parse.h"
#include "conf/shared.h"
#include "rt/distinct.h"

struct mr_policyd;
struct mr_login;

struct mr_login_conf {
	int mode;        /* enum mr_check_mode */
	uint64_t window; /* ms */
	int64_t pair_max, address_max, network_max, known_max;
	uint64_t known_for;   /* ms */
	int64_t networks_max; /* with failures of one login, before it is delayed elsewhere */
	uint64_t delay_max;   /* ms */
	struct mr_conf_nets exempt;
};

/* login-json.c: what Dovecot tells of one try. */
struct mr_login_try {
	struct mr_slice login, remote, device, protocol, pwhash;
	bool success, rejected; /* of a report: the password was right; we had refused it */
};
/* 0, or -EPROTO where it is no such object. Strings are copied into the arena. */
int mr_login_try_parse(struct mr_slice json, struct mr_arena *arena, struct mr_login_try *out);

/* login-rules.c: pure. */
struct mr_login_names {
	bool counted;                            /* false: no address is known, or an exempt one */
	struct mr_slice login, address, network; /* lower case, of bounded length */
	struct mr_slice place;                   /* network and device */
	struct mr_slice pwhash, both;            /* of the password; of login and password */
};
#define MR_LOGIN_KNOWN_NETWORK 0 /* indices of mr_login_look() */
#define MR_LOGIN_KNOWN_PLACE   1
#define MR_LOGIN_FAILING       2
void mr_login_names(const struct mr_login_conf *conf, const struct mr_login_try *t, struct mr_arena *arena, struct mr_login_names *out);
/* Each fills in at most MR_DISTINCT_MAX items; how many. What is known of the login, to look at. */
size_t mr_login_look(const struct mr_login_conf *conf, const struct mr_login_names *n, struct mr_arena *arena,
		     struct mr_distinct_item *out);
/* Where the password is counted, to be taken. known: the answer to mr_login_look(). */
size_t mr_login_take(const struct mr_login_conf *conf, const struct mr_login_names *n, const struct mr_distincts *known,
		     struct mr_arena *arena, struct mr_distinct_item *out);
/* After a wrong and a right one. */
size_t mr_login_failed(const struct mr_login_conf *conf, const struct mr_login_names *n, struct mr_arena *arena,
		       struct mr_distinct_item *out);
size_t mr_login_succeeded(const struct mr_login_conf *conf, const struct mr_login_names *n, struct mr_arena *arena,
			  struct mr_distinct_item *out);

struct mr_login_answer {
	bool reject;
	uint64_t seconds;    /* of delay; of a rejection: until there is room again */
	const char *reason;  /* one word for the log; NULL: nothing against it */
	uint64_t count, max; /* of what gave the reason */
};
struct mr_login_answer mr_login_decide(const struct mr_login_conf *conf, const struct mr_distincts *known,
				       const struct mr_distinct_item *items, size_t n, const struct mr_distincts *taken);

/* login-check.c */
#define MR_LOGIN_KEY_MAX 1024
int mr_login_key(const struct mr_conf_shared *shared, struct mr_buf *key, struct mr_diag *diag); /* to be wiped */
/* What login_listen needs, where it is set. */
int mr_login_validate(const struct mr_conf_shared *shared, struct mr_diag *diag);
/* For --check: one report to it that counts for nothing; adds "ok login" or "failed login: why"; 0 or 1. Nothing where it is not
 * configured. */
int mr_login_check_line(const struct mr_conf_shared *shared, struct mr_buf *out);

/* login.c. *out is NULL where it is not. */
int mr_login_new(struct mr_policyd *p, struct mr_login **out, struct mr_diag *diag);
void mr_login_drain(struct mr_login *l);
size_t mr_login_pending(const struct mr_login *l);
void mr_login_stop(struct mr_login *l); /* closes all connections, before the store is freed; free comes after it */
void mr_login_free(struct mr_login *l);
