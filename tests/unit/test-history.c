/* test-history: the newest lines are kept, within bounds, and found by their id. */

/* ours */
#include "history.h"
#include "unit.h"

static void shows(size_t n, const char *id, const char *expected)
{
	struct mr_buf out = MR_BUF(4 << 20);

	mr_history_print(n, mr_slice_of(id), &out);
	assert_slice(mr_buf_slice(&out), expected);
	mr_buf_done(&out);
}

static void newest(void **state)
{
	(void)state;
	mr_history_add(MR_LIT("A"), MR_LIT("none are kept yet"));
	shows(10, "", "");
	mr_history_configure(3);
	mr_history_add(MR_LIT("A"), MR_LIT("a1"));
	mr_history_add(MR_LIT("B"), MR_LIT("b"));
	shows(10, "", "a1\nb\n");
	mr_history_add(MR_LIT("A"), MR_LIT("a2"));
	mr_history_add(MR_LIT("C"), MR_LIT("c"));
	shows(10, "", "b\na2\nc\n");
	shows(2, "", "a2\nc\n");
	shows(0, "", "");
	shows(10, "A", "a2\n");
	shows(10, "D", "");
	mr_history_configure(1);
	shows(10, "", "c\n");
	mr_history_configure(0);
	shows(10, "", "");
}

/* What has no room in an answer is left out, the oldest first; so are lines beyond the bytes that are kept. */
static void bounded(void **state)
{
	static char big[MR_HISTORY_LINE_MAX + 1];
	struct mr_buf out = MR_BUF(2 * MR_HISTORY_LINE_MAX);
	size_t max = MR_HISTORY_BYTES_MAX / MR_HISTORY_LINE_MAX;

	(void)state;
	memset(big, 'x', sizeof(big));
	mr_history_configure(SIZE_MAX);
	mr_history_add(MR_LIT("big"), (struct mr_slice){ big, sizeof(big) });
	shows(10, "big", "");
	for (size_t i = 0; i < max + 10; i++)
		mr_history_add(i < 10 ? MR_LIT("old") : MR_LIT("new"), (struct mr_slice){ big, MR_HISTORY_LINE_MAX });
	mr_history_print(10, MR_LIT("new"), &out);
	assert_int_equal(out.n, MR_HISTORY_LINE_MAX + 1);
	assert_false(out.full);
	shows(10, "old", "");
	mr_buf_done(&out);
	mr_history_configure(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(newest), cmocka_unit_test(bounded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
