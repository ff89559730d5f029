/* ask: see ask.h */

/* system */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/sock.h"

#define LINE_MAX 4096 /* bytes of a question */

struct question {
	struct question *prev, *next;
	struct mr_asker *asker;
	int fd, err;
	struct mr_io *io;
	struct mr_timer *timer; /* its deadline, or its turn to be told */
	struct mr_buf out, in;
	size_t sent;
	void (*done)(int err, struct mr_slice text, void *arg);
	void *arg;
};

struct mr_asker {
	struct mr_loop *loop;
	char *path;
	unsigned open, open_max;
	size_t answer_max;
	struct question *questions;
};

static void forget(struct question *q)
{
	struct mr_asker *a = q->asker;

	mr_io_cancel(&q->io);
	mr_timer_cancel(&q->timer);
	if (q->fd >= 0)
		close(q->fd);
	mr_buf_done(&q->out);
	mr_buf_done(&q->in);
	DL_DELETE(a->questions, q);
	a->open--;
	free(q);
}

static void tell(struct question *q, int err, struct mr_slice text)
{
	void (*done)(int err, struct mr_slice text, void *arg) = q->done;
	void *arg = q->arg;
	struct mr_buf in = q->in; /* outlives the question: text may stand in it */

	q->in = (struct mr_buf){ 0 };
	forget(q);
	done(err, text, arg);
	mr_buf_done(&in);
}

/* All has come that will. */
static void conclude(struct question *q)
{
	struct mr_slice text = mr_slice_trim(mr_buf_slice(&q->in));
	struct mr_slice last = mr_slice_from(text, (size_t)(mr_slice_rchr(text, '\n') + 1));

	if (mr_slice_eq(last, MR_LIT("ok")))
		tell(q, 0, (struct mr_slice){ text.p, text.n - last.n });
	else if (mr_slice_starts(last, MR_LIT("error ")))
		tell(q, -EREMOTEIO, mr_slice_from(last, 6));
	else
		tell(q, -EPROTO, MR_LIT("no whole answer"));
}

static int talk(struct question *q)
{
	char *at;
	ssize_t n;

	while (q->sent < q->out.n) {
		n = send(q->fd, q->out.p + q->sent, q->out.n - q->sent, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		q->sent += (size_t)n;
	}
	mr_io_change(q->io, MR_READ);
	for (;;) {
		at = mr_buf_reserve(&q->in, 512);
		if (!at)
			return -EMSGSIZE;
		n = recv(q->fd, at, 512, 0);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n == 0)
			return 1;
		mr_buf_filled(&q->in, (size_t)n);
	}
}

static void on_io(int fd, int what, void *arg)
{
	struct question *q = arg;
	int r = talk(q);

	if (r > 0)
		conclude(q);
	else if (r < 0)
		tell(q, r, mr_slice_of(strerror(-r)));
}

static void on_timer(void *arg)
{
	struct question *q = arg;
	int err = q->err ? q->err : -ETIMEDOUT;

	q->timer = NULL;
	tell(q, err, mr_slice_of(strerror(-err)));
}

struct mr_asker *mr_asker_new(struct mr_loop *l, const char *path, unsigned open_max, size_t answer_max)
{
	struct mr_asker *a = mr_new(struct mr_asker, 1);

	a->loop = l;
	a->path = mr_strdup(path);
	a->open_max = open_max;
	a->answer_max = answer_max;
	return a;
}

void mr_asker_free(struct mr_asker *a)
{
	struct question *q, *next;

	if (!a)
		return;
	DL_FOREACH_SAFE (a->questions, q, next)
		forget(q);
	free(a->path);
	free(a);
}

void mr_asker_ask(struct mr_asker *a, const char *line, uint64_t ms, void (*done)(int err, struct mr_slice text, void *arg), void *arg)
{
	struct question *q = mr_new(struct question, 1);

	*q = (struct question){ .asker = a, .fd = -1, .in = MR_BUF(a->answer_max), .out = MR_BUF(LINE_MAX), .done = done, .arg = arg };
	DL_APPEND(a->questions, q);
	q->err = ++a->open > a->open_max ? -EBUSY : 0;
	if (!q->err && mr_buf_printf(&q->out, "%s\n", line) < 0)
		q->err = -EMSGSIZE;
	if (!q->err) {
		q->fd = mr_connect_unix(a->path);
		q->err = q->fd < 0 ? q->fd : 0;
	}
	if (q->fd >= 0)
		q->io = mr_io_start(a->loop, q->fd, MR_WRITE, on_io, q);
	q->timer = mr_timer_start(a->loop, q->err ? 0 : ms, on_timer, q);
}
