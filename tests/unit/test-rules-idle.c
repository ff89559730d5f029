/* test-rules-idle: what is said of rules that never run here, and of what counts on them. */

/* system */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* libraries */
#include <cmocka.h>

/* ours */
#include "base/mem.h"
#include "rules/rules.h"
#include "support/fake-sa.h"

/* What never runs here in a site's files, and what counts on it, is told line by line; of what others have brought the state is enough. */
static void idle(void **state)
{
	static const struct mr_slice brought = MR_LIT("body __A /Buy/\nheader NET eval:check_rbl('x', 'bl.example.')\nscore NET 0 1 0 1\n"
						      "header SPF eval:check_told(1, 1)\ntflags SPF net\nscore SPF 0 1 0 1\n"
						      "body LEARNT eval:check_bayes('0.9', '1')\ntflags LEARNT learn\n"
						      "meta WEAK NET && __A\nmeta STRONG NET || __A\n");
	static const struct mr_slice own = MR_LIT(
	    "header OWN eval:check_rbl('y', 'bl.example.')\nscore OWN 2\nmeta M1 NET && __A\nmeta M2 __A && !LEARNT\n"
	    "meta M3 M1 || WEAK || M1\nmeta M4 __A && STRONG\nmeta M5 __A || NOBODY\nscore NET 10\nscore SPF 10\nscore LEARNT 0\n"
	    "score WEAK 3\nscore NOBODY 0\nbody LATER /Buy/\nscore LATER 0 1 0 1\nmeta M6 M6 && NET\nmeta M7 __A\nmeta M8 SPF && __A\n"
	    "askdns ASKS _A_.example TXT /x/\nscore STRONG 2\n");
	static const struct {
		enum mr_rules_fault fault;
		unsigned line;
		const char *rule, *text;
	} t[] = {
		{ MR_RULES_VAIN, 8, "NET", "the score counts nowhere: the rule asks the network" },
		{ MR_RULES_VAIN, 9, "SPF",
		  "the score counts nowhere: the filter tells the same by a symbol of its own, whose score is in symbol_scores" },
		{ MR_RULES_VAIN, 11, "WEAK", "the score counts nowhere: the rule rests on rules that never run here" },
		{ MR_RULES_IDLE, 1, "OWN", "asks the network" },
		{ MR_RULES_VAIN, 3, "M1", "never hits: NET asks the network" },
		{ MR_RULES_VAIN, 5, "M3", "never hits: M1 rests on rules that never run here" },
		{ MR_RULES_VAIN, 5, "M3", "never hits: WEAK rests on rules that never run here" },
		{ MR_RULES_VAIN, 7, "M5", "counts it as 0: NOBODY is defined nowhere" },
		{ MR_RULES_IDLE, 13, "LATER", "has a score only with the network or a learning filter" },
		{ MR_RULES_VAIN, 15, "M6", "never hits: NET asks the network" },
		{ MR_RULES_IDLE, 18, "ASKS", "asks the network" },
	};
	struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ 0 });
	const struct mr_rules_problem *of[2][20];
	size_t n[2] = { 0 };

	(void)state;
	mr_rules_brought(r, true);
	mr_rules_read(r, "/usr/x.cf", brought);
	mr_rules_brought(r, false);
	mr_rules_read(r, "/etc/x.cf", own);
	mr_rules_finish(r);
	for (int i = 0; i < 2; i++)
		n[i] = mr_rules_problems(r, i ? MR_RULES_VAIN : MR_RULES_IDLE, 20, of[i]);
	for (size_t i = 0, at[2] = { 0 }; i < MR_COUNT(t); i++) {
		int which = t[i].fault == MR_RULES_VAIN;
		const struct mr_rules_problem *p;

		assert_true(at[which] < n[which]);
		p = of[which][at[which]++];
		assert_string_equal(p->text, t[i].text);
		assert_string_equal(p->rule, t[i].rule);
		assert_string_equal(p->file, "/etc/x.cf");
		assert_int_equal(p->line, t[i].line);
	}
	assert_int_equal(n[0] + n[1], MR_COUNT(t));
	assert_int_equal(mr_rules_problems(r, MR_RULES_UNSUPPORTED, 20, of[0]), 0);
	mr_rules_free(r);
}

/* What others tell by themselves is there for other rules whatever it scores without the network. */
static void told_elsewhere(void **state)
{
	static const struct mr_slice text =
	    MR_LIT("header SPF eval:check_told(1, 1)\ntflags SPF net\nscore SPF 0 1 0 1\nmeta M SPF\nheader GONE eval:check_told(1, 1)\n"
		   "score GONE 0\nmeta N GONE\n");
	struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ 0 });
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sa message = { .full = MR_LIT("") };
	struct mr_rules_hits found;

	(void)state;
	mr_rules_read(r, "/etc/x.cf", text);
	mr_rules_finish(r);
	mr_rules_run(r, &message, false, arena, &found);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.v[0].name, "SPF");
	assert_true(found.v[0].part);
	assert_string_equal(found.v[1].name, "M");
	assert_false(found.v[1].part);
	mr_rules_free(r);
}

/* "ARC_INVALID", which the package gives a score, says the same as the symbol ARC_FAIL. */
static void metas_told_elsewhere(void **state)
{
	static const struct mr_slice brought =
	    MR_LIT("header A eval:check_told(1, 1)\nheader B eval:check_told(1, 2)\nmeta A_ONLY A && !B\n"
		   "score A_ONLY 0.1\nmeta SCORED A && !B\nmeta MORE A && __C\nfull __C /^/\n");
	static const struct mr_slice own = MR_LIT("score SCORED 2\nmeta OWN A && !B\nmeta OVER A_ONLY\n");
	static const struct {
		const char *name;
		bool part;
	} t[] = { { "A", true },   { "A_ONLY", true }, { "SCORED", false }, { "MORE", false },
		  { "__C", true }, { "OWN", false },   { "OVER", false } };
	struct mr_rules *r = mr_rules_new(&(struct mr_rules_config){ 0 });
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sa message = { .full = MR_LIT("x") };
	struct mr_rules_hits found;
	const struct mr_rules_problem *p;

	(void)state;
	mr_rules_brought(r, true);
	mr_rules_read(r, "/usr/x.cf", brought);
	mr_rules_brought(r, false);
	mr_rules_read(r, "/etc/x.cf", own);
	mr_rules_finish(r);
	mr_rules_run(r, &message, true, arena, &found);
	assert_int_equal(found.n, MR_COUNT(t));
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		assert_string_equal(found.v[i].name, t[i].name);
		assert_int_equal(found.v[i].part, t[i].part);
	}
	assert_int_equal(mr_rules_problems(r, MR_RULES_VAIN, 1, &p), 0);
	mr_rules_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle),
		cmocka_unit_test(told_elsewhere),
		cmocka_unit_test(metas_told_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
