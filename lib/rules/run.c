/* run: the rules of a set against one message. What is only part of others is looked at when one of those asks: most are spared. */

/* system */
#include <limits.h>

/* ours */
#include "base/mem.h"
#include "private.h"

#define SIGNED_MAX 2  /* signed texts in each other */
#define FAULTS_MAX 10 /* patterns that took too long; then the message is one that is made to hurt */

struct run {
	struct mr_rules *rules;
	struct mr_sa *sa;
	struct mr_arena *arena;
	struct mr_rules_texts *texts; /* of each group */
	unsigned faults;
	const struct mr_rules_pattern *pattern; /* of the rule that is looked at now */
	struct mr_rules_captured *captured;
};

/* More of one rule. False: it is enough. */
static bool count(struct run *run, const struct mr_rules_rule *rule, struct mr_slice in, struct mr_rules_places *places)
{
	unsigned so_far = (unsigned)run->rules->now[rule->index].value;
	struct mr_slice first = { 0 };
	int n = mr_rules_pattern_count(run->rules, run->pattern, in, places, rule->hits_max - so_far, &first);

	if (n < 0) {
		run->faults++;
		return false;
	}
	if (n > 0 && so_far == 0)
		run->rules->matched[rule->index] = first;
	if (n > 0 && rule->captures)
		mr_rules_capture(run->rules, run->pattern, in, (size_t)(first.p - in.p), run->arena, &run->captured);
	run->rules->now[rule->index].value += n;
	return so_far + (unsigned)n < rule->hits_max;
}

/* It hits where its pattern matches nothing. */
static void negate(struct run *run, const struct mr_rules_rule *rule)
{
	struct mr_rules_now *now = &run->rules->now[rule->index];

	now->value = !(now->value > 0);
	run->rules->matched[rule->index] = (struct mr_slice){ 0 };
}

static void match_header(struct run *run, const struct mr_rules_rule *rule, const struct mr_rules_texts *t)
{
	struct mr_rules_places places = rule->group->places[rule->place];

	if (rule->exists) {
		run->rules->now[rule->index].value = t->there;
		return;
	}
	if (!t->there && rule->has_unset)
		count(run, rule, rule->unset, NULL);
	else
		count(run, rule, t->one, &places);
	if (rule->negated)
		negate(run, rule);
}

/* Does any stand in those bytes? */
static bool stands_in(struct mr_rules_found *f, size_t from, size_t n)
{
	while (f->n && f->v[0] < from) {
		f->v++;
		f->n--;
	}
	return f->all || (f->n && f->v[0] < from + n);
}

static void match_lines(struct run *run, const struct mr_rules_rule *rule, const struct mr_rules_texts *t)
{
	struct mr_rules_places places = rule->group->places[rule->place];
	size_t skipped = rule->nosubject && rule->kind == MR_RULES_BODY;

	for (size_t k = 0; k < t->list->n && (places.begins.all || places.begins.n); k++) {
		struct mr_slice line = t->list->items[k];
		bool may = stands_in(&places.contained, places.base, line.n) && stands_in(&places.begins, places.base, line.n);

		if (k >= skipped && may && !count(run, rule, line, &places))
			break;
		places.base += line.n + 1;
	}
}

static void match_mimeheader(struct run *run, const struct mr_rules_rule *rule)
{
	size_t n = mr_sa_n_parts(run->sa), first = rule->range_min ? rule->range_min - 1 : 0;
	struct mr_buf all = MR_BUF(MR_SA_BYTES_MAX);
	struct mr_slice value;
	bool more = true;

	for (size_t i = first; more && i < n && i < rule->range_max; i++) {
		if (!mr_sa_part_header(run->sa, i, rule->header, &value))
			value = rule->has_unset ? rule->unset : (struct mr_slice){ "", 0 };
		if (rule->concat) {
			mr_buf_add(&all, value);
			if (!value.n || value.p[value.n - 1] != '\n')
				mr_buf_putc(&all, '\n');
		} else {
			more = count(run, rule, value, NULL) &&
			       !(run->rules->now[rule->index].value > 0); /* the first part that has it ends it */
		}
	}
	if (rule->concat)
		count(run, rule, mr_slice_of(mr_arena_slice(run->arena, mr_buf_slice(&all))), NULL);
	if (rule->negated)
		negate(run, rule);
	mr_buf_done(&all);
}

