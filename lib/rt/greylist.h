/* greylist: who was told to come again, and came. What is known of a triple (client network, sender, recipient's domain) and of a client is
 * kept in Redis, for all hosts that share it, by Redis's own clock; each process remembers what it was told and asks again only when that
 * may have changed: a triple that waits is asked about when it has waited long enough, one that has passed once an hour.
 *
 * While Redis is away, or where there is none, a process goes on by its own memory; what it learns alone Redis is told with the next
 * question about it. Bounded: past GREY_KEYS_MAX keys the one that was longest not asked about is forgotten. */
#pragma once
#include "rt/redis.h"

struct mr_greylist;

struct mr_grey_rules {
	uint64_t delay;        /* ms until a new triple may pass */
	uint64_t retry;        /* ms within which it must come again */
	uint64_t max_age;      /* ms after which who did not come any more is forgotten; of an hour at least */
	int64_t clients_after; /* triples that passed, at most one an hour counted, make their client known: it waits no more; 0: never */
};

struct mr_grey_triple {
	struct mr_slice client, sender, domain; /* as the caller makes them equal; each without NUL */
	bool learn_alone; /* a triple of which nothing is known while Redis is away: true learns it here, false answers UNKNOWN */
};

enum mr_grey {
	MR_GREY_PASS,
	MR_GREY_WAIT,
	MR_GREY_UNKNOWN, /* Redis is away */
};
struct mr_grey_answer {
	enum mr_grey kind;
	uint64_t left; /* WAIT: ms until it may pass */
};
typedef void mr_grey_cb(const struct mr_grey_answer *a, void *arg);

/* redis may be NULL: this process alone. prefix: of the names in Redis. */
struct mr_greylist *mr_greylist_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix);
void mr_greylist_free(struct mr_greylist *g); /* after mr_redis_free(); open questions are dropped without a callback */
/* The callback comes exactly once, from inside or soon after timeout_ms at the latest. */
void mr_greylist_ask(struct mr_greylist *g, const struct mr_grey_rules *rules, const struct mr_grey_triple *t, uint64_t timeout_ms,
		     mr_grey_cb *cb, void *arg);
