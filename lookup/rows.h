/* rows: the cache of rows. Answers are never kept, only rows, so one drop changes every answer that rests on them.
 *
 * - A row is fresh up to its age (negative ones have their own), as long as the change log is being read; while it is not, only as long as
 * the log may be late. Past that it is read again; the database being away, it is given out as stale up to stale_max.
 * - mr_rows_drop() forgets a row: it is never given out again. A read under way for it is overtaken: those who asked before get its result,
 * nobody keeps it, and whoever asks from now on starts another one.
 * - Reads are causal (source.h), so what is read after a drop has seen the change.
 * - Equal reads under way are one. Bounded: the row not used for longest goes first.
 * - Addresses next to one that is not in memory are read ahead (ahead.h) while there is room. What such a read brings is kept only if
 * nothing at all was dropped since it began; after one that failed or was slow there is none for a while.
 * - Where few have an alias, patterns or limits, all who have are known (owners.h), and of the others only the mailbox is read.
 *
 * Loop thread only. */
#pragma once
#include "source.h"

struct mr_rows;
struct mr_rows_config {
	size_t max;     /* rows */
	unsigned ahead; /* addresses read ahead in one step at most, 0 = none */
	uint64_t age_ms, negative_age_ms, stale_ms;
	uint64_t view_age_ms, view_negative_age_ms; /* of the site's views */
	uint64_t late_ms;                           /* how long the change log may go unread before rows count as past their age */
	struct mr_generation *generation;           /* raised at each drop, before it counts as done; NULL: nobody looks */
};

struct mr_rows *mr_rows_new(const struct mr_rows_config *c, struct mr_source *source);
void mr_rows_free(struct mr_rows *rows); /* after the source has called back for every read */
void mr_rows_configure(struct mr_rows *rows, const struct mr_rows_config *c);

/* FOUND, NONE or UNKNOWN. With `any`, rows past their age count, too; *stale tells. The row is the cache's: use it before the next call, or
 * take a reference. *stale may be NULL. */
enum mr_row_state mr_rows_get(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key, bool any, bool *stale, struct mr_row **row);

/* Is there one, fresh or not, that may be given out while the database is away? */
bool mr_rows_has(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key);

struct mr_row_wait {
	void (*done)(struct mr_row_wait *w, int err,
		     struct mr_row *row); /* on the loop, later, once; takes a reference if it keeps the row */
	struct mr_row_wait *next, *prev;
	struct mr_row_read *read;
};
/* 0, or -EAGAIN when no read could be started. */
int mr_rows_fetch(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key, struct mr_row_wait *w);
void mr_rows_cancel(struct mr_row_wait *w); /* fine when it is not waiting */

void mr_rows_drop(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key);
void mr_rows_drop_all(struct mr_rows *rows);
void mr_rows_verified(struct mr_rows *rows, uint64_t at_ms); /* the change log has been read as it was then */

/* For a snapshot. */
struct mr_rows_watch {
	/* Is told of each drop before it is done; key NULL: of everything. */
	void (*dropped)(const struct mr_row_key *k, void *arg);
	void *arg;
};
void mr_rows_watch(struct mr_rows *rows, const struct mr_rows_watch *w); /* copied */
/* Puts in a row that was read age_ms ago by a lookup before this one. It is not fresh until the change log has been read. False: there is
 * no room. */
bool mr_rows_put(struct mr_rows *rows, const struct mr_row_key *k, struct mr_row *row, uint64_t age_ms);
/* Goes over all rows, while they come and go: what is there all the time comes once. One walk at a time. */
void mr_rows_walk(struct mr_rows *rows);
struct mr_row *mr_rows_next(struct mr_rows *rows, struct mr_row_key *k, uint64_t *age_ms); /* NULL: the end */
size_t mr_rows_count(const struct mr_rows *rows);
