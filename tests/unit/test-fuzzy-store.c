/* test-fuzzy-store: against a real Redis: texts and files that were shown are known again over two hosts, with their variants; forgotten;
 * Redis away, stuck, flushed; values that are none of ours. */

/* system */
#include <signal.h>
#include <string.h>

/* ours */
#include "base/buf.h"
#include "fuzzy-store.h"
#include "redis-hosts.h"

#define DAY  UINT64_C(86400000)
#define WAIT 2000

static struct host {
	struct mr_fuzzy_store *store;
	struct mr_fuzzy_known known;
	bool answered, told;
} hosts[2];

static int setup(void **state)
{
	open_links();
	for (size_t h = 0; h < MR_COUNT(hosts); h++)
		hosts[h] = (struct host){ .store = mr_fuzzy_store_new(loop, links[h], "mr:") };
	wait_up(true);
	return 0;
}

static int teardown(void **state)
{
	close_links();
	for (size_t h = 0; h < MR_COUNT(hosts); h++)
		mr_fuzzy_store_free(hosts[h].store);
	return close_server();
}

static void on_known(const struct mr_fuzzy_known *known, void *arg)
{
	struct host *h = arg;

	assert_false(h->answered);
	h->answered = true;
	h->told = known;
	if (known)
		h->known = *known;
}

/* A text of its own for each n; the last `changed` shingles are others. */
static struct mr_fuzzy text(unsigned n, unsigned changed)
{
	struct mr_fuzzy f = { .text = true };

	for (unsigned i = 0; i < MR_FUZZY_SHINGLES; i++)
		f.shingles[i] = i + 1000 * n + (i >= MR_FUZZY_SHINGLES - changed ? 500 : 0);
	return f;
}

static struct mr_fuzzy with_file(struct mr_fuzzy f, char byte)
{
	memset(f.files[f.n_files++], byte, MR_SHA256_LEN);
	return f;
}

static void wait_for(struct host *h)
{
	for (int i = 0; i < 1000 && !h->answered; i++)
		run_for(5);
	assert_true(h->answered);
}

/* False: there was nothing to ask. */
static bool check(struct host *h, struct mr_fuzzy f, uint64_t weight)
{
	h->answered = h->told = false;
	h->known = (struct mr_fuzzy_known){ 0 };
	if (!mr_fuzzy_check(h->store, &f, weight, WAIT, on_known, h))
		return false;
	assert_false(h->answered);
	wait_for(h);
	return true;
}

static void add(struct host *h, struct mr_fuzzy f, uint64_t weight, uint64_t keep)
{
	h->answered = h->told = false;
	mr_fuzzy_add(h->store, &f, weight, keep, WAIT, on_known, h);
	wait_for(h);
}

static void forget(struct host *h, struct mr_fuzzy f)
{
	h->answered = h->told = false;
	mr_fuzzy_forget(h->store, &f, WAIT, on_known, h);
	wait_for(h);
}

static void expect(struct host *h, struct mr_fuzzy f, unsigned shingles, int64_t weight, int64_t file)
{
	assert_true(check(h, f, 1) && h->told);
	assert_int_equal(h->known.shingles, shingles);
	assert_int_equal(h->known.weight, weight);
	assert_int_equal(h->known.file_weight, file);
}

/* A command to Redis, behind everybody's back. */
static void command(const char *a, const char *b, const char *c)
{
	struct mr_slice words[] = { mr_slice_of(a), mr_slice_of(b), mr_slice_of(c) };

	mr_redis_command(links[0], WAIT, NULL, NULL, 3, words);
	run_for(20);
}

static void each_key(const char *pattern, const char *lua)
{
	struct mr_buf script = MR_BUF(1000);

	mr_buf_printf(&script, "for _, k in ipairs(redis.call('KEYS', '%s')) do %s end", pattern, lua);
	command("EVAL", script.p, "0");
	mr_buf_done(&script);
}

static void on_keys(const struct mr_redis_reply *r, void *arg)
{
	*(int64_t *)arg = r->integer;
}

