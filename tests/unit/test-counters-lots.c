/* test-counters-lots: what is taken in advance, step by step: how long it is used, what it costs when its holder dies or Redis forgets, and
 * who waits for whom. G10. */

/* ours */
#include "support/counters-world.h"
#include "unit.h"

#define WINDOW 12000 /* slots of a second */
#define LIMIT  1000
#define BEGIN  1000000

static int setup(void **state)
{
	world_begin(BEGIN);
	for (size_t i = 0; i < NAMES; i++) {
		world.names[i].window = WINDOW;
		world.names[i].limit = LIMIT;
	}
	return 0;
}

static int teardown(void **state)
{
	world_end();
	return 0;
}

/* All messages of a process arrive at once. */
static void exchange(struct mr_redis *h)
{
	while (wire_deliver(h) || wire_do(h))
		continue;
}

static const struct asking *ask(struct mr_redis *h, bool take, uint64_t n)
{
	const struct asking *a = host_ask(h, &(struct asking){ .take = take, .n = 1, .units = { n } }, 0);

	exchange(h);
	return a;
}

static bool take(struct mr_redis *h, uint64_t n)
{
	const struct asking *a = ask(h, true, n);

	assert_true(a->told);
	return a->granted;
}

/* Asks until it holds something. How many units it has taken. */
static uint64_t get_lot(struct mr_redis *h)
{
	for (uint64_t n = 1; n < 10; n++) {
		assert_true(take(h, 1));
		if (ask(h, false, 1)->here)
			return n;
	}
	fail();
	return 0;
}

static void pass(uint64_t ms)
{
	world.now += ms;
	for (size_t h = 0; h < HOSTS; h++) {
		host_turn(hosts[h], 0);
		exchange(hosts[h]);
	}
}

static void test_busy_names_are_not_asked_about(void **state)
{
	for (int i = 0; i < 400; i++)
		assert_true(take(hosts[0], 1));
	assert_in_range(world.seen.commands, 5, 30);
	assert_in_range(redis_count(0), 400, 400 + LIMIT / 16);
	pass(1000);
	assert_int_equal(redis_count(0), 400); /* given back */
	/* Who comes now and then gets nothing in advance. */
	for (int i = 0; i < 10; i++) {
		pass(1300);
		assert_true(take(hosts[1], 1));
		assert_false(ask(hosts[1], false, 1)->here);
	}
}

static void test_never_past_its_slot(void **state)
{
	world.now = BEGIN + 800;
	get_lot(hosts[0]);
	world.now = BEGIN + 979;
	assert_true(ask(hosts[0], true, 1)->here);
	world.now = BEGIN + 1000 + LAG_MS; /* and a process that believes it is the slot's last ms */
	assert_false(host_ask(hosts[0], &(struct asking){ .take = true, .n = 1, .units = { 1 } }, LAG_MS + 1)->here);
	exchange(hosts[0]);
	/* Nor is one given out for a moment. */
	world.now = BEGIN + 4950;
	for (int i = 0; i < 20; i++)
		assert_false(ask(hosts[1], true, 1)->here);
}

static void test_not_longer_than_a_second(void **state)
{
	world.names[0].window = 3600000;
	get_lot(hosts[0]);
	world.now += 979;
	assert_true(ask(hosts[0], true, 1)->here);
	world.now++;
	assert_false(ask(hosts[0], true, 1)->here);
}

static void test_dead_holder(void **state)
{
	uint64_t n = get_lot(hosts[0]), held = redis_count(0) - n;

	assert_true(held > 0);
	host_die(hosts[0]);
	while (n + held < LIMIT && take(hosts[1], 1))
		n++;
	/* The rest is waited for as long as its holder may use it, and no longer. */
	const struct asking *a = ask(hosts[1], true, 1);
	assert_false(a->told);
	pass(500);
	assert_false(a->told);
	pass(800);
	assert_true(a->told && !a->granted);
	assert_int_equal(redis_count(0), LIMIT);
	/* It has cost its part of this window, not of the next. */
	pass(2 * WINDOW);
	assert_true(take(hosts[1], LIMIT));
}

