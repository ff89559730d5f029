/* server: the clients of one service. A connection lives until it is closed and no request of it is held any more. */

/* system */
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/conn.h"
#include "rt/log.h"
#include "rt/server.h"

#define ACCEPTS_PER_TURN    32
#define ACCEPT_PAUSE_MS     200   /* out of descriptors: try again then */
#define REFUSED_LOG_MS      60000 /* "too many clients" and "accept-failed" at most that often */
#define REQUEST_DEFAULT_MS  30000
#define PENDING_DEFAULT_MAX 64

struct listener {
	struct listener *prev, *next;
	struct mr_server *server;
	struct mr_io *io;
	struct mr_timer *pause;
	int fd;
};

struct mr_server {
	struct mr_loop *loop;
	struct mr_server_ops ops;
	void *arg;
	struct listener *listeners;
	struct mr_conn *conns;
	size_t n_conns;
	bool draining;
	struct line {
		bool logged;
		uint64_t at; /* ms, of the last such line */
	} refused, failed;
};

struct mr_server *mr_server_new(struct mr_loop *l, const struct mr_server_ops *ops, void *arg)
{
	struct mr_server *s = mr_alloc(sizeof(*s));

	s->loop = l;
	s->ops = *ops;
	s->arg = arg;
	if (!s->ops.request_ms)
		s->ops.request_ms = REQUEST_DEFAULT_MS;
	if (!s->ops.pending_max)
		s->ops.pending_max = PENDING_DEFAULT_MAX;
	return s;
}

static void adopt(struct mr_server *s, int fd)
{
	struct mr_conn *c = mr_conn_new(s->loop, &s->ops, s->arg, fd);

	c->server = s;
	DL_APPEND(s->conns, c);
	s->n_conns++;
}

/* Whether it is time for that line again. */
static bool due(struct line *line)
{
	uint64_t now = mr_now_ms();

	if (line->logged && now - line->at < REFUSED_LOG_MS)
		return false;
	*line = (struct line){ .logged = true, .at = now };
	return true;
}

static void refuse(struct mr_server *s, int fd)
{
	close(fd);
	if (due(&s->refused))
		mr_log(MR_LOG_WARNING, "too-many-clients", mr_s("service", s->ops.name), mr_u("clients", s->n_conns));
}

static void on_listener(int fd, int what, void *arg);

static void resume(void *arg)
{
	struct listener *l = arg;

	l->pause = NULL;
	mr_io_change(l->io, MR_READ);
}

static void on_listener(int fd, int what, void *arg)
{
	struct listener *l = arg;
	struct mr_server *s = l->server;

	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (client < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
			if (due(&s->failed))
				mr_log(MR_LOG_WARNING, "accept-failed", mr_s("service", s->ops.name), mr_err("error", errno));
			mr_io_change(l->io, 0);
			l->pause = mr_timer_start(s->loop, ACCEPT_PAUSE_MS, resume, l);
		}
		if (client < 0)
			break;
		if (s->n_conns >= s->ops.clients_max) {
			refuse(s, client);
			continue;
		}
		adopt(s, client);
	}
}

void mr_server_forget(struct mr_server *s, struct mr_conn *c)
{
	DL_DELETE(s->conns, c);
	s->n_conns--;
}

bool mr_server_draining(const struct mr_server *s)
{
	return s->draining;
}

int mr_server_listen(struct mr_server *s, int fd)
{
	struct listener *l = mr_alloc(sizeof(*l));

	l->server = s;
	l->fd = fd;
	l->io = mr_io_start(s->loop, fd, MR_READ, on_listener, l);
	DL_APPEND(s->listeners, l);
	return 0;
}

void mr_server_stop_accepting(struct mr_server *s)
{
	struct listener *l, *next_l;
	struct mr_conn *c, *next_c;

	s->draining = true;
	DL_FOREACH_SAFE (s->listeners, l, next_l) {
		DL_DELETE(s->listeners, l);
		mr_io_cancel(&l->io);
		mr_timer_cancel(&l->pause);
		close(l->fd);
		free(l);
	}
	DL_FOREACH_SAFE (s->conns, c, next_c)
		mr_conn_settle(c);
}

size_t mr_server_pending(const struct mr_server *s)
{
	const struct mr_conn *c;
	size_t n = 0;

	DL_FOREACH (s->conns, c)
		n += c->held;
	return n;
}

size_t mr_server_clients(const struct mr_server *s)
{
	return s->n_conns;
}

void mr_server_free(struct mr_server *s)
{
	struct mr_conn *c, *next;

	if (!s)
		return;
	mr_server_stop_accepting(s);
	DL_FOREACH_SAFE (s->conns, c, next)
		mr_conn_abort(c);
	free(s);
}
