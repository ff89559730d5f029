/* test-scores: scores of the site and caps of groups, and what cannot be one. */

/* system */
#include <errno.h>

/* ours */
#include "scores.h"
#include "unit.h"

static void applied(void **state)
{
	static char *const symbols[] = { "LINK_A:0", "MIME_B:-2.5", "ZZZ:9" }, *const caps[] = { "links:4", "mime:0" };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_result r = { .symbols = { { MR_LIT("LINK_A"), 3, MR_LIT("links") },
						 { MR_LIT("MIME_A"), 2, MR_LIT("mime") },
						 { MR_LIT("LINK_B"), 3, MR_LIT("links") },
						 { MR_LIT("LINK_C"), 3, MR_LIT("links") },
						 { MR_LIT("OTHER"), 7, MR_LIT("other") } },
				    .n_symbols = 5,
				    .score = 18 };
	struct mr_score_group groups[MR_SYMBOLS_MAX];
	struct mr_scores s;

	(void)state;
	assert_int_equal(mr_scores_parse(NULL, 0, NULL, 0, arena, &s, NULL), 0);
	mr_scores_apply(&s, &r);
	assert_true(r.score == 18);
	assert_int_equal(mr_scores_parse(symbols, 3, caps, 2, arena, &s, NULL), 0);
	for (int i = 0; i < 2; i++) {
		mr_scores_apply(&s, &r);
		assert_true(r.symbols[0].score == 0 && r.symbols[1].score == 2);
		assert_true(r.score == 4 + 0 + 7);
	}
	assert_int_equal(mr_scores_groups(&s, &r, groups), 3);
	assert_slice(groups[0].name, "links");
	assert_true(groups[0].sum == 6 && groups[0].counted == 4 && *groups[0].cap == 4);
	assert_slice(groups[1].name, "mime");
	assert_true(groups[1].sum == 2 && groups[1].counted == 0);
	assert_null(groups[2].cap);
}

/* A cap bounds what speaks against a message, never what speaks for it. */
static void below_zero(void **state)
{
	static char *const symbols[] = { "MIME_B:-2.5" }, *const caps[] = { "mime:1" };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_result r = { .symbols = { { MR_LIT("MIME_B"), 2, MR_LIT("mime") } }, .n_symbols = 1, .score = 2 };
	struct mr_scores s;

	(void)state;
	assert_int_equal(mr_scores_parse(symbols, 1, caps, 1, arena, &s, NULL), 0);
	mr_scores_apply(&s, &r);
	assert_true(r.score == -2.5);
}

static void wrong(void **state)
{
	static const struct {
		char *symbol, *cap;
		const char *why;
	} t[] = {
		{ "LINK_A", NULL, "symbol_scores: \"LINK_A\"" },
		{ "LINK_A:", NULL, "symbol_scores" },
		{ ":1", NULL, "symbol_scores" },
		{ "li-nk:1", NULL, "symbol_scores" },
		{ "LINK_A:1001", NULL, "symbol_scores" },
		{ "LINK_A:x", NULL, "symbol_scores" },
		{ NULL, "LINKS:1", "group_caps: \"LINKS:1\"" },
		{ NULL, "links:-1", "group_caps" },
		{ NULL, "links", "group_caps" },
	};
	static char *const twice[] = { "A_B:1", "C_D:1", "A_B:1" };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_diag diag;
	struct mr_scores s;

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		diag = (struct mr_diag){ 0 };
		assert_int_equal(mr_scores_parse(&t[i].symbol, t[i].symbol != NULL, &t[i].cap, t[i].cap != NULL, arena, &s, &diag),
				 -EINVAL);
		assert_non_null(strstr(diag.text, t[i].why));
	}
	diag = (struct mr_diag){ 0 };
	assert_int_equal(mr_scores_parse(twice, 3, NULL, 0, arena, &s, &diag), -EINVAL);
	assert_non_null(strstr(diag.text, "A_B twice"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(applied), cmocka_unit_test(below_zero), cmocka_unit_test(wrong) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
