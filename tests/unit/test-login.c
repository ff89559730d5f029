/* test-login: what of Dovecot's requests is understood; which counts stand for a try, and what they lead to. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "login.h"
#include "unit.h"

static struct mr_net exempt = { { AF_INET, { 10 } }, 8 };
static struct mr_login_conf conf = {
	.window = 3600000,
	.pair_max = 10,
	.address_max = 30,
	.network_max = 200,
	.known_max = 20,
	.known_for = 86400000,
	.networks_max = 30,
	.delay_max = 10000,
	.exempt = { &exempt, 1 },
};
static struct mr_arena *arena;

static int setup(void **state)
{
	arena = mr_arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	mr_arena_free(arena);
	return 0;
}

static void test_json(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "{}", 0 },
		{ "{\"login\":\"a@b\",\"other\":{\"deep\":[1,2]},\"device_id\":null}", 0 },
		{ "{\"success\":true,\"policy_reject\":false}", 0 },
		{ "", -EPROTO },
		{ "[]", -EPROTO },
		{ "7", -EPROTO },
		{ "{\"login\":\"a\"", -EPROTO },
		{ "{\"login\":\"a\"} x", -EPROTO },
		{ "{\"login\":1}", -EPROTO },
		{ "{\"login\":[\"a\"]}", -EPROTO },
		{ "{\"login\":\"a\",\"login\":\"b\"}", -EPROTO },
		{ "{\"login\":\"a\\u0000b\"}", -EPROTO },
		{ "{\"login\":\"\xff\"}", -EPROTO },
		{ "{\"success\":\"true\"}", -EPROTO },
		{ "{\"policy_reject\":1}", -EPROTO },
		{ "{\"pwhash\":\"12AB\"}", -EPROTO },
		{ "{\"pwhash\":\"a password\"}", -EPROTO },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_login_try t;
		int rc = mr_login_try_parse(mr_slice_of(cases[i].text), arena, &t);

		if (rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].text, rc);
	}
}

static void test_json_members(void **state)
{
	struct mr_buf text = MR_BUF(10000);
	struct mr_login_try t;

	mr_buf_puts(&text, "{\"device_id\":\"d\",\"login\":\"A@b\",\"policy_reject\":true,\"protocol\":\"imap\",\"pwhash\":\"0fa\","
			   "\"remote\":\"::1\",\"success\":false,\"session_id\":\"x\"}");
	assert_int_equal(mr_login_try_parse(mr_buf_slice(&text), arena, &t), 0);
	assert_slice(t.login, "A@b");
	assert_slice(t.device, "d");
	assert_slice(t.protocol, "imap");
	assert_slice(t.pwhash, "0fa");
	assert_slice(t.remote, "::1");
	assert_true(t.rejected && !t.success);
	/* a whole SHA-512 and no more */
	for (int n = 128; n <= 129; n++) {
		mr_buf_reset(&text);
		mr_buf_puts(&text, "{\"pwhash\":\"");
		for (int i = 0; i < n; i++)
			mr_buf_putc(&text, 'a');
		mr_buf_puts(&text, "\"}");
		assert_int_equal(mr_login_try_parse(mr_buf_slice(&text), arena, &t), n == 128 ? 0 : -EPROTO);
	}
	mr_buf_done(&text);
}

static struct mr_login_names names(const char *login, const char *remote, const char *device, const char *pwhash)
{
	struct mr_login_try t = { mr_slice_of(login), mr_slice_of(remote), mr_slice_of(device), MR_LIT("imap"), mr_slice_of(pwhash) };
	struct mr_login_names n;

	mr_login_names(&conf, &t, arena, &n);
	return n;
}

static void test_names(void **state)
{
	static const struct {
		const char *remote, *address, *network;
	} cases[] = {
		{ "192.0.2.77", "192.0.2.77", "192.0.2.0" },
		{ "::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::" },
		{ "10.1.2.3", NULL, NULL },
		{ "", NULL, NULL },
		{ "localhost", NULL, NULL },
	};
	struct mr_login_names a, b;
	char longest[2000];

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_login_names n = names("Anna@Example.ORG", cases[i].remote, "", "0fa");

		assert_int_equal(n.counted, cases[i].address != NULL);
		if (!n.counted)
			continue;
		assert_slice(n.login, "anna@example.org");
		assert_slice(n.address, cases[i].address);
		assert_slice(n.network, cases[i].network);
	}
	a = names("a@b", "192.0.2.1", "\"name\" \"Phone\"", "0fa");
	b = names("a@b", "192.0.2.2", "\"name\" \"Laptop\"", "0fa");
	assert_false(mr_slice_eq(a.place, b.place));
	assert_true(mr_slice_eq(a.network, b.network) && mr_slice_eq(a.both, b.both));
	assert_false(mr_slice_eq(a.both, names("A@c", "192.0.2.2", "", "0fa").both));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(names(longest, "192.0.2.1", "", "0fa").login.n, 17);
}

static bool has_item(const struct mr_distinct_item *v, size_t n, const char *name, const char *member, enum mr_distinct_op op, uint64_t max)
{
	for (size_t i = 0; i < n; i++)
		if (mr_slice_eq(v[i].name, mr_slice_of(name)) && (!member || mr_slice_eq(v[i].member, mr_slice_of(member))) &&
		    v[i].op == op && v[i].max == max)
			return true;
	return false;
}

