/* loop: libevent waits for sockets; timers are ours, so that the tests' clock drives them. One eventfd wakes the loop for work posted
 * from other threads; the base itself is touched by its own thread only and needs no locks. */

/* system */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* libraries */
#include <event2/event.h>
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/loop.h"
#include "rt/timers.h"

struct post {
	struct post *prev, *next;
	void (*fn)(void *arg);
	void *arg;
};

struct mr_loop {
	struct event_base *base;
	struct event *wake, *tick; /* posted work; the next timer */
	int wake_fd;
	atomic_bool stopping;
	pthread_mutex_t lock; /* of posted */
	struct post *posted;
	struct mr_timers timers;
	struct mr_later *later;
	uint64_t tick_due; /* ms: for when tick is armed; 0 = it is not */
};

struct mr_io {
	struct event *event;
	struct mr_loop *loop;
	int fd, what;
	void (*fn)(int fd, int what, void *arg);
	void *arg;
};

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof(count));

	(void)got; /* that the loop has woken is all */
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct mr_loop *l = arg;

	l->tick_due = 0;
}

/* Without a base or an eventfd no program of ours can do anything. */
static void need(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

struct mr_loop *mr_loop_new(void)
{
	struct mr_loop *l = mr_alloc(sizeof(*l));

	l->base = event_base_new();
	need(l->base, "event_base_new");
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	need(l->wake_fd >= 0, "eventfd");
	pthread_mutex_init(&l->lock, NULL);
	l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
	l->tick = evtimer_new(l->base, on_tick, l);
	need(l->wake && l->tick && event_add(l->wake, NULL) == 0, "event_new");
	return l;
}

void mr_loop_free(struct mr_loop *l)
{
	struct post *p, *next;

	if (!l)
		return;
	DL_FOREACH_SAFE (l->posted, p, next)
		free(p);
	mr_timers_done(&l->timers);
	event_free(l->wake);
	event_free(l->tick);
	event_base_free(l->base);
	close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct event_base *mr_loop_base(struct mr_loop *l)
{
	return l->base;
}

static void wake(struct mr_loop *l)
{
	uint64_t one = 1;
	ssize_t put = write(l->wake_fd, &one, sizeof(one));

	(void)put; /* full means: woken already */
}

void mr_loop_stop(struct mr_loop *l)
{
	l->stopping = true;
	wake(l);
}

void mr_loop_post_along(struct mr_loop *l, void (*fn)(void *arg), void *arg)
{
	struct post *p = mr_alloc(sizeof(*p));

	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&l->lock);
	DL_APPEND(l->posted, p);
	pthread_mutex_unlock(&l->lock);
}

void mr_loop_post(struct mr_loop *l, void (*fn)(void *arg), void *arg)
{
	mr_loop_post_along(l, fn, arg);
	wake(l);
}

static void run_posted(struct mr_loop *l)
{
	struct post *all, *p, *next;

	pthread_mutex_lock(&l->lock);
	all = l->posted;
	l->posted = NULL;
	pthread_mutex_unlock(&l->lock);
	DL_FOREACH_SAFE (all, p, next) {
		p->fn(p->arg);
		free(p);
	}
}

void mr_later_start(struct mr_loop *l, struct mr_later *w)
{
	if (w->waits)
		return;
	w->waits = true;
	DL_APPEND(l->later, w);
}

void mr_later_cancel(struct mr_loop *l, struct mr_later *w)
{
	if (!w->waits)
		return;
	w->waits = false;
	DL_DELETE(l->later, w);
}

static void run_later(struct mr_loop *l)
{
	struct mr_later *w;

	while ((w = l->later) != NULL) {
		mr_later_cancel(l, w);
		w->fn(w->arg);
	}
}

/* Lets libevent wait no longer than until the next timer. It may wake up too early, for one that was cancelled: most live a moment. */
static void arm(struct mr_loop *l)
{
	uint64_t due = 0, now, wait;
	struct timeval tv;
	bool any = mr_timers_next(&l->timers, &due);

	if (!any || (l->tick_due != 0 && l->tick_due <= due))
		return; /* most turns */
	l->tick_due = due;
	mr_clock_turn(); /* this one may have taken its time */
	now = mr_now_ms();
	wait = due > now ? due - now : 0;
	tv = (struct timeval){ .tv_sec = (time_t)(wait / 1000), .tv_usec = (suseconds_t)(wait % 1000 * 1000) };
	evtimer_add(l->tick, &tv);
}

int mr_loop_run(struct mr_loop *l)
{
	int rc = 0;

	mr_clock_turn();
	while (!l->stopping && rc >= 0) {
		run_posted(l);
		mr_timers_run(&l->timers, mr_now_ms());
		if (l->stopping)
			break;
		run_later(l);
		arm(l);
		mr_clock_turn();
		rc = event_base_loop(l->base, EVLOOP_ONCE);
	}
	run_later(l);
	mr_clock_no_turn();
	l->stopping = false;
	return rc < 0 ? -EIO : 0;
}

void mr_loop_once(struct mr_loop *l)
{
	event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	run_posted(l);
	mr_timers_run(&l->timers, mr_now_ms());
	run_later(l);
}

struct mr_timer *mr_timer_start(struct mr_loop *l, uint64_t after_ms, void (*fn)(void *arg), void *arg)
{
	struct mr_timer *t = mr_alloc(sizeof(*t));
	uint64_t now = mr_now_ms();

	t->owner = &l->timers;
	t->due = after_ms > UINT64_MAX - now ? UINT64_MAX : now + after_ms;
	t->fn = fn;
	t->arg = arg;
	mr_timers_add(&l->timers, t);
	return t;
}

void mr_timer_cancel(struct mr_timer **t)
{
	if (*t && !(*t)->running) {
		mr_timers_remove((*t)->owner, *t);
		free(*t);
	}
	*t = NULL;
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct mr_io *io = arg;

	io->fn(fd, (what & EV_READ ? MR_READ : 0) | (what & EV_WRITE ? MR_WRITE : 0), io->arg); /* io may be gone now */
}

static void io_add(struct mr_io *io)
{
	short what = (short)((io->what & MR_READ ? EV_READ : 0) | (io->what & MR_WRITE ? EV_WRITE : 0));

	event_assign(io->event, io->loop->base, io->fd, what | EV_PERSIST, on_io, io);
	if (what)
		need(event_add(io->event, NULL) == 0, "event_add");
}

struct mr_io *mr_io_start(struct mr_loop *l, int fd, int what, void (*fn)(int fd, int what, void *arg), void *arg)
{
	struct mr_io *io = mr_alloc(sizeof(*io));

	*io = (struct mr_io){ .loop = l, .fd = fd, .what = what, .fn = fn, .arg = arg };
	io->event = event_new(l->base, fd, 0, on_io, io);
	need(io->event, "event_new");
	io_add(io);
	return io;
}

void mr_io_change(struct mr_io *io, int what)
{
	if (io->what == what)
		return;
	event_del(io->event);
	io->what = what;
	io_add(io);
}

void mr_io_cancel(struct mr_io **io)
{
	if (*io) {
		event_free((*io)->event);
		free(*io);
	}
	*io = NULL;
}
