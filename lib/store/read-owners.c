/* Which addresses have something beside or instead of a mailbox. */
#include "store/read.h"

/* ours */
#include "store/query.h"

static const char *const statements[MR_OWNED] = {
	[MR_OWNED_ALIAS] = MR_CURRENT "SELECT DISTINCT address FROM v_alias LIMIT ?",
	[MR_OWNED_PATTERN] = MR_CURRENT "SELECT DISTINCT owner FROM v_list WHERE scope = 'user' LIMIT ?",
	[MR_OWNED_LIMIT] = MR_CURRENT "SELECT DISTINCT owner FROM v_limit WHERE level = 'user' LIMIT ?",
};

int mr_read_owners(struct mr_db *db, enum mr_owned what, unsigned limit, struct mr_arena *arena, char ***out, size_t *n,
		   struct mr_diag *diag)
{
	struct mr_rows rows;
	int r = mr_query(db, statements[what], MR_PARAMS(mr_num(limit)), arena, &rows, diag);

	if (r < 0)
		return r;
	*out = rows.cells;
	*n = rows.n;
	return 0;
}
