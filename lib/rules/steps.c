/* steps: expressions over rules as they are decided: one step after the other over a stack of numbers. What is cheap to know goes first
 * where that changes nothing: of "a && b && c" nobody needs the others once one is 0, and of "a + b + c > 2" once the rest cannot reach it.
 */

/* system */
#include <errno.h>
#include <math.h>

/* ours */
#include "base/mem.h"
#include "private.h"

#define STACK_MAX  100 /* numbers; metas over metas are decided in each other */
#define TERMS_MAX  200 /* of one sum, or of one "a && b && ..." */
#define TEXT_BYTES 3000

struct writer {
	union mr_rules_step *v;
	size_t n, room, stack, stack_max;
};

/* -- what it costs to know -- */

static double dear_node(const struct mr_rules_node *n);

static double dear(struct mr_rules_rule *rule)
{
	const struct mr_rules_pattern *p = &rule->pattern;

	if (rule->state == MR_RULES_CANNOT || rule->kind == MR_RULES_EVAL || rule->exists || rule->negated)
		return 0; /* never asked, or asked anyway */
	if (rule->kind == MR_RULES_META && !rule->dear_known) {
		rule->dear_known = true; /* 0 in a circle */
		rule->dear = rule->constant ? 0 : dear_node(rule->meta);
	}
	if (rule->kind == MR_RULES_META)
		return rule->dear;
	if (rule->kind == MR_RULES_HEADER)
		return 1;
	return (double)(p->expanded.n ? p->expanded.n : p->text.n) * (mr_rules_is_sifted(p) ? fmin(1, TEXT_BYTES * p->share) : 1);
}

static double dear_node(const struct mr_rules_node *n)
{
	double all = 0;

	for (; n; n = n->a) { /* "a + b + c" is long on that side */
		all += n->op == MR_RULES_RULE ? dear(n->rule) : 0;
		all += n->b ? dear_node(n->b) : 0;
		all += n->c ? dear_node(n->c) : 0;
	}
	return all;
}

struct term {
	const struct mr_rules_node *node;
	double dear;
	size_t at; /* as it is written */
};

static int cheap_first(const void *a, const void *b)
{
	const struct term *x = a, *y = b;

	if (x->dear < y->dear || x->dear > y->dear)
		return x->dear < y->dear ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* "a op b op c". False: too many. */
static bool take_terms(const struct mr_rules_node *n, enum mr_rules_op op, struct term *out, size_t *n_out)
{
	const struct mr_rules_node *chain[TERMS_MAX], *first = n;
	size_t depth = 0;

	for (; first->op == op; first = first->a) {
		if (depth == TERMS_MAX)
			return false;
		chain[depth++] = first->b;
	}
	for (size_t i = depth + 1; i > 0; i--) {
		const struct mr_rules_node *one = i > depth ? first : chain[i - 1];

		if (one->op == op) {
			if (!take_terms(one, op, out, n_out))
				return false;
			continue;
		}
		if (*n_out == TERMS_MAX)
			return false;
		out[*n_out] = (struct term){ .node = one, .dear = dear_node(one), .at = *n_out };
		++*n_out;
	}
	return true;
}

/* -- writing: what needs much of the stack is no part of write_node(), which calls itself -- */

static size_t put(struct writer *w, union mr_rules_step step)
{
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 16;
		w->v = mr_realloc_array(w->v, w->room, sizeof(*w->v));
	}
	w->v[w->n] = step;
	return w->n++;
}

static void push(struct writer *w)
{
	if (++w->stack > w->stack_max)
		w->stack_max = w->stack;
}

static void write_node(struct writer *w, const struct mr_rules_node *n);

/* "a && b": b's value, where a is true; else a jump past it, with what the jump leaves. */
static void write_jumping(struct writer *w, enum mr_rules_op op, const struct mr_rules_node *b)
{
	size_t jump = put(w, (union mr_rules_step){ .op = op });

	w->stack--;
	write_node(w, b);
	w->v[jump].arg = (uint32_t)w->n;
}

