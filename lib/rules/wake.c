/* wake: which rules a message needs to look at. A rule sleeps, and is 0, until something in the message may make it hit; a meta sleeps
 * until what it needs (needs.c) is awake. What is cheap and asked in most messages anyway, functions and fields, is looked at before it may
 * wake metas. Most of the thousand metas of a site sleep through most messages. */

/* ours */
#include "base/mem.h"
#include "private.h"

/* Rules that nothing in a message tells of beforehand. */
static bool is_always_awake(const struct mr_rules_needs *needs, const struct mr_rules_rule *rule)
{
	if (rule->state != MR_RULES_RUNS)
		return false;
	if (rule->kind == MR_RULES_META)
		return needs[rule->index].none;
	return !rule->group || !rule->group->positive[rule->place];
}

/* The lists of whom each rule wakes, one behind the other. */
static void write_wakes(struct mr_rules *r, const struct mr_rules_needs *needs)
{
	size_t *n_wakes = mr_new(size_t, r->n_rules + 1), all = 0;

	for (size_t i = 0; i < r->n_rules; i++)
		for (size_t k = 0; k < needs[i].n; k++)
			n_wakes[needs[i].v[k]]++;
	for (size_t i = 0; i < r->n_rules; i++) {
		r->now[i].wakes_from = (uint32_t)all;
		all += n_wakes[i];
		n_wakes[i] = 0;
	}
	r->now[r->n_rules].wakes_from = (uint32_t)all;
	r->wakes = mr_arena_alloc(r->arena, (all + 1) * sizeof(*r->wakes));
	for (size_t i = 0; i < r->n_rules; i++)
		for (size_t k = 0; k < needs[i].n; k++) {
			uint32_t by = needs[i].v[k];

			r->wakes[r->now[by].wakes_from + n_wakes[by]++] = (uint32_t)i;
		}
	free(n_wakes);
}

static void rouse(struct mr_rules *r, uint32_t index)
{
	r->now[index].state = MR_RULES_WAKES;
	r->awake.v[r->awake.n++] = index;
}

/* Is it enough now? */
static bool push(struct mr_rules_awake *a, uint32_t meta, double need, double value)
{
	if (!(need > 0))
		return true;
	if (a->push[meta] <= 0)
		a->pushed[a->n_pushed++] = meta;
	a->push[meta] += value;
	return a->push[meta] > need;
}

/* Up to `value` of that one. */
static void rouse_others(struct mr_rules *r, uint32_t index, double value)
{
	for (uint32_t i = r->now[index].wakes_from; i < r->now[index + 1].wakes_from; i++) {
		const struct mr_rules_now *meta = &r->now[r->wakes[i]];

		if (meta->state == MR_RULES_SLEEPS && push(&r->awake, r->wakes[i], meta->need, value))
			rouse(r, r->wakes[i]);
	}
}

void mr_rules_wake_others(struct mr_rules *r, uint32_t index, double value)
{
	size_t at = r->awake.n;

	rouse_others(r, index, value);
	/* Those after `at` have not woken others yet. */
	for (; at < r->awake.n; at++)
		rouse_others(r, r->awake.v[at], r->now[r->awake.v[at]].most);
}

void mr_rules_wake(struct mr_rules *r, uint32_t index)
{
	if (r->now[index].state != MR_RULES_SLEEPS)
		return;
	rouse(r, index);
	if (!r->now[index].first)
		mr_rules_wake_others(r, index, r->now[index].most);
}

void mr_rules_sleep(struct mr_rules *r)
{
	struct mr_rules_awake *a = &r->awake;

	for (size_t i = 0; i < a->n; i++) {
		struct mr_rules_now *now = &r->now[a->v[i]];

		now->state = i < r->n_always ? MR_RULES_WAKES : MR_RULES_SLEEPS;
		now->value = 0;
	}
	for (size_t i = 0; i < a->n_pushed; i++)
		a->push[a->pushed[i]] = 0;
	a->n = r->n_always;
	a->n_pushed = 0;
}

static void make_room(struct mr_rules *r)
{
	size_t n = r->n_rules + 1;

	r->now = mr_arena_alloc(r->arena, n * sizeof(*r->now));
	r->awake = (struct mr_rules_awake){ .v = mr_arena_alloc(r->arena, n * sizeof(uint32_t)),
					    .push = mr_arena_alloc(r->arena, n * sizeof(double)),
					    .pushed = mr_arena_alloc(r->arena, n * sizeof(uint32_t)) };
}

void mr_rules_wake_prepare(struct mr_rules *r)
{
	struct mr_rules_needs *needs = mr_rules_needs(r);
	struct mr_rules_awake *a = &r->awake;

	make_room(r);
	for (size_t i = 0; i < r->n_rules; i++) {
		r->now[i].most = (float)needs[i].most;
		r->now[i].need = (float)needs[i].above;
		r->now[i].first = mr_rules_is_first(r->ordered[i]);
		r->now[i].part = r->ordered[i]->part;
	}
	write_wakes(r, needs);
	for (size_t i = 0; i < r->n_rules; i++)
		if (is_always_awake(needs, r->ordered[i]))
			mr_rules_wake(r, (uint32_t)i);
	r->n_always = a->n;
	/* What they push is there in each message. */
	for (size_t i = 0; i < a->n_pushed; i++)
		r->now[a->pushed[i]].need -= (float)a->push[a->pushed[i]];
	mr_rules_sleep(r);
	mr_rules_needs_free(r, needs);
}
