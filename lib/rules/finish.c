/* finish: from what was read to what is run: tags, flags, functions, which rules count, compiled patterns. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "private.h"

#define MATCH_LIMIT     50000 /* steps from one beginning; what needs more is no pattern for mail, or a message made to hurt */
#define DEPTH_LIMIT     5000
#define STACK_FIRST     (32u << 10)
#define STACK_MAX       (512u << 10)
#define DEPTH_MAX       1000
#define MULTIPLE_MAX    1000
#define CAPTURING_MAX   100   /* rules */
#define BEGIN_MAX       0.08  /* of the bytes of a text, at which a pattern is tried */
#define FACTOR_MAX      0.02  /* of the bytes of a text, at which something stands that shows that it has to be looked through */
#define LOOK_MAX        0.1   /* of the bytes of a text, at which the sieve looks closer for a pattern */
#define LOOK_BESIDE_MAX 0.003 /* the same, for what matches begin with where it is known what they contain */
#define RARER           4     /* so much is what a match contains, or it is not asked for beside what it begins with */

static const char *const states[] = {
	[MR_RULES_RUNS] = "runs",         [MR_RULES_NO_SCORE] = "no score",    [MR_RULES_OFF] = "off",
	[MR_RULES_UNNEEDED] = "unneeded", [MR_RULES_CANNOT] = "not supported",
};

const char *mr_rules_state_str(enum mr_rules_state s)
{
	return states[s];
}

static bool has_flag(const struct mr_rules_rule *rule, const char *flag)
{
	struct mr_slice rest = rule->tflags;

	while (rest.n)
		if (mr_slice_eq(mr_rules_word(&rest), mr_slice_of(flag)))
			return true;
	return false;
}

/* "2", "2-", "-3", "2-3" */
static void read_range(struct mr_rules_rule *rule, struct mr_slice text)
{
	ptrdiff_t dash = mr_slice_chr(text, '-');
	uint64_t n;

	if (mr_parse_u64((struct mr_slice){ text.p, dash < 0 ? text.n : (size_t)dash }, 0, MULTIPLE_MAX, &n) == 0)
		rule->range_min = (unsigned)n;
	if (dash < 0)
		rule->range_max = rule->range_min;
	else if (mr_parse_u64(mr_slice_from(text, (size_t)dash + 1), 0, MULTIPLE_MAX, &n) == 0)
		rule->range_max = (unsigned)n;
}

static void read_flags(struct mr_rules_rule *rule)
{
	struct mr_slice rest = rule->tflags, word;
	uint64_t n;

	rule->multiple = has_flag(rule, "multiple");
	rule->nosubject = has_flag(rule, "nosubject");
	rule->concat = has_flag(rule, "concat");
	rule->hits_max = rule->multiple ? MULTIPLE_MAX : 1;
	rule->range_min = 0;
	rule->range_max = MULTIPLE_MAX;
	while (rest.n) {
		word = mr_rules_word(&rest);
		if (mr_slice_starts(word, MR_LIT("maxhits=")) && rule->multiple &&
		    mr_parse_u64(mr_slice_from(word, 8), 1, MULTIPLE_MAX, &n) == 0)
			rule->hits_max = (unsigned)n;
		if (mr_slice_starts(word, MR_LIT("range=")))
			read_range(rule, mr_slice_from(word, 6));
	}
}

static double score_of(const struct mr_rules *r, const struct mr_rules_rule *rule)
{
	double score = strncmp(rule->name, "T_", 2) == 0 ? 0.01 : 1;

	if (rule->scored)
		return rule->scores[(r->config.net ? 1 : 0) + (r->config.bayes ? 2 : 0)];
	return has_flag(rule, "nice") ? -score : score;
}

bool mr_rules_scores(const struct mr_rules_rule *rule, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= rule->scores[i] < 0 || rule->scores[i] > 0;
	return any;
}

