/* test-signals: which texts are rows. */

/* system */
#include <errno.h>

/* ours */
#include "signals.h"
#include "unit.h"

static void test_rows(void **state)
{
	static const struct {
		const char *text;
		int rc;
		struct mr_signal_row row;
	} cases[] = {
		{ "recipients:100/1h:2", 0, { MR_SIGNAL_RECIPIENTS, 100, 3600000, 2 } },
		{ "senders:1/1s:100", 0, { MR_SIGNAL_SENDERS, 1, 1000, 100 } },
		{ "networks:1000/31d:1", 0, { MR_SIGNAL_NETWORKS, 1000, 2678400000, 1 } },
		{ "new-networks:1/1h30m:1", 0, { MR_SIGNAL_NEW_NETWORKS, 1, 5400000, 1 } },
		{ "null-senders:2/1d:2", 0, { MR_SIGNAL_NULL_SENDERS, 2, 86400000, 2 } },
		{ "bounces:2/1d:2", 0, { MR_SIGNAL_BOUNCES, 2, 86400000, 2 } },
		{ "spam:2/1d:2", 0, { MR_SIGNAL_SPAM, 2, 86400000, 2 } },
		{ "bounce-ratio:30/1d:2", 0, { MR_SIGNAL_BOUNCE_RATIO, 30, 86400000, 2 } },
		{ "", -EINVAL, { 0 } },
		{ "recipients", -EINVAL, { 0 } },
		{ "recipients:100/1h", -EINVAL, { 0 } },
		{ "recipients:100/1h:2:", -EINVAL, { 0 } },
		{ "recipients:100/1h:", -EINVAL, { 0 } },
		{ "Recipients:100/1h:2", -EINVAL, { 0 } },
		{ "recipients:100:2", -EINVAL, { 0 } },
		{ "recipients:unlimited:2", -ERANGE, { 0 } },
		{ "recipients:0/1h:2", -ERANGE, { 0 } },
		{ "recipients:1001/1h:2", -ERANGE, { 0 } },
		{ "recipients:1/32d:2", -ERANGE, { 0 } },
		{ "recipients:1/1h:0", -ERANGE, { 0 } },
		{ "recipients:1/1h:101", -ERANGE, { 0 } },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_signal_row row = { 0 };
		int rc = mr_signal_row_parse(mr_slice_of(cases[i].text), &row);

		if (rc != cases[i].rc || row.signal != cases[i].row.signal || row.amount != cases[i].row.amount ||
		    row.window != cases[i].row.window || row.points != cases[i].row.points)
			fail_msg("%s: %d", cases[i].text, rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
