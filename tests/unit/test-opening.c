/* test-opening: with which bytes matches of a regular expression begin, which they contain, and the pass over a text that finds them. */

/* system */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* libraries */
#include <cmocka.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "rules/opening.h"
#include "rules/sieve.h"

static struct mr_rules_opening_sets sets;

/* What matches begin with; how many. */
static size_t begins(struct mr_slice text, uint32_t options)
{
	mr_rules_openings(text, options, &sets);
	return sets.n_begins;
}

/* "a [bc] ..." : a class of more than 20 bytes is shown by how many there are, and * is all but line feed. */
static void show(const struct mr_rules_class *c, struct mr_buf *out)
{
	char bytes[257];
	size_t n = 0;

	for (unsigned i = 0; i < 256; i++)
		if (c->bits[i / 64] >> i % 64 & 1)
			bytes[n++] = i > ' ' && i < 127 ? (char)i : i == ' ' ? '~' : '?';
	bytes[n] = 0;
	if (n == 1)
		mr_buf_puts(out, bytes);
	else if (n <= 20)
		mr_buf_printf(out, "[%s]", bytes);
	else
		mr_buf_printf(out, "<%zu>", n);
}

static const struct {
	const char *text;
	uint32_t options;
	const char *openings; /* as they come; "" for not known; in front what may stand before it, unless that is anything */
} cases[] = {
	{ "abc", 0, "abc" },
	{ "abc", PCRE2_CASELESS, "[Aa][Bb][Cc]" },
	{ "viagra pills", 0, "viag" }, /* rare enough */
	{ "a|xyz", 0, "a xyz" },
	{ "(?:ab|xy)c", 0, "xyc abc" },
	{ "[ab]c", 0, "[ab]c" },
	{ "[^\\s\\S]", 0, "[]" }, /* nothing is both */
	{ "x[0-3]+y", 0, "x[0123][0123y]" },
	{ "\\bq{3}", 0, "^o:qq" },
	{ "q?z", 0, "z qz" },
	{ "q*", 0, "" },
	{ "(?:|q)", 0, "" },
	{ "q{2,3}z", 0, "qq" },
	{ "^(?i)q(?-i)q", 0, "^:[Qq]q" },
	{ "(?i:q)q", 0, "[Qq]q" },
	{ "(?=a)(?!b)(?<=c)(?<!d)q", 0, "q" },
	{ "(q)\\1z", 0, "q" }, /* what it has matched is not known */
	{ "\\1q", 0, "" },
	{ "\\x41\\x{42}\\103", 0, "" }, /* octal, or what a group matched */
	{ "\\x41\\x{42}\\0", 0, "AB" },
	{ "\\.\\/\\-", 0, "./-" },
	{ "[]a]", 0, "[]a]" },
	{ "[a\\]b]", 0, "[]ab]" },
	{ "[a-c-]", 0, "[-abc]" },
	{ "[\\d-x]", 0, "[-0123456789x]" },
	{ "[[:digit:]x]", 0, "[0123456789x]" },
	{ "[[:^print:]]z{2}", 0, "<161>zz" },
	{ "q{,3}", 0, "q{" },
	{ "q{x", 0, "q{" },
	{ "(?#no)q", 0, "q" },
	{ "(?<name>q)(?P<other>z)", 0, "qz" },
	{ "(?>q+)z", 0, "q[qz]" },
	{ ".q", 0, "<255>q" },
	{ ".q", PCRE2_DOTALL, "<256>q" },
	{ "(?s).q", 0, "<256>q" },
	{ "\\sq", 0, "[?????~]q" },
	/* what stands before */
	{ "\\b/q", 0, "w:/q" },
	{ "\\b[/x]q", 0, "[/x]q" },
	{ "\\Bqz", 0, "w:qz" },
	{ "\\B/q", 0, "^o:/q" },
	{ "\\b\\Bqz", 0, "-:qz" }, /* nothing */
	{ "\\Aqz", 0, "^:qz" },
	{ "^\\bqz", 0, "^:qz" },
	{ "(?:^|\\s)qz", 0, "^:qz [?????~]qz" },
	{ "(?:\\b)?qz", 0, "qz" },
	{ "(?:\\bq|z)x", 0, "^o:qx zx" },
	{ "(?:\\b|z)xq", 0, "^o:xq zx" },
	{ "q\\bz", 0, "qz" }, /* what stands inside is not looked at */
	{ "(?!^)(?<=\\b)qz", 0, "qz" },
	{ "^|q", 0, "" },
	/* not understood */
	{ "q\\Kz", 0, "" },
	{ "\\Gq", 0, "" },
	{ "\\Qq\\E", 0, "" },
	{ "(?R)?q", 0, "" },
	{ "(q)(?1)", 0, "q" },
	{ "(?(1)q|z)", 0, "" },
	{ "(?x)q z", 0, "" },
	{ "q", PCRE2_EXTENDED, "" },
	{ "(*UTF)q", 0, "" },
	{ "\\p{L}q", 0, "" },
	{ "q)", 0, "" },
	{ "(q", 0, "" },
	{ "[q", 0, "" },
	{ "q\\", 0, "" },
};