static double value_of(void *arg, size_t index);

static double most_of(void *arg, size_t index)
{
	const struct mr_rules_now *now = &((struct run *)arg)->rules->now[index];

	return now->state == MR_RULES_WAKES ? (double)now->most : now->value;
}

static double decide(struct run *run, const struct mr_rules_rule *rule)
{
	const struct mr_rules_values values = { value_of, most_of, run };
	double v = rule->constant ? 0 : mr_rules_steps_value(rule, &values);

	/* What hits with a value below 0 has hit once. */
	return v < 0 ? 1 : v;
}

static void match_details(struct run *run, const struct mr_rules_rule *rule)
{
	struct mr_slice first = { 0 };
	int n = mr_rules_details_match(run->rules, rule, run->sa, &first);

	run->faults += n < 0;
	run->rules->now[rule->index].value = n > 0;
	run->rules->matched[rule->index] = first;
}

static void match_with(struct run *run, const struct mr_rules_rule *rule, const struct mr_rules_pattern *pattern)
{
	run->pattern = pattern;
	if (rule->kind == MR_RULES_MIMEHEADER)
		match_mimeheader(run, rule);
	else if (rule->kind == MR_RULES_HEADER)
		match_header(run, rule, &run->texts[rule->group - run->rules->groups]);
	else
		match_lines(run, rule, &run->texts[rule->group - run->rules->groups]);
}

/* The rules that capture go first. */
static void match_referring(struct run *run, const struct mr_rules_rule *rule)
{
	const struct mr_rules_group *g = rule->group;
	const struct mr_rules_pattern *p = &rule->pattern;
	struct mr_rules_pattern filled;

	for (size_t i = 0; i < run->rules->capturing.n; i++)
		value_of(run, run->rules->capturing.v[i]->index);
	if (!mr_rules_is_captured(p->text, run->captured))
		return;
	if (g && !rule->has_unset && !mr_rules_occurs(p->text, run->captured, run->texts[g - run->rules->groups].list, run->arena)) {
		match_with(run, rule, p);
		return;
	}
	if (mr_rules_pattern_fill(p, run->captured, &filled)) {
		match_with(run, rule, &filled);
		pcre2_code_free(filled.code);
	}
}

static void settle(struct run *run, const struct mr_rules_rule *rule)
{
	bool pattern = rule->kind != MR_RULES_META && rule->kind != MR_RULES_EVAL;

	run->rules->now[rule->index].state = MR_RULES_SETTLED;
	if (pattern && run->faults >= FAULTS_MAX)
		return;
	if (rule->kind == MR_RULES_META)
		run->rules->now[rule->index].value = decide(run, rule);
	else if (rule->kind == MR_RULES_EVAL)
		run->rules->now[rule->index].value = rule->eval->run(run->sa, &rule->args);
	else if (rule->details)
		match_details(run, rule);
	else if (rule->pattern.refers)
		match_referring(run, rule);
	else
		match_with(run, rule, &rule->pattern);
}

static double value_of(void *arg, size_t index)
{
	struct run *run = arg;

	if (run->rules->now[index].state == MR_RULES_WAKES)
		settle(run, run->rules->ordered[index]);
	return run->rules->now[index].value;
}

static void read_texts(struct run *run)
{
	struct mr_rules *r = run->rules;

	for (size_t i = 0; i < r->n_groups; i++) {
		const struct mr_rules_group *g = &r->groups[i];
		struct mr_rules_texts *t = &run->texts[i];

		mr_rules_texts_read(r, g, run->sa, run->arena, t);
		for (size_t k = 0; k < t->n_may; k++)
			mr_rules_wake(r, g->indexes[t->may[k]]);
		for (size_t k = 0; k < g->n_blind; k++)
			mr_rules_wake(r, g->indexes[g->blind[k]]);
	}
}

