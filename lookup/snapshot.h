/* snapshot: the rows on disk, so that a lookup that starts while the database is away knows what the one before it knew. FILE is written
 * every interval and at the end, in slices on the loop whose bytes go to disk on the pool's threads; FILE.dropped is the journal of what
 * was dropped, and expected of servers, since FILE was begun, written before anybody is told that a change has been applied. Loaded rows
 * are stale until the change log has been read from where FILE was begun. Loop thread only. The files hold password hashes: mode 0600. */
#pragma once
#include "changes.h"
#include "store/db.h"

struct mr_snapshot;
struct mr_snapshot_config {
	const char *path, *database;  /* copied; database: which one the rows are of */
	uint64_t interval_ms, age_ms; /* how often; an older file is not used */
	struct mr_db_pool *pool;      /* NULL: the loop writes */
	struct mr_rows *rows;
	struct mr_changes *changes;
};
/* Loads what there is. Without an interval the files are removed. */
struct mr_snapshot *mr_snapshot_new(struct mr_loop *l, const struct mr_snapshot_config *c);
/* After the pool. Writes once more. */
void mr_snapshot_free(struct mr_snapshot *s);
