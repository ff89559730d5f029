/* test-counters: against a real Redis: two hosts share exactly what there is; Redis away, flushed, back; windows that slide. */

/* system */
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/tally.h"
#include "rt/counters.h"
#include "redis-hosts.h"

#define HOUR 3600000

static struct host {
	struct mr_counters *counters;
	struct mr_counted last;
	unsigned answers, granted;
} hosts[2];

static int setup(void **state)
{
	open_links();
	for (size_t h = 0; h < MR_COUNT(hosts); h++)
		hosts[h] = (struct host){ .counters = mr_counters_new(loop, links[h], "mr:") };
	wait_up(true);
	return 0;
}

static int teardown(void **state)
{
	close_links();
	for (size_t h = 0; h < MR_COUNT(hosts); h++)
		mr_counters_free(hosts[h].counters);
	return close_server();
}

static void on_counted(const struct mr_counted *c, void *arg)
{
	struct host *h = arg;

	h->last = *c;
	h->answers++;
	h->granted += c->full == 1;
}

static void ask_for(struct host *h, bool take, uint64_t timeout, const struct mr_count *v, size_t n)
{
	struct mr_counted now;
	unsigned before = h->answers;

	if (mr_counters_ask(h->counters, take, timeout, v, n, &now, on_counted, h))
		on_counted(&now, h);
	else
		assert_int_equal(h->answers, before); /* never from inside */
}

static void ask(struct host *h, bool take, uint64_t window, uint64_t limit, uint64_t n)
{
	ask_for(h, take, 2000, &(struct mr_count){ MR_LIT("user"), window, limit, n }, 1);
}

/* Asks and waits; how much was taken before, or -1 - that where there is no room. */
static int64_t counted(struct host *h, bool take, uint64_t window, uint64_t limit, uint64_t n)
{
	unsigned before = h->answers;

	ask(h, take, window, limit, n);
	for (int i = 0; i < 1000 && h->answers == before; i++)
		run_for(5);
	assert_int_equal(h->answers, before + 1);
	return h->last.full == 1 ? (int64_t)h->last.totals[0] : -1 - (int64_t)h->last.totals[0];
}

static void test_exactly(void **state)
{
	for (int i = 0; i < 200; i++)
		ask(&hosts[i % 3 == 0], true, HOUR, 100, 1);
	for (int i = 0; i < 500 && hosts[0].answers + hosts[1].answers < 200; i++)
		run_for(5);
	assert_int_equal(hosts[0].answers + hosts[1].answers, 200);
	assert_int_equal(hosts[0].granted + hosts[1].granted, 100);
	assert_true(hosts[0].last.shared && hosts[1].last.shared);
}

static void test_look_takes_nothing(void **state)
{
	assert_int_equal(counted(&hosts[0], false, HOUR, 10, 10), 0);
	assert_int_equal(counted(&hosts[0], true, HOUR, 10, 7), 0);
	assert_int_equal(counted(&hosts[1], false, HOUR, 10, 4), -1 - 7);
	assert_true(hosts[1].last.first);
	assert_int_equal(counted(&hosts[0], true, HOUR, 10, 4), -1 - 7);
	assert_false(hosts[0].last.first);
	assert_int_equal(counted(&hosts[0], true, HOUR, 10, 3), 7);
}

static void test_all_or_none(void **state)
{
	const struct mr_count v[] = { { MR_LIT("a"), HOUR, 5, 3 }, { MR_LIT("b"), HOUR, 2, 3 }, { MR_LIT("c"), HOUR, 1, 3 } };

	ask_for(&hosts[0], true, 2000, v, 3);
	for (int i = 0; i < 500 && hosts[0].answers < 1; i++)
		run_for(5);
	assert_int_equal(hosts[0].last.full, 1);
	ask_for(&hosts[0], true, 2000, v, 1);
	for (int i = 0; i < 500 && hosts[0].answers < 2; i++)
		run_for(5);
	assert_int_equal(hosts[0].last.full, 1);
	assert_int_equal(hosts[0].last.totals[0], 0); /* b was full, so nothing was taken of a */
}

