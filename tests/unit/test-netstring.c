/* test-netstring: framing, and what is no netstring. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "proto/netstring.h"
#include "unit.h"

#define MAX 20

static void test_next(void **state)
{
	static const struct {
		struct mr_slice in;
		int got;
		const char *payload;
		size_t used;
	} cases[] = {
		{ MR_LIT("0:,"), 1, "", 3 },
		{ MR_LIT("5:hello,rest"), 1, "hello", 8 },
		{ MR_LIT("20:01234567890123456789,"), 1, "01234567890123456789", 24 },
		{ MR_LIT(""), 0, NULL, 0 },
		{ MR_LIT("5"), 0, NULL, 0 },
		{ MR_LIT("5:"), 0, NULL, 0 },
		{ MR_LIT("5:hello"), 0, NULL, 0 },
		{ MR_LIT("0:"), 0, NULL, 0 },
		{ MR_LIT("5:hello;"), -EPROTO, NULL, 0 },
		{ MR_LIT(":,"), -EPROTO, NULL, 0 },
		{ MR_LIT("05:hello,"), -EPROTO, NULL, 0 },
		{ MR_LIT("00:,"), -EPROTO, NULL, 0 },
		{ MR_LIT("-1:,"), -EPROTO, NULL, 0 },
		{ MR_LIT("5 :hello,"), -EPROTO, NULL, 0 },
		{ MR_LIT("GET / HTTP/1.0\r\n"), -EPROTO, NULL, 0 },
		{ MR_LIT("\0"), -EPROTO, NULL, 0 },
		{ MR_LIT("21:"), -EMSGSIZE, NULL, 0 },
		{ MR_LIT("21"), -EMSGSIZE, NULL, 0 },
		{ MR_LIT("18446744073709551617:a,"), -EMSGSIZE, NULL, 0 },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_slice payload = { 0 };
		size_t used = 0;

		assert_int_equal(mr_netstring_next(cases[i].in, MAX, &payload, &used), cases[i].got);
		assert_int_equal(used, cases[i].used);
		if (cases[i].payload)
			assert_slice(payload, cases[i].payload);
		else
			assert_null(payload.p);
	}
}

/* However much of it is digits, the refusal comes early; at any limit nothing overflows. */
static void test_long(void **state)
{
	size_t n = 1 << 20, used;
	mr_autofree char *nines = mr_alloc(n);
	struct mr_slice payload;

	memset(nines, '9', n);
	assert_int_equal(mr_netstring_next((struct mr_slice){ nines, n }, SIZE_MAX, &payload, &used), -EMSGSIZE);
	assert_int_equal(mr_netstring_next(mr_slice_of("18446744073709551615:x"), SIZE_MAX, &payload, &used), 0);
	assert_int_equal(mr_netstring_next(mr_slice_of("5"), 0, &payload, &used), -EMSGSIZE);
}

static void test_add(void **state)
{
	struct mr_buf out = MR_BUF(10);

	assert_int_equal(mr_netstring_add(&out, MR_LIT("")), 0);
	assert_int_equal(mr_netstring_add(&out, MR_LIT("abcd")), 0);
	assert_slice(mr_buf_slice(&out), "0:,4:abcd,");
	assert_int_equal(mr_netstring_add(&out, MR_LIT("")), -ENOBUFS);
	assert_slice(mr_buf_slice(&out), "0:,4:abcd,");
	assert_true(out.full);
	mr_buf_consume(&out, 3);
	assert_int_equal(mr_netstring_add(&out, MR_LIT("x")), -ENOBUFS); /* half of it would fit */
	assert_slice(mr_buf_slice(&out), "4:abcd,");
	mr_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_next), cmocka_unit_test(test_long), cmocka_unit_test(test_add) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
