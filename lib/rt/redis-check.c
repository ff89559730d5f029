/* redis-check: Redis told one thing, blocking, for `--check` and the verbs */

/* system */
#include <errno.h>
#include <stdlib.h>

/* libraries */
#include <hiredis/hiredis.h>

/* ours */
#include "base/mem.h"
#include "rt/file.h"
#include "rt/redis-link.h"
#include "rt/redis.h"

#define CHECK_MS 3000

/* 0, or -EAGAIN with what Redis or the connection said. */
static int ask(redisContext *rc, int argc, const char **argv, struct mr_diag *diag)
{
	redisReply *reply = redisCommandArgv(rc, argc, argv, NULL);
	bool late = !reply && rc->err == REDIS_ERR_IO && errno == EAGAIN;
	int r = 0;

	if (!reply)
		r = mr_diag_set(diag, -EAGAIN, "%s", late ? "no answer" : rc->errstr);
	else if (reply->type == REDIS_REPLY_ERROR)
		r = mr_diag_set(diag, -EAGAIN, "%s", reply->str);
	if (reply)
		freeReplyObject(reply);
	return r;
}

static int log_in(redisContext *rc, const struct mr_redis_config *c, struct mr_diag *diag)
{
	struct mr_buf password = MR_BUF(1024);
	const char *argv[3] = { "AUTH" };
	int argc = 1, r = mr_file_secret(c->password_file, &password, diag);

	if (c->user[0])
		argv[argc++] = c->user;
	argv[argc++] = password.p;
	if (r == 0)
		r = mr_diag_about(diag, ask(rc, argc, argv, diag), c->socket[0] ? c->socket : c->address);
	mr_wipe(password.p, password.cap);
	mr_buf_done(&password);
	return r;
}

static int once(const struct mr_redis_config *c, uint64_t timeout_ms, int argc, const char **argv, struct mr_diag *diag)
{
	const struct timeval wait = { .tv_sec = (time_t)(timeout_ms / 1000), .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000) };
	struct redis_place place;
	redisContext *rc;
	int r = redis_place(c, &place, diag);

	if (r < 0)
		return r;
	rc = place.port ? redisConnectWithTimeout(place.host, place.port, wait) : redisConnectUnixWithTimeout(place.shown, wait);
	if (!rc)
		return mr_diag_set(diag, -ENOMEM, "%s: no memory", place.shown);
	if (rc->err)
		r = mr_diag_set(diag, -EAGAIN, "%s: %s", place.shown, rc->errstr);
	else
		redisSetTimeout(rc, wait);
	if (r == 0 && c->password_file[0])
		r = log_in(rc, c, diag);
	if (r == 0)
		r = mr_diag_about(diag, ask(rc, argc, argv, diag), place.shown);
	redisFree(rc);
	return r;
}

int mr_redis_check(const struct mr_redis_config *c, uint64_t timeout_ms, struct mr_diag *diag)
{
	const char *ping[] = { "PING" };

	return once(c, timeout_ms, 1, ping, diag);
}

int mr_redis_check_line(const struct mr_conf_shared *c, struct mr_buf *out)
{
	const struct mr_redis_config conf = mr_redis_config(c);
	struct mr_diag diag = { 0 };
	int r = mr_redis_wanted(&conf) ? mr_redis_check(&conf, CHECK_MS, &diag) : 0;

	if (r < 0)
		mr_buf_printf(out, "failed redis: %s\n", diag.text);
	else if (mr_redis_wanted(&conf))
		mr_buf_puts(out, "ok redis\n");
	return r < 0 ? 1 : 0;
}

int mr_redis_publish(const struct mr_redis_config *c, uint64_t timeout_ms, const char *channel, const char *payload, struct mr_diag *diag)
{
	const char *publish[] = { "PUBLISH", channel, payload };

	return once(c, timeout_ms, 3, publish, diag);
}