/* Functions, header fields: metas that depend on them sleep on where they have not hit. */
static void look_at_first(struct run *run)
{
	struct mr_rules *r = run->rules;
	size_t n = r->awake.n;

	for (size_t i = 0; i < n; i++)
		if (r->now[r->awake.v[i]].first && value_of(run, r->awake.v[i]) > 0)
			mr_rules_wake_others(r, r->awake.v[i], r->now[r->awake.v[i]].value);
}

static int by_index(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void collect(struct run *run, struct mr_rules_hits *out)
{
	struct mr_rules *r = run->rules;
	uint32_t *hits = mr_arena_alloc(run->arena, (r->awake.n + 1) * sizeof(*hits));

	for (size_t i = 0; i < r->awake.n; i++)
		if (r->now[r->awake.v[i]].value > 0)
			hits[out->n++] = r->awake.v[i];
	qsort(hits, out->n, sizeof(*hits), by_index);
	out->v = mr_arena_alloc(run->arena, (out->n + 1) * sizeof(*out->v));
	for (size_t i = 0; i < out->n; i++) {
		const struct mr_rules_rule *rule = r->ordered[hits[i]];
		double value = r->now[hits[i]].value;

		out->v[i] = (struct mr_rules_hit){ .name = rule->name,
						   .score = rule->scores[0],
						   .stock = rule->stock,
						   .count = value < 1          ? 1
							    : value < UINT_MAX ? (unsigned)value
									       : UINT_MAX,
						   .part = rule->part,
						   .matched = r->matched[hits[i]] };
	}
}

/* One text, with what is left of the time for the message. */
static void run_once(struct mr_rules *r, struct mr_sa *sa, bool parts, struct mr_arena *arena, struct mr_rules_hits *out)
{
	struct run run = { .rules = r, .sa = sa, .arena = arena };

	run.texts = mr_arena_alloc(arena, (r->n_groups + 1) * sizeof(*run.texts));
	*out = (struct mr_rules_hits){ 0 };
	read_texts(&run);
	look_at_first(&run);
	for (size_t i = 0; i < r->awake.n; i++)
		if (parts || !r->now[r->awake.v[i]].part)
			value_of(&run, r->awake.v[i]);
	collect(&run, out);
	for (size_t i = 0; i < r->n_groups; i++)
		mr_rules_texts_done(&r->groups[i], &run.texts[i]);
	mr_rules_sleep(r);
	out->slow = run.faults > 0;
	out->cut = run.faults >= FAULTS_MAX || r->late;
}

static bool has(const struct mr_rules_hits *hits, const char *name)
{
	for (size_t i = 0; i < hits->n; i++)
		if (hits->v[i].name == name)
			return true;
	return false;
}

static void add_hits(struct mr_rules_hits *to, const struct mr_rules_hits *more, struct mr_arena *arena)
{
	struct mr_rules_hits all = *to;

	all.v = mr_arena_alloc(arena, (to->n + more->n + 1) * sizeof(*all.v));
	memcpy(all.v, to->v, to->n * sizeof(*all.v));
	for (size_t i = 0; i < more->n; i++)
		if (!more->v[i].stock && !has(to, more->v[i].name))
			all.v[all.n++] = more->v[i];
	all.slow |= more->slow;
	all.cut |= more->cut;
	*to = all;
}

void mr_rules_run(struct mr_rules *r, struct mr_sa *sa, bool parts, struct mr_arena *arena, struct mr_rules_hits *out)
{
	struct mr_rules_hits more;

	mr_rules_pattern_begin(r);
	run_once(r, sa, parts, arena, out);
	for (size_t i = 0; i < SIGNED_MAX && (sa = mr_sa_signed(sa)) != NULL; i++) {
		run_once(r, sa, parts, arena, &more);
		add_hits(out, &more, arena);
	}
}
