/* hostd: what may be asked for, and the pure parts of it. */
#pragma once
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "proto/control.h"

enum mr_hostd_job { MR_HOSTD_KICK, MR_HOSTD_SESSIONS, MR_HOSTD_LIST, MR_HOSTD_CHANGE };

/* A row of the table of all that can be asked for. */
struct mr_hostd_verb {
	const char *name;
	enum { MR_HOSTD_NOTHING, MR_HOSTD_IDS, MR_HOSTD_ADDRESS, MR_HOSTD_MAYBE_ADDRESS } takes;
	enum mr_hostd_job job;
	const char *action; /* option of postsuper(1): of a change; of a list: that it is for. NULL: any */
	bool revoking;      /* who may only revoke may ask for it */
};

struct mr_hostd_request {
	const struct mr_hostd_verb *verb;
	const char *address; /* lower case, of the strict form for accounts; NULL: none was given, or ids were */
	const char *from;    /* id of the message from which on log-ins are looked at; NULL: all */
	struct mr_buf ids;   /* queue ids, a line each; the caller's to free */
};
#define MR_HOSTD_ID_MIN 6
#define MR_HOSTD_ID_MAX 32

/* -EINVAL with the reason for what is not exactly a request of ours. */
int mr_hostd_parse(const struct mr_control_request *r, struct mr_arena *arena, struct mr_hostd_request *out, struct mr_diag *diag);

/* What becomes of each line that a program prints; the second argument is what the line is counted or added to. */

/* Of `postqueue -j`: picks messages. What was cut off is missed only of whole lines. */
struct mr_hostd_set;
struct mr_hostd_pick {
	const char *sender; /* with any extension; NULL: all */
	char delimiter;
	enum { MR_HOSTD_ANY_QUEUE, MR_HOSTD_ON_HOLD, MR_HOSTD_NOT_ON_HOLD } where;
	bool whole_lines;                /* else the ids, a line each */
	struct mr_buf *out;              /* NULL: what the sender has there is not wanted */
	struct mr_buf *others;           /* may be NULL: takes the ids of what another sender has there, whole lines of them, if not all */
	const struct mr_hostd_set *only; /* may be NULL: nothing but these ids */
};
void mr_hostd_pick(struct mr_slice line, void *pick);
/* ids: a line each. It lives in the arena. */
const struct mr_hostd_set *mr_hostd_set(struct mr_slice ids, struct mr_arena *arena);
/* These ids, a line each, in order and from that one on (NULL: all). It lives in the arena. */
struct mr_slice mr_hostd_from(struct mr_slice ids, const char *from, struct mr_arena *arena);
/* Of `postcat -e -q ID...`: picks messages that came with a log-in, whatever sender they name (Postfix keeps it beside the envelope). */
struct mr_hostd_logins {
	const char *login;    /* in any case */
	struct mr_slice rest; /* ids that were asked for, a line each; without those that it has come to */
	struct mr_slice id;   /* the last of those */
	bool within;          /* not yet at its end */
	struct mr_buf *out;   /* ids, a line each */
};
void mr_hostd_logins(struct mr_slice line, void *logins);
/* Of postsuper: its sum, "postsuper: Placed on hold: 3 messages"; what was there stays after any other line. */
void mr_hostd_changed(struct mr_slice line, void *u64);
/* Of `doveadm -f tab who`: adds the user, a line each, if it is an account of the strict form. */
void mr_hostd_session(struct mr_slice line, void *buf);
/* Of `doveadm kick`. */
struct mr_hostd_kicked {
	uint64_t sessions;
	bool nobody;
};
void mr_hostd_kicked(struct mr_slice line, void *kicked);