static void write_choice(struct writer *w, const struct mr_rules_node *n)
{
	size_t otherwise = put(w, (union mr_rules_step){ .op = MR_RULES_CHOICE }), past;

	w->stack--;
	write_node(w, n->b);
	past = put(w, (union mr_rules_step){ .op = MR_RULES_JUMP });
	w->stack--;
	w->v[otherwise].arg = (uint32_t)w->n;
	write_node(w, n->c);
	w->v[past].arg = (uint32_t)w->n;
}

/* Its value is that of the last one, where all are true. */
__attribute__((noinline)) static bool write_all(struct writer *w, const struct mr_rules_node *n)
{
	struct term terms[TERMS_MAX];
	size_t n_terms = 0, jumps[TERMS_MAX], n_jumps = 0;
	const struct mr_rules_node *last;

	if (!take_terms(n, MR_RULES_AND, terms, &n_terms))
		return false;
	last = terms[n_terms - 1].node;
	qsort(terms, n_terms, sizeof(*terms), cheap_first);
	write_node(w, terms[0].node);
	for (size_t i = 1; i <= n_terms; i++) {
		const struct mr_rules_node *next = i < n_terms ? terms[i].node : last;

		if (i == n_terms && terms[i - 1].node == last)
			break;
		jumps[n_jumps++] = put(w, (union mr_rules_step){ .op = MR_RULES_AND });
		w->stack--;
		write_node(w, next);
	}
	for (size_t i = 0; i < n_jumps; i++)
		w->v[jumps[i]].arg = (uint32_t)w->n;
	return true;
}

/* "a + b + c > 2" over rules. */
__attribute__((noinline)) static bool write_many(struct writer *w, const struct mr_rules_node *sum, const struct mr_rules_node *limit,
						 bool or_equal)
{
	struct term terms[TERMS_MAX];
	size_t n_terms = 0;

	if (sum->op != MR_RULES_ADD || limit->op != MR_RULES_NUMBER || !take_terms(sum, MR_RULES_ADD, terms, &n_terms))
		return false;
	for (size_t i = 0; i < n_terms; i++)
		if (terms[i].node->op != MR_RULES_RULE)
			return false;
	qsort(terms, n_terms, sizeof(*terms), cheap_first);
	push(w);
	put(w, (union mr_rules_step){ .op = MR_RULES_MANY, .arg = (uint32_t)n_terms });
	put(w, (union mr_rules_step){ .number = or_equal ? nextafter(limit->number, -HUGE_VAL) : limit->number });
	for (size_t i = 0; i < n_terms; i++)
		put(w, (union mr_rules_step){ .op = MR_RULES_RULE, .arg = terms[i].node->rule->index });
	return true;
}

static void write_node(struct writer *w, const struct mr_rules_node *n)
{
	if (n->op == MR_RULES_AND && write_all(w, n))
		return;
	if ((n->op == MR_RULES_GT || n->op == MR_RULES_GE) && write_many(w, n->a, n->b, n->op == MR_RULES_GE))
		return;
	if (n->op == MR_RULES_RULE) {
		push(w);
		put(w, (union mr_rules_step){ .op = n->op, .arg = n->rule->index });
		return;
	}
	if (n->op == MR_RULES_NUMBER) {
		push(w);
		put(w, (union mr_rules_step){ .op = n->op });
		put(w, (union mr_rules_step){ .number = n->number });
		return;
	}
	write_node(w, n->a);
	switch (n->op) {
	case MR_RULES_OR:
	case MR_RULES_AND:
		write_jumping(w, n->op, n->b);
		break;
	case MR_RULES_CHOICE:
		write_choice(w, n);
		break;
	case MR_RULES_NOT:
	case MR_RULES_MINUS:
		put(w, (union mr_rules_step){ .op = n->op });
		break;
	default:
		write_node(w, n->b);
		put(w, (union mr_rules_step){ .op = n->op });
		w->stack--;
	}
}

int mr_rules_steps_write(struct mr_rules *r, struct mr_rules_rule *rule)
{
	struct writer w = { 0 };
	union mr_rules_step *kept;

	write_node(&w, rule->meta);
	if (w.stack_max > STACK_MAX) {
		free(w.v);
		return -E2BIG;
	}
	kept = mr_arena_alloc(r->arena, w.n * sizeof(*kept));
	memcpy(kept, w.v, w.n * sizeof(*kept));
	rule->steps = kept;
	rule->n_steps = (uint32_t)w.n;
	free(w.v);
	return 0;
}