/* How many live ones there are in Redis. */
static int64_t keys(void)
{
	struct mr_slice words[] = { MR_LIT("EVAL"), MR_LIT("return #redis.call('KEYS', '*')"), MR_LIT("0") };
	int64_t n = -1;

	mr_redis_command(links[0], WAIT, on_keys, &n, 3, words);
	for (int i = 0; i < 400 && n < 0; i++)
		run_for(5);
	return n;
}

static void test_texts(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];

	add(a, text(1, 0), 2, DAY);
	assert_int_equal(a->known.weight, 2);
	expect(b, text(1, 0), 32, 2, 0);
	expect(b, text(1, 32 - MR_FUZZY_LIKE), MR_FUZZY_LIKE, 2, 0);
	expect(b, text(1, 33 - MR_FUZZY_LIKE), 0, 0, 0);
	expect(b, text(2, 0), 0, 0, 0);
	add(b, text(1, 32 - MR_FUZZY_SAME), 3, DAY); /* a variant: the same entry, which knows it from now on */
	assert_int_equal(b->known.weight, 5);
	expect(a, text(1, 32 - MR_FUZZY_SAME), 32, 5, 0);
	expect(a, text(1, 0), 32, 5, 0);
	add(b, text(1, 33 - MR_FUZZY_SAME), 1, DAY); /* of the variant, too */
	assert_int_equal(b->known.weight, 6);
}

/* What is too different has an entry of its own, and takes nothing away from the first. */
static void test_neighbours(void **state)
{
	struct host *a = &hosts[0];

	add(a, text(1, 0), 1, DAY);
	add(a, text(1, 9), 10, DAY);
	expect(a, text(1, 0), 32, 1, 0);
	expect(a, text(1, 9), 32, 10, 0);
	assert_true(check(a, text(1, 0), 2)); /* the lighter one does not count */
	assert_int_equal(a->known.shingles, 23);
	assert_int_equal(a->known.weight, 10);
	for (unsigned n = 0; n < MR_FUZZY_IDS_MAX + 3; n++) { /* of entries that share most of it, not all are remembered */
		struct mr_fuzzy f = text(1, 0);

		for (unsigned i = 0; i < 20; i++)
			f.shingles[i] += 10000 * (n + 1);
		add(a, f, 1, DAY);
		expect(a, f, 32, 1, 0);
	}
	expect(a, text(1, 0), 20, 10, 0); /* both have lost the places that all share; the heavier one is told of */
}

static void test_files(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct mr_fuzzy file = with_file((struct mr_fuzzy){ 0 }, 'a'), two = with_file(with_file(text(1, 0), 'b'), 'a');

	add(a, file, 3, DAY);
	expect(b, two, 0, 0, 3);
	add(b, two, 1, DAY);
	expect(a, two, 32, 1, 4);
	expect(a, with_file(text(2, 0), 'b'), 0, 0, 1);
	assert_true(check(a, two, 2));
	assert_int_equal(a->known.shingles, 0);
	assert_int_equal(a->known.file_weight, 4);
	assert_true(check(a, two, 5));
	assert_int_equal(a->known.file_weight, 0);
	forget(b, two);
	assert_int_equal(b->known.file_weight, 4);
	expect(a, two, 0, 0, 0);
}

static void test_forgotten(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];

	add(a, text(1, 0), 2, DAY);
	add(a, text(1, 4), 1, DAY);
	add(a, text(1, 20), 7, DAY);
	forget(b, text(1, 14)); /* 22 of the first, 26 of the other */
	assert_int_equal(b->known.weight, 7);
	expect(b, text(1, 0), 32, 3, 0);
	forget(b, text(1, 13)); /* 19, and 4 that the variant has */
	assert_int_equal(b->known.shingles, 0);
	for (unsigned changed = 8; changed <= 24; changed += 4)
		add(a, text(1, changed), 1, DAY); /* variants of variants */
	forget(b, text(1, 0));
	assert_int_equal(b->known.weight, 8);
	for (unsigned changed = 0; changed <= 24; changed += 4)
		expect(a, text(1, changed), 0, 0, 0);
}

