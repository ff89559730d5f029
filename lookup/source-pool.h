/* source-pool: inside of the source over store's pool, shared by the files source*.c only. */
#pragma once
#include "source.h"
#include "store/line.h"

struct pool_source {
	struct mr_source source; /* first */
	struct mr_loop *loop;
	struct mr_db_pool *pool;
	struct mr_line *lines[2]; /* by which reads go that were gathered; the pool's threads help out */
	struct batch *gathered;   /* reads not given to the pool yet; NULL = none */
	struct mr_timer *timer;   /* one of these gives them */
	struct mr_later turn_ends;
	unsigned under_way; /* statements of gathered reads that the pool has */
	unsigned at_once;   /* so many at most, unless a batch is full */
	struct view_job *views_waiting;
	size_t n_views_waiting;
	unsigned views_under_way;
	uint64_t view_said_ms; /* when a view that cannot be read was named in the log last, 0 = never */
};

/* A mailbox or an alias. */
int pool_read_address(struct pool_source *s, const struct mr_source_row *r);
int pool_read_owners(struct mr_source *s, const struct mr_source_owners *r);
/* A row of a view of the site. */
int pool_read_view(struct pool_source *s, const struct mr_source_row *r);
/* The pool is gone: what was gathered or waits has failed. */
void pool_addresses_end(struct pool_source *s);
void pool_views_end(struct pool_source *s);