/* Of two uses half a window apart: how much, and when the first and both of them are forgotten. */
static void test_read(void **state)
{
	struct mr_redis_config config = { .socket = redis_socket, .address = "", .user = "", .password_file = "" };
	struct mr_redis_session *s = NULL;
	struct mr_counter c = { 7, 7, 7 };
	const uint64_t window = 12000, slot = window / MR_TALLY_SLOTS;

	assert_int_equal(mr_redis_open(&config, 2000, &s, NULL), 0);
	assert_int_equal(mr_counter_read(s, "mr:", MR_LIT("user"), window, &c, NULL), 0);
	assert_true(c.total == 0 && c.more_ms == 0 && c.ends_ms == 0);
	assert_int_equal(counted(&hosts[0], true, window, 5, 2), 0);
	run_for(2 * slot);
	assert_int_equal(counted(&hosts[1], true, window, 5, 3), 2);
	assert_int_equal(counted(&hosts[1], true, window, 5, 1), -1 - 5); /* the first refusal is noted beside them */
	assert_int_equal(mr_counter_read(s, "mr:", MR_LIT("user"), window, &c, NULL), 0);
	assert_int_equal(c.total, 5);
	assert_true(c.more_ms > 0 && c.more_ms + 2 * slot <= c.ends_ms);
	assert_true(c.ends_ms > window - slot && c.ends_ms <= window + slot); /* the slot of the second may be over by now */
	mr_redis_close(s);
}

static void test_window_slides(void **state)
{
	assert_int_equal(counted(&hosts[0], true, 600, 1, 1), 0);
	assert_int_equal(counted(&hosts[0], true, 600, 1, 1), -1 - 1);
	run_for(670);
	assert_int_equal(counted(&hosts[0], true, 600, 1, 1), 0);
}

static void test_away_and_back(void **state)
{
	assert_int_equal(counted(&hosts[0], true, HOUR, 10, 4), 0);
	assert_int_equal(counted(&hosts[1], true, HOUR, 10, 2), 4);
	spawn_kill(&server);
	wait_up(false);
	/* Each by what it was told last. */
	assert_int_equal(counted(&hosts[0], true, HOUR, 10, 3), 4);
	assert_false(hosts[0].last.shared);
	assert_int_equal(counted(&hosts[1], true, HOUR, 10, 4), 6);
	assert_int_equal(counted(&hosts[1], true, HOUR, 10, 1), -1 - 10);
	assert_true(hosts[1].last.first);
	assert_int_equal(counted(&hosts[1], true, HOUR, 10, 1), -1 - 10);
	assert_false(hosts[1].last.first);
	start_server(); /* empty: the first tells what it knows, the other what was granted meanwhile; the script is sent again */
	wait_up(true);
	assert_int_equal(counted(&hosts[0], true, HOUR, 20, 1), 7);
	assert_int_equal(counted(&hosts[1], true, HOUR, 20, 1), 8 + 4);
	assert_true(hosts[1].last.shared);
	assert_int_equal(counted(&hosts[0], false, HOUR, 20, 7), 13);
	assert_int_equal(counted(&hosts[0], false, HOUR, 20, 8), -1 - 13);
}

static void test_stuck(void **state)
{
	kill(server, SIGSTOP);
	ask(&hosts[0], true, HOUR, 1, 1);
	ask_for(&hosts[0], true, 50, &(struct mr_count){ MR_LIT("other"), HOUR, 1, 1 }, 1);
	for (int i = 0; i < 500 && hosts[0].answers < 2; i++)
		run_for(5);
	assert_int_equal(hosts[0].granted, 2);
	assert_false(hosts[0].last.shared);
	kill(server, SIGCONT);
}

static void test_strange_value(void **state)
{
	struct mr_slice words[] = { MR_LIT("SET"), MR_LIT("mr:user"), MR_LIT("x") };

	mr_redis_command(links[0], 2000, NULL, NULL, 3, words);
	assert_int_equal(counted(&hosts[0], true, HOUR, 1, 1), 0);
	assert_false(hosts[0].last.shared);
	assert_int_equal(counted(&hosts[0], true, HOUR, 1, 1), -1 - 1);
}

static void test_no_redis(void **state)
{
	struct mr_counters *alone = mr_counters_new(loop, NULL, "");
	struct host h = { .counters = alone };

	assert_int_equal(counted(&h, true, HOUR, 2, 2), 0);
	assert_int_equal(counted(&h, true, HOUR, 2, 1), -1 - 2);
	mr_counters_free(alone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exactly), TEST(test_look_takes_nothing), TEST(test_all_or_none),
		TEST(test_read),    TEST(test_window_slides),      TEST(test_away_and_back),
		TEST(test_stuck),   TEST(test_strange_value),      TEST(test_no_redis),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