static struct mr_slice function_of(const struct mr_rules_rule *rule)
{
	ptrdiff_t open = rule->kind == MR_RULES_EVAL ? mr_slice_chr(rule->definition, '(') : -1;

	return open < 0 ? (struct mr_slice){ 0 } : mr_slice_trim((struct mr_slice){ rule->definition.p, (size_t)open });
}

static enum mr_sa_eval_basis basis_of(const struct mr_rules_rule *rule)
{
	const struct mr_sa_eval *e = mr_sa_eval_find(function_of(rule));

	return e ? e->basis : MR_SA_EVAL_MESSAGE;
}

/* What asks somebody that this set does not, or NULL. Only functions ask; what the network says of senders others have asked it already. */
static const char *asks(const struct mr_rules *r, const struct mr_rules_rule *rule)
{
	bool net = has_flag(rule, "net") || rule->kind == MR_RULES_OUTSIDE || mr_slice_starts(rule->definition, MR_LIT("check_rbl")) ||
		   mr_slice_starts(rule->definition, MR_LIT("check_dns"));

	if (rule->kind != MR_RULES_EVAL && rule->kind != MR_RULES_OUTSIDE)
		return NULL;
	if (net && !r->config.net && basis_of(rule) == MR_SA_EVAL_MESSAGE)
		return "asks the network";
	return has_flag(rule, "learn") && !r->config.bayes ? "asks a learning filter" : NULL;
}

/* What mr_rules_finish() makes of a rule: its score is then scores[0]. Where that does not count here, any that it has shows that it is
 * wanted. */
static void settle(struct mr_rules *r, struct mr_rules_rule *rule)
{
	const char *off = asks(r, rule);

	read_flags(rule);
	rule->scores[0] = score_of(r, rule);
	rule->state = MR_RULES_UNNEEDED;
	if (rule->failed) {
		rule->state = MR_RULES_CANNOT;
	} else if (!mr_rules_scores(rule, off || basis_of(rule) == MR_SA_EVAL_TOLD ? 4 : 1)) {
		rule->state = MR_RULES_NO_SCORE;
	} else if (off) {
		rule->state = MR_RULES_OFF;
		rule->why = off;
	}
}

static void cannot(struct mr_rules *r, struct mr_rules_rule *rule, enum mr_rules_fault fault, const char *why)
{
	mr_rules_problem(r, fault, rule, "%s", why);
	rule->state = MR_RULES_CANNOT;
}

static bool all_begin_with(const struct mr_rules_opening *v, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; text[k]; k++) {
			unsigned byte = (unsigned char)text[k];

			if (k >= v[i].n || !mr_rules_class_has(&v[i].bytes[k], byte))
				return false;
		}
	return true;
}

static struct mr_rules_opening *kept(const struct mr_rules_opening *v, size_t n)
{
	struct mr_rules_opening *copy = mr_new(struct mr_rules_opening, n);

	memcpy(copy, v, n * sizeof(*v));
	return copy;
}

/* 1: too much to look for. */
static double share_of(const struct mr_rules_opening *v, size_t n, double look_max)
{
	return !n || mr_rules_sieve_share(v, n) > look_max ? 1 : mr_rules_openings_share(v, n);
}

/* Before it is compiled: see opening.h. What every address begins with says nothing of one. */
static void find_openings(struct mr_rules_rule *rule)
{
	static _Thread_local struct mr_rules_opening_sets sets;
	struct mr_rules_pattern *p = &rule->pattern;
	double begin, within;

	if (rule->kind == MR_RULES_MIMEHEADER || rule->has_unset || p->refers)
		return;
	mr_rules_openings(p->text, p->options, &sets);
	if (rule->kind == MR_RULES_URI && all_begin_with(sets.begins, sets.n_begins, "http"))
		sets.n_begins = 0;
	within = share_of(sets.within, sets.n_within, LOOK_MAX);
	begin = share_of(sets.begins, sets.n_begins, within <= FACTOR_MAX ? LOOK_BESIDE_MAX : LOOK_MAX);
	if (within <= FACTOR_MAX && within * RARER < begin) {
		p->n_factors = sets.n_within;
		p->factors = kept(sets.within, sets.n_within);
	}
	if (begin <= BEGIN_MAX) {
		p->n_openings = sets.n_begins;
		p->openings = kept(sets.begins, sets.n_begins);
	}
	p->share = begin < within ? begin : within;
}

