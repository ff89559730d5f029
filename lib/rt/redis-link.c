/* redis-link: see redis-link.h. In hiredis 0.14 a context is freed by hiredis itself after its disconnect callback, and after its connect
 * callback that reports an error: our pointer is forgotten there. */

/* system */
#include <string.h>

/* libraries */
#include <hiredis/async.h>

/* ours */
#include "rt/log.h"
#include "rt/redis-link.h"

#define DELAY_FIRST 200  /* ms */
#define DELAY_MAX   5000 /* ms */
#define CONNECT_MS  5000 /* from connect to PONG */

static void connect_now(void *arg);

/* The context is gone or will be; the next attempt comes later. */
static void schedule(struct redis_link *l, const char *why)
{
	bool was_up = l->up;

	if (!l->lost_logged && !l->quiet)
		mr_log(MR_LOG_WARNING, "redis-lost", mr_s("server", l->place.shown), mr_s("reason", why));
	l->lost_logged = true;
	l->context = NULL;
	l->up = false;
	mr_timer_cancel(&l->timer);
	l->timer = mr_timer_start(l->loop, l->delay, connect_now, l);
	l->delay = l->delay * 2 < DELAY_MAX ? l->delay * 2 : DELAY_MAX;
	if (was_up && l->on_down)
		l->on_down(l);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct redis_link *l = ac->data;

	if (l)
		schedule(l, ac->errstr && ac->errstr[0] ? ac->errstr : "closed");
}

void redis_link_reset(struct redis_link *l, const char *why)
{
	redisAsyncContext *ac = l->context;

	if (!ac)
		return;
	ac->data = NULL; /* on_disconnect() has nothing to do any more */
	schedule(l, why);
	redisAsyncFree(ac); /* tells of the commands under way; who is told may send the next one, which must find the link down */
}

static void on_connect_late(void *arg)
{
	struct redis_link *l = arg;

	l->timer = NULL;
	redis_link_reset(l, "no answer");
}

static void on_pong(redisAsyncContext *ac, void *data, void *arg)
{
	struct redis_link *l = ac->data;
	redisReply *reply = data;

	if (!l || !reply) /* the connection is going: on_disconnect() follows */
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		if (!l->lost_logged && !l->quiet)
			mr_log(MR_LOG_WARNING, "redis-refused", mr_s("server", l->place.shown), mr_s("reason", reply->str));
		l->lost_logged = true;
		redisAsyncDisconnect(ac);
		return;
	}
	mr_timer_cancel(&l->timer);
	l->delay = DELAY_FIRST;
	l->up = true;
	l->lost_logged = false;
	if (!l->quiet)
		mr_log(MR_LOG_NOTICE, "redis-connected", mr_s("server", l->place.shown));
	if (l->on_up)
		l->on_up(l);
}

static void on_auth(redisAsyncContext *ac, void *data, void *arg)
{
	redisReply *reply = data;

	if (reply && reply->type == REDIS_REPLY_ERROR)
		on_pong(ac, data, arg);
}

/* --- hiredis on our loop: always ready to read, and the commands of a turn are sent together at its end, without waiting for the socket to
 * become writable, so that a command costs no more system calls than it must. */

static void on_io(int fd, int what, void *arg)
{
	struct redis_link *l = arg;
	redisAsyncContext *ac = l->context;

	if (ac && (what & MR_WRITE))
		redisAsyncHandleWrite(ac);
	if (ac && ac == l->context && (what & MR_READ))
		redisAsyncHandleRead(ac);
}

static void on_turn_ends(void *arg)
{
	struct redis_link *l = arg;

	if (!l->context)
		return;
	l->flushing = true;
	redisAsyncHandleWrite(l->context);
	l->flushing = false;
}

/* hiredis has something to send; or had, and could not send all of it. */
static void add_write(void *data)
{
	struct redis_link *l = data;

	if (l->up && !l->flushing)
		mr_later_start(l->loop, &l->flush);
	else
		mr_io_change(l->io, MR_READ | MR_WRITE);
}

static void del_write(void *data)
{
	struct redis_link *l = data;

	mr_io_change(l->io, MR_READ);
}

static void cleanup(void *data)
{
	struct redis_link *l = data;

	mr_io_cancel(&l->io);
	mr_later_cancel(l->loop, &l->flush);
}

static void attach(struct redis_link *l, redisAsyncContext *ac)
{
	l->flush = (struct mr_later){ .fn = on_turn_ends, .arg = l };
	l->io = mr_io_start(l->loop, ac->c.fd, MR_READ | MR_WRITE, on_io, l); /* writable: connected */
	ac->ev.addWrite = add_write;
	ac->ev.delWrite = del_write;
	ac->ev.cleanup = cleanup;
	ac->ev.data = l;
	ac->data = l;
	l->context = ac;
}

/* --- */

/* AUTH and PING in one go: what AUTH gets wrong, PING gets refused. */
static void greet(struct redis_link *l)
{
	const char *with_user[] = { "AUTH", l->user, l->password }, *without[] = { "AUTH", l->password }, *ping[] = { "PING" };

	if (l->password[0] && l->user[0])
		redisAsyncCommandArgv(l->context, on_auth, NULL, 3, with_user, NULL);
	else if (l->password[0])
		redisAsyncCommandArgv(l->context, on_auth, NULL, 2, without, NULL);
	redisAsyncCommandArgv(l->context, on_pong, NULL, 1, ping, NULL);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
	struct redis_link *l = ac->data;

	if (l && status != REDIS_OK)
		schedule(l, ac->errstr && ac->errstr[0] ? ac->errstr : "connect");
}

static void connect_now(void *arg)
{
	struct redis_link *l = arg;
	const struct redis_place *p = &l->place;
	redisAsyncContext *ac = p->port ? redisAsyncConnect(p->host, p->port) : redisAsyncConnectUnix(p->shown);

	l->timer = NULL;
	if (!ac || ac->err) {
		schedule(l, ac && ac->errstr && ac->errstr[0] ? ac->errstr : "out of memory");
		if (ac)
			redisAsyncFree(ac);
		return;
	}
	attach(l, ac);
	l->timer = mr_timer_start(l->loop, CONNECT_MS, on_connect_late, l);
	redisAsyncSetConnectCallback(ac, on_connect);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
	greet(l);
}

void redis_link_start(struct redis_link *l)
{
	l->delay = DELAY_FIRST;
	l->timer = mr_timer_start(l->loop, 0, connect_now, l);
}

void redis_link_stop(struct redis_link *l)
{
	redisAsyncContext *ac = l->context;

	mr_timer_cancel(&l->timer);
	l->context = NULL;
	l->up = false;
	if (!ac)
		return;
	ac->data = NULL;
	redisAsyncFree(ac);
}
