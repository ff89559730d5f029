/* test-distinct: against a real Redis: two hosts see the same members; all or nothing; Redis away, flushed, back; windows. */

/* system */
#include <signal.h>
#include <string.h>

/* ours */
#include "rt/distinct.h"
#include "redis-hosts.h"

#define HOUR 3600000

static struct host {
	struct mr_distinct_store *store;
	struct mr_distincts last;
	unsigned answers;
} hosts[2];

static int setup(void **state)
{
	open_links();
	for (size_t h = 0; h < MR_COUNT(hosts); h++)
		hosts[h] = (struct host){ .store = mr_distinct_new(loop, links[h], "mr:") };
	wait_up(true);
	return 0;
}

static int teardown(void **state)
{
	close_links();
	for (size_t h = 0; h < MR_COUNT(hosts); h++)
		mr_distinct_free(hosts[h].store);
	return close_server();
}

static void on_answer(const struct mr_distincts *d, void *arg)
{
	struct host *h = arg;

	h->last = *d;
	h->answers++;
}

static const struct mr_distincts *ask_within(uint64_t timeout_ms, unsigned h, const struct mr_distinct_item *v, size_t n)
{
	unsigned before = hosts[h].answers;

	mr_distinct_ask(hosts[h].store, timeout_ms, v, n, on_answer, &hosts[h]);
	assert_int_equal(hosts[h].answers, before); /* never from inside */
	for (int i = 0; i < 1000 && hosts[h].answers == before; i++)
		run_for(5);
	assert_int_equal(hosts[h].answers, before + 1);
	return &hosts[h].last;
}

static const struct mr_distincts *ask(unsigned h, const struct mr_distinct_item *v, size_t n)
{
	return ask_within(2000, h, v, n);
}

static void soon(unsigned h, enum mr_distinct_op op, const char *member)
{
	ask_within(50, h, &(struct mr_distinct_item){ MR_LIT("k"), mr_slice_of(member), HOUR, 3, op }, 1);
}

static const struct mr_distincts *one(unsigned h, enum mr_distinct_op op, const char *member, uint64_t window, uint64_t max)
{
	return ask(h, &(struct mr_distinct_item){ MR_LIT("k"), mr_slice_of(member), window, max, op }, 1);
}

#define TAKE(h, member, max) one(h, MR_DISTINCT_TAKE, member, HOUR, max)
#define LOOK(h, member)      one(h, MR_DISTINCT_LOOK, member, HOUR, 1)->v[0]

static void test_take(void **state)
{
	assert_int_equal(TAKE(0, "a", 2)->full, 1);
	assert_int_equal(TAKE(1, "a", 2)->full, 1); /* the same one again */
	assert_true(hosts[1].last.shared && hosts[1].last.v[0].has);
	assert_int_equal(hosts[1].last.v[0].count, 1);
	assert_int_equal(TAKE(1, "b", 2)->full, 1);
	assert_int_equal(TAKE(0, "c", 2)->full, 0);
	assert_int_equal(TAKE(0, "b", 2)->full, 1); /* one that is there needs no room */
	assert_int_equal(LOOK(1, "c").count, 2);
	assert_false(LOOK(1, "c").has);
	assert_true(LOOK(0, "b").has);
}

static void test_all_or_nothing(void **state)
{
	const struct mr_distinct_item v[] = {
		{ MR_LIT("a"), MR_LIT("x"), HOUR, 1, MR_DISTINCT_TAKE },
		{ MR_LIT("b"), MR_LIT("x"), HOUR, 1, MR_DISTINCT_NOTE },
		{ MR_LIT("c"), MR_LIT("y"), HOUR, 1, MR_DISTINCT_TAKE },
		{ MR_LIT("d"), MR_LIT("y"), HOUR, 1, MR_DISTINCT_DROP },
	};
	struct mr_distinct_item looks[4];

	ask(0, &(struct mr_distinct_item){ MR_LIT("c"), MR_LIT("x"), HOUR, 1, MR_DISTINCT_TAKE }, 1);
	ask(0, &(struct mr_distinct_item){ MR_LIT("d"), MR_LIT("y"), HOUR, 1, MR_DISTINCT_TAKE }, 1);
	assert_int_equal(ask(1, v, 4)->full, 2);
	for (size_t i = 0; i < 4; i++) {
		looks[i] = v[i];
		looks[i].op = MR_DISTINCT_LOOK;
	}
	ask(1, looks, 4);
	assert_int_equal(hosts[1].last.v[0].count, 0);
	assert_int_equal(hosts[1].last.v[1].count, 0);
	assert_int_equal(hosts[1].last.v[2].count, 1);
	assert_int_equal(hosts[1].last.v[3].count, 0); /* what is to be forgotten, is */
}