static void remember_capturing(struct mr_rules *r, struct mr_rules_rule *rule)
{
	if (!r->capturing.v)
		r->capturing.v = mr_arena_alloc(r->arena, CAPTURING_MAX * sizeof(*r->capturing.v));
	if (r->capturing.n == CAPTURING_MAX)
		return;
	rule->captures = true;
	r->capturing.v[r->capturing.n++] = rule;
}

static void compile(struct mr_rules *r, struct mr_rules_rule *rule)
{
	struct mr_slice text = rule->pattern.text;
	struct mr_diag diag = { 0 };
	int err;

	if (rule->replace)
		rule->pattern.text = mr_rules_replace(r, text);
	find_openings(rule);
	rule->pattern.of_long = !rule->pattern.n_openings && (rule->kind == MR_RULES_FULL || rule->kind == MR_RULES_HEADER);
	err = mr_rules_pattern_compile(&rule->pattern, &diag);
	if (err == -E2BIG && rule->replace) {
		diag.text[0] = 0;
		rule->pattern.expanded = rule->pattern.text;
		rule->pattern.text = mr_rules_replace_by_calls(r, text);
		err = mr_rules_pattern_compile(&rule->pattern, &diag);
	}
	if (mr_rules_captures(&rule->pattern))
		remember_capturing(r, rule);
	if (err < 0)
		cannot(r, rule, err == -E2BIG ? MR_RULES_UNSUPPORTED : MR_RULES_ERROR, diag.text);
}

static void compile_details(struct mr_rules *r, struct mr_rules_rule *rule)
{
	struct mr_diag diag = { 0 };
	int err = mr_rules_details_compile(rule, &diag);

	if (err < 0)
		cannot(r, rule, err == -E2BIG ? MR_RULES_UNSUPPORTED : MR_RULES_ERROR, diag.text);
}

static void find_function(struct mr_rules *r, struct mr_rules_rule *rule)
{
	struct mr_slice name = function_of(rule);
	struct mr_diag diag = { 0 };

	if (rule->state == MR_RULES_OFF || rule->state == MR_RULES_NO_SCORE)
		return;
	rule->eval = mr_sa_eval_find(name);
	if (!rule->eval) {
		cannot(r, rule, MR_RULES_UNSUPPORTED, mr_arena_printf(r->arena, "eval:%.*s() is not supported", (int)name.n, name.p));
	} else if (rule->eval->prepare) {
		rule->args.prepared = rule->eval->prepare(&rule->args, r->conf, r->arena, &diag);
		if (!rule->args.prepared)
			cannot(r, rule, MR_RULES_ERROR, diag.text);
	}
}

static void make(struct mr_rules *r, struct mr_rules_rule *rule)
{
	struct mr_diag diag = { 0 };

	settle(r, rule);
	if (rule->state == MR_RULES_CANNOT)
		return;
	if (rule->pattern.text.n)
		compile(r, rule);
	else if (rule->details)
		compile_details(r, rule);
	else if (rule->kind == MR_RULES_EVAL)
		find_function(r, rule);
	else if (rule->kind == MR_RULES_META && mr_rules_meta_parse(r, rule, &diag) < 0)
		cannot(r, rule, MR_RULES_ERROR, diag.text);
}

/* Part by part: a meta over what is not supported would say something else than it should, so it is not supported either. One over a
 * meta without a score is never decided, as in SpamAssassin; nor is one that leads back to itself. */
