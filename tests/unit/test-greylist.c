/* test-greylist: against a real Redis: a triple waits, comes again, passes, over two hosts; clients become known; Redis away, flushed,
 * back; and the memory of one process alone, by a clock of the test's. */

/* system */
#include <string.h>

/* ours */
#include "base/buf.h"
#include "rt/clock.h"
#include "rt/greylist.h"
#include "redis-hosts.h"

#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static struct host {
	struct mr_greylist *greylist;
	struct mr_grey_answer last;
	unsigned answers;
} hosts[2];
static struct mr_grey_rules rules;

static int setup(void **state)
{
	open_links();
	for (size_t h = 0; h < MR_COUNT(hosts); h++)
		hosts[h] = (struct host){ .greylist = mr_greylist_new(loop, links[h], "mr:") };
	rules = (struct mr_grey_rules){ .delay = 5 * MINUTE, .retry = 2 * DAY, .max_age = 35 * DAY, .clients_after = 2 };
	wait_up(true);
	return 0;
}

static int teardown(void **state)
{
	close_links();
	for (size_t h = 0; h < MR_COUNT(hosts); h++)
		mr_greylist_free(hosts[h].greylist);
	return close_server();
}

static void on_answer(const struct mr_grey_answer *a, void *arg)
{
	struct host *h = arg;

	h->last = *a;
	h->answers++;
}

static void start(struct host *h, const char *client, const char *sender, bool learn)
{
	struct mr_grey_triple t = { mr_slice_of(client), mr_slice_of(sender), MR_LIT("a.example"), learn };

	mr_greylist_ask(h->greylist, &rules, &t, 2000, on_answer, h);
}

/* Asks and waits for the answer; true when Redis was asked for it. */
static bool ask(struct host *h, const char *client, const char *sender, bool learn)
{
	unsigned before = h->answers;
	bool later;

	start(h, client, sender, learn);
	later = h->answers == before;
	for (int i = 0; i < 1000 && h->answers == before; i++)
		run_for(5);
	assert_int_equal(h->answers, before + 1);
	return later;
}

static void expect(struct host *h, const char *client, const char *sender, enum mr_grey kind)
{
	ask(h, client, sender, false);
	assert_int_equal(h->last.kind, kind);
}

/* A command to Redis, behind everybody's back. */
static void command(const char *a, const char *b)
{
	struct mr_slice words[] = { mr_slice_of(a), mr_slice_of(b) };

	mr_redis_command(links[0], 2000, NULL, NULL, b ? 2 : 1, words);
	run_for(20);
}

static void test_waits_and_passes_over_two_hosts(void **state)
{
	expect(&hosts[0], "192.0.2.0", "s@else", MR_GREY_WAIT);
	assert_true(hosts[0].last.left > 4 * MINUTE && hosts[0].last.left <= 5 * MINUTE);
	assert_false(ask(&hosts[0], "192.0.2.0", "s@else", false)); /* known here */
	assert_int_equal(hosts[0].last.kind, MR_GREY_WAIT);
	assert_true(ask(&hosts[1], "192.0.2.0", "s@else", false));
	assert_int_equal(hosts[1].last.kind, MR_GREY_WAIT);
	rules.delay = 1;
	run_for(5);
	expect(&hosts[1], "192.0.2.0", "s@else", MR_GREY_PASS);
	rules.delay = DAY; /* has passed, so it does not count any more */
	assert_false(ask(&hosts[1], "192.0.2.0", "s@else", false));
	assert_int_equal(hosts[1].last.kind, MR_GREY_PASS);
	expect(&hosts[0], "192.0.2.0", "other@else", MR_GREY_WAIT);
	expect(&hosts[0], "198.51.100.0", "s@else", MR_GREY_WAIT);
}

static void test_passed_elsewhere(void **state)
{
	rules.delay = 1;
	expect(&hosts[0], "192.0.2.0", "s@else", MR_GREY_WAIT);
	run_for(5);
	expect(&hosts[0], "192.0.2.0", "s@else", MR_GREY_PASS);
	rules.delay = DAY;
	expect(&hosts[1], "192.0.2.0", "s@else", MR_GREY_PASS);
}

