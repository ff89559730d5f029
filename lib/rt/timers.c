/* timers: a binary heap in an array; each timer knows its place, so cancelling is O(log n). */

/* ours */
#include "base/mem.h"
#include "rt/timers.h"

static bool before(const struct mr_timer *a, const struct mr_timer *b)
{
	return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void put(struct mr_timers *t, size_t at, struct mr_timer *timer)
{
	t->heap[at] = timer;
	timer->at = at;
}

static void sift_up(struct mr_timers *t, size_t at)
{
	struct mr_timer *timer = t->heap[at];

	for (size_t parent; at > 0 && before(timer, t->heap[parent = (at - 1) / 2]); at = parent)
		put(t, at, t->heap[parent]);
	put(t, at, timer);
}

static void sift_down(struct mr_timers *t, size_t at)
{
	struct mr_timer *timer = t->heap[at];

	for (size_t child; (child = 2 * at + 1) < t->n; at = child) {
		if (child + 1 < t->n && before(t->heap[child + 1], t->heap[child]))
			child++;
		if (!before(t->heap[child], timer))
			break;
		put(t, at, t->heap[child]);
	}
	put(t, at, timer);
}

void mr_timers_add(struct mr_timers *t, struct mr_timer *timer)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->heap = mr_realloc_array(t->heap, t->cap, sizeof(struct mr_timer *));
	}
	timer->number = t->started++;
	put(t, t->n++, timer);
	sift_up(t, timer->at);
}

void mr_timers_remove(struct mr_timers *t, struct mr_timer *timer)
{
	size_t at = timer->at;
	struct mr_timer *last = t->heap[--t->n];

	if (last == timer)
		return;
	put(t, at, last);
	sift_up(t, at);
	sift_down(t, last->at);
}

void mr_timers_run(struct mr_timers *t, uint64_t now)
{
	uint64_t end = t->started; /* what a callback starts waits for the next turn, so sockets get theirs */

	while (t->n && t->heap[0]->due <= now && t->heap[0]->number < end) {
		struct mr_timer *timer = t->heap[0];

		mr_timers_remove(t, timer);
		timer->running = true;
		timer->fn(timer->arg);
		free(timer);
	}
}

bool mr_timers_next(const struct mr_timers *t, uint64_t *due)
{
	if (!t->n)
		return false;
	*due = t->heap[0]->due;
	return true;
}

void mr_timers_done(struct mr_timers *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->heap[i]);
	free(t->heap);
	*t = (struct mr_timers){ 0 };
}
