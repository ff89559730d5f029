/* test-rules-metas: metas of all shapes over rules of all kinds, against an evaluator that spares itself nothing: what is left asleep, and
 * what is decided in another order, changes no value. The rules of a set judge many messages one after the other. */

/* system */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* libraries */
#include <cmocka.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "rules/rules.h"
#include "support/fake-sa.h"

#define SETS     200
#define MESSAGES 12 /* of each set */
#define LEAVES   14
#define METAS    25
#define TEXT_MAX (64u << 10)
#define DEPTH    4

enum op { RULE, NUMBER, NOT, MINUS, AND, OR, ADD, SUB, MUL, GT, GE, LT, LE, EQ, CHOICE, OPS };

struct expression {
	enum op op;
	double number; /* NUMBER; RULE: which */
	struct expression *a, *b, *c;
};

struct world {
	unsigned seed;
	struct mr_arena *arena;
	struct mr_buf text;
	struct expression *metas[METAS];
	bool runs[METAS]; /* parts of nothing do not */
	double values[LEAVES + METAS];
};

static unsigned draw(struct world *w, unsigned n)
{
	w->seed = w->seed * 1103515245 + 12345;
	return (w->seed >> 16) % n;
}

static void write_name(struct world *w, unsigned rule)
{
	if (rule < LEAVES)
		mr_buf_printf(&w->text, "__L%u", rule);
	else /* some are asked for themselves, some are parts */
		mr_buf_printf(&w->text, "%sM%u", rule % 2 ? "__" : "", rule);
}

static struct expression *leaf(struct world *w, unsigned rules)
{
	struct expression *e = mr_arena_alloc(w->arena, sizeof(*e));

	e->op = draw(w, 6) ? RULE : NUMBER;
	e->number = draw(w, e->op == RULE ? rules : 4);
	if (e->op == RULE)
		write_name(w, (unsigned)e->number);
	else
		mr_buf_printf(&w->text, "%u", (unsigned)e->number);
	return e;
}

static const char *const signs[OPS] = {
	[AND] = "&&", [OR] = "||", [ADD] = "+", [SUB] = "-", [MUL] = "*", [GT] = ">", [GE] = ">=", [LT] = "<", [LE] = "<=", [EQ] = "=="
};

static struct expression *write_expression(struct world *w, unsigned rules, unsigned depth);

/* "a + b + c > 2", as many are. */
static struct expression *write_sum(struct world *w, unsigned rules)
{
	struct expression *sum = NULL, *limit = mr_arena_alloc(w->arena, sizeof(*limit)), *all = mr_arena_alloc(w->arena, sizeof(*all));

	mr_buf_puts(&w->text, "((");
	for (unsigned i = 0, n = 2 + draw(w, 5); i < n; i++) {
		struct expression *one = mr_arena_alloc(w->arena, sizeof(*one)), *more;

		*one = (struct expression){ .op = RULE, .number = draw(w, rules) };
		mr_buf_puts(&w->text, i ? " + " : "");
		write_name(w, (unsigned)one->number);
		more = mr_arena_alloc(w->arena, sizeof(*more));
		*more = (struct expression){ .op = ADD, .a = sum, .b = one };
		sum = i ? more : one;
	}
	*limit = (struct expression){ .op = NUMBER, .number = draw(w, 4) };
	*all = (struct expression){ .op = draw(w, 2) ? GT : GE, .a = sum, .b = limit };
	mr_buf_printf(&w->text, ") %s %u)", signs[all->op], (unsigned)limit->number);
	return all;
}

static struct expression *write_expression(struct world *w, unsigned rules, unsigned depth)
{
	struct expression *e;

	if (!depth || draw(w, 5) == 0)
		return leaf(w, rules);
	if (draw(w, 4) == 0)
		return write_sum(w, rules);
	e = mr_arena_alloc(w->arena, sizeof(*e));
	e->op = draw(w, 3) ? (draw(w, 2) ? AND : OR) : NOT + draw(w, OPS - NOT);
	if (e->op == NOT || e->op == MINUS) {
		mr_buf_puts(&w->text, e->op == NOT ? "!(" : "-(");
		e->a = write_expression(w, rules, depth - 1);
	} else {
		mr_buf_puts(&w->text, "(");
		e->a = write_expression(w, rules, depth - 1);
		mr_buf_printf(&w->text, " %s ", e->op == CHOICE ? "?" : signs[e->op]);
		e->b = write_expression(w, rules, depth - 1);
		if (e->op == CHOICE) {
			mr_buf_puts(&w->text, " : ");
			e->c = write_expression(w, rules, depth - 1);
		}
	}
	mr_buf_puts(&w->text, ")");
	return e;
}