static void test_expires(void **state)
{
	struct host *a = &hosts[0];

	add(a, with_file(text(1, 0), 'a'), 1, 50);
	add(a, text(2, 0), 1, DAY);
	run_for(60);
	expect(a, with_file(text(1, 0), 'a'), 0, 0, 0);
	assert_int_equal(keys(), 32 + 2); /* of the second, and that there is something */
	add(a, text(3, 0), 1, 50);
	add(a, text(3, 4), 1, DAY); /* shown again: as young as that */
	run_for(60);
	expect(a, text(3, 4), 32, 2, 0);
	expect(a, text(3, 0), 28, 2, 0);
}

/* While nothing is known at all nobody is asked, and nothing is to be asked about nothing. */
static void test_quiet(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct host none = { .store = mr_fuzzy_store_new(loop, NULL, "") };

	assert_true(check(a, text(1, 0), 1));
	assert_false(check(a, text(1, 0), 1));
	add(b, text(1, 0), 1, DAY);
	for (int i = 0; i < 500 && !check(a, text(1, 0), 1); i++)
		run_for(20);
	assert_int_equal(a->known.shingles, 32);
	assert_true(check(a, text(2, 0), 1));
	assert_true(check(a, text(2, 0), 1));
	assert_false(check(a, (struct mr_fuzzy){ 0 }, 1));
	assert_false(check(&none, text(1, 0), 1));
	mr_fuzzy_store_free(none.store);
}

static void test_away_and_flushed(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];

	add(a, text(1, 0), 1, DAY);
	spawn_kill(&server);
	wait_up(false);
	assert_true(check(a, text(1, 0), 1));
	assert_false(a->told);
	assert_false(check(a, text(1, 0), 1)); /* for a while */
	add(b, text(1, 0), 1, DAY);
	assert_false(b->told);
	start_server(); /* empty; the script is sent again */
	wait_up(true);
	add(b, text(2, 0), 1, DAY);
	assert_true(b->told);
	expect(b, text(1, 0), 0, 0, 0);
	command("FLUSHALL", "SYNC", "");
	each_key("none", "");
	command("SCRIPT", "FLUSH", "SYNC");
	add(b, text(3, 0), 1, DAY);
	expect(b, text(3, 0), 32, 1, 0);
}

static void test_stuck(void **state)
{
	struct host *a = &hosts[0];

	add(a, text(1, 0), 1, DAY);
	kill(server, SIGSTOP);
	assert_true(check(a, text(1, 0), 1));
	assert_false(a->told);
	kill(server, SIGCONT);
}

static void test_strange_values(void **state)
{
	struct host *a = &hosts[0];

	add(a, with_file(text(1, 0), 'a'), 1, DAY);
	each_key("mr:fuzzy:[ef]:*", "redis.call('SET', k, 'x')");
	expect(a, with_file(text(1, 0), 'a'), 0, 0, 0);
	each_key("mr:fuzzy:t:*", "redis.call('DEL', k) redis.call('HSET', k, 'a', 'b')");
	expect(a, text(1, 0), 0, 0, 0);
	each_key("mr:fuzzy:f:*", "redis.call('DEL', k) redis.call('HSET', k, 'a', 'b')");
	assert_true(check(a, with_file(text(1, 0), 'a'), 1));
	assert_false(a->told);
	add(a, with_file(text(2, 0), 'a'), 1, DAY);
	assert_false(a->told);
}

static void test_cancelled_and_dropped(void **state)
{
	struct host *a = &hosts[0];
	struct mr_fuzzy f = text(1, 0);
	struct mr_fuzzy_question *q;

	add(a, f, 1, DAY);
	a->answered = false;
	q = mr_fuzzy_check(a->store, &f, 1, WAIT, on_known, a);
	mr_fuzzy_cancel(q);
	run_for(100);
	assert_false(a->answered);
	mr_fuzzy_check(a->store, &f, 1, WAIT, on_known, a); /* teardown drops it */
	assert_false(a->answered);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_texts),
		TEST(test_neighbours),
		TEST(test_files),
		TEST(test_forgotten),
		TEST(test_expires),
		TEST(test_quiet),
		TEST(test_away_and_flushed),
		TEST(test_stuck),
		TEST(test_strange_values),
		TEST(test_cancelled_and_dropped),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