/* ^: a line's beginning; w: a byte of \w; o: another one. */
static const char *const befores[] = { "-:", "^:", "w:", "^w:", "o:", "^o:", "wo:", "" };

static void compare(const char *text, const struct mr_rules_opening *v, size_t n, const char *expected)
{
	struct mr_buf out = MR_BUF(10000);

	for (size_t k = 0; k < n; k++) {
		mr_buf_puts(&out, k ? " " : "");
		mr_buf_puts(&out, befores[v[k].before]);
		for (unsigned b = 0; b < v[k].n; b++)
			show(&v[k].bytes[b], &out);
	}
	mr_buf_puts(&out, "");
	if (strcmp(out.p ? out.p : "", expected) != 0)
		fail_msg("%s: %s, not %s", text, out.p ? out.p : "", expected);
	mr_buf_done(&out);
}

static void test_begins(void **state)
{
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_rules_openings(mr_slice_of(cases[i].text), cases[i].options, &sets);
		compare(cases[i].text, sets.begins, sets.n_begins, cases[i].openings);
	}
}

static const struct {
	const char *text, *within;
} inner[] = {
	{ "the.*zq", "zq" },
	{ "the.*zq.*qz", "zq" }, /* the first of two that are as rare */
	{ "the.*(?:zq|xj)", "xj zq" },
	{ "(?:a|zq)b", "zq ab" },
	{ "the (?:zq)?ab", "he~z he~ab" }, /* what may be left out is no matter */
	{ "the (?:zq)+ab", "e~zq" },
	{ "the (?:zq){0,3}", "the~ the~z" },
	{ "(?:the|a).(?:zq|.)", "a the" }, /* nothing that all of these contain */
	{ "the(?!zq)(?=qz)(?<=qx)", "the" },
	{ "\\w+\\bzq", "^o:zq" },
	{ "(th)e\\1zq", "zq" },
	{ "(?&n)zq(?(DEFINE)(?<n>xj))", "zq" }, /* what is defined may be called or not */
	{ "(?1)?(zq)", "zq" },
	{ "(?R)?zq", "zq" },
	{ ".*", "" },
	{ "[^a]{3}", "" },
	{ "the.*zq|", "" },
	{ "the.*zq\\K", "" },
};

static void test_within(void **state)
{
	for (size_t i = 0; i < MR_COUNT(inner); i++) {
		mr_rules_openings(mr_slice_of(inner[i].text), 0, &sets);
		compare(inner[i].text, sets.within, sets.n_within, inner[i].within);
	}
}

/* Many alternatives become fewer that stand for them; what is common is told from what is rare. */
static void test_bounds(void **state)
{
	struct mr_buf text = MR_BUF(1u << 20);
	size_t n;

	for (unsigned i = 0; i < 3000; i++)
		mr_buf_printf(&text, "%s%c%c%c%c", i ? "|" : "", 'a' + (char)(i % 26), 'a' + (char)(i / 7 % 26), 'a' + (char)(i / 49 % 26),
			      '0' + (char)(i % 9));
	n = begins(mr_buf_slice(&text), 0);
	assert_in_range(n, 1, MR_OPENINGS_MAX);
	mr_buf_reset(&text);
	for (unsigned i = 0; i < 10000; i++)
		mr_buf_puts(&text, "(?:q");
	assert_int_equal(begins(mr_buf_slice(&text), 0), 0);
	mr_buf_done(&text);
	n = begins(MR_LIT("the"), 0);
	assert_true(mr_rules_openings_share(sets.begins, n) > 1e-4);
	n = begins(MR_LIT("zxqj"), 0);
	assert_true(mr_rules_openings_share(sets.begins, n) < 1e-5);
}