/* As Perl does. */
static double value_of(const struct world *w, const struct expression *e)
{
	double a = e->a ? value_of(w, e->a) : 0, b = e->b ? value_of(w, e->b) : 0;
	bool is_true = a < 0 || a > 0;

	switch (e->op) {
	case RULE:
		return w->values[(unsigned)e->number];
	case NUMBER:
		return e->number;
	case NOT:
		return !is_true;
	case MINUS:
		return -a;
	case AND:
		return is_true ? b : a;
	case OR:
		return is_true ? a : b;
	case ADD:
		return a + b;
	case SUB:
		return a - b;
	case MUL:
		return a * b;
	case GT:
		return a > b;
	case GE:
		return a >= b;
	case LT:
		return a < b;
	case LE:
		return a <= b;
	case EQ:
		return a >= b && a <= b;
	default:
		return is_true ? b : value_of(w, e->c);
	}
}

/* Words of the body, fields, functions; some count. */
static void write_leaf(struct world *w, unsigned i)
{
	static const struct {
		const char *kind, *before, *after; /* the number of the rule */
	} forms[] = {
		{ "body", "/word", "\\b/" },       { "body", "/\\bword", "(?!\\w)/i" },
		{ "rawbody", "/[vw]ord", "\\b/" }, { "header", "Subject =~ /word", "\\b/" },
		{ "header", "exists:X", "" },      { "header", "Subject !~ /word", "\\b/" },
		{ "header", "X", " =~ /./" },
	};
	size_t form = draw(w, MR_COUNT(forms));

	if (i % 7 == 6) {
		mr_buf_printf(&w->text, "header __L%u eval:check_number(%u)\n", i, draw(w, 3));
		return;
	}
	mr_buf_printf(&w->text, "%s __L%u %s%u%s\n", forms[form].kind, i, forms[form].before, i, forms[form].after);
	if (i % 5 == 0)
		mr_buf_printf(&w->text, "tflags __L%u multiple\n", i);
}

/* Of a rule, or of none. */
static unsigned number_in(const char *name, char after)
{
	const char *p = strchr(name, after);

	return p ? (unsigned)strtoul(p + 1, NULL, 10) : 0;
}

static void note_running(struct world *w, const struct mr_rules *r)
{
	struct mr_rules_info info;
	unsigned n = 0;

	for (size_t at = 0; mr_rules_each(r, &at, &info);)
		if (strchr(info.name, 'M')) {
			unsigned i = number_in(info.name, 'M') - LEAVES;

			w->runs[i] = info.state == MR_RULES_RUNS;
			n += w->runs[i];
		}
	assert_true(n > METAS / 2);
}

static void check_message(struct world *w, struct mr_rules *r)
{
	struct mr_buf words = MR_BUF(TEXT_MAX), fields = MR_BUF(TEXT_MAX);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice line;
	struct mr_sa message = { 0 };
	struct mr_rules_hits parts, asked;
	double found[LEAVES + METAS] = { 0 };
	size_t n_asked = 0;

	mr_buf_puts(&words, "a");
	for (unsigned i = 0; i < LEAVES; i++)
		for (unsigned n = draw(w, 3) ? 0 : 1 + draw(w, 2); n; n--)
			mr_buf_printf(&words, " word%u", i);
	mr_buf_printf(&fields, "Subject=%s|X%u=yes", words.p, draw(w, LEAVES));
	line = mr_buf_slice(&words);
	message.body = message.rawbody = (struct mr_sa_list){ &line, 1 };
	message.fields = fields.p;
	mr_rules_run(r, &message, true, arena, &parts);
	mr_rules_run(r, &message, false, arena, &asked);
	for (size_t i = 0; i < parts.n; i++) {
		const char *name = parts.v[i].name;

		found[number_in(name, strchr(name, 'L') ? 'L' : 'M')] = parts.v[i].count;
		if (parts.v[i].matched.n) /* of this message, of no other one before */
			assert_true(mr_slice_starts(parts.v[i].matched, MR_LIT("word")) ||
				    mr_slice_starts(parts.v[i].matched, MR_LIT("yes")) || mr_slice_eq(parts.v[i].matched, MR_LIT("y")));
		n_asked += !parts.v[i].part;
	}
	for (unsigned i = 0; i < LEAVES; i++)
		w->values[i] = found[i];
	for (unsigned i = 0; i < METAS; i++) {
		double v = value_of(w, w->metas[i]);

		v = v < 0 ? 1 : v;
		w->values[LEAVES + i] = v;
		if (w->runs[i] && (found[LEAVES + i] < v || found[LEAVES + i] > v)) {
			puts(w->text.p);
			fail_msg("seed %u, M%u is %g, not %g, of \"%s\" by\n%s", w->seed, LEAVES + i, found[LEAVES + i], v, words.p,
				 w->text.p);
		}
	}
	/* Those that nobody asks for are told where they decided something: the others are all the same. */
	for (size_t i = 0, k = 0; i < asked.n; i++) {
		if (asked.v[i].part)
			continue;
		while (k < parts.n && parts.v[k].part)
			k++;
		assert_true(k < parts.n);
		assert_string_equal(asked.v[i].name, parts.v[k].name);
		assert_int_equal(asked.v[i].count, parts.v[k++].count);
		n_asked--;
	}
	assert_int_equal(n_asked, 0);
	memset(words.p, 'z', words.n);
	memset(fields.p, 'z', fields.n);
	mr_buf_done(&words);
	mr_buf_done(&fields);
}

