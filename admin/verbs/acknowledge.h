/* acknowledge: asks every lookup whether it has done something, and waits for it: that of this host over its control socket, the others
 * over Redis (lookup/presence.h). */
#pragma once
#include "base/buf.h"
#include "options.h"

/* Wakes all lookups up for the change; waits at most so long for those that live. Adds to `missing` who has not applied it, "" when all
 * have. */
void acknowledge_change(const struct verbs_conf *conf, uint64_t change, uint64_t timeout_ms, struct mr_buf *missing);
/* Has all lookups read everything anew. Prints a line for each that has. */
void acknowledge_sync(const struct verbs_conf *conf, uint64_t timeout_ms, struct mr_buf *missing);
/* Has this host no longer expected. False: it was not. */
int acknowledge_forget(const struct verbs_conf *conf, const char *host, bool *was, struct mr_diag *diag);
