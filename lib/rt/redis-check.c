/* redis-check: Redis asked by a program that may wait: verbs, and daemons at `--check` */

/* system */
#include <errno.h>
#include <stdlib.h>

/* libraries */
#include <hiredis/hiredis.h>

/* ours */
#include "base/arena.h"
#include "base/mem.h"
#include "rt/file.h"
#include "rt/redis-link.h"
#include "rt/redis.h"

#define CHECK_MS  3000
#define WORDS_MAX 16

struct mr_redis_session {
	redisContext *rc;
	redisReply *reply; /* the last one, whose texts the caller sees */
	char *shown;
};

int mr_redis_ask(struct mr_redis_session *s, size_t argc, const struct mr_slice *argv, struct mr_arena *arena, struct mr_redis_reply *out,
		 struct mr_diag *diag)
{
	const char *words[WORDS_MAX];
	size_t lengths[WORDS_MAX];
	struct mr_redis_reply reply = { 0 };
	bool late;

	for (size_t i = 0; i < argc && i < WORDS_MAX; i++) {
		words[i] = argv[i].p;
		lengths[i] = argv[i].n;
	}
	if (s->reply)
		freeReplyObject(s->reply);
	s->reply = s->rc->err || argc > WORDS_MAX ? NULL : redisCommandArgv(s->rc, (int)argc, words, lengths);
	late = !s->reply && s->rc->err == REDIS_ERR_IO && errno == EAGAIN;
	if (!s->reply)
		return mr_diag_set(diag, -EAGAIN, "%s: %s", s->shown, late ? "no answer" : s->rc->errstr);
	redis_reply_convert(s->reply, arena, 0, &reply);
	if (!reply.ok)
		return mr_diag_set(diag, -EAGAIN, "%s: %.*s", s->shown, (int)reply.text.n, reply.text.n ? reply.text.p : "");
	*out = reply;
	return 0;
}

static int log_in(struct mr_redis_session *s, const struct mr_redis_config *c, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf password = MR_BUF(1024);
	struct mr_slice argv[3] = { MR_LIT("AUTH") };
	struct mr_redis_reply reply;
	size_t argc = 1;
	int r = mr_file_secret(c->password_file, &password, diag);

	if (c->user[0])
		argv[argc++] = mr_slice_of(c->user);
	argv[argc++] = mr_buf_slice(&password);
	if (r == 0)
		r = mr_redis_ask(s, argc, argv, arena, &reply, diag);
	mr_wipe(password.p, password.cap);
	mr_buf_done(&password);
	return r;
}

int mr_redis_open(const struct mr_redis_config *c, uint64_t timeout_ms, struct mr_redis_session **out, struct mr_diag *diag)
{
	const struct timeval wait = { .tv_sec = (time_t)(timeout_ms / 1000), .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000) };
	struct mr_redis_session *s;
	struct redis_place place;
	int r = redis_place(c, &place, diag);

	if (r < 0)
		return r;
	s = mr_new(struct mr_redis_session, 1);
	s->shown = mr_strdup(place.shown);
	s->rc = place.port ? redisConnectWithTimeout(place.host, place.port, wait) : redisConnectUnixWithTimeout(place.shown, wait);
	if (!s->rc)
		r = mr_diag_set(diag, -ENOMEM, "%s: no memory", place.shown);
	else if (s->rc->err)
		r = mr_diag_set(diag, -EAGAIN, "%s: %s", place.shown, s->rc->errstr);
	else
		redisSetTimeout(s->rc, wait);
	if (r == 0 && c->password_file[0])
		r = log_in(s, c, diag);
	if (r == 0)
		*out = s;
	else
		mr_redis_close(s);
	return r;
}

void mr_redis_close(struct mr_redis_session *s)
{
	if (!s)
		return;
	if (s->reply)
		freeReplyObject(s->reply);
	if (s->rc)
		redisFree(s->rc);
	free(s->shown);
	free(s);
}

int mr_redis_check(const struct mr_redis_config *c, uint64_t timeout_ms, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_slice ping[] = { MR_LIT("PING") };
	struct mr_redis_session *s = NULL;
	struct mr_redis_reply reply;
	int r = mr_redis_open(c, timeout_ms, &s, diag);

	if (r == 0)
		r = mr_redis_ask(s, 1, ping, arena, &reply, diag);
	mr_redis_close(s);
	return r;
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
