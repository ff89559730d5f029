/* test-tally: what a sliding window holds, and for how long; the bound on keys. */

/* ours */
#include "base/tally.h"
#include "unit.h"

#define WINDOW 1200 /* ms: slots of 100 */
#define KEY    MR_LIT("k")

static struct mr_tally *tally;

static int setup(void **state)
{
	tally = mr_tally_new(3);
	return 0;
}

static int teardown(void **state)
{
	mr_tally_free(tally);
	return 0;
}

static uint64_t total(uint64_t now)
{
	return mr_tally_total(tally, KEY, WINDOW, now);
}

static void test_window(void **state)
{
	/* What is counted anywhere in a slot is there for a whole window, and gone a slot after it. */
	for (uint64_t began = 5000; began < 5100; began += 33) {
		mr_tally_add(tally, KEY, WINDOW, began, 7);
		assert_int_equal(total(began), 7);
		assert_int_equal(total(began + WINDOW), 7);
		assert_int_equal(total(began + WINDOW + 100), 0);
		assert_int_equal(mr_tally_take(tally, KEY, WINDOW, began), 7);
		assert_int_equal(total(began), 0);
	}
}

static void test_slides(void **state)
{
	for (uint64_t now = 0; now < 10 * WINDOW; now += 50) {
		mr_tally_add(tally, KEY, WINDOW, now, 1);
		assert_in_range(total(now), now < WINDOW ? now / 50 + 1 : WINDOW / 50 + 1, WINDOW / 50 + 2);
	}
	mr_tally_add(tally, KEY, WINDOW, 100 * WINDOW, 2); /* long after: nothing old comes back */
	assert_int_equal(total(100 * WINDOW), 2);
}

static void test_clock_goes_back(void **state)
{
	mr_tally_add(tally, KEY, WINDOW, 5000, 1);
	mr_tally_add(tally, KEY, WINDOW, 4000, 1);
	assert_int_equal(total(5000), 2);
	assert_int_equal(total(4000), 2);
}

static void test_raise(void **state)
{
	mr_tally_add(tally, KEY, WINDOW, 5000, 3);
	mr_tally_raise(tally, KEY, WINDOW, 5500, 10);
	assert_int_equal(total(5500), 10);
	mr_tally_raise(tally, KEY, WINDOW, 5500, 4);
	assert_int_equal(total(5500), 10);
	assert_int_equal(total(5000 + WINDOW + 100), 7);
}

static void test_bound(void **state)
{
	static const struct mr_slice keys[] = { MR_LIT("a"), MR_LIT("b"), MR_LIT("c"), MR_LIT("a"), MR_LIT("d") };

	for (size_t i = 0; i < MR_COUNT(keys); i++)
		mr_tally_add(tally, keys[i], WINDOW, 5000, 1);
	mr_tally_add(tally, MR_LIT("e"), WINDOW, 5000, 0); /* nothing counted, nothing kept */
	assert_int_equal(mr_tally_keys(tally), 3);
	assert_int_equal(mr_tally_total(tally, MR_LIT("a"), WINDOW, 5000), 2);
	assert_int_equal(mr_tally_total(tally, MR_LIT("b"), WINDOW, 5000), 0);
	assert_int_equal(mr_tally_total(tally, MR_LIT("d"), WINDOW, 5000), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_window), TEST(test_slides), TEST(test_clock_goes_back), TEST(test_raise),
					    TEST(test_bound) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
