/* test-slice: views of bytes. */

/* ours */
#include "base/slice.h"
#include "unit.h"

static const struct mr_slice none;

static void test_of_and_eq(void **state)
{
	assert_int_equal(mr_slice_of(NULL).n, 0);
	assert_non_null(mr_slice_of(NULL).p);
	assert_int_equal(mr_slice_of("abc").n, 3);
	assert_true(mr_slice_eq(MR_LIT("abc"), mr_slice_of("abc")));
	assert_false(mr_slice_eq(MR_LIT("abc"), MR_LIT("abd")));
	assert_false(mr_slice_eq(MR_LIT("abc"), MR_LIT("ab")));
	assert_true(mr_slice_eq(MR_LIT("a\0b"), MR_LIT("a\0b")));
	assert_false(mr_slice_eq(MR_LIT("a\0b"), MR_LIT("a\0c")));
	assert_true(mr_slice_eq(none, MR_LIT("")));
}

static void test_case_folding(void **state)
{
	assert_true(mr_slice_ieq(MR_LIT("AbZ09"), MR_LIT("aBz09")));
	assert_false(mr_slice_ieq(MR_LIT("a"), MR_LIT("b")));
	assert_false(mr_slice_ieq(MR_LIT("ab"), MR_LIT("a")));
	assert_false(mr_slice_ieq(MR_LIT("@["), MR_LIT("`{")));             /* beside the letters */
	assert_false(mr_slice_ieq(MR_LIT("\xc3\x84"), MR_LIT("\xc3\xa4"))); /* ASCII only */
	assert_int_equal(mr_lower('Q'), 'q');
	assert_int_equal(mr_lower('@'), '@');
	assert_int_equal(mr_lower('['), '[');
}

static void test_starts_and_ends(void **state)
{
	static const struct {
		const char *s, *part;
		bool starts, istarts, iends;
	} cases[] = {
		{ "IPv6:x", "IPv6:", true, true, false },
		{ "ipv6:x", "IPv6:", false, true, false },
		{ "a.org", ".ORG", false, false, true },
		{ "abc", "", true, true, true },
		{ "abc", "abc", true, true, true },
		{ "abc", "xabc", false, false, false },
		{ "", "", true, true, true },
		{ "", "a", false, false, false },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_slice s = mr_slice_of(cases[i].s), part = mr_slice_of(cases[i].part);

		assert_int_equal(mr_slice_starts(s, part), cases[i].starts);
		assert_int_equal(mr_slice_istarts(s, part), cases[i].istarts);
		assert_int_equal(mr_slice_iends(s, part), cases[i].iends);
	}
	assert_true(mr_slice_iends(none, none));
}

static void test_trim_and_from(void **state)
{
	assert_slice(mr_slice_trim(MR_LIT(" \t\r\n a b \n")), "a b");
	assert_slice(mr_slice_trim(MR_LIT(" \r\n")), "");
	assert_slice(mr_slice_trim(MR_LIT("\va")), "\va"); /* not one of the four */
	assert_int_equal(mr_slice_trim(none).n, 0);
	assert_slice(mr_slice_from(MR_LIT("abc"), 1), "bc");
	assert_slice(mr_slice_from(MR_LIT("abc"), 3), "");
	assert_slice(mr_slice_from(MR_LIT("abc"), SIZE_MAX), "");
	assert_null(mr_slice_from(none, 5).p);
}

static void test_chr(void **state)
{
	assert_int_equal(mr_slice_chr(MR_LIT("a@b@c"), '@'), 1);
	assert_int_equal(mr_slice_rchr(MR_LIT("a@b@c"), '@'), 3);
	assert_int_equal(mr_slice_chr(MR_LIT("abc"), '@'), -1);
	assert_int_equal(mr_slice_rchr(MR_LIT("abc"), '@'), -1);
	assert_int_equal(mr_slice_chr(MR_LIT("a\0b"), 'b'), 2);
	assert_int_equal(mr_slice_chr(none, 'a'), -1);
	assert_int_equal(mr_slice_rchr(none, 'a'), -1);
}

static void test_next(void **state)
{
	struct mr_slice rest = MR_LIT("a,,b,"), part;
	static const char *const parts[] = { "a", "", "b", "" };

	for (size_t i = 0; i < MR_COUNT(parts); i++) {
		assert_true(mr_slice_next(&rest, ',', &part));
		assert_slice(part, parts[i]);
	}
	assert_false(mr_slice_next(&rest, ',', &part));
	assert_false(mr_slice_next(&rest, ',', &part));
	rest = MR_LIT(""); /* one part, which is empty */
	assert_true(mr_slice_next(&rest, ',', &part));
	assert_int_equal(part.n, 0);
	assert_false(mr_slice_next(&rest, ',', &part));
	rest = none;
	assert_false(mr_slice_next(&rest, ',', &part));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_and_eq),     cmocka_unit_test(test_case_folding), cmocka_unit_test(test_starts_and_ends),
		cmocka_unit_test(test_trim_and_from), cmocka_unit_test(test_chr),          cmocka_unit_test(test_next),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
