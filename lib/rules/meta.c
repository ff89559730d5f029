/* meta: reads expressions over rules, with Perl's operators and their precedence. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "private.h"

#define DEPTH_MAX       200
#define MATCHING_LEVELS 20 /* more rules than there may be: MR_RULES_MAX */

struct expression {
	struct mr_rules *rules;
	struct mr_rules_rule *of;
	struct mr_slice rest;
	const struct mr_rules_node *parts;
	int depth;
	struct mr_diag *diag;
	bool failed;
};

static const struct mr_rules_node *choice(struct expression *e);

static const struct mr_rules_node *fail(struct expression *e, const char *why)
{
	if (!e->failed)
		mr_diag_set(e->diag, -EINVAL, "%s", why);
	e->failed = true;
	e->rest.n = 0;
	return NULL;
}

static struct mr_rules_node *node(struct expression *e, enum mr_rules_op op, const struct mr_rules_node *a, const struct mr_rules_node *b)
{
	struct mr_rules_node *n = mr_arena_alloc(e->rules->arena, sizeof(*n));

	n->op = op;
	n->a = a;
	n->b = b;
	return n;
}

static void skip_space(struct expression *e)
{
	while (e->rest.n && mr_rules_space(e->rest.p[0]))
		e->rest = mr_slice_from(e->rest, 1);
}

static bool take(struct expression *e, const char *what)
{
	struct mr_slice w = mr_slice_of(what);

	skip_space(e);
	if (!mr_slice_starts(e->rest, w))
		return false;
	e->rest = mr_slice_from(e->rest, w.n);
	return true;
}

static struct mr_slice take_while(struct expression *e, const char *more)
{
	struct mr_slice s = { e->rest.p, 0 };

