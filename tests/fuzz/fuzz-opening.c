/* fuzz-opening: the first line is a regular expression, the rest a text. Goal: where PCRE2 finds a match something had been found that may
 * begin one. */
/* libraries */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ours */
#include "fuzz.h"
#include "rules/sieve.h"

#define PATTERN_MAX 200 /* bytes */
#define TEXT_MAX    500
#define STEPS_MAX   2000
#define MANY        600 /* openings */

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

static void check(const pcre2_code *code, struct mr_slice text, const bool *may)
{
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);

	pcre2_set_match_limit(limits, STEPS_MAX);
	pcre2_set_depth_limit(limits, STEPS_MAX);
	for (size_t i = 0; i <= text.n; i++) {
		bool matched = pcre2_match(code, (PCRE2_SPTR)text.p, text.n, i, 0, match, limits) >= 0;

		fuzz_assert(!matched || (i < text.n && may[i]));
		fuzz_goals += matched;
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t options[] = { 0, PCRE2_CASELESS, PCRE2_DOTALL, PCRE2_MULTILINE };
	struct mr_slice text = fuzz_input(data, size), pattern = { 0 };
	struct mr_rules_opening v[MR_OPENINGS_MAX];
	struct mr_buf found = MR_BUF(1u << 22);
	struct mr_rules_sieve *s;
	bool may[TEXT_MAX] = { false };
	pcre2_code *code;
	size_t n;

	if (!mr_slice_next(&text, '\n', &pattern) || pattern.n > PATTERN_MAX || text.n > TEXT_MAX || !text.p)
		return 0;
	n = mr_rules_openings(pattern, options[size % 4], v);
	code = n ? compile(pattern, options[size % 4]) : NULL;
	if (!code)
		return 0;
	s = mr_rules_sieve_new();
	/* Many are found in another way than few. */
	for (size_t i = 0; i == 0 || (size / 4 % 2 && i < MANY); i += n)
		mr_rules_sieve_add(s, 0, v, n);
	mr_rules_sieve_done(s);
	fuzz_assert(mr_rules_sieve_scan(s, text, &found));
	for (size_t i = 0; i < found.n / sizeof(struct mr_rules_start); i++) {
		const struct mr_rules_start *start = (const void *)(found.p + i * sizeof(*start));

		fuzz_assert(start->at < text.n);
		may[start->at] = true;
	}
	check(code, text, may);
	pcre2_code_free(code);
	mr_rules_sieve_free(s);
	mr_buf_done(&found);
	return 0;
}
