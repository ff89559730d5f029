/* The verbs' connection to the database, and the wake-up for lookup. */
#include "database.h"

/* ours */
#include "args.h"
#include "base/buf.h"
#include "rt/redis.h"

#define WAKE_MS     500
#define CHANNEL_MAX 256

struct mr_conf_shared verbs_database(const struct verbs_conf *conf)
{
	struct mr_conf_shared c = conf->shared;

	if (*conf->db_user) {
		c.db_user = conf->db_user;
		c.db_password_file = conf->db_password_file;
	}
	if (*conf->db_socket)
		c.db_socket = conf->db_socket;
	return c;
}

int verbs_open(const struct verbs_conf *conf, struct mr_db **out, struct mr_diag *diag)
{
	struct mr_conf_shared c = verbs_database(conf);
	struct mr_db *db = NULL;
	int r = mr_db_open(&c, MR_DB_WRITE, &db, diag);

	if (r == 0)
		r = mr_db_check_schema(db, diag);
	if (r == 0)
		*out = db;
	else
		mr_db_close(db);
	return r;
}

static void wake(const struct verbs_conf *conf)
{
	const struct mr_redis_config c = mr_redis_config(&conf->shared);
	struct mr_buf channel = MR_BUF(CHANNEL_MAX);

	if (!mr_redis_wanted(&c))
		return;
	mr_buf_printf(&channel, "%schanged", conf->shared.redis_prefix);
	mr_redis_publish(&c, WAKE_MS, channel.p, "1", NULL);
	mr_buf_done(&channel);
}

int verbs_changed(const struct verbs_conf *conf, int r, const struct mr_diag *diag)
{
	if (r < 0)
		return verb_failed(diag);
	wake(conf);
	return 0;
}
