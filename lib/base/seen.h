/* seen: which different members were seen under a key within the last `window`, in this process: 64-bit hashes of them, with the time.
 * Bounded: past keys_max keys or members_max members of all, keys that were longest not added to are forgotten, past `max` members of a
 * key its oldest. */
#pragma once
#include <stdint.h>
#include "base/slice.h"

struct mr_seen;
struct mr_seen_state {
	uint64_t count;  /* members */
	bool has;        /* this one is among them */
	uint64_t oldest; /* ms since the oldest was seen; 0 without any */
};

struct mr_seen *mr_seen_new(size_t keys_max, size_t members_max);
void mr_seen_free(struct mr_seen *s); /* NULL is fine */

/* now and window in ms, of one clock; a key has always the same window. */
struct mr_seen_state mr_seen_look(struct mr_seen *s, struct mr_slice key, struct mr_slice member, uint64_t window, uint64_t now);
/* A member that is there already is younger afterwards if `again`, else as old as before. */
void mr_seen_add(struct mr_seen *s, struct mr_slice key, struct mr_slice member, uint64_t now, uint64_t max, bool again);
void mr_seen_drop(struct mr_seen *s, struct mr_slice key, struct mr_slice member);
void mr_seen_clear(struct mr_seen *s, struct mr_slice key);
