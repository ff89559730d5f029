/* Relay hosts, for lookup and for lists. */
#include "store/read.h"

/* system */
#include <errno.h>

/* ours */
#include "store/list.h"
#include "store/query.h"

static struct mr_row_relay relay_of(const struct mr_rows *rows, size_t row)
{
	return (struct mr_row_relay){
		.owner = mr_cell(rows, row, 0),
		.nexthop = mr_cell(rows, row, 1),
		.username = mr_cell_text(rows, row, 2),
		.sealed = mr_cell_text(rows, row, 3),
	};
}

int mr_read_relay(struct mr_db *db, const char *owner, struct mr_arena *arena, struct mr_row_relay *out, struct mr_diag *diag)
{
	struct mr_rows rows;
	int r = mr_query(db, MR_CURRENT "SELECT owner, nexthop, username, sealed_password FROM v_relay WHERE owner = ?",
			 MR_PARAMS(mr_text(owner)), arena, &rows, diag);

	if (r == 0 && rows.n == 0)
		r = -ENOENT;
	if (r == 0)
		*out = relay_of(&rows, 0);
	return r;
}

const char *mr_relay_purpose(const char *owner, const char *nexthop, struct mr_arena *arena)
{
	return mr_arena_printf(arena, "relay:%s:%s", owner, nexthop);
}

int mr_list_relays(struct mr_db *db, const char *owner, struct mr_arena *arena, struct mr_row_relay **out, size_t *n, struct mr_diag *diag)
{
	struct mr_row_relay *v;
	struct mr_rows rows;
	int r = mr_query(db,
			 "SELECT IF(owner = '', 'default', owner) AS name, nexthop, username, sealed_password FROM v_relay "
			 "WHERE ? IS NULL OR owner = IF(? = 'default', '', ?) ORDER BY owner LIKE '%@%', owner",
			 MR_PARAMS(mr_text(owner), mr_text(owner), mr_text(owner)), arena, &rows, diag);

	if (r < 0)
		return r;
	v = mr_arena_alloc(arena, (rows.n + 1) * sizeof *v);
	for (size_t i = 0; i < rows.n; i++)
		v[i] = relay_of(&rows, i);
	*out = v;
	*n = rows.n;
	return 0;
}