static void test_note_drop_clear(void **state)
{
	for (const char *p = "abcd"; *p; p++)
		one(0, MR_DISTINCT_NOTE, (char[]){ *p, '\0' }, HOUR, 3);
	assert_int_equal(LOOK(1, "b").count, 3);
	assert_false(one(1, MR_DISTINCT_LOOK, "a", HOUR, 1)->v[0].has);
	assert_true(LOOK(1, "d").has);
	one(1, MR_DISTINCT_DROP, "d", HOUR, 3);
	assert_int_equal(LOOK(1, "d").count, 2);
	one(1, MR_DISTINCT_CLEAR, "", HOUR, 3);
	assert_int_equal(LOOK(1, "b").count, 0);
}

static void test_window(void **state)
{
	one(0, MR_DISTINCT_TAKE, "a", 800, 1);
	assert_int_equal(one(0, MR_DISTINCT_TAKE, "b", 800, 1)->full, 0);
	assert_in_range(hosts[0].last.v[0].oldest, 0, 799);
	run_for(850);
	assert_int_equal(one(0, MR_DISTINCT_TAKE, "b", 800, 1)->full, 1);
}

/* Who looks at less takes nothing away. */
static void test_look_at_less(void **state)
{
	one(0, MR_DISTINCT_NOTE, "a", HOUR, 3);
	run_for(60);
	assert_int_equal(one(1, MR_DISTINCT_LOOK, "a", 30, 3)->v[0].count, 0);
	assert_false(hosts[1].last.v[0].has);
	assert_int_equal(LOOK(1, "a").count, 1);
	assert_true(LOOK(1, "a").has);
}

/* What is noted again becomes young, and what has passed its window counts no more and has no place. */
static void test_young_again(void **state)
{
	one(0, MR_DISTINCT_NOTE, "a", 900, 2);
	one(0, MR_DISTINCT_NOTE, "b", 900, 2);
	run_for(600);
	assert_true(one(0, MR_DISTINCT_NOTE, "a", 900, 2)->v[0].has);
	run_for(600);
	assert_int_equal(one(1, MR_DISTINCT_LOOK, "a", 900, 2)->v[0].count, 1);
	assert_true(hosts[1].last.v[0].has);
	assert_int_equal(one(1, MR_DISTINCT_TAKE, "c", 900, 2)->full, 1);
	assert_false(hosts[1].last.v[0].has);
	assert_int_equal(one(0, MR_DISTINCT_TAKE, "d", 900, 2)->full, 0);
}

static void test_away_and_back(void **state)
{
	TAKE(0, "a", 2);
	TAKE(1, "b", 2);
	spawn_kill(&server);
	wait_up(false);
	assert_int_equal(TAKE(0, "c", 2)->full, 1); /* host 0 has heard of one only */
	assert_false(hosts[0].last.shared);
	assert_int_equal(TAKE(0, "d", 2)->full, 0);
	assert_int_equal(one(0, MR_DISTINCT_NOTE, "place", HOUR, 5)->full, 1);
	start_server();
	wait_up(true);
	assert_true(LOOK(0, "place").has); /* a Redis that came back empty does not know it */
	assert_true(hosts[0].last.shared);
	assert_int_equal(hosts[0].last.v[0].count, 2); /* but hears what was taken and noted while it was away */
	assert_true(LOOK(1, "place").has);
	assert_true(LOOK(1, "c").has);
	assert_false(LOOK(1, "d").has); /* had no room */
	assert_false(LOOK(1, "a").has);
}

