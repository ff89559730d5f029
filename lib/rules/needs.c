/* needs: what the expression of a meta needs to be anything but 0. "a && b" needs a, or else b, whichever is seldom there; "a || b" needs
 * one of both; "a + b + c > 2" needs three of them; "!a" needs nothing. */

/* system */
#include <math.h>

/* ours */
#include "base/mem.h"
#include "private.h"

#define BODY_BYTES 3000 /* of an ordinary message, for what is likely to be awake */
#define LINE_BYTES 100
#define RULES_MAX  1000 /* that one expression needs; with more of them it is always decided */

struct maker {
	struct mr_rules_needs *of; /* each rule */
	uint8_t *state;            /* each rule: 1 is being looked at, 2 is known */
	double *cost;              /* each rule: how likely it wakes others */
};

static void add(struct mr_rules_needs *b, uint32_t index, double cost)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i] == index)
			return;
	if (b->n == RULES_MAX) {
		b->none = true;
		return;
	}
	if (b->n == b->room) {
		b->room = b->room ? 2 * b->room : 4;
		b->v = mr_realloc_array(b->v, b->room, sizeof(*b->v));
	}
	b->v[b->n++] = index;
	b->cost += cost;
}

static struct mr_rules_needs nothing_known(void)
{
	return (struct mr_rules_needs){ .none = true, .cost = HUGE_VAL };
}

static struct mr_rules_needs checked(struct mr_rules_needs a)
{
	if (!a.none)
		return a;
	free(a.v);
	return nothing_known();
}

/* Both have to be 0. */
static struct mr_rules_needs both(struct mr_rules_needs a, struct mr_rules_needs b)
{
	for (size_t i = 0; i < b.n; i++)
		add(&a, b.v[i], 0);
	free(b.v);
	a.none |= b.none;
	a.cost += b.cost;
	a.above = 0;
	return checked(a);
}

/* One of them is enough: the one that is seldom awake. */
static struct mr_rules_needs either(struct mr_rules_needs a, struct mr_rules_needs b)
{
	bool first = !(b.cost < a.cost);

	free(first ? b.v : a.v);
	return first ? a : b;
}

bool mr_rules_is_first(const struct mr_rules_rule *rule)
{
	return !rule->pattern.refers && (rule->kind == MR_RULES_EVAL || rule->kind == MR_RULES_MIMEHEADER || rule->details ||
					 (rule->kind == MR_RULES_HEADER && (rule->negated || rule->exists || rule->has_unset)));
}

/* How likely it wakes others. */
static double leaf_cost(const struct mr_rules_rule *rule)
{
	double bytes = rule->kind == MR_RULES_HEADER ? LINE_BYTES : BODY_BYTES;

	if (rule->negated)
		return 0.9;
	if (rule->exists)
		return 0.4;
	if (mr_rules_is_first(rule))
		return 0.1;
	if (!mr_rules_is_sifted(&rule->pattern))
		return 0.5;
	return fmin(1, bytes * rule->pattern.share);
}

static double cost_of(struct maker *m, struct mr_rules_rule *rule);

static void add_all(struct maker *m, const struct mr_rules_node *n, struct mr_rules_needs *b)
{
	for (; n && !b->none; n = n->a) { /* "a + b + c" is long on that side */
		if (n->op == MR_RULES_RULE)
			add(b, n->rule->index, cost_of(m, n->rule));
		if (n->b)
			add_all(m, n->b, b);
		if (n->c)
			add_all(m, n->c, b);
	}
}

/* Nothing better is known: all that it speaks of, if that makes it 0. */
static struct mr_rules_needs whole(struct maker *m, const struct mr_rules_node *n)
{
	struct mr_rules_needs b = { 0 };

	if (mr_rules_node_at_zero(n) < 0 || mr_rules_node_at_zero(n) > 0)
		return nothing_known();
	add_all(m, n, &b);
	return checked(b);
}

/* Of "A + B + C" how many; 0: another expression. */
static size_t terms(const struct mr_rules_node *n)
{
	size_t all = 1;

	for (; n->op == MR_RULES_ADD; n = n->a) {
		size_t more = terms(n->b);

		if (!more)
			return 0;
		all += more;
	}
	return n->op == MR_RULES_RULE ? all : 0;
}