static void resolve(struct mr_rules *r, struct mr_rules_rule *rule)
{
	if (rule->visited || rule->kind != MR_RULES_META || !rule->meta)
		return;
	if (++r->depth > DEPTH_MAX)
		cannot(r, rule, MR_RULES_ERROR, "more than 1000 metas in each other");
	rule->visiting = true;
	for (const struct mr_rules_node *n = rule->parts; n; n = n->next) {
		if (n->rule->visiting) {
			rule->constant = true;
			continue;
		}
		if (r->depth <= DEPTH_MAX)
			resolve(r, n->rule);
		if (n->rule->state == MR_RULES_CANNOT && rule->state == MR_RULES_UNNEEDED)
			cannot(r, rule, MR_RULES_UNSUPPORTED, mr_arena_printf(r->arena, "needs %s, which is not supported", n->rule->name));
		if (n->rule->kind == MR_RULES_META && (n->rule->state == MR_RULES_NO_SCORE || n->rule->constant))
			rule->constant = true;
	}
	rule->visiting = false;
	rule->visited = true;
	r->depth--;
}

static void need(struct mr_rules *r, struct mr_rules_rule *rule)
{
	if (rule->state != MR_RULES_UNNEEDED || rule->kind == MR_RULES_NONE)
		return;
	rule->state = MR_RULES_RUNS;
	for (size_t i = 0; rule->pattern.refers && i < r->capturing.n; i++)
		need(r, r->capturing.v[i]);
	for (const struct mr_rules_node *n = rule->parts; n && !rule->constant; n = n->next)
		need(r, n->rule);
}

/* What is decided part by part needs the indexes of its parts. */
static void write_steps(struct mr_rules *r)
{
	for (size_t i = 0; i < r->n_rules; i++) {
		struct mr_rules_rule *rule = r->ordered[i];

		if (rule->meta && rule->state == MR_RULES_UNNEEDED && mr_rules_steps_write(r, rule) < 0)
			cannot(r, rule, MR_RULES_ERROR, "too deep");
	}
}

static int by_group(const void *a, const void *b)
{
	const struct mr_rules_rule *const *x = a, *const *y = b;
	int c = (*x)->kind < (*y)->kind ? -1 : (*x)->kind > (*y)->kind;

	if (c == 0 && (*x)->kind == MR_RULES_HEADER)
		c = strncmp((*x)->header.p, (*y)->header.p, (*x)->header.n < (*y)->header.n ? (*x)->header.n : (*y)->header.n);
	if (c == 0)
		c = (*x)->header.n < (*y)->header.n ? -1 : (*x)->header.n > (*y)->header.n;
	return c ? c : (*x)->index < (*y)->index ? -1 : (*x)->index > (*y)->index;
}

static bool same_group(const struct mr_rules_group *g, const struct mr_rules_rule *rule)
{
	/* To the letter: MESSAGEID stands for several fields, MessageID is one of that name. */
	return g->kind == rule->kind && (rule->kind != MR_RULES_HEADER || mr_slice_eq(g->header, rule->header));
}

/* `patterns` are in the order of groups. */
static void group(struct mr_rules *r, const struct mr_rules_list *patterns)
{
	struct mr_rules_group *g = NULL;

	r->groups = mr_arena_alloc(r->arena, (patterns->n + 1) * sizeof(*r->groups));
	for (size_t i = 0; i < patterns->n; i++) {
		if (!g || !same_group(g, patterns->v[i])) {
			g = &r->groups[r->n_groups++];
			*g = (struct mr_rules_group){ .kind = patterns->v[i]->kind,
						      .header = patterns->v[i]->header,
						      .rules = { .v = &patterns->v[i] } };
		}
		patterns->v[i]->group = g;
		patterns->v[i]->place = (uint32_t)g->rules.n++;
	}
}

