/* conn: one client of a server: bytes in, requests out of them, answers back, every one of these bounded. */

/* system */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "rt/conn.h"
#include "rt/log.h"

#define READ_CHUNK 16384
#define OUT_HIGH   (256 * 1024)       /* unsent bytes at which reading stops */
#define OUT_MAX    (16 * 1024 * 1024) /* unsent bytes at which the client is given up */

static void on_io(int fd, int what, void *arg);

struct mr_conn *mr_conn_new(struct mr_loop *l, const struct mr_server_ops *ops, void *arg, int fd)
{
	struct mr_conn *c = mr_alloc(sizeof(*c));

	c->loop = l;
	c->ops = *ops;
	c->arg = arg;
	c->fd = fd;
	c->in = MR_BUF(ops->request_max + READ_CHUNK);
	c->out = MR_BUF(OUT_MAX);
	c->io = mr_io_start(l, fd, MR_READ, on_io, c);
	return c;
}

static void destroy(struct mr_conn *c)
{
	if (c->ops.closed)
		c->ops.closed(c);
	mr_buf_done(&c->in);
	mr_buf_done(&c->out);
	free(c);
}

static void disconnect(struct mr_conn *c)
{
	if (c->fd < 0)
		return;
	mr_io_cancel(&c->io);
	mr_timer_cancel(&c->request);
	mr_timer_cancel(&c->unsent);
	close(c->fd);
	c->fd = -1;
	if (c->server)
		mr_server_forget(c->server, c);
	c->server = NULL;
}

static void on_unsent_late(void *arg);

static size_t unsent(const struct mr_conn *c)
{
	return c->out.n - c->sent;
}

static bool may_take(const struct mr_conn *c)
{
	return c->fd >= 0 && !c->closing && c->held < c->ops.pending_max && unsent(c) < OUT_HIGH;
}

/* Also while the requests that may be open are: what the client sends ahead waits in the buffer, and its going is noticed. */
static bool may_read(const struct mr_conn *c)
{
	return !c->eof && !c->closing && c->in.n <= c->ops.request_max && unsent(c) < OUT_HIGH;
}

/* Sends what the kernel takes. */
static void flush(struct mr_conn *c)
{
	while (c->fd >= 0 && unsent(c) > 0) {
		ssize_t n = send(c->fd, c->out.p + c->sent, unsent(c), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			disconnect(c);
			return;
		}
		c->sent += (size_t)n;
		mr_timer_cancel(&c->unsent);
	}
	if (unsent(c) == 0) {
		mr_buf_reset(&c->out);
		c->sent = 0;
	} else if (c->fd >= 0 && !c->unsent) {
		c->unsent = mr_timer_start(c->loop, c->ops.request_ms, on_unsent_late, c);
	}
}

static pid_t peer_pid(const struct mr_conn *c)
{
	struct ucred cred = { .pid = 0 };
	socklen_t n = sizeof(cred);

	if (c->fd >= 0)
		getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &n);
	return cred.pid;
}

/* The client broke a rule: what it was answered before still goes out, as far as it reads at once. */
static void reject(struct mr_conn *c, const char *why)
{
	mr_log(MR_LOG_NOTICE, "client-refused", mr_s("service", c->ops.name), mr_i("pid", peer_pid(c)), mr_s("reason", why));
	flush(c);
	disconnect(c);
}

static void on_request_late(void *arg)
{
	struct mr_conn *c = arg;

	c->request = NULL;
	reject(c, "request not complete in time");
	mr_conn_settle(c);
}

static void on_unsent_late(void *arg)
{
	struct mr_conn *c = arg;

	c->unsent = NULL;
	reject(c, "answers not read in time");
	mr_conn_settle(c);
}

/* Hands the bytes over, request by request, as long as another one may be open. */
static void take(struct mr_conn *c)
{
	size_t at = 0;
	ssize_t used = 0;

	c->depth++;
	while (may_take(c) && at < c->in.n) {
		used = c->ops.data(c, mr_slice_from(mr_buf_slice(&c->in), at));
		if (used <= 0)
			break;
		at += (size_t)used < c->in.n - at ? (size_t)used : c->in.n - at;
	}
	c->depth--;
	mr_buf_consume(&c->in, at);
	if (c->fd < 0)
		return;
	if (at > 0 || c->in.n == 0)
		mr_timer_cancel(&c->request);
	if (used < 0)
		reject(c, used == -EMSGSIZE ? "request too long" : "not the protocol");
	else if (used == 0 && c->in.n >= c->ops.request_max)
		reject(c, "request too long");
	else if (c->in.n > 0 && !c->request && may_take(c))
		c->request = mr_timer_start(c->loop, c->ops.request_ms, on_request_late, c);
}

/* What fits into the buffer, by way of a piece that need not be cleared for each read. */
static void fill(struct mr_conn *c)
{
	char chunk[READ_CHUNK];
	size_t room = c->in.max - c->in.n;
	ssize_t n;

	if (room == 0)
		return; /* full: a request is still to be taken */
	n = recv(c->fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk), 0);
	if (n > 0)
		mr_buf_add(&c->in, (struct mr_slice){ chunk, (size_t)n });
	else if (n == 0)
		c->eof = true;
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		disconnect(c);
}

static void on_io(int fd, int what, void *arg)
{
	struct mr_conn *c = arg;

	if (what & MR_WRITE)
		flush(c);
	if ((what & MR_READ) && c->fd >= 0 && !c->eof)
		fill(c);
	mr_conn_settle(c);
}

/* What was sent makes room for further requests, which make more to send. */
static void pump(struct mr_conn *c)
{
	size_t before;

	do {
		flush(c);
		before = c->in.n;
		if (before > 0 && may_take(c))
			take(c);
	} while (c->in.n < before && c->fd >= 0);
}

void mr_conn_settle(struct mr_conn *c)
{
	bool done;

	if (c->depth > 0)
		return;
	if (c->fd >= 0)
		pump(c);
	done = c->eof || c->closing || (c->server && mr_server_draining(c->server) && c->in.n == 0);
	if (c->fd >= 0 && done && c->held == 0 && unsent(c) == 0)
		disconnect(c);
	if (c->fd >= 0)
		mr_io_change(c->io, (may_read(c) ? MR_READ : 0) | (unsent(c) > 0 ? MR_WRITE : 0));
	else if (c->held == 0)
		destroy(c);
}

void mr_conn_abort(struct mr_conn *c)
{
	disconnect(c);
	mr_conn_settle(c);
}

void mr_conn_send(struct mr_conn *c, struct mr_slice bytes)
{
	if (c->fd < 0)
		return;
	if (c->sent > OUT_HIGH) {
		mr_buf_consume(&c->out, c->sent);
		c->sent = 0;
	}
	if (mr_buf_add(&c->out, bytes) < 0) {
		reject(c, "too many answers not read");
		return;
	}
	mr_conn_settle(c);
}

void mr_conn_close(struct mr_conn *c)
{
	c->closing = true;
	mr_conn_settle(c);
}

void mr_conn_hold(struct mr_conn *c)
{
	c->held++;
}

void mr_conn_release(struct mr_conn *c)
{
	c->held--;
	mr_conn_settle(c);
}

bool mr_conn_gone(struct mr_conn *c)
{
	return c->fd < 0;
}

void *mr_conn_arg(struct mr_conn *c)
{
	return c->arg;
}

void mr_conn_set(struct mr_conn *c, void *data)
{
	c->data = data;
}

void *mr_conn_get(struct mr_conn *c)
{
	return c->data;
}