/* What a float cannot hold is rounded down: waking too early harms nobody. */
static double as_float(double limit, bool or_equal)
{
	float f = (float)limit;

	return or_equal || (double)f > limit ? nextafterf(f, -HUGE_VALF) : f;
}

/* "A + B + C > 2" needs three of them awake. */
static struct mr_rules_needs above(struct maker *m, const struct mr_rules_node *n, const struct mr_rules_node *sum,
				   const struct mr_rules_node *limit, bool or_equal)
{
	struct mr_rules_needs b = whole(m, n);
	double above_what = limit->op == MR_RULES_NUMBER ? as_float(limit->number, or_equal) : 0;

	if (b.none || !(above_what > 0) || terms(sum) != b.n)
		return b;
	b.above = above_what;
	b.cost /= above_what + 1;
	return b;
}

static struct mr_rules_needs needs_of(struct maker *m, const struct mr_rules_node *n)
{
	switch (n->op) {
	case MR_RULES_GT:
		return above(m, n, n->a, n->b, false);
	case MR_RULES_GE:
		return above(m, n, n->a, n->b, true);
	case MR_RULES_LT:
		return above(m, n, n->b, n->a, false);
	case MR_RULES_AND:
	case MR_RULES_MUL:
		return either(needs_of(m, n->a), needs_of(m, n->b));
	case MR_RULES_OR:
	case MR_RULES_ADD:
	case MR_RULES_SUB:
		return both(needs_of(m, n->a), needs_of(m, n->b));
	default:
		return whole(m, n);
	}
}

static double most_of(struct maker *m, const struct mr_rules_node *n)
{
	switch (n->op) {
	case MR_RULES_NUMBER:
		return n->number;
	case MR_RULES_RULE:
		cost_of(m, n->rule);
		return m->of[n->rule->index].most;
	case MR_RULES_AND:
		return most_of(m, n->b);
	case MR_RULES_OR:
		return fmax(most_of(m, n->a), most_of(m, n->b));
	case MR_RULES_ADD:
		return most_of(m, n->a) + most_of(m, n->b);
	case MR_RULES_CHOICE:
		return fmax(most_of(m, n->b), most_of(m, n->c));
	case MR_RULES_NOT:
	case MR_RULES_EQ:
	case MR_RULES_NE:
	case MR_RULES_LT:
	case MR_RULES_LE:
	case MR_RULES_GT:
	case MR_RULES_GE:
		return 1;
	default:
		return HUGE_VAL;
	}
}

static double meta_cost(struct maker *m, struct mr_rules_rule *rule)
{
	struct mr_rules_needs *b = &m->of[rule->index];

	b->most = HUGE_VAL;
	*b = rule->constant ? (struct mr_rules_needs){ .most = HUGE_VAL } : needs_of(m, rule->meta);
	b->most = fmax(1, most_of(m, rule->meta)); /* what is below 0 counts as 1 */
	return b->none ? 1 : fmin(1, b->cost);
}

static double cost_of(struct maker *m, struct mr_rules_rule *rule)
{
	size_t i = rule->index;

	if (m->state[i])
		return m->state[i] == 1 ? 1 : m->cost[i]; /* 1: in a circle */
	m->state[i] = 1;
	m->of[i].most = rule->kind == MR_RULES_EVAL ? HUGE_VAL : rule->hits_max;
	if (rule->state != MR_RULES_RUNS)
		m->cost[i] = 0;
	else if (rule->kind == MR_RULES_META)
		m->cost[i] = meta_cost(m, rule);
	else
		m->cost[i] = leaf_cost(rule);
	m->state[i] = 2;
	return m->cost[i];
}

struct mr_rules_needs *mr_rules_needs(const struct mr_rules *r)
{
	struct maker m = { .of = mr_new(struct mr_rules_needs, r->n_rules + 1),
			   .state = mr_new(uint8_t, r->n_rules + 1),
			   .cost = mr_new(double, r->n_rules + 1) };

	for (size_t i = 0; i < r->n_rules; i++)
		cost_of(&m, r->ordered[i]);
	free(m.state);
	free(m.cost);
	return m.of;
}

void mr_rules_needs_free(const struct mr_rules *r, struct mr_rules_needs *all)
{
	for (size_t i = 0; i < r->n_rules; i++)
		free(all[i].v);
	free(all);
}
