/* pool: see pool.h. Masters and their scanners are in pool-master.c; here tasks meet scanners. */

/* system */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "pool-private.h"
#include "rt/log.h"

#define READ_CHUNK 16384

static void dispatch(struct mr_pool *p);

/* Takes the scanner's task off it. */
static struct mr_pool_task *take_task(struct mr_scanner *s)
{
	struct mr_pool_task *t = s->task;

	s->task = NULL;
	if (t)
		t->scanner = NULL;
	return t;
}

/* The scanner is lost, and with it its task's scan. */
static void lost(struct mr_scanner *s, const char *why)
{
	struct mr_pool *p = s->master->pool;
	struct mr_pool_task *t = take_task(s);

	if (t)
		t->bystander = mr_master_gone(s->master);
	if (!s->ready)
		mr_pool_pause(p);
	if (t || !s->master->old)
		mr_log(MR_LOG_WARNING, "scanner-lost", mr_i("pid", s->pid), mr_s("why", why), mr_u("messages", s->messages));
	mr_scanner_free(s);
	if (t)
		t->done(t, NULL);
	dispatch(p);
}

static void finished(struct mr_scanner *s, const struct mr_scan_report *r)
{
	struct mr_pool *p = s->master->pool;
	struct mr_pool_task *t = take_task(s);

	s->messages++;
	/* One that did not wait for all its answers is not to be trusted with the next message. */
	if (s->master->old || s->messages >= p->config.messages_max || r->last || s->out.n)
		mr_scanner_free(s);
	t->done(t, r);
	dispatch(p);
}

static int read_some(struct mr_scanner *s)
{
	char chunk[READ_CHUNK]; /* of a buffer all room would be cleared for each read */
	ssize_t n = read(s->fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	return mr_buf_add(&s->in, (struct mr_slice){ chunk, (size_t)n }) < 0 ? -EMSGSIZE : 0;
}

/* One report, if it is there whole. A scanner without a task has nothing to say. 1 (s may be gone), 0, -errno. */
static int take_report(struct mr_scanner *s)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_report *report;
	struct mr_wire w;
	size_t used;
	int r = mr_wire_next(mr_buf_slice(&s->in), arena, &w, &used);

	if (r <= 0)
		return r;
	if (!s->ready && mr_scanwire_is_ready(&w)) {
		mr_buf_consume(&s->in, used);
		s->ready = true;
		s->master->unready--;
		dispatch(s->master->pool);
		return 1;
	}
	report = mr_arena_alloc(arena, sizeof(*report));
	if (!s->task || mr_scanwire_report_decode(&w, s->task->id, arena, report) < 0)
		return -EPROTO;
	mr_buf_consume(&s->in, used);
	if (!report->final) {
		s->task->questions(s->task, report);
		return 1;
	}
	if (s->in.n)
		return -EPROTO; /* nothing follows a result */
	finished(s, report);
	return 1;
}

void mr_scanner_flush(void *scanner)
{
	struct mr_scanner *s = scanner;

	while (s->out.n) {
		ssize_t n = send(s->fd, s->out.p, s->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			break; /* a dead scanner shows when it is read from */
		mr_buf_consume(&s->out, (size_t)n);
	}
	mr_io_change(s->io, s->out.n ? MR_READ | MR_WRITE : MR_READ);
}

void mr_scanner_event(int fd, int what, void *arg)
{
	struct mr_scanner *s = arg;
	int r;

	(void)fd;
	if (what & MR_WRITE)
		mr_scanner_flush(s);
	if (!(what & MR_READ))
		return;
	r = read_some(s);
	/* One report a round: the next one cannot be there before this one was answered. */
	if (r == 0)
		r = take_report(s);
	if (r < 0)
		lost(s, r == -EPIPE ? "ended" : strerror(-r));
}

/* Request and mail in one go: an idle scanner's socket is empty, so it fits. */
static int start_task(struct mr_scanner *s, struct mr_pool_task *t)
{
	struct mr_buf out = MR_BUF(MR_WIRE_MAX * 2);
	union {
		struct cmsghdr h;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	bool follows = t->memfd < 0;
	int r = mr_scanwire_request(&out, t->id, t->in, follows);
	struct iovec iov[] = { { out.p, out.n }, { (void *)t->in->message.p, follows ? t->in->message.n : 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = -1;

	if (!follows) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		memcpy(CMSG_DATA(&control.h), &t->memfd, sizeof(int));
	}
	if (r == 0)
		n = sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (r == 0 && (n < 0 || (size_t)n < iov[0].iov_len + iov[1].iov_len))
		r = -EPIPE;
	mr_buf_done(&out);
	return r;
}

static struct mr_scanner *idle_scanner(struct mr_pool *p, bool fresh)
{
	struct mr_scanner *s;

	if (!p->current)
		return NULL;
	DL_FOREACH (p->current->scanners, s)
		if (s->ready && !s->task && (!fresh || s->messages == 0))
			return s;
	return NULL;
}

/* Room for the fresh scanner that a waiting task wants: an idle used one makes way. */
static void make_way(struct mr_pool *p)
{
	struct mr_scanner *s = idle_scanner(p, false);

	if (s && p->current->n_scanners + p->current->asked >= p->config.scanners_max)
		mr_scanner_free(s);
}

static void dispatch(struct mr_pool *p)
{
	struct mr_pool_task *t, *next;
	size_t wanted = 0;

	DL_FOREACH_SAFE (p->waiting, t, next) {
		struct mr_scanner *s = idle_scanner(p, t->fresh);

		while (s && start_task(s, t) < 0) {
			mr_scanner_free(s); /* died while idle */
			s = idle_scanner(p, t->fresh);
		}
		if (s) {
			DL_DELETE(p->waiting, t);
			p->n_waiting--;
			s->task = t;
			t->scanner = s;
		} else {
			if (t->fresh)
				make_way(p);
			wanted++;
		}
	}
	/* One stands ready, so that the next message does not wait for a fork. */
	mr_pool_ask(p, wanted || !p->current || p->current->n_scanners ? wanted : 1);
}

void mr_pool_dispatch(struct mr_pool *p)
{
	dispatch(p);
}

void mr_pool_submit(struct mr_pool *p, struct mr_pool_task *t)
{
	t->id = ++p->last_id;
	t->scanner = NULL;
	DL_APPEND(p->waiting, t);
	p->n_waiting++;
	dispatch(p);
}

void mr_pool_answer(struct mr_pool *p, struct mr_pool_task *t, const struct mr_dns_answer *a)
{
	struct mr_scanner *s = t->scanner;

	if (!s)
		return;
	if (mr_scanwire_answer(&s->out, t->id, a) < 0) {
		/* An answer that cannot be told counts as none. */
		struct mr_dns_answer none = { .name = a->name, .type = a->type, .status = MR_DNS_TEMP };

		mr_scanwire_answer(&s->out, t->id, &none);
	}
	mr_later_start(p->loop, &s->sending); /* with what else is known in this turn */
}

void mr_pool_cancel(struct mr_pool *p, struct mr_pool_task *t)
{
	struct mr_scanner *s = t->scanner;

	if (s) {
		take_task(s);
		mr_scanner_free(s);
	} else {
		DL_DELETE(p->waiting, t);
		p->n_waiting--;
	}
	dispatch(p);
}

size_t mr_pool_waiting(const struct mr_pool *p)
{
	return p->n_waiting;
}
