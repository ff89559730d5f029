/* test-text: hexadecimal, base64, escapes, UTF-8. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/text.h"
#include "unit.h"

static void test_hex(void **state)
{
	static const struct {
		struct mr_slice text;
		ssize_t n;
	} cases[] = {
		{ MR_LIT(""), 0 },         { MR_LIT("00fFaB"), 3 },     { MR_LIT("0"), -EINVAL },      { MR_LIT("0g"), -EINVAL },
		{ MR_LIT("g0"), -EINVAL }, { MR_LIT("0 0 "), -EINVAL }, { MR_LIT("0a\0\0"), -EINVAL }, { MR_LIT("0001020304"), -EINVAL },
	};
	struct mr_buf out = MR_BUF(6);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		char bytes[4] = { 0 };

		assert_int_equal(mr_hex_decode(cases[i].text, bytes, sizeof(bytes)), cases[i].n);
		if (cases[i].n == 3)
			assert_memory_equal(bytes, "\x00\xff\xab", 4);
	}
	assert_int_equal(mr_hex_add(&out, MR_LIT("\x00\xff\x1a")), 0);
	assert_slice(mr_buf_slice(&out), "00ff1a");
	assert_int_equal(mr_hex_add(&out, MR_LIT("a")), -ENOBUFS);
	assert_int_equal(mr_hex_add(&out, (struct mr_slice){ "", SIZE_MAX }), -ENOBUFS);
	mr_buf_done(&out);
}

static void test_base64(void **state)
{
	/* RFC 4648 section 10 */
	static const char *const vectors[][2] = { { "", "" },
						  { "f", "Zg==" },
						  { "fo", "Zm8=" },
						  { "foo", "Zm9v" },
						  { "foob", "Zm9vYg==" },
						  { "fooba", "Zm9vYmE=" },
						  { "foobar", "Zm9vYmFy" },
						  { "\xfb\xff\xfe", "+//+" } };

	for (size_t i = 0; i < MR_COUNT(vectors); i++) {
		struct mr_buf out = MR_BUF(100);
		char bytes[10] = { 0 };

		assert_int_equal(mr_base64_add(&out, mr_slice_of(vectors[i][0])), 0);
		assert_slice(mr_buf_slice(&out), vectors[i][1]);
		assert_int_equal(mr_base64_decode(mr_slice_of(vectors[i][1]), bytes, sizeof(bytes)), strlen(vectors[i][0]));
		assert_string_equal(bytes, vectors[i][0]);
		mr_buf_done(&out);
	}
}

static void test_base64_decode(void **state)
{
	static const struct {
		struct mr_slice text;
		ssize_t n;
	} cases[] = {
		{ MR_LIT("Zg"), 1 },
		{ MR_LIT("Zm8"), 2 },
		{ MR_LIT(" Z\r\n\tm 9 v "), 3 },
		{ MR_LIT("Zg = ="), 1 },
		{ MR_LIT("Zm9vYmFy"), -EINVAL },
		{ MR_LIT("Z"), -EINVAL },
		{ MR_LIT("Zm9vY"), -EINVAL },
		{ MR_LIT("Zg="), -EINVAL },
		{ MR_LIT("Zg==="), -EINVAL },
		{ MR_LIT("="), -EINVAL },
		{ MR_LIT("===="), -EINVAL },
		{ MR_LIT("Zg==Zg=="), -EINVAL },
		{ MR_LIT("Z=g="), -EINVAL },
		{ MR_LIT("Zm-_"), -EINVAL },
		{ MR_LIT("Zm9\0"), -EINVAL },
		{ MR_LIT("Zm9v="), -EINVAL },
		{ MR_LIT("\xff\xff\xff\xff"), -EINVAL },
	};
	struct mr_buf tiny = MR_BUF(3);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		char bytes[4] = "\1\1\1";

		assert_int_equal(mr_base64_decode(cases[i].text, bytes, 3), cases[i].n);
		assert_int_equal(bytes[3], 0);
	}
	assert_int_equal(mr_base64_add(&tiny, MR_LIT("a")), -ENOBUFS);
	assert_int_equal(mr_base64_add(&tiny, (struct mr_slice){ "", SIZE_MAX }), -ENOBUFS);
	assert_int_equal(tiny.n, 0);
	mr_buf_done(&tiny);
}

static void test_escape(void **state)
{
	static const struct {
		struct mr_slice in;
		size_t max;
		const char *out;
	} cases[] = {
		{ MR_LIT("plain text~"), 100, "plain text~" },
		{ MR_LIT("a\"b\\c"), 100, "a\\x22b\\x5cc" },
		{ MR_LIT("\r\n\0\x1b[\x7f"), 100, "\\x0d\\x0a\\x00\\x1b[\\x7f" },
		{ MR_LIT("\xc3\xa4"), 100, "\\xc3\\xa4" },
		{ MR_LIT("abcdef"), 3, "abc..." },
		{ MR_LIT("abc"), 3, "abc" },
		{ MR_LIT("abc"), 0, "..." },
		{ MR_LIT(""), 0, "" },
	};
	struct mr_buf tiny = MR_BUF(3);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_buf out = MR_BUF(100);

		assert_int_equal(mr_escape_add(&out, cases[i].in, cases[i].max), 0);
		assert_slice(mr_buf_slice(&out), cases[i].out);
		mr_buf_done(&out);
	}
	assert_int_equal(mr_escape_add(&tiny, MR_LIT("\n"), 10), -ENOBUFS);
	mr_buf_done(&tiny);
}

static void test_utf8(void **state)
{
	static const struct {
		struct mr_slice text;
		bool valid;
	} cases[] = {
		{ MR_LIT(""), true },
		{ MR_LIT("plain\0"), true },
		{ MR_LIT("gr\xc3\xbc\xc3\x9f"), true },
		{ MR_LIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"), true },
		{ MR_LIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true },
		{ MR_LIT("\x80"), false },
		{ MR_LIT("\xc3"), false },
		{ MR_LIT("\xc3("), false },
		{ MR_LIT("\xe2\x82"), false },
		{ MR_LIT("\xc0\xaf"), false }, /* overlong */
		{ MR_LIT("\xc1\xbf"), false },
		{ MR_LIT("\xe0\x9f\xbf"), false },
		{ MR_LIT("\xf0\x8f\xbf\xbf"), false },
		{ MR_LIT("\xed\xa0\x80"), false },     /* surrogate */
		{ MR_LIT("\xf4\x90\x80\x80"), false }, /* past U+10FFFF */
		{ MR_LIT("\xf5\x80\x80\x80"), false },
		{ MR_LIT("\xff"), false },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++)
		assert_int_equal(mr_utf8_valid(cases[i].text), cases[i].valid);
}

static void test_ascii(void **state)
{
	char text[20];

	(void)state;
	assert_true(mr_ascii((struct mr_slice){ NULL, 0 }));
	for (size_t n = 1; n <= sizeof(text); n++) {
		memset(text, 0x7f, sizeof(text));
		assert_true(mr_ascii((struct mr_slice){ text, n }));
		for (size_t i = 0; i < n; i++) {
			text[i] = '\x80';
			assert_false(mr_ascii((struct mr_slice){ text, n }));
			text[i] = '\0';
		}
		assert_true(mr_ascii((struct mr_slice){ text, n }));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),    cmocka_unit_test(test_base64), cmocka_unit_test(test_base64_decode),
		cmocka_unit_test(test_escape), cmocka_unit_test(test_utf8),   cmocka_unit_test(test_ascii),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