static void test_all_shapes(void **state)
{
	struct world w = { .seed = 7 };

	for (unsigned set = 0; set < SETS; set++) {
		struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ 0 });
		struct mr_diag diag = { 0 };

		w.text = (struct mr_buf)MR_BUF(TEXT_MAX);
		w.arena = mr_arena_new(0);
		for (unsigned i = 0; i < LEAVES; i++)
			write_leaf(&w, i);
		for (unsigned i = 0; i < METAS; i++) {
			mr_buf_puts(&w.text, "meta ");
			write_name(&w, LEAVES + i);
			mr_buf_puts(&w.text, " ");
			w.metas[i] = write_expression(&w, LEAVES + i, DEPTH);
			mr_buf_puts(&w.text, "\n");
		}
		mr_rules_read(r, "/etc/x.cf", mr_buf_slice(&w.text));
		mr_rules_finish(r);
		if (mr_rules_error(r, &diag) < 0)
			fail_msg("%s\n%s", diag.text, w.text.p);
		note_running(&w, r);
		for (unsigned i = 0; i < MESSAGES; i++)
			check_message(&w, r);
		mr_rules_free(r);
		mr_arena_free(w.arena);
		mr_buf_done(&w.text);
	}
}

#define VERY_MANY 60000

/* Sums of very many rules, and of very many terms, need no stack of that size. */
static void test_long(void **state)
{
	struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ 0 });
	struct mr_buf text = MR_BUF(8u << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sa message = { .fields = "X1=yes|X5=yes" };
	struct mr_rules_hits hits;

	for (unsigned i = 0; i < VERY_MANY; i++)
		mr_buf_printf(&text, "header __L%u exists:X%u\n", i, i);
	mr_buf_puts(&text,
		    "meta A rules_matching(__L*) > 1\nmeta B rules_matching(__L*) > 2\nmeta C 1 && rules_matching(__L*)\nmeta D __L1");
	for (unsigned i = 0; i < VERY_MANY / 6; i++)
		mr_buf_puts(&text, "+__L2");
	mr_buf_puts(&text, " > 0\nmeta E __L1");
	for (unsigned i = 0; i < VERY_MANY / 6; i++)
		mr_buf_puts(&text, "&&__L1");
	mr_rules_read(r, "/etc/x.cf", mr_buf_slice(&text));
	mr_rules_finish(r);
	assert_int_equal(mr_rules_error(r, NULL), 0);
	mr_rules_run(r, &message, false, arena, &hits);
	assert_int_equal(hits.n, 6);
	for (unsigned i = 0; i < 4; i++)
		assert_string_equal(hits.v[2 + i].name, ((const char *[]){ "A", "C", "D", "E" })[i]);
	assert_int_equal(hits.v[3].count, 2);
	mr_rules_free(r);
	mr_buf_done(&text);
}

/* What is signed in one file is seen by rules that are not SpamAssassin's; what hits outside is told once. */
static void test_signed(void **state)
{
	struct mr_slice words = MR_LIT("inner words");
	struct mr_sa twice = { .body = { &words, 1 }, .fields = "Subject=Twice" };
	struct mr_sa inner = { .body = { &words, 1 }, .fields = "Subject=Inner", .inner = &twice };
	struct mr_sa message = { .fields = "Subject=Outer", .inner = &inner };
	struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ 0 });

	mr_rules_stock(r, true);
	mr_rules_read(r, "/usr/x.cf", MR_LIT("body S /inner/\nbody __T /words/\nheader U Subject =~ /e/\n"));
	mr_rules_stock(r, false);
	mr_rules_read(r, "/etc/x.cf",
		      MR_LIT("body A /inner/\nmeta B S && __T\nheader C Subject =~ /e/\nheader D Subject =~ /Inner|Twice/\n"
			     "meta E !A\nbody __F /words/\nmeta G __F && !D\nheader H Subject =~ /Twice/\n"));
	mr_rules_finish(r);
	for (int i = 0; i < 2; i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf names = MR_BUF(1000);
		struct mr_rules_hits hits;

		mr_rules_run(r, &message, false, arena, &hits);
		for (size_t k = 0; k < hits.n; k++)
			if (!hits.v[k].part)
				mr_buf_printf(&names, "%s ", hits.v[k].name);
		assert_string_equal(names.p, i ? "U C E " : "U C E A B D H ");
		message.inner = NULL;
		mr_buf_done(&names);
	}
	mr_rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_shapes),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
