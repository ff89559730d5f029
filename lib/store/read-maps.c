/* Rows of maps: the rules of one map, and a row of a view of the site's own. */
#include "store/read.h"

/* system */
#include <errno.h>
#include <pthread.h>
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "store/query.h"

int mr_read_rules(struct mr_db *db, const char *map, struct mr_arena *arena, struct mr_row_rules *out, struct mr_diag *diag)
{
	struct mr_row_rules found = { 0 };
	enum mr_rule_map m;
	struct mr_rows rows;

	if (!mr_rule_map_parse(map, &m))
		return -ENOENT;
	int r = mr_query(db, MR_CURRENT "SELECT pattern, value FROM v_rule WHERE map = ? LIMIT ?",
			 MR_PARAMS(mr_text(map), mr_num(MR_RULES_MAX + 1)), arena, &rows, diag);
	if (r < 0)
		return r;
	if (rows.n > MR_RULES_MAX)
		return mr_diag_set(diag, -EAGAIN, "there are more than %d rules of the map %s", MR_RULES_MAX, map);
	found.v = mr_arena_try(arena, (rows.n + 1) * sizeof(*found.v));
	if (found.v == NULL)
		return mr_diag_set(diag, -EAGAIN, "database: the answer is too large");
	for (size_t i = 0; i < rows.n; i++) {
		if (mr_rule_check(m, mr_cell_text(&rows, i, 0), mr_cell_text(&rows, i, 1), arena, &found.v[found.n], NULL) == 0)
			found.n++;
		else if (found.ignored++ == 0)
			found.first_ignored = mr_cell_text(&rows, i, 0);
	}
	mr_rules_sort(found.v, found.n);
	*out = found;
	return 0;
}

/* --- views of the site. A prepared statement is known by the address of its text, so a text lives as long as the process. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct view {
	char *name, *sql;
} views[MR_VIEWS_MAX];

bool mr_view_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return n > 0 && n <= 64 && name[n] == '\0' && !(name[0] >= '0' && name[0] <= '9');
}

static const char *view_sql(const char *name)
{
	const char *sql = NULL;
	size_t i = 0;

	pthread_mutex_lock(&lock);
	while (i < MR_VIEWS_MAX && views[i].name != NULL && strcmp(views[i].name, name) != 0)
		i++;
	if (i < MR_VIEWS_MAX && views[i].name == NULL) {
		struct mr_buf text = MR_BUF(256);
		mr_buf_printf(&text, MR_CURRENT "SELECT value FROM `%s` WHERE name = ? LIMIT %d", name, MR_VIEW_VALUES_MAX);
		views[i] = (struct view){ mr_strdup(name), mr_buf_steal(&text) };
	}
	if (i < MR_VIEWS_MAX)
		sql = views[i].sql;
	pthread_mutex_unlock(&lock);
	return sql;
}

int mr_read_view(struct mr_db *db, const char *view, const char *key, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	struct mr_buf list = MR_BUF(MR_VIEW_VALUE_MAX);
	const char *sql = mr_view_name_valid(view) ? view_sql(view) : NULL;
	struct mr_diag why = { 0 };
	struct mr_rows rows;
	bool full;

	if (sql == NULL)
		return mr_diag_set(diag, -EAGAIN, "%s: not the name of a view, or more than %d views since the start", view, MR_VIEWS_MAX);
	int r = mr_query(db, sql, MR_PARAMS(mr_text(key)), arena, &rows, &why);
	if (r == -EPROTO)
		return mr_diag_set(diag, r, "there is no view or table %s", view);
	if (r < 0)
		return mr_diag_set(diag, r, "view %s: %s", view, why.text);
	for (size_t i = 0; i < rows.n; i++) {
		mr_buf_puts(&list, list.n && *mr_cell_text(&rows, i, 0) ? ", " : "");
		mr_buf_puts(&list, mr_cell_text(&rows, i, 0));
	}
	full = list.full;
	char *text = mr_buf_steal(&list);
	if (full)
		r = mr_diag_set(diag, -EAGAIN, "view %s: the answer for %s is too long", view, key);
	else if (*text == '\0')
		r = -ENOENT;
	else
		*out = mr_arena_strdup(arena, text);
	free(text);
	return r;
}
