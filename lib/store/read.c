/* Rows through the views. */
#include "store/read.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/query.h"

#define KEYS_MAX MR_COUNT(((struct mr_row_domain *)NULL)->keys)

/* 0: an address, 1: a domain, 2: sub-domains, 3: everything. */
static int width(const char *pattern)
{
	struct mr_slice p = mr_slice_of(pattern);

	if (mr_slice_chr(p, '@') >= 0)
		return 0;
	return mr_slice_eq(p, MR_LIT("*")) ? 3 : p.n > 0 && p.p[0] == '.' ? 2 : 1;
}

static int narrow_first(const void *a, const void *b)
{
	const char *x = ((const struct mr_row_pattern *)a)->pattern, *y = ((const struct mr_row_pattern *)b)->pattern;
	size_t x_len = strlen(x), y_len = strlen(y);

	if (width(x) != width(y))
		return width(x) - width(y);
	return x_len != y_len ? (x_len < y_len) - (x_len > y_len) : strcmp(x, y);
}

void mr_patterns_sort(struct mr_row_pattern *patterns, size_t n)
{
	if (n > 1)
		qsort(patterns, n, sizeof(*patterns), narrow_first);
}

static void patterns_of(const struct mr_rows *rows, struct mr_arena *arena, struct mr_row_pattern **out, size_t *n)
{
	struct mr_row_pattern *p = mr_arena_alloc(arena, (rows->n + 1) * sizeof *p);

	for (size_t i = 0; i < rows->n; i++)
		p[i] = (struct mr_row_pattern){ .pattern = mr_cell(rows, i, 0), .allow = mr_cell_true(rows, i, 1) };
	mr_patterns_sort(p, rows->n);
	*out = p;
	*n = rows->n;
}

static int keys_of(struct mr_db *db, struct mr_row_domain *d, struct mr_arena *arena, struct mr_diag *diag)
{
	struct mr_rows rows;
	int r = mr_query(db, MR_CURRENT "SELECT selector, algorithm, sealed_key FROM v_dkim WHERE domain = ? ORDER BY selector",
			 MR_PARAMS(mr_text(d->name)), arena, &rows, diag);

	if (r < 0)
		return r;
	for (size_t i = 0; i < rows.n && i < KEYS_MAX; i++) {
		d->keys[i].selector = mr_cell(&rows, i, 0);
		d->keys[i].algorithm = mr_cell(&rows, i, 1);
		d->keys[i].sealed_key = mr_cell(&rows, i, 2);
		d->n_keys = i + 1;
	}
	return 0;
}

int mr_read_domain(struct mr_db *db, const char *name, struct mr_arena *arena, struct mr_row_domain *out, struct mr_diag *diag)
{
	struct mr_row_domain d = { 0 };
	struct mr_rows rows;
	int r = mr_query(db,
			 MR_CURRENT "SELECT name, enabled, dkim, " MR_LIMITS(
			     "domain", "name") ", alias_of, relay_to, relay_listed, " MR_THRESHOLD_COLUMNS " "
					       "FROM v_domain WHERE name = ?",
			 MR_PARAMS(mr_text(name)), arena, &rows, diag);

	if (r < 0)
		return r;
	if (rows.n == 0)
		return -ENOENT;
	d.name = mr_cell(&rows, 0, 0);
	d.enabled = mr_cell_true(&rows, 0, 1);
	d.dkim = mr_cell_true(&rows, 0, 2);
	d.limits = mr_cell_text(&rows, 0, 3);
	d.alias_of = mr_cell_text(&rows, 0, 4);
	d.relay_to = mr_cell_text(&rows, 0, 5);
	d.relay_listed = mr_cell_true(&rows, 0, 6);
	d.thresholds = mr_thresholds_of(&rows, 0, 7);
	r = keys_of(db, &d, arena, diag);
	if (r == 0)
		r = mr_query(db, MR_CURRENT "SELECT pattern, action = 'allow' FROM v_list WHERE scope = 'domain' AND owner = ?",
			     MR_PARAMS(mr_text(d.name)), arena, &rows, diag);
	if (r < 0)
		return r;
	patterns_of(&rows, arena, &d.patterns, &d.n_patterns);
	*out = d;
	return 0;
}

struct mr_thresholds mr_thresholds_of(const struct mr_rows *rows, size_t row, size_t first_column)
{
	struct mr_thresholds out;

	for (unsigned t = 0; t < MR_THRESHOLDS; t++)
		out.at[t] = mr_cell_score(rows, row, first_column + t);
	return out;
}