static void test_client_becomes_known(void **state)
{
	rules.delay = 1;
	rules.clients_after = 1;
	expect(&hosts[0], "192.0.2.0", "a@else", MR_GREY_WAIT);
	run_for(5);
	expect(&hosts[0], "192.0.2.0", "a@else", MR_GREY_PASS);
	rules.delay = DAY;
	expect(&hosts[0], "192.0.2.0", "b@else", MR_GREY_PASS);
	expect(&hosts[1], "192.0.2.0", "c@else", MR_GREY_PASS);
	assert_false(ask(&hosts[1], "192.0.2.0", "d@else", false));
	rules.clients_after = 0;
	expect(&hosts[1], "192.0.2.0", "e@else", MR_GREY_WAIT);
}

static void test_client_counts_once_an_hour(void **state)
{
	rules.delay = 1;
	for (int i = 0; i < 3; i++) {
		char sender[16];

		snprintf(sender, sizeof(sender), "s%d@else", i);
		expect(&hosts[0], "192.0.2.0", sender, MR_GREY_WAIT);
		run_for(5);
		expect(&hosts[0], "192.0.2.0", sender, MR_GREY_PASS);
	}
	rules.delay = DAY;
	expect(&hosts[0], "192.0.2.0", "other@else", MR_GREY_WAIT);
}

static void test_away(void **state)
{
	expect(&hosts[0], "192.0.2.0", "waits@else", MR_GREY_WAIT);
	rules.delay = 1;
	expect(&hosts[0], "192.0.2.0", "passed@else", MR_GREY_WAIT);
	run_for(5);
	expect(&hosts[0], "192.0.2.0", "passed@else", MR_GREY_PASS);
	spawn_kill(&server);
	wait_up(false);
	expect(&hosts[0], "192.0.2.0", "passed@else", MR_GREY_PASS);
	expect(&hosts[0], "192.0.2.0", "waits@else", MR_GREY_PASS);
	expect(&hosts[0], "192.0.2.0", "never@else", MR_GREY_UNKNOWN);
	expect(&hosts[0], "192.0.2.0", "never@else", MR_GREY_UNKNOWN); /* nothing was learned */
	rules.delay = 5 * MINUTE;
	ask(&hosts[0], "192.0.2.0", "never@else", true);
	assert_int_equal(hosts[0].last.kind, MR_GREY_WAIT);
	expect(&hosts[0], "192.0.2.0", "never@else", MR_GREY_WAIT);
	start_server(); /* empty: it is told what is known; the script is sent again */
	wait_up(true);
	rules.delay = 1;
	expect(&hosts[0], "192.0.2.0", "never@else", MR_GREY_PASS);
	expect(&hosts[1], "192.0.2.0", "passed@else", MR_GREY_WAIT);
	rules.delay = DAY;
	expect(&hosts[0], "192.0.2.0", "waits@else", MR_GREY_PASS);
	expect(&hosts[1], "192.0.2.0", "waits@else", MR_GREY_PASS);
}

static void test_flushed(void **state)
{
	expect(&hosts[0], "192.0.2.0", "s@else", MR_GREY_WAIT);
	command("FLUSHALL", NULL);
	run_for(5);
	rules.delay = 1;
	expect(&hosts[0], "192.0.2.0", "s@else", MR_GREY_PASS);
	command("FLUSHALL", NULL);
	expect(&hosts[1], "192.0.2.0", "s@else", MR_GREY_WAIT);
}

static void test_stuck(void **state)
{
	kill(server, SIGSTOP);
	expect(&hosts[0], "192.0.2.0", "s@else", MR_GREY_UNKNOWN);
	kill(server, SIGCONT);
}

static void test_strange_values(void **state)
{
	struct mr_slice words[] = { MR_LIT("EVAL"),
				    MR_LIT("for _, k in ipairs(redis.call('KEYS', 'mr:grey:*')) do redis.call('SET', k, 'x') end"),
				    MR_LIT("0") };
	expect(&hosts[0], "192.0.2.0", "s@else", MR_GREY_WAIT);
	mr_redis_command(links[0], 2000, NULL, NULL, 3, words);
	expect(&hosts[1], "192.0.2.0", "s@else", MR_GREY_WAIT);
	rules.delay = 1;
	words[1] =
	    MR_LIT("for _, k in ipairs(redis.call('KEYS', 'mr:grey:*')) do redis.call('DEL', k) redis.call('HSET', k, 'a', 'b') end");
	mr_redis_command(links[0], 2000, NULL, NULL, 3, words);
	run_for(20);
	expect(&hosts[1], "192.0.2.0", "s@else", MR_GREY_PASS); /* by its own memory */
}

