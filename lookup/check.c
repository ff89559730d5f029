/* check: asks each back end once, for `mailreeve-lookup --check`. */
#include "lookup.h"

static int check_database(const struct mr_conf_shared *c, struct mr_buf *out)
{
	struct mr_diag diag = { 0 };
	struct mr_db *db = NULL;
	int err = mr_db_open(c, MR_DB_READ, &db, &diag);

	if (err == 0)
		err = mr_db_check_schema(db, &diag);
	mr_db_close(db);
	if (err == 0)
		mr_buf_puts(out, "ok database\n");
	else
		mr_buf_printf(out, "failed database: %s\n", diag.text);
	return err ? 1 : 0;
}

int mr_lookup_check(const void *conf, struct mr_buf *out)
{
	const struct mr_conf_shared *c = conf;
	int failed = check_database(c, out);

	return mr_redis_check_line(c, out) || failed;
}
