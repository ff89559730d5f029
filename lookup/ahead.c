#include "ahead.h"

/* system */
#include <string.h>

void mr_ahead_init(struct mr_ahead *a)
{
	*a = (struct mr_ahead){ .credit = MR_AHEAD_CREDIT };
}

static struct mr_ahead_run *start(struct mr_ahead *a, struct mr_ahead_run *run, unsigned step, unsigned max)
{
	run->step = step < max ? step : max;
	run->turn = ++a->turn;
	run->reading = true;
	a->reading++;
	return run;
}

/* A free one, else the one not used for longest. There is one: few are being read. */
static struct mr_ahead_run *choose(struct mr_ahead *a)
{
	struct mr_ahead_run *oldest = NULL;

	for (size_t i = 0; i < MR_AHEAD_RUNS; i++) {
		struct mr_ahead_run *run = &a->runs[i];
		if (run->id == 0 && !run->reading)
			return run;
		if (!run->reading && (oldest == NULL || run->turn < oldest->turn))
			oldest = run;
	}
	return oldest;
}

/* The place in runs[], and how often one began anew. */
static uint16_t next_id(struct mr_ahead *a, const struct mr_ahead_run *run)
{
	if (++a->generation > UINT16_MAX / MR_AHEAD_RUNS - 1)
		a->generation = 1;
	return (uint16_t)(a->generation * MR_AHEAD_RUNS + (run - a->runs));
}

static bool may_begin(struct mr_ahead *a)
{
	if (a->credit < MR_AHEAD_COST && ++a->missed % MR_AHEAD_PROBE != 0)
		return false;
	a->credit -= a->credit < MR_AHEAD_COST ? a->credit : MR_AHEAD_COST;
	return true;
}

struct mr_ahead_run *mr_ahead_miss(struct mr_ahead *a, struct mr_slice address, unsigned max)
{
	if (max == 0 || a->reading >= MR_AHEAD_READING || address.n > MR_AHEAD_NAME_MAX || !may_begin(a))
		return NULL;
	struct mr_ahead_run *run = choose(a);
	*run = (struct mr_ahead_run){ .id = next_id(a, run) };
	memcpy(run->end, address.p, address.n);
	return start(a, run, MR_AHEAD_FIRST, max);
}

struct mr_ahead_run *mr_ahead_used(struct mr_ahead *a, uint16_t id, unsigned max)
{
	struct mr_ahead_run *run = &a->runs[id % MR_AHEAD_RUNS];

	if (a->credit < MR_AHEAD_CREDIT)
		a->credit++;
	if (run->id != id)
		return NULL;
	run->used++;
	run->turn = ++a->turn;
	if (run->reading || run->end[0] == '\0' || 2 * run->used < run->brought || max == 0 || a->reading >= MR_AHEAD_READING)
		return NULL;
	return start(a, run, 2 * run->step, max);
}

void mr_ahead_read(struct mr_ahead *a, struct mr_ahead_run *run, unsigned brought, const char *end)
{
	a->reading--;
	run->reading = false;
	run->brought = brought;
	run->used = 0;
	if (end == NULL || brought == 0 || strlen(end) > MR_AHEAD_NAME_MAX)
		run->id = 0;
	else
		memcpy(run->end, end, strlen(end) + 1);
}