static void test_where_it_counts(void **state)
{
	struct mr_login_names n = names("a@b", "192.0.2.77", "", "0fa");
	struct mr_distinct_item v[MR_DISTINCT_MAX];
	struct mr_distincts known = { 0 };
	size_t count;

	assert_int_equal(mr_login_look(&conf, &n, arena, v), 3);
	assert_slice(v[MR_LOGIN_KNOWN_NETWORK].member, "192.0.2.0");
	assert_slice(v[MR_LOGIN_KNOWN_PLACE].member, "192.0.2.0 -");
	count = mr_login_take(&conf, &n, &known, arena, v);
	assert_int_equal(count, 3);
	assert_true(has_item(v, count, "login:pair:192.0.2.77 a@b", "0fa", MR_DISTINCT_TAKE, 10));
	assert_true(has_item(v, count, "login:address:192.0.2.77", NULL, MR_DISTINCT_TAKE, 30));
	assert_true(has_item(v, count, "login:network:192.0.2.0", NULL, MR_DISTINCT_TAKE, 200));
	/* in a known network nothing of the others counts */
	known.v[MR_LOGIN_KNOWN_NETWORK].has = true;
	assert_int_equal(mr_login_take(&conf, &n, &known, arena, v), 1);
	assert_true(has_item(v, 1, "login:place:192.0.2.0 * a@b", "0fa", MR_DISTINCT_TAKE, 20));
	known.v[MR_LOGIN_KNOWN_PLACE].has = true;
	assert_int_equal(mr_login_take(&conf, &n, &known, arena, v), 1);
	assert_true(has_item(v, 1, "login:place:192.0.2.0 - a@b", "0fa", MR_DISTINCT_TAKE, 20));
	count = mr_login_succeeded(&conf, &n, arena, v);
	assert_in_range(count, 8, MR_DISTINCT_MAX);
	assert_true(has_item(v, count, "login:known:a@b", "192.0.2.0", MR_DISTINCT_NOTE, 100));
	assert_true(has_item(v, count, "login:known:a@b", "192.0.2.0 -", MR_DISTINCT_NOTE, 100));
	assert_true(has_item(v, count, "login:pair:192.0.2.77 a@b", NULL, MR_DISTINCT_CLEAR, 10));
	assert_true(has_item(v, count, "login:address:192.0.2.77", NULL, MR_DISTINCT_DROP, 30));
	assert_true(has_item(v, count, "login:network:192.0.2.0", NULL, MR_DISTINCT_DROP, 200));
	count = mr_login_failed(&conf, &n, arena, v);
	assert_true(has_item(v, count, "login:failing:a@b", "192.0.2.0", MR_DISTINCT_NOTE, 30));
}

/* The pair has `count` wrong passwords before this one. */
static struct mr_login_answer decide(uint64_t count, bool has, uint64_t failing, bool known_network)
{
	struct mr_login_names n = names("a@b", "192.0.2.77", "", "0fa");
	struct mr_distinct_item v[MR_DISTINCT_MAX];
	struct mr_distincts known = { 0 }, taken = { 0 };
	size_t items;

	known.v[MR_LOGIN_FAILING].count = failing;
	known.v[MR_LOGIN_KNOWN_NETWORK].has = known_network;
	items = mr_login_take(&conf, &n, &known, arena, v);
	taken.full = count >= v[0].max && !has ? 0 : items;
	taken.v[0] = (struct mr_distinct){ count, has, 600000 };
	for (size_t i = 1; i < items; i++)
		taken.v[i] = (struct mr_distinct){ has, has, 0 };
	return mr_login_decide(&conf, &known, v, items, &taken);
}

static void test_decisions(void **state)
{
	static const struct {
		uint64_t count;
		bool has;
		uint64_t failing;
		bool known;
		bool reject;
		uint64_t seconds;
		const char *reason;
	} cases[] = {
		{ 0, false, 0, false, false, 0, NULL },
		{ 4, false, 0, false, false, 0, NULL },
		{ 5, false, 0, false, false, 1, "pair" },
		{ 5, true, 0, false, false, 0, NULL }, /* the same one again */
		{ 6, true, 0, false, false, 1, "pair" },
		{ 6, false, 0, false, false, 2, "pair" },
		{ 8, false, 0, false, false, 8, "pair" },
		{ 9, false, 0, false, false, 10, "pair" }, /* never longer than delay_max */
		{ 10, true, 0, false, false, 10, "pair" },
		{ 10, false, 0, false, true, 3001, "pair" }, /* until the oldest is a window old */
		{ 0, false, 29, false, false, 0, NULL },
		{ 0, false, 30, false, false, 10, "many-networks" },
		{ 10, false, 30, false, true, 3001, "pair" },
		/* where the login is known neither strangers nor the pair matter */
		{ 0, false, 30, true, false, 0, NULL },
		{ 10, false, 30, true, false, 1, "place" },
		{ 20, false, 0, true, true, 3001, "place" },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_login_answer a = decide(cases[i].count, cases[i].has, cases[i].failing, cases[i].known);

		if (a.reject != cases[i].reject || a.seconds != cases[i].seconds || !a.reason != !cases[i].reason ||
		    (a.reason && strcmp(a.reason, cases[i].reason) != 0))
			fail_msg("case %zu: %d, %ju s, %s", i, a.reject, (uintmax_t)a.seconds, a.reason ? a.reason : "-");
	}
}

static void test_no_delays(void **state)
{
	conf.delay_max = 999;
	assert_null(decide(9, false, 30, false).reason);
	assert_true(decide(10, false, 0, false).reject);
	conf.delay_max = 10000;
	conf.pair_max = 1; /* the first one is free, the second is one too many */
	assert_int_equal(decide(0, false, 0, false).seconds, 1);
	assert_true(decide(1, false, 0, false).reject);
	conf.pair_max = 10;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_json),      TEST(test_json_members), TEST(test_names), TEST(test_where_it_counts),
					    TEST(test_decisions), TEST(test_no_delays) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
