/* run: the rules of a set against one message. What is only part of others is looked at when one of those asks: most are spared. */

/* ours */
#include "base/mem.h"
#include "private.h"

#define FAULTS_MAX 10 /* patterns that took too long; then the message is one that is made to hurt */

struct run {
	struct mr_rules *rules;
	struct mr_sa *sa;
	struct mr_arena *arena;
	double *values; /* of each rule: how often, or what its expression gives */
	bool *settled;
	struct mr_slice *matched;
	struct mr_rules_texts *texts; /* of each group */
	unsigned faults;
	const struct mr_rules_pattern *pattern; /* of the rule that is looked at now */
	struct mr_rules_captured *captured;
};

/* More of one rule. False: it is enough. */
static bool count(struct run *run, const struct mr_rules_rule *rule, struct mr_slice in, struct mr_rules_places *places)
{
	unsigned so_far = (unsigned)run->values[rule->index];
	struct mr_slice first = { 0 };
	int n = mr_rules_pattern_count(run->rules, run->pattern, in, places, rule->hits_max - so_far, &first);

	if (n < 0) {
		run->faults++;
		return false;
	}
	if (n > 0 && so_far == 0)
		run->matched[rule->index] = first;
	if (n > 0 && rule->captures)
		mr_rules_capture(run->rules, run->pattern, in, (size_t)(first.p - in.p), run->arena, &run->captured);
	run->values[rule->index] += n;
	return so_far + (unsigned)n < rule->hits_max;
}

static void match_header(struct run *run, const struct mr_rules_rule *rule, const struct mr_rules_texts *t)
{
	struct mr_rules_places places = t->places[rule->place];

	if (rule->exists) {
		run->values[rule->index] = t->there;
		return;
	}
	if (!t->there && rule->has_unset)
		count(run, rule, rule->unset, NULL);
	else if (t->may[rule->place])
		count(run, rule, t->one, &places);
	if (rule->negated)
		run->values[rule->index] = !(run->values[rule->index] > 0);
}

static void match_lines(struct run *run, const struct mr_rules_rule *rule, const struct mr_rules_texts *t)
{
	struct mr_rules_places places = t->places[rule->place];
	size_t skipped = rule->nosubject && rule->kind == MR_RULES_BODY;

	if (!t->may[rule->place])
		return;
	for (size_t k = 0; k < t->list->n; k++) {
		struct mr_slice line = t->list->items[k];

		if (k >= skipped && !count(run, rule, line, &places))
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
			more = count(run, rule, value, NULL) && !(run->values[rule->index] > 0); /* the first part that has it ends it */
		}
	}
	if (rule->concat)
		count(run, rule, mr_slice_of(mr_arena_slice(run->arena, mr_buf_slice(&all))), NULL);
	if (rule->negated)
		run->values[rule->index] = !(run->values[rule->index] > 0);
	mr_buf_done(&all);
}

static double value_of(void *arg, size_t index);

static double decide(struct run *run, const struct mr_rules_rule *rule)
{
	double v = rule->constant ? 0 : mr_rules_steps_value(rule, value_of, run);

	/* What hits with a value below 0 has hit once. */
	return v < 0 ? 1 : v;
}

static void settle(struct run *run, const struct mr_rules_rule *rule);

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
	struct mr_rules_pattern filled;

	for (size_t i = 0; i < run->rules->capturing.n; i++)
		if (!run->settled[run->rules->capturing.v[i]->index])
			settle(run, run->rules->capturing.v[i]);
	if (!mr_rules_pattern_fill(&rule->pattern, run->captured, &filled))
		return;
	match_with(run, rule, &filled);
	pcre2_code_free(filled.code);
}

static void settle(struct run *run, const struct mr_rules_rule *rule)
{
	bool pattern = rule->kind != MR_RULES_META && rule->kind != MR_RULES_EVAL;

	run->settled[rule->index] = true;
	if (pattern && run->faults >= FAULTS_MAX)
		return;
	if (rule->kind == MR_RULES_META)
		run->values[rule->index] = decide(run, rule);
	else if (rule->kind == MR_RULES_EVAL)
		run->values[rule->index] = rule->eval->run(run->sa, &rule->args);
	else if (rule->pattern.refers)
		match_referring(run, rule);
	else
		match_with(run, rule, &rule->pattern);
}

static double value_of(void *arg, size_t index)
{
	struct run *run = arg;

	if (!run->settled[index])
		settle(run, run->rules->ordered[index]);
	return run->values[index];
}

/* What no text can match has not hit; most rules need no other look. */
static void read_texts(struct run *run)
{
	struct mr_rules *r = run->rules;

	for (size_t i = 0; i < r->n_groups; i++) {
		const struct mr_rules_group *g = &r->groups[i];

		mr_rules_texts_read(r, g, run->sa, run->arena, &run->texts[i]);
		for (size_t k = 0; k < g->rules.n; k++)
			if (g->positive[k] && !run->texts[i].may[k])
				run->settled[g->indexes[k]] = true;
	}
}

static void collect(struct run *run, struct mr_rules_hits *out)
{
	struct mr_rules *r = run->rules;

	out->v = mr_arena_alloc(run->arena, (r->n_rules + 1) * sizeof(*out->v));
	for (size_t i = 0; i < r->n_rules; i++) {
		const struct mr_rules_rule *rule = r->ordered[i];

		if (!(run->values[i] > 0))
			continue;
		out->v[out->n++] = (struct mr_rules_hit){ .name = rule->name,
							  .score = rule->scores[0],
							  .count = run->values[i] < 1 ? 1 : (unsigned)run->values[i],
							  .part = rule->part,
							  .matched = run->matched[i] };
	}
}

void mr_rules_run(struct mr_rules *r, struct mr_sa *sa, bool parts, struct mr_arena *arena, struct mr_rules_hits *out)
{
	struct run run = { .rules = r, .sa = sa, .arena = arena };

	run.values = mr_arena_alloc(arena, (r->n_rules + 1) * sizeof(double));
	run.settled = mr_arena_alloc(arena, r->n_rules + 1);
	memcpy(run.settled, r->idle, r->n_rules);
	run.matched = mr_arena_alloc(arena, (r->n_rules + 1) * sizeof(struct mr_slice));
	run.texts = mr_arena_alloc(arena, (r->n_groups + 1) * sizeof(*run.texts));
	*out = (struct mr_rules_hits){ 0 };
	mr_rules_pattern_begin(r);
	read_texts(&run);
	for (size_t i = 0; i < (parts ? r->n_running : r->n_asked); i++)
		if (!run.settled[r->running[i]])
			settle(&run, r->ordered[r->running[i]]);
	collect(&run, out);
	out->slow = run.faults > 0;
	out->cut = run.faults >= FAULTS_MAX || r->late;
}
