/* usage: how full mailboxes are, as Dovecot reported it last. In memory; a state file brings it over a restart, a Redis hash to other
 * hosts. Only addresses that exist are put in (session-usage.c sees to it; the hash holds what lookups put there), so it is bounded by
 * them. Loop thread only. */
#pragma once
#include "rt/redis.h"
#include "store/db.h"

struct mr_usage;
struct mr_usage_config {
	const char *path;         /* state file; "" = none */
	uint64_t interval_ms;     /* a change is in the file after so long */
	struct mr_db_pool *pool;  /* its threads write the file, so that the loop never waits for a disk; NULL: the loop writes */
	struct mr_redis *redis;   /* NULL = none */
	const char *redis_prefix; /* the hash is PREFIXusage: address → "BYTES MESSAGES" */
};
/* Reads the state file: a broken line in it is left out, no file is fine. */
struct mr_usage *mr_usage_new(struct mr_loop *l, const struct mr_usage_config *c);
/* After the pool and Redis, which may be working for it. Writes what is not in the file yet. */
void mr_usage_free(struct mr_usage *u);
uint64_t mr_usage_get(const struct mr_usage *u, struct mr_slice address); /* bytes, or MR_DIR_UNKNOWN */
void mr_usage_set(struct mr_usage *u, struct mr_slice address, uint64_t bytes, uint64_t messages);
/* Gives the hash what it has not, a page at a time. */
void mr_usage_share(struct mr_usage *u);
void mr_usage_forget(struct mr_usage *u, struct mr_slice address);