struct mr_row_mailbox mr_mailbox_of(const struct mr_rows *rows, size_t row)
{
	return (struct mr_row_mailbox){
		.address = mr_cell(rows, row, 0),
		.password = mr_cell(rows, row, 1),
		.enabled = mr_cell_true(rows, row, 2),
		.send_only = mr_cell_true(rows, row, 3),
		.quota_bytes = mr_cell_u64(rows, row, 4),
		.locked = mr_cell_true(rows, row, 5),
		.receive_only = mr_cell_true(rows, row, 6),
		.expires = mr_cell_i64(rows, row, 7),
		.thresholds = mr_thresholds_of(rows, row, 8),
	};
}

int mr_read_global_patterns(struct mr_db *db, struct mr_arena *arena, struct mr_row_pattern **out, size_t *n, struct mr_diag *diag)
{
	struct mr_rows rows;
	int r = mr_query(db, MR_CURRENT "SELECT pattern, action = 'allow' FROM v_list WHERE scope = 'global'", MR_NO_PARAMS, arena, &rows,
			 diag);

	if (r == 0)
		patterns_of(&rows, arena, out, n);
	return r;
}

int mr_read_global_limits(struct mr_db *db, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	struct mr_rows rows;
	int r = mr_query(db, MR_CURRENT "SELECT " MR_LIMITS("global", "''"), MR_NO_PARAMS, arena, &rows, diag);

	if (r == 0)
		*out = mr_cell_text(&rows, 0, 0);
	return r;
}

int mr_read_mailboxes(struct mr_db *db, const char *after, unsigned limit, struct mr_arena *arena, char ***out, size_t *n,
		      struct mr_diag *diag)
{
	struct mr_rows rows;
	int r = mr_query(db, "SELECT address FROM v_mailbox WHERE address > ? ORDER BY address LIMIT ?",
			 MR_PARAMS(mr_text(after), mr_num(limit)), arena, &rows, diag);

	if (r < 0)
		return r;
	*out = rows.cells;
	*n = rows.n;
	return 0;
}

int mr_read_fulfils(struct mr_db *db, const struct mr_db_expect *e, bool *yes, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db,
			 MR_CURRENT "SELECT COUNT(*), COALESCE(MAX(id = ? AND (? = '' OR (kind = ? AND name = ?))), 0), (SELECT "
				    "COALESCE(MIN(id), 0) > ? FROM v_change) "
				    "FROM v_change WHERE id BETWEEN ? AND ?",
			 MR_PARAMS(mr_num((int64_t)e->last), mr_text(e->kind), mr_text(e->kind), mr_text(e->key), mr_num((int64_t)e->last),
				   mr_num((int64_t)e->first), mr_num((int64_t)e->last)),
			 arena, &rows, diag);

	if (r == 0)
		*yes = (mr_cell_u64(&rows, 0, 0) >= e->n && mr_cell_true(&rows, 0, 1)) || mr_cell_true(&rows, 0, 2);
	return r;
}

int mr_read_changes(struct mr_db *db, uint64_t after, unsigned limit, struct mr_arena *arena, struct mr_change **out, size_t *n,
		    uint64_t *newest, struct mr_diag *diag)
{
	struct mr_change *changes = NULL;
	struct mr_rows top, rows = { 0 };
	int r = mr_query(db, "SELECT COALESCE(MAX(id), 0) FROM v_change", MR_NO_PARAMS, arena, &top, diag);

	if (r == 0 && limit && mr_cell_u64(&top, 0, 0) > after)
		r = mr_query(db, "SELECT id, kind, name, what, age FROM v_change WHERE id > ? ORDER BY id LIMIT ?",
			     MR_PARAMS(mr_num((int64_t)after), mr_num(limit)), arena, &rows, diag);
	if (r < 0)
		return r;
	changes = mr_arena_alloc(arena, (rows.n + 1) * sizeof *changes);
	for (size_t i = 0; i < rows.n; i++)
		changes[i] = (struct mr_change){
			.id = mr_cell_u64(&rows, i, 0),
			.kind = mr_cell(&rows, i, 1),
			.key = mr_cell(&rows, i, 2),
			.what = mr_cell(&rows, i, 3),
			.age = mr_cell_u64(&rows, i, 4),
		};
	*out = changes;
	*n = rows.n;
	*newest = mr_cell_u64(&top, 0, 0);
	return 0;
}

int mr_read_dkim_counts(struct mr_db *db, struct mr_dkim_counts *out, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(
	    db,
	    "SELECT COALESCE(SUM(state IN ('waiting', 'stored')), 0), COALESCE(SUM(state = 'signing' AND NOT seen), 0) FROM v_dkim_state",
	    MR_NO_PARAMS, arena, &rows, diag);

	if (r == 0)
		*out = (struct mr_dkim_counts){ .waiting = mr_cell_u64(&rows, 0, 0), .unseen = mr_cell_u64(&rows, 0, 1) };
	return r;
}