static double quotient(double a, double b)
{
	return b < 0 || b > 0 ? a / b : 0;
}

/* Perl's ^ is of whole numbers. */
static double exclusive(double a, double b)
{
	return a >= 0 && b >= 0 && a < 1e15 && b < 1e15 ? (double)((uint64_t)a ^ (uint64_t)b) : 0;
}

static bool is_true(double v)
{
	return v < 0 || v > 0;
}

static double binary(enum mr_rules_op op, double a, double b)
{
	switch (op) {
	case MR_RULES_XOR:
		return exclusive(a, b);
	case MR_RULES_EQ:
		return a >= b && a <= b;
	case MR_RULES_NE:
		return a < b || a > b;
	case MR_RULES_LT:
		return a < b;
	case MR_RULES_LE:
		return a <= b;
	case MR_RULES_GT:
		return a > b;
	case MR_RULES_GE:
		return a >= b;
	case MR_RULES_ADD:
		return a + b;
	case MR_RULES_SUB:
		return a - b;
	case MR_RULES_MUL:
		return a * b;
	default: /* MR_RULES_DIV */
		return quotient(a, b);
	}
}

/* Is the sum of the values of these rules above the limit? No value is below 0. */
static bool are_many(const union mr_rules_step *terms, uint32_t n, double limit, const struct mr_rules_values *of)
{
	double sum = 0, rest = 0;
	uint32_t boundless = 0;

	for (uint32_t i = 0; i < n; i++) {
		double most = of->most(of->arg, terms[i].arg);

		boundless += isinf(most) ? 1 : 0;
		rest += isinf(most) ? 0 : most;
	}
	for (uint32_t i = 0; i < n && !(sum > limit) && (boundless || sum + rest > limit); i++) {
		double most = of->most(of->arg, terms[i].arg);

		boundless -= isinf(most) ? 1 : 0;
		rest -= isinf(most) ? 0 : most;
		sum += of->value(of->arg, terms[i].arg);
	}
	return sum > limit;
}

double mr_rules_steps_value(const struct mr_rules_rule *rule, const struct mr_rules_values *of)
{
	double stack[STACK_MAX], *top = stack; /* top: one past the last */

	for (const union mr_rules_step *s = rule->steps, *end = s + rule->n_steps; s < end; s++) {
		switch (s->op) {
		case MR_RULES_RULE:
			*top++ = of->value(of->arg, s->arg);
			break;
		case MR_RULES_MANY:
			*top++ = are_many(s + 2, s->arg, s[1].number, of);
			s += 1 + s->arg;
			break;
		case MR_RULES_NUMBER:
			*top++ = (++s)->number;
			break;
		case MR_RULES_NOT:
			top[-1] = !is_true(top[-1]);
			break;
		case MR_RULES_MINUS:
			top[-1] = -top[-1];
			break;
		case MR_RULES_OR: /* a true value stays, and the rest is passed over */
		case MR_RULES_AND:
			if (is_true(top[-1]) == (s->op == MR_RULES_OR))
				s = rule->steps + s->arg - 1;
			else
				top--;
			break;
		case MR_RULES_CHOICE:
			if (!is_true(*--top))
				s = rule->steps + s->arg - 1;
			break;
		case MR_RULES_JUMP:
			s = rule->steps + s->arg - 1;
			break;
		default:
			top--;
			top[-1] = binary(s->op, top[-1], top[0]);
		}
	}
	return stack[0];
}

double mr_rules_node_at_zero(const struct mr_rules_node *n)
{
	double a = n->a ? mr_rules_node_at_zero(n->a) : 0;

	switch (n->op) {
	case MR_RULES_NUMBER:
		return n->number;
	case MR_RULES_RULE:
		return 0;
	case MR_RULES_NOT:
		return !is_true(a);
	case MR_RULES_MINUS:
		return -a;
	case MR_RULES_OR:
	case MR_RULES_AND:
		return is_true(a) == (n->op == MR_RULES_OR) ? a : mr_rules_node_at_zero(n->b);
	case MR_RULES_CHOICE:
		return mr_rules_node_at_zero(is_true(a) ? n->b : n->c);
	default:
		return binary(n->op, a, mr_rules_node_at_zero(n->b));
	}
}