/* Redis is slow for a moment: what was counted alone meanwhile counts for all afterwards, in the order in which it came. */
static void test_slow_for_a_moment(void **state)
{
	TAKE(0, "a", 3);
	kill(server, SIGSTOP);
	for (const char *p = "bc"; *p; p++) {
		soon(0, MR_DISTINCT_TAKE, (char[]){ *p, '\0' });
		assert_false(hosts[0].last.shared);
	}
	soon(0, MR_DISTINCT_DROP, "a");
	soon(0, MR_DISTINCT_DROP, "b");
	soon(0, MR_DISTINCT_TAKE, "b");
	soon(0, MR_DISTINCT_TAKE, "d");
	soon(0, MR_DISTINCT_DROP, "d");
	kill(server, SIGCONT);
	wait_up(true);
	assert_true(LOOK(0, "b").has);
	assert_true(hosts[0].last.shared);
	assert_int_equal(LOOK(1, "c").count, 2);
	assert_true(LOOK(1, "b").has && LOOK(1, "c").has);
	assert_false(LOOK(1, "a").has || LOOK(1, "d").has);
}

static void note_many(char prefix, unsigned n)
{
	unsigned before = hosts[0].answers;
	char member[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(member, sizeof(member), "%c%u", prefix, i);
		mr_distinct_ask(hosts[0].store, 2000,
				&(struct mr_distinct_item){ MR_LIT("k"), mr_slice_of(member), HOUR, 100000, MR_DISTINCT_NOTE }, 1,
				on_answer, &hosts[0]);
	}
	while (hosts[0].answers < before + n)
		run_for(5);
}

static void away_for_long(char prefix, unsigned n)
{
	spawn_kill(&server);
	wait_up(false);
	note_many(prefix, n);
	start_server();
	wait_up(true);
	for (unsigned i = 0; i < 120; i++)
		one(0, MR_DISTINCT_LOOK, "m0", HOUR, 1);
}

/* What is forgotten while much is owed is not remembered again by what was noted before it. */
static void test_forgotten_while_owed(void **state)
{
	spawn_kill(&server);
	wait_up(false);
	note_many('m', 300);
	start_server();
	wait_up(true);
	one(0, MR_DISTINCT_CLEAR, "", HOUR, 100000);
	for (unsigned i = 0; i < 20; i++)
		one(0, MR_DISTINCT_LOOK, "m0", HOUR, 1);
	assert_int_equal(LOOK(1, "m299").count, 0);
}

/* Much that Redis has not heard of is told with several questions; more than is remembered counts here alone. */
static void test_away_for_long(void **state)
{
	away_for_long('m', 300);
	assert_int_equal(LOOK(1, "m299").count, 300);
	assert_true(LOOK(1, "m299").has);
	away_for_long('n', 20000);
	assert_in_range(LOOK(1, "n0").count, 600, 2000);
	assert_true(LOOK(1, "n0").has);
}

static void test_without_redis(void **state)
{
	struct mr_distinct_store *redis = hosts[0].store;

	hosts[0].store = mr_distinct_new(loop, NULL, "mr:");
	assert_int_equal(TAKE(0, "a", 1)->full, 1);
	assert_int_equal(TAKE(0, "b", 1)->full, 0);
	assert_int_equal(hosts[0].last.v[0].count, 1);
	mr_distinct_ask(hosts[0].store, 2000, &(struct mr_distinct_item){ MR_LIT("k"), MR_LIT("a"), HOUR, 1, MR_DISTINCT_LOOK }, 1,
			on_answer, &hosts[0]); /* open at the end */
	mr_distinct_free(hosts[0].store);
	hosts[0].store = redis;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_take),          TEST(test_all_or_nothing),    TEST(test_note_drop_clear),
					    TEST(test_window),        TEST(test_look_at_less),      TEST(test_young_again),
					    TEST(test_away_and_back), TEST(test_slow_for_a_moment), TEST(test_forgotten_while_owed),
					    TEST(test_away_for_long), TEST(test_without_redis) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
