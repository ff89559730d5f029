/* test-control: request lines of the control socket. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "proto/control.h"
#include "unit.h"

static void test_next(void **state)
{
	static const struct {
		struct mr_slice in;
		int got;
		const char *verb, *arg;
		size_t used;
	} cases[] = {
		{ MR_LIT("status\n"), 1, "status", "", 7 },
		{ MR_LIT("status\nstats\n"), 1, "status", "", 7 },
		{ MR_LIT("log-level debug\n"), 1, "log-level", "debug", 16 },
		{ MR_LIT("  log-level   a b  \n"), 1, "log-level", "a b", 20 },
		{ MR_LIT(""), 0, NULL, NULL, 0 },
		{ MR_LIT("status"), 0, NULL, NULL, 0 },
		{ MR_LIT("\n"), -EPROTO, NULL, NULL, 0 },
		{ MR_LIT("  \n"), -EPROTO, NULL, NULL, 0 },
		{ MR_LIT("sta\0tus\n"), -EPROTO, NULL, NULL, 0 },
		{ MR_LIT("status\r\n"), -EPROTO, NULL, NULL, 0 },
		{ MR_LIT("\x1b[2J"), -EPROTO, NULL, NULL, 0 },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_control_request r = { 0 };
		size_t used = 0;

		assert_int_equal(mr_control_next(cases[i].in, &r, &used), cases[i].got);
		assert_int_equal(used, cases[i].used);
		if (cases[i].verb) {
			assert_slice(r.verb, cases[i].verb);
			assert_slice(r.arg, cases[i].arg);
		}
	}
}

static void test_endless(void **state)
{
	size_t n = 1 << 20, used;
	mr_autofree char *bytes = mr_alloc(n);
	struct mr_control_request r;

	memset(bytes, 'a', n);
	assert_int_equal(mr_control_next((struct mr_slice){ bytes, MR_CONTROL_LINE_MAX - 1 }, &r, &used), 0);
	assert_int_equal(mr_control_next((struct mr_slice){ bytes, MR_CONTROL_LINE_MAX }, &r, &used), -EMSGSIZE);
	assert_int_equal(mr_control_next((struct mr_slice){ bytes, n }, &r, &used), -EMSGSIZE);
	bytes[MR_CONTROL_LINE_MAX - 1] = '\n';
	assert_int_equal(mr_control_next((struct mr_slice){ bytes, n }, &r, &used), 1);
	assert_int_equal(used, MR_CONTROL_LINE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_next), cmocka_unit_test(test_endless) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
