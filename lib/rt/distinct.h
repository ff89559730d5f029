/* distinct: how many different members were seen under names within their windows, over all hosts that share a Redis: one script there, so
 * that looking and adding are one step, by Redis's own clock. In Redis a name is a sorted set of its members by time, never larger than
 * its `max`, which is gone a window after the last addition.
 *
 * Each process remembers, too, what it asked for itself: by that it answers while Redis is away, and a LOOK finds there what a Redis that
 * came back empty has lost. What it changed meanwhile it tells Redis from the next question on, in its order: a hundred kilobytes at the
 * most, the first ones. */
#pragma once
#include "rt/redis.h"

#define MR_DISTINCT_MAX 12 /* items of one question */

enum mr_distinct_op {
	MR_DISTINCT_LOOK,  /* changes nothing */
	MR_DISTINCT_TAKE,  /* adds the member unless it is there. If it is new and the name has `max` already, nothing is taken or noted */
	MR_DISTINCT_NOTE,  /* adds the member or makes it young again (one that is no older than a twelfth of the window is young); beyond
			    * `max` the oldest one goes */
	MR_DISTINCT_DROP,  /* forgets the member */
	MR_DISTINCT_CLEAR, /* forgets all of the name */
};
struct mr_distinct_item {
	struct mr_slice name, member;
	uint64_t window, max; /* ms; members */
	enum mr_distinct_op op;
};
struct mr_distincts {
	bool shared; /* Redis has told; else this process alone */
	size_t full; /* index of the first item with op TAKE that had no room; else the number of items */
	struct mr_distinct {
		uint64_t count;  /* members, before this question */
		bool has;        /* the member was among them */
		uint64_t oldest; /* ms since the oldest was seen; of what had no room only */
	} v[MR_DISTINCT_MAX];
};
typedef void mr_distinct_cb(const struct mr_distincts *d, void *arg);

struct mr_distinct_store;
/* redis may be NULL: this process alone. prefix: of the names in Redis. */
struct mr_distinct_store *mr_distinct_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix);
void mr_distinct_free(struct mr_distinct_store *s); /* after mr_redis_free(); open questions are dropped without a callback */
/* At most MR_DISTINCT_MAX items; names and members are copied. The callback comes later, exactly once, soon after timeout_ms at the
 * latest. */
void mr_distinct_ask(struct mr_distinct_store *s, uint64_t timeout_ms, const struct mr_distinct_item *v, size_t n, mr_distinct_cb *cb,
		     void *arg);
