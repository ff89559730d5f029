/* fuzz-opening: the first line is a regular expression, the rest a text. Goal: where PCRE2 finds a match something had been found that may
 * begin one, and something that all contain. */
/* libraries */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ours */
#include "fuzz.h"
#include "rules/sieve.h"

#define PATTERN_MAX 200 /* bytes */
#define TEXT_MAX    500
#define STEPS_MAX   2000

size_t fuzz_goals;

static pcre2_code *compile(struct mr_slice pattern, uint32_t options)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code;
	PCRE2_SIZE at;
	int error;

	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, 50);
	code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
			     options | PCRE2_ANCHORED | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &at, context);
	pcre2_compile_context_free(context);
	return code;
}

static bool any(const bool *v, size_t from, size_t to)
{
	while (from < to && !v[from])
		from++;
	return from < to;
}

/* NULL: nothing is known. */
static void check(const pcre2_code *code, struct mr_slice text, const bool *begins, const bool *contained)
{
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(match);

	pcre2_set_match_limit(limits, STEPS_MAX);
	pcre2_set_depth_limit(limits, STEPS_MAX);
	for (size_t i = 0; i <= text.n; i++) {
		if (pcre2_match(code, (PCRE2_SPTR)text.p, text.n, i, 0, match, limits) < 0)
			continue;
		fuzz_assert(!begins || (i < text.n && begins[i]));
		fuzz_assert(!contained || any(contained, i, v[1]));
		fuzz_goals++;
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t options[] = { 0, PCRE2_CASELESS, PCRE2_DOTALL, PCRE2_MULTILINE };
	static struct mr_rules_opening_sets sets;
	struct mr_slice text = fuzz_input(data, size), pattern = { 0 };
	struct mr_buf found = MR_BUF(1u << 22);
	struct mr_rules_sieve *s;
	bool places[2][TEXT_MAX] = { { false } };
	pcre2_code *code;

	if (!mr_slice_next(&text, '\n', &pattern) || pattern.n > PATTERN_MAX || text.n > TEXT_MAX || !text.p)
		return 0;
	mr_rules_openings(pattern, options[size % 4], &sets);
	code = sets.n_begins || sets.n_within ? compile(pattern, options[size % 4]) : NULL;
	if (!code)
		return 0;
	s = mr_rules_sieve_new();
	mr_rules_sieve_add(s, 0, sets.begins, sets.n_begins);
	mr_rules_sieve_add(s, 1, sets.within, sets.n_within);
	mr_rules_sieve_done(s);
	fuzz_assert(mr_rules_sieve_scan(s, text, &found));
	for (size_t i = 0; i < found.n / sizeof(struct mr_rules_start); i++) {
		const struct mr_rules_start *start = (const void *)(found.p + i * sizeof(*start));

		fuzz_assert(start->at < text.n);
		places[start->id][start->at] = true;
	}
	check(code, text, sets.n_begins ? places[0] : NULL, sets.n_within ? places[1] : NULL);
	pcre2_code_free(code);
	mr_rules_sieve_free(s);
	mr_buf_done(&found);
	return 0;
}
