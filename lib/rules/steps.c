/* steps: expressions over rules as they are decided: one step after the other over a stack of numbers. A message decides a thousand of
 * them. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "private.h"

#define STACK_MAX 100 /* numbers; metas over metas are decided in each other */

struct writer {
	struct mr_rules_step *v;
	size_t n, room, stack, stack_max;
};

static size_t put(struct writer *w, struct mr_rules_step step)
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
	size_t jump = put(w, (struct mr_rules_step){ .op = op });

	w->stack--;
	write_node(w, b);
	w->v[jump].arg = (uint32_t)w->n;
}

static void write_choice(struct writer *w, const struct mr_rules_node *n)
{
	size_t otherwise = put(w, (struct mr_rules_step){ .op = MR_RULES_CHOICE }), past;

	w->stack--;
	write_node(w, n->b);
	past = put(w, (struct mr_rules_step){ .op = MR_RULES_JUMP });
	w->stack--;
	w->v[otherwise].arg = (uint32_t)w->n;
	write_node(w, n->c);
	w->v[past].arg = (uint32_t)w->n;
}

static void write_node(struct writer *w, const struct mr_rules_node *n)
{
	if (n->op == MR_RULES_NUMBER || n->op == MR_RULES_RULE) {
		push(w);
		put(w, (struct mr_rules_step){
			   .op = n->op, .arg = n->op == MR_RULES_RULE ? (uint32_t)n->rule->index : 0, .number = n->number });
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
		put(w, (struct mr_rules_step){ .op = n->op });
		break;
	default:
		write_node(w, n->b);
		put(w, (struct mr_rules_step){ .op = n->op });
		w->stack--;
	}
}

int mr_rules_steps_write(struct mr_rules *r, struct mr_rules_rule *rule)
{
	struct writer w = { 0 };
	struct mr_rules_step *kept;

	write_node(&w, rule->meta);
	if (w.stack_max > STACK_MAX) {
		free(w.v);
		return -E2BIG;
	}
	kept = mr_arena_alloc(r->arena, w.n * sizeof(*kept));
	memcpy(kept, w.v, w.n * sizeof(*kept));
	rule->steps = kept;
	rule->n_steps = w.n;
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

double mr_rules_steps_value(const struct mr_rules_rule *rule, double (*value)(void *arg, size_t index), void *arg)
{
	double stack[STACK_MAX], *top = stack; /* top: one past the last */

	for (size_t i = 0; i < rule->n_steps; i++) {
		const struct mr_rules_step *s = &rule->steps[i];

		switch (s->op) {
		case MR_RULES_RULE:
			*top++ = value(arg, s->arg);
			break;
		case MR_RULES_NUMBER:
			*top++ = s->number;
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
				i = s->arg - 1;
			else
				top--;
			break;
		case MR_RULES_CHOICE:
			if (!is_true(*--top))
				i = s->arg - 1;
			break;
		case MR_RULES_JUMP:
			i = s->arg - 1;
			break;
		default:
			top--;
			top[-1] = binary(s->op, top[-1], top[0]);
		}
	}
	return stack[0];
}