/* What it is made of is asked for no more. */
static void make_sieve(struct mr_rules_group *g)
{
	for (size_t i = 0; i < g->rules.n; i++) {
		struct mr_rules_pattern *p = &g->rules.v[i]->pattern;

		if (!mr_rules_is_sifted(p))
			continue;
		if (!g->sieve)
			g->sieve = mr_rules_sieve_new();
		mr_rules_sieve_add(g->sieve, MR_RULES_BEGINS((uint32_t)i), p->openings, p->n_openings);
		mr_rules_sieve_add(g->sieve, MR_RULES_CONTAINS((uint32_t)i), p->factors, p->n_factors);
		mr_rules_pattern_forget(p);
	}
	if (g->sieve)
		mr_rules_sieve_done(g->sieve);
}

static void describe_group(struct mr_rules *r, struct mr_rules_group *g)
{
	g->indexes = mr_arena_alloc(r->arena, g->rules.n * sizeof(*g->indexes));
	g->positive = mr_arena_alloc(r->arena, g->rules.n);
	g->places = mr_arena_alloc(r->arena, g->rules.n * sizeof(*g->places));
	g->blind = mr_arena_alloc(r->arena, g->rules.n * sizeof(*g->blind));
	for (size_t i = 0; i < g->rules.n; i++) {
		const struct mr_rules_rule *rule = g->rules.v[i];

		g->indexes[i] = (uint32_t)rule->index;
		g->positive[i] = !rule->negated && !rule->exists && !rule->has_unset;
		g->places[i] = mr_rules_places_of(&rule->pattern);
	}
	mr_rules_list_blind(g);
}

void mr_rules_list_blind(struct mr_rules_group *g)
{
	g->n_blind = 0;
	for (size_t i = 0; i < g->rules.n; i++)
		if (!mr_rules_is_sifted(&g->rules.v[i]->pattern) && !(g->database && g->covered[i]))
			g->blind[g->n_blind++] = (uint32_t)i;
}

static void list(struct mr_rules *r)
{
	struct mr_rules_list patterns = { .v = mr_arena_alloc(r->arena, (r->n_rules + 1) * sizeof(*patterns.v)) };

	for (size_t i = 0; i < r->n_rules; i++) {
		struct mr_rules_rule *rule = r->ordered[i];

		if (rule->state != MR_RULES_RUNS)
			continue;
		r->want_proofs |= rule->eval && rule->eval->basis != MR_SA_EVAL_MESSAGE;
		if (rule->kind != MR_RULES_EVAL && rule->kind != MR_RULES_META && rule->kind != MR_RULES_MIMEHEADER && !rule->details)
			patterns.v[patterns.n++] = rule;
		if (rule->pattern.code)
			rule->pattern.jit = pcre2_jit_compile(rule->pattern.code, PCRE2_JIT_COMPLETE) == 0;
		if (rule->details)
			mr_rules_details_jit(rule);
	}
	if (patterns.n)
		qsort(patterns.v, patterns.n, sizeof(*patterns.v), by_group);
	group(r, &patterns);
	for (size_t i = 0; i < r->n_groups; i++) {
		describe_group(r, &r->groups[i]);
		make_sieve(&r->groups[i]);
	}
	mr_rules_wake_prepare(r);
	r->matched = mr_arena_alloc(r->arena, (r->n_rules + 1) * sizeof(*r->matched));
}

bool mr_rules_told(const struct mr_rules_rule *rule)
{
	const struct mr_rules_node *n = rule->brought && !(rule->scored && !rule->scored_at.brought) ? rule->parts : NULL;
	bool all = n != NULL;

	for (; n && all; n = n->next)
		all = n->rule->eval && n->rule->eval->basis == MR_SA_EVAL_TOLD;
	return all || (rule->eval && rule->eval->basis == MR_SA_EVAL_TOLD);
}

