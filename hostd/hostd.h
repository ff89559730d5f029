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
	const char *address; /* of kick, hold-sender, release-sender: lower case, of the strict form for accounts */
	struct mr_buf ids;   /* of hold, release, delete: queue ids, a line each; the caller's to free */
};
#define MR_HOSTD_ID_MIN 6
#define MR_HOSTD_ID_MAX 32

/* -EINVAL with the reason for what is not exactly a request of ours. */
int mr_hostd_parse(const struct mr_control_request *r, struct mr_arena *arena, struct mr_hostd_request *out, struct mr_diag *diag);

/* Of `postqueue -j` the ids of messages of this sender, with any extension, that are (or are not) on hold, a line each; how many. */
size_t mr_hostd_ids_of(struct mr_slice listing, const char *sender, char delimiter, bool on_hold, struct mr_buf *ids);
/* The number in what postsuper reports at its end, "postsuper: Placed on hold: 3 messages"; 0 without such a line. */
uint64_t mr_hostd_changed(struct mr_slice said);
/* How many sessions doveadm kick says that it has dropped. */
size_t mr_hostd_kicked(struct mr_slice said);

/* tool.c. Runs argv[0], a path, with input (may be empty) as its standard input and takes what it prints, standard error included. 0, or
 * -errno with the reason: it cannot be run, prints too much, takes longer than ms (it is killed then), or its exit code is not 0. */
int mr_hostd_run(const char *const *argv, struct mr_slice input, uint64_t ms, struct mr_buf *out, struct mr_diag *diag);
