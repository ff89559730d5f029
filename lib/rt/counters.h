/* counters: how much was counted under names within their windows, over all hosts that share a Redis: one script there, so that looking
 * and counting are one step, by Redis's own clock. A window is kept in 12 slots, as in base/tally.h: never more than `limit` is granted
 * within any stretch of a window's length, and what was granted counts at the latest a twelfth of a window longer.
 *
 * A busy name is not asked about each time: while less than half of its limit is used, Redis hands out a lot (base/stock.h) of at most a
 * sixteenth of what is left, which counts as used from then on and may be used up here for a second at the most, and never past the slot it
 * was taken in. What is left of it is given back. So the limit holds whatever becomes of the holder; one that dies costs what it held,
 * until the window is over. Nobody is refused for what others only hold: he waits for them to use it or give it back, 1.2 s at the most.
 *
 * While Redis is away each process counts by itself, from what Redis told it last. Then at most this happens: each host grants what the
 * others took since its own last question about the same name, and from then on what is left to all is granted by each host. What was
 * granted meanwhile is added with the next question about that name; where Redis lost its counts, also what was known before. A question
 * under way when the connection broke may count twice. */
#pragma once
#include "rt/redis.h"

#define MR_COUNTERS_MAX 32 /* names of one question */

struct mr_counters;
struct mr_count {
	struct mr_slice name;
	uint64_t window, limit; /* ms of MR_TALLY_SLOTS at least; at most this much */
	uint64_t n;             /* to be taken */
};
struct mr_counted {
	bool shared; /* Redis has told, now or when it handed out a lot; else this process alone */
	size_t full; /* index of the first count that has no room for n: nothing was taken; else the number of counts */
	bool first;  /* the first refusal of that count within its window */
	uint64_t totals[MR_COUNTERS_MAX]; /* of each count, before this question, as far as this process knows; with what others hold */
};
typedef void mr_counters_cb(const struct mr_counted *c, void *arg);

/* redis may be NULL: this process alone. prefix: of the names in Redis. */
struct mr_counters *mr_counters_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix);
void mr_counters_free(struct mr_counters *c); /* after mr_redis_free(); open questions are dropped without a callback */
/* take: takes n of all counts, or of none when one has no room. Else only looks. At most MR_COUNTERS_MAX counts; names and counts are
 * copied. True: *now is the answer already. Else the callback comes later, exactly once, soon after timeout_ms at the latest. */
bool mr_counters_ask(struct mr_counters *c, bool take, uint64_t timeout_ms, const struct mr_count *v, size_t n, struct mr_counted *now,
		     mr_counters_cb *cb, void *arg);
/* Before an orderly end, once nobody asks any more: gives back what is held. Under way as long as something is pending. */
void mr_counters_give_back(struct mr_counters *c);
size_t mr_counters_pending(const struct mr_counters *c);

/* What Redis has of one counter, for people. */
struct mr_counter {
	uint64_t total;            /* with what hosts hold */
	uint64_t more_ms, ends_ms; /* until the oldest of it, and all of it, is forgotten; 0 where there is none */
};
/* For a verb: looks and changes nothing. prefix, name and window as above. 0, or -EAGAIN with the reason. */
int mr_counter_read(struct mr_redis_session *s, const char *prefix, struct mr_slice name, uint64_t window, struct mr_counter *out,
		    struct mr_diag *diag);
