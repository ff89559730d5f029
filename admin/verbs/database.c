/* The verbs' connection to the database, and the wake-up for lookup. */
#include "database.h"

/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "rt/log.h"
#include "rt/loop.h"
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
	int r = mr_db_open(&c, &db, diag);

	if (r == 0)
		r = mr_db_check_schema(db, diag);
	if (r == 0)
		*out = db;
	else
		mr_db_close(db);
	return r;
}

static void stop(void *loop)
{
	mr_loop_stop(loop);
}

static void published(const struct mr_redis_reply *reply, void *loop)
{
	mr_loop_stop(loop);
}

void verbs_wake(const struct verbs_conf *conf)
{
	const struct mr_redis_config c = { conf->shared.redis_socket, conf->shared.redis_user, conf->shared.redis_password_file };
	struct mr_buf channel = MR_BUF(CHANNEL_MAX);
	struct mr_redis *redis = NULL;
	struct mr_loop *loop;

	if (!*c.socket)
		return;
	mr_log_set_level(MR_LOG_ERROR); /* that it is away is for the caller to say, if at all */
	loop = mr_loop_new();
	mr_buf_printf(&channel, "%schanged", conf->shared.redis_prefix);
	if (mr_redis_new(loop, &c, &redis, NULL) == 0) {
		const struct mr_slice argv[] = { MR_LIT("PUBLISH"), mr_buf_slice(&channel), MR_LIT("1") };

		mr_redis_command(redis, WAKE_MS, published, loop, MR_COUNT(argv), argv);
		mr_timer_start(loop, 2 * WAKE_MS, stop, loop);
		mr_loop_run(loop);
	}
	mr_redis_free(redis);
	mr_loop_free(loop);
	mr_buf_done(&channel);
}