void mr_rules_finish(struct mr_rules *r)
{
	struct mr_rules_rule *rule, *last;

	r->at = NULL;
	/* Metas name rules that nobody defined: they come after the last. */
	last = r->rules ? ELMT_FROM_HH(r->rules->hh.tbl, r->rules->hh.tbl->tail) : NULL;
	for (rule = r->rules; rule; rule = rule == last ? NULL : rule->hh.next)
		make(r, rule);
	r->n_rules = HASH_COUNT(r->rules);
	r->ordered = mr_arena_alloc(r->arena, (r->n_rules + 1) * sizeof(rule));
	r->n_rules = 0;
	for (rule = r->rules; rule; rule = rule->hh.next) {
		rule->index = (uint32_t)r->n_rules;
		rule->part = (rule->name[0] == '_' && rule->name[1] == '_') || mr_rules_told(rule);
		r->ordered[r->n_rules++] = rule;
		resolve(r, rule);
	}
	write_steps(r);
	for (size_t i = 0; i < r->n_rules; i++)
		if (!r->ordered[i]->part)
			need(r, r->ordered[i]);
	list(r);
	mr_rules_tell_idle(r);
	r->match = pcre2_match_data_create(1, NULL); /* only where the whole is matters */
	r->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(r->limits, DEPTH_LIMIT);
	r->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MAX, NULL);
	pcre2_jit_stack_assign(r->limits, NULL, r->stack);
}

void mr_rules_free(struct mr_rules *r)
{
	if (!r)
		return;
	for (struct mr_rules_rule *rule = r->rules; rule; rule = rule->hh.next) {
		pcre2_code_free(rule->pattern.code);
		mr_rules_pattern_forget(&rule->pattern);
		mr_rules_details_free(rule);
	}
	for (size_t i = 0; i < r->n_groups; i++)
		mr_rules_sieve_free(r->groups[i].sieve);
	pcre2_match_data_free(r->match);
	pcre2_match_context_free(r->limits);
	pcre2_jit_stack_free(r->stack);
	mr_rules_prefilter_free(r);
	mr_rules_replace_done(r);
	HASH_CLEAR(hh, r->rules);
	free(r->problems);
	mr_sa_conf_free(r->conf);
	mr_arena_free(r->arena);
	free(r);
}

bool mr_rules_want_proofs(const struct mr_rules *r)
{
	return r->want_proofs;
}

const struct mr_sa_conf *mr_rules_conf(const struct mr_rules *r)
{
	return r->conf;
}

const char *mr_rules_description(const struct mr_rules *r, struct mr_slice name)
{
	struct mr_rules_rule *rule;

	HASH_FIND(hh, r->rules, name.p, name.n, rule);
	return rule ? rule->description : NULL;
}

bool mr_rules_each(const struct mr_rules *r, size_t *at, struct mr_rules_info *out)
{
	static const char *const kinds[] = {
		[MR_RULES_NONE] = "",
		[MR_RULES_HEADER] = "header",
		[MR_RULES_BODY] = "body",
		[MR_RULES_RAWBODY] = "rawbody",
		[MR_RULES_URI] = "uri",
		[MR_RULES_FULL] = "full",
		[MR_RULES_META] = "meta",
		[MR_RULES_MIMEHEADER] = "mimeheader",
		[MR_RULES_OUTSIDE] = "outside",
		[MR_RULES_EVAL] = "eval",
		[MR_RULES_URI_DETAIL] = "uri_detail",
	};
	const struct mr_rules_rule *rule;

	while (*at < r->n_rules && r->ordered[*at]->kind == MR_RULES_NONE)
		++*at; /* only spoken of */
	if (*at >= r->n_rules)
		return false;
	rule = r->ordered[(*at)++];
	*out = (struct mr_rules_info){ .name = rule->name,
				       .kind = kinds[rule->kind],
				       .file = rule->file,
				       .line = rule->line,
				       .description = rule->description,
				       .why = rule->why,
				       .score = rule->scores[0],
				       .state = rule->state };
	return true;
}
