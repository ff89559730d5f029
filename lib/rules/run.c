/* run: the rules of a set against one message. What is only part of others is looked at when one of those asks: most are spared. */

/* ours */
#include "base/mem.h"
#include "private.h"

#define FAULTS_MAX 10 /* patterns that took too long; then the message is one that is made to hurt */

/* A group's texts, once a rule of it is asked for. */
struct texts {
	bool read, there; /* there: the field is */
	const struct mr_sa_list *list;
	struct mr_slice one;
	struct mr_sa_list single;
	bool *may; /* each rule: may it match? */
};

struct run {
	struct mr_rules *rules;
	struct mr_sa *sa;
	struct mr_arena *arena;
	double *values; /* of each rule: how often, or what its expression gives */
	bool *settled;
	struct mr_slice *matched;
	struct texts *texts; /* of each group */
	unsigned faults;
};

/* More of one rule. False: it is enough. */
static bool count(struct run *run, const struct mr_rules_rule *rule, struct mr_slice in)
{
	unsigned so_far = (unsigned)run->values[rule->index];
	struct mr_slice first = { 0 };
	int n = mr_rules_pattern_count(run->rules, &rule->pattern, in, rule->hits_max - so_far, &first);

	if (n < 0) {
		run->faults++;
		return false;
	}
	if (n > 0 && so_far == 0)
		run->matched[rule->index] = first;
	run->values[rule->index] += n;
	return so_far + (unsigned)n < rule->hits_max;
}

static struct texts *texts_of(struct run *run, const struct mr_rules_group *g)
{
	struct texts *t = &run->texts[g - run->rules->groups];

	if (t->read)
		return t;
	*t = (struct texts){ .read = true, .there = true, .one = { "", 0 }, .may = mr_arena_alloc(run->arena, g->rules.n) };
	t->single = (struct mr_sa_list){ &t->one, 1 };
	t->list = &t->single;
	memset(t->may, true, g->rules.n);
	if (g->kind == MR_RULES_HEADER)
		t->there = mr_sa_header(run->sa, g->header, &t->one);
	else if (g->kind == MR_RULES_BODY)
		t->list = mr_sa_body(run->sa);
	else if (g->kind == MR_RULES_RAWBODY)
		t->list = mr_sa_rawbody(run->sa);
	else if (g->kind == MR_RULES_URI)
		t->list = mr_sa_uris(run->sa);
	else
		t->one = mr_sa_full(run->sa);
	if (g->database)
		mr_rules_prefilter_scan(run->rules, g, t->list, run->arena, t->may);
	return t;
}

static void match_header(struct run *run, const struct mr_rules_rule *rule, const struct texts *t)
{
	if (rule->exists) {
		run->values[rule->index] = t->there;
		return;
	}
	if (!t->there && rule->has_unset)
		count(run, rule, rule->unset);
	else if (t->may[rule->place])
		count(run, rule, t->one);
	if (rule->negated)
		run->values[rule->index] = !(run->values[rule->index] > 0);
}

static void match_lines(struct run *run, const struct mr_rules_rule *rule, const struct texts *t)
{
	size_t k = rule->nosubject && rule->kind == MR_RULES_BODY;

	while (t->may[rule->place] && k < t->list->n && count(run, rule, t->list->items[k]))
		k++;
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
			more = count(run, rule, value) && !(run->values[rule->index] > 0); /* the first part that has it ends it */
		}
	}
	if (rule->concat)
		count(run, rule, mr_slice_of(mr_arena_slice(run->arena, mr_buf_slice(&all))));
	if (rule->negated)
		run->values[rule->index] = !(run->values[rule->index] > 0);
	mr_buf_done(&all);
}

static double value_of(void *arg, const struct mr_rules_rule *rule);

static double decide(struct run *run, const struct mr_rules_rule *rule)
{
	double v = rule->constant ? 0 : mr_rules_meta_value(rule->meta, value_of, run);

	/* What hits with a value below 0 has hit once. */
	return v < 0 ? 1 : v;
}

static void settle(struct run *run, const struct mr_rules_rule *rule)
{
	bool pattern = rule->kind != MR_RULES_META && rule->kind != MR_RULES_EVAL;

	if (run->settled[rule->index])
		return;
	run->settled[rule->index] = true;
	if (pattern && run->faults >= FAULTS_MAX)
		return;
	if (rule->kind == MR_RULES_META)
		run->values[rule->index] = decide(run, rule);
	else if (rule->kind == MR_RULES_EVAL)
		run->values[rule->index] = rule->eval->run(run->sa, &rule->args);
	else if (rule->kind == MR_RULES_MIMEHEADER)
		match_mimeheader(run, rule);
	else if (rule->kind == MR_RULES_HEADER)
		match_header(run, rule, texts_of(run, rule->group));
	else
		match_lines(run, rule, texts_of(run, rule->group));
}

static double value_of(void *arg, const struct mr_rules_rule *rule)
{
	struct run *run = arg;

	if (rule->state != MR_RULES_RUNS)
		return 0;
	settle(run, rule);
	return run->values[rule->index];
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
							  .part = mr_rules_is_part(rule),
							  .matched = run->matched[i] };
	}
}

void mr_rules_run(struct mr_rules *r, struct mr_sa *sa, bool parts, struct mr_arena *arena, struct mr_rules_hits *out)
{
	struct run run = { .rules = r, .sa = sa, .arena = arena };

	run.values = mr_arena_alloc(arena, (r->n_rules + 1) * sizeof(double));
	run.settled = mr_arena_alloc(arena, r->n_rules + 1);
	run.matched = mr_arena_alloc(arena, (r->n_rules + 1) * sizeof(struct mr_slice));
	run.texts = mr_arena_alloc(arena, (r->n_groups + 1) * sizeof(struct texts));
	*out = (struct mr_rules_hits){ 0 };
	mr_rules_pattern_begin(r);
	for (size_t i = 0; i < r->n_rules; i++)
		if (r->ordered[i]->state == MR_RULES_RUNS && (parts || !mr_rules_is_part(r->ordered[i])))
			settle(&run, r->ordered[i]);
	collect(&run, out);
	out->slow = run.faults > 0;
	out->cut = run.faults >= FAULTS_MAX || r->late;
}
