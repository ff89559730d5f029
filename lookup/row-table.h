/* row-table: finds a row by the hash of its key: open addressing, so that a look touches one line of this table and the row itself; the
 * chains of uthash touch every row on the way. 16 bytes a place, at most two of three taken. Owns nothing. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mr_row_table {
	struct mr_row_place {
		void *item; /* NULL: free */
		uint64_t hash;
	} * v;
	size_t n, cap; /* cap: a power of two, or 0 */
};

/* The item with this hash that `is` the one; NULL: there is none. */
void *mr_row_table_find(const struct mr_row_table *t, uint64_t hash, bool (*is)(const void *item, const void *key), const void *key);
void mr_row_table_add(struct mr_row_table *t, uint64_t hash, void *item); /* that is not there yet */
void mr_row_table_del(struct mr_row_table *t, uint64_t hash, const void *item);
void mr_row_table_done(struct mr_row_table *t); /* the items are the caller's */
