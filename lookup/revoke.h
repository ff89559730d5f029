/* revoke: what a change takes away from a user ends now, also what is under way on this host: the root helper is asked to drop the user's
 * sessions, and once more a second later (a log-in may have been on its way); of a locked user it also holds the queued messages. Each
 * host's lookup does this for its own host. Loop thread only. */
#pragma once
#include "rt/loop.h"
#include "store/read.h"

/* Changes older than that are not news: lookup begins with reading some of the past, and what ends by them ended then. Those are that came
 * while the change log could not be read. */
#define MR_REVOKE_AGE_MAX 600 /* seconds */

struct mr_revoke;
struct mr_revoke *mr_revoke_new(struct mr_loop *l, const char *hostd_socket);
void mr_revoke_free(struct mr_revoke *r); /* what has not been asked for yet is not */
/* A change of a mailbox that lookup has applied, before which the log was not read for so long: "lock" "disable" "password" "send-only"
 * "del" take something away. */
void mr_revoke_change(struct mr_revoke *r, const struct mr_change *change, uint64_t silent_ms);
/* All sessions of this user. */
void mr_revoke_sessions(struct mr_revoke *r, struct mr_slice address);