/* One step of a process without Redis: this much later, this comes. */
static const struct {
	uint64_t later;
	const char *client, *sender;
	enum mr_grey kind;
	uint64_t left;
} alone[] = {
	{ 0, "a", "s", MR_GREY_WAIT, 5 * MINUTE },
	{ MINUTE, "a", "s", MR_GREY_WAIT, 4 * MINUTE },
	{ 4 * MINUTE - 1, "a", "s", MR_GREY_WAIT, 1 },
	{ 1, "a", "s", MR_GREY_PASS, 0 },
	{ 0, "a", "s", MR_GREY_PASS, 0 },
	{ 35 * DAY, "a", "s", MR_GREY_PASS, 0 },
	{ 35 * DAY + 1, "a", "s", MR_GREY_WAIT, 5 * MINUTE }, /* forgotten */
	{ 2 * DAY + 1, "a", "s", MR_GREY_WAIT, 5 * MINUTE },  /* came again too late */
	{ 5 * MINUTE, "a", "s", MR_GREY_PASS, 0 },
	{ 0, "a", "t", MR_GREY_WAIT, 5 * MINUTE },
	{ 5 * MINUTE, "a", "t", MR_GREY_PASS, 0 }, /* within the hour: does not count */
	{ 0, "a", "u", MR_GREY_WAIT, 5 * MINUTE },
	{ HOUR, "a", "u", MR_GREY_PASS, 0 }, /* the second: the client is known */
	{ 0, "a", "v", MR_GREY_PASS, 0 },
	{ 0, "b", "v", MR_GREY_WAIT, 5 * MINUTE },
	{ 35 * DAY, "a", "w", MR_GREY_PASS, 0 },
	{ 35 * DAY + 1, "a", "x", MR_GREY_WAIT, 5 * MINUTE },
};

static void test_alone(void **state)
{
	struct host h = { .greylist = mr_greylist_new(NULL, NULL, "") };

	rules = (struct mr_grey_rules){ .delay = 5 * MINUTE, .retry = 2 * DAY, .max_age = 35 * DAY, .clients_after = 2 };
	mr_clock_fake(1000000, 1700000000);
	for (size_t i = 0; i < MR_COUNT(alone); i++) {
		mr_clock_advance(alone[i].later);
		start(&h, alone[i].client, alone[i].sender, false);
		print_message("step %zu\n", i);
		assert_int_equal(h.answers, i + 1);
		assert_int_equal(h.last.kind, alone[i].kind);
		assert_int_equal(h.last.left, alone[i].left);
	}
	mr_greylist_free(h.greylist);
}

static void test_bounded(void **state)
{
	struct host h = { .greylist = mr_greylist_new(NULL, NULL, "") };
	char sender[32];

	for (unsigned i = 0; i <= 100000; i++) {
		snprintf(sender, sizeof(sender), "s%u", i);
		start(&h, "a", sender, false);
	}
	mr_clock_advance(5 * MINUTE);
	start(&h, "a", "s1", false);
	assert_int_equal(h.last.kind, MR_GREY_PASS);
	start(&h, "a", "s0", false); /* forgotten */
	assert_int_equal(h.last.kind, MR_GREY_WAIT);
	mr_greylist_free(h.greylist);
}

static void test_dropped(void **state)
{
	start(&hosts[0], "a", "s", false);
	assert_int_equal(hosts[0].answers, 0); /* teardown drops it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_waits_and_passes_over_two_hosts),
		TEST(test_passed_elsewhere),
		TEST(test_client_becomes_known),
		TEST(test_client_counts_once_an_hour),
		TEST(test_away),
		TEST(test_flushed),
		TEST(test_stuck),
		TEST(test_strange_values),
		TEST(test_dropped),
		cmocka_unit_test(test_alone), /* the clock stands still from here on */
		cmocka_unit_test(test_bounded),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