static const char *const patterns[] = {
	"abc",       "(?i)b[aeiou]d", "a?bc|x+y", "\\w+@", "(?:ab){2,}", "[^a]b",        "(?:a|b|c)(?:d|e)?f",
	"\\bcat\\b", "(?!abc)a",      "x{0,3}y",  "$a|b",  "a.c",        "(?s)a.c",      "\xc3[\x80-\xbf]",
	"^cat",      "(?m)^a",        "\\Bat",    "\\b@c", "\\B@a",      "(?:^|\\b|_)b", ".*cat",
	"\\w+@c|.x", "[^a]*(?:cat)+",
};
#define TEXT_BYTES 5000

/* Where the pass found what has that id. */
static void places_of(const struct mr_buf *found, uint32_t id, bool places[TEXT_BYTES + 1])
{
	memset(places, 0, TEXT_BYTES + 1);
	for (size_t i = 0; i < found->n / sizeof(struct mr_rules_start); i++) {
		const struct mr_rules_start *start = (const void *)(found->p + i * sizeof(*start));

		if (start->id == id)
			places[start->at] = true;
	}
}

/* Of one pattern each place where PCRE2 finds a match; how many. */
static size_t check(const char *pattern, struct mr_slice text, const bool *begin, const bool *within)
{
	int error;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_ANCHORED, &error, &at, NULL);
	pcre2_match_data *match = pcre2_match_data_create(1, NULL);
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(match);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (pcre2_match(code, (PCRE2_SPTR)text.p, text.n, i, 0, match, NULL) < 0)
			continue;
		n++;
		if (begin && !begin[i])
			fail_msg("%s at %zu", pattern, i);
		for (at = i; within && at < v[1] && !within[at]; at++)
			;
		if (within && at >= v[1])
			fail_msg("%s at %zu: contains nothing", pattern, i);
	}
	pcre2_match_data_free(match);
	pcre2_code_free(code);
	return n;
}

/* Each match that PCRE2 finds is found by the pass, whatever stands around it. */
static void test_finds_all(void **state)
{
	static const char alphabet[] = "aabbccdefxy @cat_5\n\xc3\xa9";
	struct mr_rules_sieve *s = mr_rules_sieve_new();
	struct mr_buf text = MR_BUF(TEXT_BYTES), found = MR_BUF(1u << 24);
	bool begin[TEXT_BYTES + 1], within[TEXT_BYTES + 1];
	unsigned seed = 1;
	size_t matches = 0;

	while (text.n < TEXT_BYTES) {
		seed = seed * 1103515245 + 12345;
		mr_buf_putc(&text, alphabet[(seed >> 16) % (sizeof(alphabet) - 1)]);
	}
	for (unsigned id = 0; id < MR_COUNT(patterns); id++) {
		mr_rules_openings(mr_slice_of(patterns[id]), 0, &sets);
		assert_in_range(sets.n_begins + sets.n_within, 1, 2 * MR_OPENINGS_MAX);
		mr_rules_sieve_add(s, 2 * id, sets.begins, sets.n_begins);
		mr_rules_sieve_add(s, 2 * id + 1, sets.within, sets.n_within);
	}
	mr_rules_sieve_done(s);
	assert_true(mr_rules_sieve_scan(s, mr_buf_slice(&text), &found));
	for (unsigned id = 0; id < MR_COUNT(patterns); id++) {
		mr_rules_openings(mr_slice_of(patterns[id]), 0, &sets);
		places_of(&found, 2 * id, begin);
		places_of(&found, 2 * id + 1, within);
		matches += check(patterns[id], mr_buf_slice(&text), sets.n_begins ? begin : NULL, sets.n_within ? within : NULL);
	}
	assert_true(matches > 500);
	mr_buf_done(&text);
	mr_buf_done(&found);
	mr_rules_sieve_free(s);
}

static unsigned next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % below;
}

/* Of a few letters, so that many stand in a text; some of the classes are wide. */
static struct mr_rules_opening some_opening(unsigned *seed)
{
	struct mr_rules_opening o = { .n = (uint8_t)(1 + next(seed, MR_OPENING_BYTES)),
				      .before = next(seed, 2) ? MR_BEFORE_ANY : (uint8_t)(1 + next(seed, MR_BEFORE_ANY)) };

