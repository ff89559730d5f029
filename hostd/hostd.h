/* hostd: what may be asked for, and the pure parts of it. */
#pragma once
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "proto/control.h"

enum mr_hostd_verb {
	MR_HOSTD_KICK,
	MR_HOSTD_LIST,
	MR_HOSTD_HOLD_SENDER,
	MR_HOSTD_RELEASE_SENDER,
	MR_HOSTD_HOLD,
	MR_HOSTD_RELEASE,
	MR_HOSTD_DELETE
};

struct mr_hostd_request {
	enum mr_hostd_verb verb;
	const char
	    *address; /* of kick, hold-sender, release-sender, and of list if it is given: lower case, of the strict form for accounts */
	struct mr_buf ids; /* of hold, release, delete: queue ids, a line each; the caller's to free */
};
#define MR_HOSTD_ID_MIN 6
#define MR_HOSTD_ID_MAX 32

/* -EINVAL with the reason for what is not exactly a request of ours. */
int mr_hostd_parse(const struct mr_control_request *r, struct mr_arena *arena, struct mr_hostd_request *out, struct mr_diag *diag);

/* Picks from what `postqueue -j` prints. */
struct mr_hostd_pick {
	const char *sender; /* with any extension; NULL: all */
	char delimiter;
	enum { MR_HOSTD_ANY_QUEUE, MR_HOSTD_ON_HOLD, MR_HOSTD_NOT_ON_HOLD } where;
	bool whole_lines; /* else the ids, a line each */
};
void mr_hostd_pick(struct mr_slice listing, const struct mr_hostd_pick *pick, struct mr_buf *out);
/* The number in what postsuper reports at its end, "postsuper: Placed on hold: 3 messages"; 0 without such a line. */
uint64_t mr_hostd_changed(struct mr_slice said);
/* How many sessions doveadm kick says that it has dropped. */
size_t mr_hostd_kicked(struct mr_slice said);
