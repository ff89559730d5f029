/* test-stock: who gets a lot, how long it is used, and that it is reported until that has arrived. */

/* ours */
#include "base/stock.h"
#include "unit.h"

#define KEY MR_LIT("k")

static struct mr_stock *stock;

static int setup(void **state)
{
	stock = mr_stock_new(3);
	return 0;
}

static int teardown(void **state)
{
	mr_stock_free(stock);
	return 0;
}

static bool covers(uint64_t n, uint64_t now)
{
	return mr_stock_covers(stock, KEY, 100, n, true, now);
}

static void get(uint64_t serial, uint64_t n, uint64_t end)
{
	const struct mr_lot lot = { .serial = serial, .window = 60000, .slot = 7, .n = n, .limit = 100, .end = end };

	mr_stock_got(stock, KEY, &lot);
}

static void test_who_is_busy(void **state)
{
	for (uint64_t now = 10000; now < 20000; now += 500) { /* twice a second */
		assert_false(covers(1, now));
		assert_int_equal(mr_stock_wants(stock, KEY, now), 0);
	}
	for (uint64_t i = 0; i < 4; i++)
		assert_false(covers(1, 30000 + i));
	assert_int_equal(mr_stock_wants(stock, KEY, 30003), 8);
	assert_int_equal(mr_stock_wants(stock, KEY, 30004), 0); /* asked for */
	mr_stock_got(stock, KEY, NULL);
	assert_false(covers(96, 30005));
	assert_int_equal(mr_stock_wants(stock, KEY, 30005), 128);
	mr_stock_got(stock, KEY, NULL);
	/* What was needed in the second before counts, not what was needed long ago. */
	assert_false(covers(1, 31000));
	assert_int_equal(mr_stock_wants(stock, KEY, 31000), 128);
	mr_stock_got(stock, KEY, NULL);
	assert_false(covers(1, 33000));
	assert_int_equal(mr_stock_wants(stock, KEY, 33000), 0);
}

static void test_use(void **state)
{
	struct mr_lot lot;

	assert_false(covers(10, 1000));
	assert_false(mr_stock_report(stock, KEY, &lot));
	assert_true(mr_stock_wants(stock, KEY, 1000) > 0);
	get(5, 10, 2000);
	assert_true(covers(4, 1000));
	mr_stock_use(stock, KEY, 4);
	assert_true(covers(6, 1500));
	assert_false(covers(7, 1500));
	assert_false(mr_stock_covers(stock, KEY, 99, 1, false, 1500));
	assert_false(mr_stock_covers(stock, MR_LIT("other"), 100, 1, false, 1500));
	assert_int_equal(mr_stock_wants(stock, KEY, 1500), 0); /* one at a time */
	assert_true(mr_stock_report(stock, KEY, &lot));
	assert_int_equal(lot.serial, 5);
	assert_int_equal(lot.n, 10);
	assert_int_equal(lot.used, 4);
	assert_int_equal(lot.slot, 7);
	assert_false(covers(1, 1600)); /* its report is on its way */
	assert_true(mr_stock_wants(stock, KEY, 1600) > 0);
	get(6, 10, 2000);
	assert_true(covers(10, 1999));
	assert_false(covers(1, 2000));
}

static void test_reports(void **state)
{
	struct mr_stock_due due[2];
	struct mr_lot lot;

	assert_int_equal(mr_stock_next(stock), UINT64_MAX);
	assert_false(covers(10, 1000));
	mr_stock_wants(stock, KEY, 1000);
	get(5, 10, 2000);
	assert_int_equal(mr_stock_next(stock), 2000);
	assert_int_equal(mr_stock_due(stock, 1999, due, 2), 0);
	assert_int_equal(mr_stock_due(stock, 2000, due, 0), 0);
	assert_int_equal(mr_stock_due(stock, 2000, due, 2), 1);
	assert_slice(due[0].key, "k");
	assert_int_equal(due[0].window, 60000);
	assert_true(mr_stock_report(stock, KEY, &lot));
	assert_int_equal(mr_stock_due(stock, 9000, due, 2), 0);
	assert_false(mr_stock_report(stock, KEY, &lot)); /* one at a time */
	mr_stock_reported(stock, KEY, false);
	assert_int_equal(mr_stock_due(stock, 2000, due, 2), 1);
	/* Meanwhile there may be another lot: first the old one. */
	mr_stock_wants(stock, KEY, 2000);
	get(6, 10, 3000);
	assert_true(covers(10, 2500));
	assert_true(mr_stock_report(stock, KEY, &lot));
	assert_int_equal(lot.serial, 5);
	assert_true(covers(10, 2500));
	mr_stock_reported(stock, KEY, true);
	assert_int_equal(mr_stock_next(stock), 3000);
	assert_true(mr_stock_report(stock, KEY, &lot));
	assert_int_equal(lot.serial, 6);
	mr_stock_reported(stock, KEY, true);
	assert_false(mr_stock_report(stock, KEY, &lot));
	assert_int_equal(mr_stock_due(stock, 9000, due, 2), 0);
	assert_int_equal(mr_stock_next(stock), UINT64_MAX);
}

static void test_bounded(void **state)
{
	static const struct mr_slice keys[] = { MR_LIT("a"), MR_LIT("b"), MR_LIT("c") };
	struct mr_stock_due due[2];
	struct mr_lot lot;

	assert_false(covers(10, 1000));
	mr_stock_wants(stock, KEY, 1000);
	get(5, 10, 2000);
	for (size_t i = 0; i < MR_COUNT(keys); i++)
		mr_stock_covers(stock, keys[i], 100, 1, false, 1000);
	/* Forgotten: who still speaks of it is not heard. */
	mr_stock_use(stock, KEY, 1);
	assert_false(mr_stock_report(stock, KEY, &lot));
	mr_stock_reported(stock, KEY, true);
	mr_stock_got(stock, KEY, NULL);
	assert_int_equal(mr_stock_wants(stock, KEY, 1000), 0);
	assert_int_equal(mr_stock_due(stock, 9000, due, 2), 0);
	assert_int_equal(mr_stock_next(stock), UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_who_is_busy), TEST(test_use), TEST(test_reports), TEST(test_bounded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
