/* changes: follows the change log and drops from the cache what changed. Polled; a message on Redis only makes the next poll come at once.
 *
 * Ids become visible out of order (a transaction takes its id before it commits; the hosts of a cluster count apart), so each poll reads
 * again what was new during the last `overlap`, and an entry is applied the first time that it is seen. Loop thread only. */
#pragma once
#include "rows.h"

struct mr_changes;
struct mr_changes_config {
	uint64_t interval_ms, overlap_ms;
	uint64_t late_ms; /* after so long without a poll that worked, the log says so */
};
/* on_change (may be NULL) is told each entry applied; of an unknown kind none. */
struct mr_changes *mr_changes_new(struct mr_loop *l, const struct mr_changes_config *c, struct mr_rows *rows, struct mr_source *source,
				  void (*on_change)(enum mr_row_kind kind, const struct mr_change *change, void *arg), void *arg);
/* After the source has called back for every read. */
void mr_changes_free(struct mr_changes *c);
void mr_changes_configure(struct mr_changes *c, const struct mr_changes_config *conf);
void mr_changes_wake(struct mr_changes *c); /* poll now */
/* For a snapshot: where the log was read up to, with everything applied, and what is expected of servers; and to go on from there, so
 * long after it was written. */
void mr_changes_position(const struct mr_changes *c, uint64_t *floor, struct mr_db_expect *expect);
void mr_changes_resume(struct mr_changes *c, uint64_t floor, const struct mr_db_expect *expect, uint64_t age_ms);
/* Is told, in the same turn as the entries are applied, what is expected of servers from now on. */
void mr_changes_watch_expect(struct mr_changes *c, void (*told)(const struct mr_db_expect *e, void *arg), void *arg);
/* Has this entry been applied? One that became visible too late for the overlap is looked for from now on. */
bool mr_changes_applied(struct mr_changes *c, uint64_t id);
/* Forgets every row and all that is expected of servers, and reads the log anew, now. The number of the round that will have done so. */
uint64_t mr_changes_sync(struct mr_changes *c);
uint64_t mr_changes_rounds(const struct mr_changes *c); /* number of the newest round that worked */
/* Is told after each round that worked. */
void mr_changes_watch(struct mr_changes *c, void (*on_round)(void *arg), void *arg);
bool mr_changes_late(const struct mr_changes *c);
/* How long the log was not read before this round; after a start from a snapshot that time counts, too. What came meanwhile is news. */
uint64_t mr_changes_silent_ms(const struct mr_changes *c);