	while (s.n < e->rest.n) {
		char c = e->rest.p[s.n], l = mr_lower(c);

		if (!(c && strchr(more, c)) && !(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && c != '_')
			break;
		s.n++;
	}
	e->rest = mr_slice_from(e->rest, s.n);
	return s;
}

static const struct mr_rules_node *rule_node(struct expression *e, struct mr_rules_rule *rule)
{
	struct mr_rules_node *n = node(e, MR_RULES_RULE, NULL, NULL);

	n->rule = rule;
	n->next = e->parts;
	e->parts = n;
	return n;
}

static bool glob(const char *pattern, const char *name)
{
	if (!*pattern)
		return !*name;
	if (*pattern == '*') {
		while (pattern[1] == '*')
			pattern++;
		for (;; name++) {
			if (glob(pattern + 1, name))
				return true;
			if (!*name)
				return false;
		}
	}
	return *name && (*pattern == '?' || *pattern == *name) && glob(pattern + 1, name + 1);
}

/* sums[i] is of 2^i rules, or NULL: a sum of very many is not deeper than it has to be. */
static void add_to(struct expression *e, const struct mr_rules_node **sums, const struct mr_rules_node *n)
{
	for (; *sums; sums++) {
		n = node(e, MR_RULES_ADD, *sums, n);
		*sums = NULL;
	}
	*sums = n;
}

/* "rules_matching(__FOO_*)": how often they hit together. */
static const struct mr_rules_node *matching(struct expression *e)
{
	const struct mr_rules_node *sums[MATCHING_LEVELS] = { 0 }, *sum = NULL;
	struct mr_rules_rule *rule;
	struct mr_slice pattern;
	const char *text;
	unsigned stars = 0;

	if (!take(e, "("))
		return fail(e, "rules_matching: ( is missing");
	skip_space(e);
	pattern = take_while(e, "*?");
	if (!pattern.n || !take(e, ")"))
		return fail(e, "rules_matching: a pattern of names in parentheses is missing");
	for (size_t i = 0; i < pattern.n; i++)
		stars += pattern.p[i] == '*';
	if (stars > 4 || pattern.n > MR_RULES_NAME_MAX)
		return fail(e, "rules_matching: the pattern is too long");
	text = mr_arena_slice(e->rules->arena, pattern);
	for (rule = e->rules->rules; rule; rule = rule->hh.next)
		if (rule != e->of && rule->kind != MR_RULES_NONE && glob(text, rule->name))
			add_to(e, sums, rule_node(e, rule));
	for (size_t i = 0; i < MATCHING_LEVELS; i++)
		if (sums[i])
			sum = sum ? node(e, MR_RULES_ADD, sums[i], sum) : sums[i];
	return sum ? sum : node(e, MR_RULES_NUMBER, NULL, NULL);
}

static const struct mr_rules_node *named(struct expression *e)
{
	struct mr_slice name = take_while(e, "");
	struct mr_rules_node *n;
	struct mr_rules_rule *rule;

	if (mr_slice_eq(name, MR_LIT("rules_matching")))
		return matching(e);
	if (mr_slice_eq(name, MR_LIT("local_tests_only"))) {
		n = node(e, MR_RULES_NUMBER, NULL, NULL);
		n->number = !e->rules->config.net;
		return n;
	}
	rule = mr_rules_name_ok(name) ? mr_rules_named(e->rules, name) : NULL;
	return rule ? rule_node(e, rule) : fail(e, "a name of a rule is missing");
}

static const struct mr_rules_node *operand(struct expression *e)
{
	struct mr_rules_node *n;
	struct mr_slice word;

	skip_space(e);
	if (e->rest.n && ((e->rest.p[0] >= '0' && e->rest.p[0] <= '9') || e->rest.p[0] == '.')) {
		word = take_while(e, ".");
		n = node(e, MR_RULES_NUMBER, NULL, NULL);
		if (mr_parse_double(word, 0, 1e15, &n->number) < 0)
			return fail(e, "not a number");
		return n;
	}
	if (take(e, "(")) {
		const struct mr_rules_node *inner;

		if (take(e, ")"))
			return node(e, MR_RULES_NUMBER, NULL, NULL); /* "()" is 0 */
		inner = choice(e);
		return take(e, ")") ? inner : fail(e, ") is missing");
	}
	return named(e);
}

static const struct mr_rules_node *unary(struct expression *e)
{
	const struct mr_rules_node *n;
	bool negated;

	skip_space(e);
	negated = !mr_slice_starts(e->rest, MR_LIT("!=")) && take(e, "!");
	if (!negated && !take(e, "-") && !take(e, "+"))
		return operand(e);
	/* A plus is passed over. */
	if (!negated && e->rest.p[-1] == '+')
		return ++e->depth > DEPTH_MAX ? fail(e, "too deep") : unary(e);
	if (++e->depth > DEPTH_MAX)
		return fail(e, "too deep");
	n = unary(e);
	e->depth--;
	return n ? node(e, negated ? MR_RULES_NOT : MR_RULES_MINUS, n, NULL) : NULL;
}

/* Binary operators, the loosest first; of one level they group from the left. */
static const struct {
	const char *text;
	enum mr_rules_op op;
	int level;
} operators[] = {
	{ "||", MR_RULES_OR, 0 }, { "&&", MR_RULES_AND, 1 }, { "^", MR_RULES_XOR, 2 }, { "==", MR_RULES_EQ, 3 }, { "!=", MR_RULES_NE, 3 },
	{ "<=", MR_RULES_LE, 4 }, { ">=", MR_RULES_GE, 4 },  { "<", MR_RULES_LT, 4 },  { ">", MR_RULES_GT, 4 },  { "+", MR_RULES_ADD, 5 },
	{ "-", MR_RULES_SUB, 5 }, { "*", MR_RULES_MUL, 6 },  { "/", MR_RULES_DIV, 6 },
};
#define LEVELS 7

static const struct mr_rules_node *binary(struct expression *e, int level)
{
	const struct mr_rules_node *a = level == LEVELS ? unary(e) : binary(e, level + 1);
	size_t i = 0;

	while (a && level < LEVELS && i < MR_COUNT(operators)) {
		if (operators[i].level == level && take(e, operators[i].text)) {
			const struct mr_rules_node *b = binary(e, level + 1);

			if (!b)
				return NULL;
			a = node(e, operators[i].op, a, b);
			i = 0;
		} else {
			i++;
		}
	}
	return a;
}

static const struct mr_rules_node *choice(struct expression *e)
{
	const struct mr_rules_node *a, *b, *c;
	struct mr_rules_node *n;

	if (++e->depth > DEPTH_MAX)
		return fail(e, "too deep");
	a = binary(e, 0);
	if (a && take(e, "?")) {
		b = choice(e);
		if (!take(e, ":"))
			return fail(e, "? without :");
		c = choice(e);
		if (!b || !c)
			return NULL;
		n = node(e, MR_RULES_CHOICE, a, b);
		n->c = c;
		a = n;
	}
	e->depth--;
	return a;
}

int mr_rules_meta_parse(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_diag *diag)
{
	struct expression e = { .rules = r, .of = rule, .rest = rule->definition, .diag = diag };
	const struct mr_rules_node *n = choice(&e);

	skip_space(&e);
	if (!e.failed && e.rest.n)
		mr_diag_set(diag, -EINVAL, "\"%.*s\" is not understood", (int)(e.rest.n < 60 ? e.rest.n : 60), e.rest.p);
	if (e.failed || e.rest.n || !n)
		return -EINVAL;
	rule->meta = n;
	rule->parts = e.parts;
	return 0;
}
