/* check: asks each back end once, for `mailreeve-lookup --check`. */
#include "lookup.h"

/* system */
#include <errno.h>

/* Each view of the site is asked for a name that none has. */
static int check_views(struct mr_db *db, const struct mr_lookup_conf *c, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_site_view v;
	const char *value;
	int failed = 0;

	for (size_t i = 0; i < c->map_views.n; i++) {
		struct mr_diag diag = { 0 };
		int err = mr_site_view_parse(c->map_views.v[i], &v, &diag);
		if (err == 0)
			err = mr_read_view(db, v.view.p, "", arena, &value, &diag);
		if (err == 0 || err == -ENOENT)
			mr_buf_printf(out, "ok map %.*s\n", (int)v.map.n, v.map.p);
		else
			mr_buf_printf(out, "failed map %.*s: %s\n", (int)v.map.n, v.map.p, diag.text);
		failed |= err != 0 && err != -ENOENT;
	}
	return failed;
}

static int check_database(const struct mr_lookup_conf *c, struct mr_buf *out)
{
	struct mr_diag diag = { 0 };
	struct mr_db *db = NULL;
	int failed = 0, err = mr_db_open(&c->shared, MR_DB_READ, &db, &diag);

	if (err == 0)
		err = mr_db_check_schema(db, &diag);
	if (err == 0)
		mr_buf_puts(out, "ok database\n");
	else
		mr_buf_printf(out, "failed database: %s\n", diag.text);
	if (err == 0)
		failed = check_views(db, c, out);
	mr_db_close(db);
	return err ? 1 : failed;
}

int mr_lookup_check(const void *conf, struct mr_buf *out)
{
	const struct mr_lookup_conf *c = conf;
	int failed = check_database(c, out);

	return mr_redis_check_line(&c->shared, out) || failed;
}
