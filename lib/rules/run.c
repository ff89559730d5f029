/* run: the rules of a set against one message. What is only part of others is looked at when one of those asks: most are spared. */

/* ours */
#include "base/mem.h"
#include "private.h"

#define PLACES_MAX (1u << 19) /* of one text, at which matches may begin */
#define FAULTS_MAX 10         /* patterns that took too long; then the message is one that is made to hurt */

/* A group's texts, once a rule of it is asked for. */
struct texts {
	bool read, there; /* there: the field is */
	const struct mr_sa_list *list;
	struct mr_slice one;
	struct mr_sa_list single;
	bool *may;                      /* each rule: may it match? */
	struct mr_rules_places *places; /* each rule with openings: where */
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
static bool count(struct run *run, const struct mr_rules_rule *rule, struct mr_slice in, struct mr_rules_places *places)
{
	unsigned so_far = (unsigned)run->values[rule->index];
	struct mr_slice first = { 0 };
	int n = mr_rules_pattern_count(run->rules, &rule->pattern, in, places, rule->hits_max - so_far, &first);

	if (n < 0) {
		run->faults++;
		return false;
	}
	if (n > 0 && so_far == 0)
		run->matched[rule->index] = first;
	run->values[rule->index] += n;
	return so_far + (unsigned)n < rule->hits_max;
}

/* Ascending, each once; `seen` has a bit for each byte of the text, all clear before and after. How many they are then. */
static size_t in_order(uint32_t *places, size_t n, uint64_t *seen)
{
	uint32_t first = UINT32_MAX, last = 0;
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		seen[places[i] / 64] |= UINT64_C(1) << places[i] % 64;
		first = places[i] < first ? places[i] : first;
		last = places[i] > last ? places[i] : last;
	}
	for (uint32_t word = first / 64; n && word <= last / 64; word++) {
		for (; seen[word]; seen[word] &= seen[word] - 1)
			places[out++] = 64 * word + (uint32_t)__builtin_ctzll(seen[word]);
	}
	return out;
}

/* Rule by rule, and then in the order of the text. */
static void sort(struct run *run, struct texts *t, const struct mr_rules_start *found, size_t n, size_t n_rules, size_t n_bytes)
{
	uint32_t *all = mr_arena_alloc(run->arena, (n + 1) * sizeof(*all)), *next = all;
	uint64_t *seen = mr_arena_alloc(run->arena, (n_bytes / 64 + 1) * sizeof(*seen));

	for (size_t i = 0; i < n; i++)
		t->places[found[i].id].n++;
	for (size_t i = 0; i < n_rules; i++) {
		t->places[i].v = next;
		next += t->places[i].n;
		t->places[i].n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct mr_rules_places *p = &t->places[found[i].id];

		all[(size_t)(p->v - all) + p->n++] = found[i].at;
	}
	for (size_t i = 0; i < n_rules; i++)
		t->places[i].n = in_order(all + (t->places[i].v - all), t->places[i].n, seen);
}

/* Which rules may match, and where. */
static void sift(struct run *run, const struct mr_rules_group *g, struct mr_slice text, struct texts *t)
{
	struct mr_buf found = MR_BUF(PLACES_MAX * sizeof(struct mr_rules_start));

	if (mr_rules_sieve_scan(g->sieve, text, &found)) {
		sort(run, t, (const void *)found.p, found.n / sizeof(struct mr_rules_start), g->rules.n, text.n);
		for (size_t i = 0; i < g->rules.n; i++) {
			t->places[i].all = false;
			t->may[i] = !g->rules.v[i]->pattern.openings || t->places[i].n;
		}
	}
	mr_buf_done(&found);
}

/* Line by line in one; places count from its beginning. */
static void look_through(struct run *run, const struct mr_rules_group *g, struct texts *t)
{
	struct mr_buf joined = MR_BUF(2u * MR_SA_BYTES_MAX);
	struct mr_slice all = t->list->n == 1 ? t->list->items[0] : (struct mr_slice){ 0 };

	for (size_t i = 0; t->list->n > 1 && i < t->list->n; i++) {
		mr_buf_add(&joined, t->list->items[i]);
		mr_buf_putc(&joined, '\n');
	}
	if (t->list->n > 1)
		all = mr_buf_slice(&joined);
	if (g->sieve && !joined.full)
		sift(run, g, all, t);
	if (g->database && !joined.full)
		mr_rules_prefilter_scan(run->rules, g, all, t->may);
	mr_buf_done(&joined);
}

static struct texts *texts_of(struct run *run, const struct mr_rules_group *g)
{
	struct texts *t = &run->texts[g - run->rules->groups];

	if (t->read)
		return t;
	*t = (struct texts){ .read = true, .there = true, .one = { "", 0 }, .may = mr_arena_alloc(run->arena, g->rules.n) };
	t->places = mr_arena_alloc(run->arena, g->rules.n * sizeof(*t->places));
	t->single = (struct mr_sa_list){ &t->one, 1 };
	t->list = &t->single;
	memset(t->may, true, g->rules.n);
	for (size_t i = 0; i < g->rules.n; i++)
		t->places[i].all = true;
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
	if (g->sieve || g->database)
		look_through(run, g, t);
	return t;
}

static void match_header(struct run *run, const struct mr_rules_rule *rule, const struct texts *t)
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

static void match_lines(struct run *run, const struct mr_rules_rule *rule, const struct texts *t)
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
							  .part = rule->part,
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
		if (r->ordered[i]->state == MR_RULES_RUNS && (parts || !r->ordered[i]->part))
			settle(&run, r->ordered[i]);
	collect(&run, out);
	out->slow = run.faults > 0;
	out->cut = run.faults >= FAULTS_MAX || r->late;
}
