/* timers: the loop's timers as a heap, earliest first, equal ones in the order they were started. Internal to rt/loop.c. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mr_timers;
struct mr_timer {
	struct mr_timers *owner;
	uint64_t due, number; /* ms of mr_now_ms(); running number */
	size_t at;            /* place in the heap */
	bool running;
	void (*fn)(void *arg);
	void *arg;
};
struct mr_timers {
	struct mr_timer **heap;
	size_t n, cap;
	uint64_t started;
};

void mr_timers_add(struct mr_timers *t, struct mr_timer *timer);
void mr_timers_remove(struct mr_timers *t, struct mr_timer *timer);
/* Runs what is due at `now` and was started before this call. */
void mr_timers_run(struct mr_timers *t, uint64_t now);
/* False when there is none. */
bool mr_timers_next(const struct mr_timers *t, uint64_t *due);
void mr_timers_done(struct mr_timers *t);
