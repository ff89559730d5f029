/* test-headers: which fields only we may set, and that nothing we add can end a header or carry a CR. */

/* ours */
#include "headers.h"
#include "unit.h"

#define HOST MR_LIT("mx.example.org")

static void ours(void **state)
{
	static const struct {
		const char *name, *value;
		bool ours;
	} t[] = {
		{ "X-Spam", " Yes", true },
		{ "x-spam ", " Yes", true },
		{ "X-SPAM-Status", " No", true },
		{ "X-Spam-Anything", "", true },
		{ "X-Spammer", "", true },
		{ "X-Not-Spam", " Yes", false },
		{ "Subject", " X-Spam", false },
		{ "Authentication-Results", " mx.example.org; spf=pass", true },
		{ "authentication-results", " MX.example.org 1; spf=pass", true },
		{ "Authentication-Results ", " (c) mx.example.org; none", true },
		{ "Authentication-Results", " other.example; spf=pass", false },
		{ "ARC-Authentication-Results", " i=1; mx.example.org; spf=pass", false },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++)
		assert_int_equal(mr_headers_ours(mr_slice_of(t[i].name), mr_slice_of(t[i].value), HOST), t[i].ours);
}

struct seen {
	char text[256];
	unsigned stop_after;
};

static int note(const char *name, unsigned index, void *arg)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s:%u ", name, index);
	return --s->stop_after ? 0 : -1;
}

/* Each is named by how many of its name, in any case, stand above it, those that stay included; last to first. */
static void stripped(void **state)
{
	static const struct {
		const char *name, *value;
		bool gone;
	} fields[] = {
		{ "Received", " x", false },
		{ "X-Spam", " a", true },
		{ "Authentication-Results", " other.example; none", false },
		{ "AUTHENTICATION-results", " mx.example.org; none", true },
		{ "x-spam", " b", true },
		{ "Authentication-Results", " other.example; none", false },
		{ "Authentication-Results", " mx.example.org; none", true },
		{ "Subject", " s", false },
	};
	struct mr_headers_strip *s = mr_headers_strip_new();
	struct seen all = { .stop_after = 99 }, some = { .stop_after = 2 };

	(void)state;
	assert_false(mr_headers_strip_any(s));
	for (size_t i = 0; i < MR_COUNT(fields); i++)
		assert_int_equal(mr_headers_strip_field(s, fields[i].name, mr_slice_of(fields[i].value), HOST), fields[i].gone);
	assert_true(mr_headers_strip_any(s));
	assert_int_equal(mr_headers_strip_each(s, note, &all), 0);
	assert_string_equal(all.text, "Authentication-Results:4 x-spam:2 AUTHENTICATION-results:2 X-Spam:1 ");
	assert_true(mr_headers_strip_each(s, note, &some) < 0);
	assert_string_equal(some.text, "Authentication-Results:4 x-spam:2 ");
	mr_headers_strip_free(s);
	mr_headers_strip_free(NULL);
}

/* More than can be removed: the message is refused, none of them is let in. */
static void too_many(void **state)
{
	struct mr_headers_strip *s = mr_headers_strip_new();
	char name[32];

	(void)state;
	for (size_t i = 0; i < MR_HEADERS_STRIP_MAX; i++) {
		snprintf(name, sizeof(name), "X-Spam-%zu", i);
		assert_true(mr_headers_strip_field(s, name, MR_LIT(" x"), HOST));
	}
	assert_false(mr_headers_strip_field(s, "Authentication-Results", MR_LIT(" other.example; none"), HOST));
	assert_false(mr_headers_strip_full(s));
	mr_headers_strip_field(s, "Authentication-Results", MR_LIT(" mx.example.org; dkim=pass"), HOST);
	assert_true(mr_headers_strip_full(s));
	mr_headers_strip_free(s);
}

static void values(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "plain", "plain" },
		{ " trimmed \r\n", "trimmed" },
		{ "a;\n\tb", "a;\n\tb" },
		{ "a;\r\n\tb", "a;\n\tb" },
		{ "a\nX-Spam: No", "a X-Spam: No" },
		{ "a\r\nX-Spam: No", "a X-Spam: No" },
		{ "a\rb", "a b" },
		{ "a\n\nb", "a  b" },
		{ "a\001b\177c", "a b c" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_buf out = MR_BUF(100);

		assert_int_equal(mr_headers_value(mr_slice_of(t[i].in), &out), 0);
		assert_slice(mr_buf_slice(&out), t[i].out);
		mr_buf_done(&out);
	}
}

static void too_long(void **state)
{
	struct mr_buf out = MR_BUF(4);

	(void)state;
	assert_true(mr_headers_value(MR_LIT("12345"), &out) < 0);
	mr_buf_done(&out);
}

static void result(void **state)
{
	struct mr_scan_result r = { .symbols = { { MR_LIT("SPF_FAIL"), 1 }, { MR_LIT("DKIM_NONE"), 0 } }, .n_symbols = 2, .score = 1 },
			      none = { 0 };
	struct mr_buf out = MR_BUF(1000);

	(void)state;
	assert_int_equal(mr_headers_result(&r, &out), 0);
	assert_slice(mr_buf_slice(&out), "score=1.00;\n\tSPF_FAIL(1.00),\n\tDKIM_NONE(0.00)");
	mr_buf_reset(&out);
	assert_int_equal(mr_headers_result(&none, &out), 0);
	assert_slice(mr_buf_slice(&out), "score=0.00");
	mr_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ours),   cmocka_unit_test(stripped), cmocka_unit_test(too_many),
					    cmocka_unit_test(values), cmocka_unit_test(too_long), cmocka_unit_test(result) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