static void test_waits_for_what_others_hold(void **state)
{
	uint64_t n = get_lot(hosts[0]), held = redis_count(0) - n;

	world.well = true;
	while (n + held < LIMIT && take(hosts[1], 1))
		n++;
	const struct asking *a = ask(hosts[1], true, held);
	assert_false(a->told);
	/* Its report is on its way for a while. */
	world.now = BEGIN + 1100;
	host_turn(hosts[0], 0);
	host_turn(hosts[1], 0);
	exchange(hosts[1]);
	assert_false(a->told);
	exchange(hosts[0]);
	pass(60);
	assert_true(a->told && a->granted);
	assert_false(take(hosts[1], 1));
}

static void test_late_reports(void **state)
{
	uint64_t n = get_lot(hosts[0]);

	assert_true(ask(hosts[0], true, 1)->here);
	n++;
	host_stand(hosts[0], true);
	pass(3000); /* within the window */
	host_stand(hosts[0], false);
	pass(0);
	assert_int_equal(redis_count(0), n);
	n += get_lot(hosts[0]);
	host_stand(hosts[0], true);
	pass(2 * WINDOW); /* and past it: there is nothing to give back any more */
	host_stand(hosts[0], false);
	assert_true(take(hosts[1], LIMIT));
	pass(0);
	assert_false(take(hosts[2], 1));
}

static bool never(void)
{
	return false;
}

static void test_report_without_an_answer(void **state)
{
	uint64_t n = get_lot(hosts[0]) + 1;

	assert_true(ask(hosts[0], true, 1)->here);
	host_give_back(hosts[0]);
	assert_true(wire_do(hosts[0]));
	assert_int_equal(redis_count(0), n);
	wire_cut(hosts[0], never);
	/* Told again it must not be given back again; that some was used may count twice. */
	pass(1000);
	assert_in_range(redis_count(0), n, n + 2);
	/* One that Redis reads after the next is of no use to anybody. */
	pass(1000);
	n = redis_count(0) + get_lot(hosts[0]);
	host_give_back(hosts[0]);
	wire_cut(hosts[0], never);
	get_lot(hosts[0]);
	assert_true(wire_ghost());
	pass(2000);
	assert_true(redis_count(0) >= n);
}

static void test_redis_forgets(void **state)
{
	uint64_t n = get_lot(hosts[0]);

	take(hosts[1], 3);
	assert_true(ask(hosts[0], true, 1)->here);
	redis_flush();
	/* First asked by who used it: it knows of all that was there when it asked last. */
	pass(1000);
	assert_int_equal(redis_count(0), n + 1);
	/* First asked by another: what was used is told afterwards. */
	get_lot(hosts[0]);
	assert_true(ask(hosts[0], true, 5)->here);
	redis_flush();
	assert_true(take(hosts[2], 1));
	pass(1000);
	assert_int_equal(redis_count(0), 1 + 5);
}

static void test_another_limit(void **state)
{
	get_lot(hosts[0]);
	world.names[0].limit = 5;
	assert_false(ask(hosts[0], true, 5)->granted);
	world.names[0].limit = LIMIT;
	assert_true(take(hosts[0], 5));
}

static void test_orderly_end(void **state)
{
	uint64_t n = get_lot(hosts[0]);

	host_give_back(hosts[0]);
	exchange(hosts[0]);
	assert_int_equal(redis_count(0), n);
	assert_false(ask(hosts[0], false, 1)->here);
}

static void test_all_or_none(void **state)
{
	const struct asking both = { .take = true, .n = 2, .names = { 0, 1 }, .units = { 1, 1 } };

	get_lot(hosts[0]);
	assert_false(host_ask(hosts[0], &both, 0)->here); /* one of them is in stock, and stays as it is */
	exchange(hosts[0]);
	for (int i = 0; i < 20; i++) {
		host_ask(hosts[0], &both, 0);
		exchange(hosts[0]);
	}
	assert_true(host_ask(hosts[0], &both, 0)->here);
	pass(1000);
	assert_int_equal(redis_count(1), 22);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_busy_names_are_not_asked_about),
		TEST(test_never_past_its_slot),
		TEST(test_not_longer_than_a_second),
		TEST(test_dead_holder),
		TEST(test_waits_for_what_others_hold),
		TEST(test_late_reports),
		TEST(test_report_without_an_answer),
		TEST(test_redis_forgets),
		TEST(test_another_limit),
		TEST(test_orderly_end),
		TEST(test_all_or_none),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
