/* check: asks each back end once, for `mailreeve-lookup --check`. */
#include "lookup.h"

/* system */
#include <errno.h>

#define REDIS_MS 3000

static int check_database(const struct mr_conf_shared *c, struct mr_buf *out)
{
	struct mr_diag diag = { 0 };
	struct mr_db *db = NULL;
	int err = mr_db_open(c, &db, &diag);

	if (err == 0)
		err = mr_db_check_schema(db, &diag);
	mr_db_close(db);
	if (err == 0)
		mr_buf_puts(out, "ok database\n");
	else
		mr_buf_printf(out, "failed database: %s\n", diag.text);
	return err ? 1 : 0;
}

struct ping {
	struct mr_loop *loop;
	struct mr_buf *out;
	int code;
};

static void on_pong(const struct mr_redis_reply *r, void *arg)
{
	struct ping *p = arg;

	p->code = r->ok ? 0 : 1;
	if (r->ok)
		mr_buf_puts(p->out, "ok redis\n");
	else
		mr_buf_printf(p->out, "failed redis: %.*s\n", (int)r->text.n, r->text.p);
	mr_loop_stop(p->loop);
}

static int check_redis(const struct mr_conf_shared *c, struct mr_buf *out)
{
	const struct mr_redis_config conf = { c->redis_socket, c->redis_user, c->redis_password_file };
	const struct mr_slice argv[] = { MR_LIT("PING") };
	struct ping p = { .loop = mr_loop_new(), .out = out, .code = 1 };
	struct mr_diag diag = { 0 };
	struct mr_redis *redis = NULL;

	if (mr_redis_new(p.loop, &conf, &redis, &diag) == 0) {
		mr_redis_command(redis, REDIS_MS, on_pong, &p, 1, argv);
		mr_loop_run(p.loop);
	} else {
		mr_buf_printf(out, "failed redis: %s\n", diag.text);
	}
	mr_redis_free(redis);
	mr_loop_free(p.loop);
	return p.code;
}

int mr_lookup_check(const void *conf, struct mr_buf *out)
{
	const struct mr_conf_shared *c = conf;
	int failed = check_database(c, out);

	if (c->redis_socket[0] != '\0')
		failed |= check_redis(c, out);
	return failed;
}
