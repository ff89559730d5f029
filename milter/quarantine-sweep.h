/* quarantine-sweep: the quarantine's bounds: entries that are older than they are kept go, then the oldest until the rest fits. On the
 * loop, a few files at a time, once a minute. Entries that somebody works on wait for the next time. */
#pragma once
#include "rt/loop.h"

struct mr_quarantine_sweep;
struct mr_quarantine_bounds {
	uint64_t keep_ms;
	uint64_t bytes_max; /* of all messages */
};
struct mr_quarantine_sweep *mr_quarantine_sweep_new(struct mr_loop *l, const char *dir, const struct mr_quarantine_bounds *b);
void mr_quarantine_sweep_reload(struct mr_quarantine_sweep *s, const struct mr_quarantine_bounds *b);
void mr_quarantine_sweep_free(struct mr_quarantine_sweep *s); /* NULL is fine */
