/* test-seen: a member counts once within its window; what is dropped, cleared, too much. */

/* ours */
#include "base/seen.h"
#include "unit.h"

#define WINDOW 1000
#define KEY    MR_LIT("k")
#define MAX    4

static struct mr_seen *seen;

static int setup(void **state)
{
	seen = mr_seen_new(3, 5);
	return 0;
}

static int teardown(void **state)
{
	mr_seen_free(seen);
	return 0;
}

static void add(struct mr_slice member, uint64_t now, bool again)
{
	mr_seen_add(seen, KEY, member, now, MAX, again);
}

static struct mr_seen_state look(struct mr_slice member, uint64_t now)
{
	return mr_seen_look(seen, KEY, member, WINDOW, now);
}

static void test_once(void **state)
{
	for (uint64_t now = 100; now < 200; now++)
		add(MR_LIT("a"), now, false);
	add(MR_LIT("b"), 300, false);
	assert_int_equal(look(MR_LIT("a"), 400).count, 2);
	assert_true(look(MR_LIT("a"), 400).has);
	assert_false(look(MR_LIT("c"), 400).has);
	assert_int_equal(look(MR_LIT("c"), 400).oldest, 300);
	assert_int_equal(look(MR_LIT("a"), 99 + WINDOW).count, 2);
	assert_int_equal(look(MR_LIT("a"), 100 + WINDOW).count, 1); /* as old as when it was first seen */
	assert_int_equal(look(MR_LIT("b"), 300 + WINDOW).count, 0);
	assert_int_equal(look(MR_LIT("b"), 300 + WINDOW).oldest, 0);
}

static void test_again(void **state)
{
	add(MR_LIT("a"), 100, true);
	add(MR_LIT("b"), 200, true);
	add(MR_LIT("a"), 300, true);
	assert_int_equal(look(MR_LIT("a"), 250 + WINDOW).count, 1);
	assert_true(look(MR_LIT("a"), 250 + WINDOW).has);
}

static void test_drop_and_clear(void **state)
{
	add(MR_LIT("a"), 100, false);
	add(MR_LIT("b"), 100, false);
	mr_seen_drop(seen, KEY, MR_LIT("a"));
	mr_seen_drop(seen, KEY, MR_LIT("c"));
	mr_seen_drop(seen, MR_LIT("other"), MR_LIT("b"));
	assert_int_equal(look(MR_LIT("b"), 200).count, 1);
	assert_true(look(MR_LIT("b"), 200).has);
	mr_seen_clear(seen, KEY);
	mr_seen_clear(seen, KEY);
	assert_int_equal(look(MR_LIT("b"), 200).count, 0);
}

static void test_bounds(void **state)
{
	static const struct mr_slice members[] = { MR_LIT("a"), MR_LIT("b"), MR_LIT("c"), MR_LIT("d"), MR_LIT("e") };

	for (size_t i = 0; i < MR_COUNT(members); i++)
		add(members[i], 100 + i, false);
	assert_int_equal(look(MR_LIT("a"), 200).count, MAX);
	assert_false(look(MR_LIT("a"), 200).has);
	assert_true(look(MR_LIT("e"), 200).has);
	mr_seen_add(seen, KEY, MR_LIT("f"), 200, 0, false);
	assert_false(look(MR_LIT("f"), 200).has);
	for (size_t i = 0; i < 3; i++) /* three more keys: the first one goes */
		mr_seen_add(seen, members[i], KEY, 200, MAX, false);
	assert_int_equal(look(MR_LIT("e"), 200).count, 0);
	assert_int_equal(mr_seen_look(seen, members[0], KEY, WINDOW, 200).count, 1);
}

static void test_bound_of_all(void **state)
{
	for (int i = 0; i < MAX; i++)
		add((struct mr_slice){ &"abcd"[i], 1 }, 100, false);
	mr_seen_add(seen, MR_LIT("other"), MR_LIT("a"), 100, MAX, false);
	assert_int_equal(look(MR_LIT("a"), 200).count, MAX);
	mr_seen_add(seen, MR_LIT("other"), MR_LIT("b"), 100, MAX, false); /* the sixth: the key that was longest not added to goes */
	assert_int_equal(look(MR_LIT("a"), 200).count, 0);
	assert_int_equal(mr_seen_look(seen, MR_LIT("other"), MR_LIT("a"), WINDOW, 200).count, 2);
}

static void test_clock_goes_back(void **state)
{
	add(MR_LIT("a"), 5000, false);
	assert_int_equal(look(MR_LIT("a"), 100).count, 1);
	assert_int_equal(look(MR_LIT("a"), 100).oldest, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_once),   TEST(test_again),        TEST(test_drop_and_clear),
					    TEST(test_bounds), TEST(test_bound_of_all), TEST(test_clock_goes_back) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
