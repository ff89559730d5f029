/* hostd: what may be asked for, and the pure parts of it. */
#pragma once
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "proto/control.h"

enum mr_hostd_job { MR_HOSTD_KICK, MR_HOSTD_LIST, MR_HOSTD_CHANGE };

/* A row of the table of all that can be asked for. */
struct mr_hostd_verb {
	const char *name;
	enum { MR_HOSTD_IDS, MR_HOSTD_ADDRESS, MR_HOSTD_MAYBE_ADDRESS } takes;
	enum mr_hostd_job job;
	const char *action; /* of a change: the option of postsuper(1) */
	bool revoking;      /* who may only revoke may ask for it */
};

struct mr_hostd_request {
	const struct mr_hostd_verb *verb;
	const char *address; /* lower case, of the strict form for accounts; NULL: none was given, or ids were */
	struct mr_buf ids;   /* queue ids, a line each; the caller's to free */
};
#define MR_HOSTD_ID_MIN 6
#define MR_HOSTD_ID_MAX 32

/* -EINVAL with the reason for what is not exactly a request of ours. */
int mr_hostd_parse(const struct mr_control_request *r, struct mr_arena *arena, struct mr_hostd_request *out, struct mr_diag *diag);

/* What becomes of each line that a program prints; the second argument is what the line is counted or added to. */

/* Of `postqueue -j`: picks messages. What was cut off is missed only of whole lines. */
struct mr_hostd_pick {
	const char *sender; /* with any extension; NULL: all */
	char delimiter;
	enum { MR_HOSTD_ANY_QUEUE, MR_HOSTD_ON_HOLD, MR_HOSTD_NOT_ON_HOLD } where;
	bool whole_lines; /* else the ids, a line each */
	struct mr_buf *out;
};
void mr_hostd_pick(struct mr_slice line, void *pick);
/* Of postsuper: its sum, "postsuper: Placed on hold: 3 messages"; what was there stays after any other line. */
void mr_hostd_changed(struct mr_slice line, void *u64);
/* Of `doveadm kick`. */
struct mr_hostd_kicked {
	uint64_t sessions;
	bool nobody;
};
void mr_hostd_kicked(struct mr_slice line, void *kicked);