	for (unsigned i = 0; i < o.n; i++) {
		for (unsigned n = 1 + next(seed, 3); n; n--)
			o.bytes[i].bits['a' / 64] |= UINT64_C(1) << ('a' + next(seed, 6)) % 64;
		if (next(seed, 10) == 0)
			memset(&o.bytes[i], next(seed, 2) ? 0xff : 0xf5, sizeof(o.bytes[i]));
	}
	return o;
}

static bool stands(const struct mr_rules_opening *o, struct mr_slice text, size_t at)
{
	for (unsigned i = 0; i < o->n; i++)
		if (at + i >= text.n || !(o->bytes[i].bits[(unsigned char)text.p[at + i] / 64] >> (unsigned char)text.p[at + i] % 64 & 1))
			return false;
	return o->before & mr_rules_before_of(text, at);
}

#define LETTERS 40

/* A row for each opening: where the pass found it. */
struct row {
	bool there[LETTERS];
};

static void find(const struct mr_rules_sieve *s, struct mr_slice text, struct row *rows, unsigned n)
{
	struct mr_buf found = MR_BUF(1u << 24);

	memset(rows, 0, n * sizeof(*rows));
	assert_true(mr_rules_sieve_scan(s, text, &found));
	for (size_t i = 0; i < found.n / sizeof(struct mr_rules_start); i++) {
		const struct mr_rules_start *start = (const void *)(found.p + i * sizeof(*start));

		assert_in_range(start->id, 0, n - 1);
		assert_true(start->at < text.n);
		rows[start->id].there[start->at] = true;
	}
	mr_buf_done(&found);
}

/* What the pass finds of each of n openings is where it stands, and nowhere else, down to the last byte of a text. */
static void agree(unsigned n, unsigned *seed)
{
	struct mr_rules_opening *v = mr_new(struct mr_rules_opening, n);
	struct row *rows = mr_new(struct row, n);
	struct mr_rules_sieve *s = mr_rules_sieve_new();
	char letters[LETTERS];
	size_t stand = 0;

	for (unsigned i = 0; i < n; i++) {
		v[i] = some_opening(seed);
		mr_rules_sieve_add(s, i, &v[i], 1);
	}
	mr_rules_sieve_done(s);
	for (unsigned length = 0; length <= LETTERS; length++) {
		for (unsigned i = 0; i < length; i++)
			letters[i] = next(seed, 20) ? (char)('a' + next(seed, 6)) : (char)next(seed, 256);
		find(s, (struct mr_slice){ letters, length }, rows, n);
		for (unsigned i = 0; i < n * length; i++) {
			bool is = stands(&v[i / length], (struct mr_slice){ letters, length }, i % length);

			stand += is;
			if (rows[i / length].there[i % length] != is)
				fail_msg("%u openings, number %u in %u bytes, at %u", n, i / length, length, i % length);
		}
	}
	assert_true(stand > n);
	mr_rules_sieve_free(s);
	free(rows);
	free(v);
}

static void test_few_and_many(void **state)
{
	static const unsigned counts[] = { 1, 10, 63, 64, 100, 499, 500, 501, 520, 576, 4095, 4096, 4097, 9000 };
	unsigned seed = 7;

	for (size_t i = 0; i < MR_COUNT(counts); i++)
		agree(counts[i], &seed);
}

static void test_too_many(void **state)
{
	struct mr_rules_sieve *s = mr_rules_sieve_new();
	size_t n = begins(MR_LIT("ab"), 0);
	struct mr_buf found = MR_BUF(4 * sizeof(struct mr_rules_start));
	struct mr_rules_start start = { 0 };

	mr_rules_sieve_add(s, 7, sets.begins, n);
	mr_rules_sieve_done(s);
	assert_true(mr_rules_sieve_scan(s, MR_LIT(""), &found));
	assert_int_equal(found.n, 0);
	assert_true(mr_rules_sieve_scan(s, MR_LIT("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxab"), &found));
	memcpy(&start, found.p, sizeof(start));
	assert_int_equal(start.id, 7);
	assert_int_equal(start.at, 31);
	assert_false(mr_rules_sieve_scan(s, MR_LIT("abababababab"), &found));
	mr_buf_done(&found);
	mr_rules_sieve_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins),    cmocka_unit_test(test_within),       cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_finds_all), cmocka_unit_test(test_few_and_many), cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
