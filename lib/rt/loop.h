/* loop: one libevent base a thread, timers by mr_now_ms() (so a fake clock drives them), work posted from other threads. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct mr_loop;
struct mr_timer;
struct mr_io;
struct event_base;

struct mr_loop *mr_loop_new(void);
void mr_loop_free(struct mr_loop *l);
int mr_loop_run(struct mr_loop *l);   /* until mr_loop_stop() */
void mr_loop_once(struct mr_loop *l); /* what is ready now, without waiting: for tests */
void mr_loop_stop(struct mr_loop *l); /* any thread */
/* Runs fn(arg) on the loop's thread, later. Any thread; in order. */
void mr_loop_post(struct mr_loop *l, void (*fn)(void *arg), void *arg);
/* The same, but nothing wakes the loop for it: for what need not be done before the next thing that is posted. */
void mr_loop_post_along(struct mr_loop *l, void (*fn)(void *arg), void *arg);
/* Runs l->fn(l->arg) once at the end of this turn, before the loop waits: what many callbacks of a turn have gathered goes out in one go.
 * Loop thread only; whoever holds it cancels it before it goes. */
struct mr_later {
	struct mr_later *prev, *next;
	void (*fn)(void *arg);
	void *arg;
	bool waits;
};
void mr_later_start(struct mr_loop *l, struct mr_later *w);  /* fine when it waits already */
void mr_later_cancel(struct mr_loop *l, struct mr_later *w); /* fine when it does not wait */
struct event_base *mr_loop_base(struct mr_loop *l);          /* for libunbound's adapter in rt/ only */

struct mr_timer *mr_timer_start(struct mr_loop *l, uint64_t after_ms, void (*fn)(void *arg), void *arg); /* once; freed when it has run */
void mr_timer_cancel(struct mr_timer **t); /* NULL inside is fine; sets it to NULL */

enum { MR_READ = 1, MR_WRITE = 2 };
struct mr_io *mr_io_start(struct mr_loop *l, int fd, int what, void (*fn)(int fd, int what, void *arg), void *arg);
void mr_io_change(struct mr_io *io, int what);
void mr_io_cancel(struct mr_io **io); /* does not close the fd */
