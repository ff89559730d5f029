/* snapshot-file: what a snapshot is in bytes: blocks, each its length, the SHA-256 of the rest and then a letter with what it says: one
 * 'H'ead, 'R'ows, one 'E'nd with their number. And the journal beside it: keys that were dropped since, and what was expected
 * of servers since, each with its length. Pure. */
#pragma once
#include "row-code.h"

struct mr_snapshot_head {
	char *database;             /* which one it is of */
	int64_t written;            /* seconds since 1970, when writing began */
	uint64_t floor;             /* changes up to here are in it */
	struct mr_db_expect expect; /* of servers */
};
struct mr_snapshot_row {
	struct mr_row_key key;
	int64_t read; /* seconds since 1970 */
	struct mr_row *row;
};

/* The program's version and the rows' layout are part of the head. */
void mr_snapshot_head_add(const struct mr_snapshot_head *h, struct mr_buf *out);
/* Rows are gathered in a payload (empty at first), and made into a block. */
void mr_snapshot_row_add(const struct mr_snapshot_row *r, struct mr_buf *payload);
void mr_snapshot_block_add(struct mr_slice payload, struct mr_buf *out);
void mr_snapshot_end_add(uint64_t rows, struct mr_buf *out);

/* Reads a whole file, twice if it is all right: `row` (may be NULL) is called for each row only when everything has been found in order,
 * and takes no reference. The head's texts are in the arena. 0, or -EINVAL with what is wrong. */
int mr_snapshot_read(struct mr_slice file, struct mr_arena *arena, struct mr_snapshot_head *head,
		     void (*row)(const struct mr_snapshot_row *r, void *arg), void *arg, struct mr_diag *diag);

/* A key; NULL: everything. */
void mr_journal_add(const struct mr_row_key *k, struct mr_buf *out);
void mr_journal_expect(const struct mr_db_expect *e, struct mr_buf *out);
/* *expect becomes the last one of it, and stays where there is none. -EINVAL: it is cut off, so keys may be missing. */
int mr_journal_read(struct mr_slice file, struct mr_db_expect *expect, void (*dropped)(const struct mr_row_key *k, void *arg), void *arg);
