/* test-limit: rules of sending limits there and back, refused ones, and what a client counts as. */

/* system */
#include <errno.h>

/* ours */
#include "proto/limit.h"
#include "unit.h"

static void test_rules(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: comes back as it went in */
		int r;
	} cases[] = {
		{ "user messages 100/1h defer", NULL, 0 },
		{ "domain recipients 10000/1d hold", NULL, 0 },
		{ "user messages 5/90s reject", NULL, 0 },
		{ "user messages 5/90m reject", NULL, 0 },
		{ "user messages 5/120m reject", "user messages 5/2h reject", 0 },
		{ "user messages 100/3600s defer", "user messages 100/1h defer", 0 },
		{ "user messages unlimited", NULL, 0 },
		{ "address * messages 1/1s defer", NULL, 0 },
		{ "address 192.0.2.1 messages unlimited", "address 192.0.2.1/32 messages unlimited", 0 },
		{ "network 2001:db8::/32 recipients 1000000000/31d reject", NULL, 0 },
		{ "user messages 0/1h defer", NULL, -ERANGE },
		{ "user messages 1000000001/1h defer", NULL, -ERANGE },
		{ "user messages 1/999ms defer", NULL, -ERANGE },
		{ "user messages 1/1500ms defer", NULL, -ERANGE },
		{ "user messages 1/32d defer", NULL, -ERANGE },
		{ "user messages 1/0 defer", NULL, -ERANGE },
		{ "user messages 1 defer", NULL, -EINVAL },
		{ "user messages -1/1h defer", NULL, -EINVAL },
		{ "user messages 1/1h", NULL, -EINVAL },
		{ "user messages 1/1h discard", NULL, -EINVAL },
		{ "user messages 1/1h defer now", NULL, -EINVAL },
		{ "user messages unlimited defer", NULL, -EINVAL },
		{ "user * messages 1/1h defer", NULL, -EINVAL },
		{ "address messages 1/1h defer", NULL, -EINVAL },
		{ "address 192.0.2.1/24 messages 1/1h defer", NULL, -EINVAL },
		{ "host messages 1/1h defer", NULL, -EINVAL },
		{ "user bytes 1/1h defer", NULL, -EINVAL },
		{ "user", NULL, -EINVAL },
		{ "", NULL, -EINVAL },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_limit l = { .amount = 77 };
		struct mr_buf out = MR_BUF(MR_LIMIT_TEXT_MAX);

		assert_int_equal(mr_limit_parse(mr_slice_of(cases[i].in), &l), cases[i].r);
		if (cases[i].r < 0) {
			assert_int_equal(l.amount, 77);
			continue;
		}
		assert_int_equal(mr_limit_add(&out, &l), 0);
		assert_string_equal(out.p, cases[i].out ? cases[i].out : cases[i].in);
		mr_buf_done(&out);
	}
}

static void test_hold(void **state)
{
	const char *const levels[3] = {
		"user messages 5/1h defer\nuser messages 50/1d reject",
		"user messages 1/1h defer\nuser recipients unlimited\ndomain messages 7/1h defer\nno rule",
		("user messages 2/1h defer\nuser recipients 3/1h defer\ndomain messages 9/1h defer\naddress * messages 8/1h defer\n"
		 "address 192.0.2.0/24 messages unlimited"),
	};
	static const char *const want[] = {
		"user messages 5/1h defer",   "user messages 50/1d reject",    "user recipients unlimited",
		"domain messages 7/1h defer", "address * messages 8/1h defer", "address 192.0.2.0/24 messages unlimited",
	};
	struct mr_slice got[10];
	size_t n = mr_limits_hold(levels, got, MR_COUNT(got));

	assert_int_equal(n, MR_COUNT(want));
	for (size_t i = 0; i < n; i++)
		assert_slice(got[i], want[i]);
	assert_int_equal(mr_limits_hold(levels, got, 2), 2);
	assert_int_equal(mr_limits_hold((const char *const[]){ "", "", "" }, got, 2), 0);
}

static void test_clients(void **state)
{
	static const struct {
		const char *ip, *address, *network;
		unsigned address_bits, network_bits;
	} cases[] = {
		{ "192.0.2.129", "192.0.2.129", "192.0.2.0", 32, 24 },
		{ "::ffff:192.0.2.129", "192.0.2.129", "192.0.2.0", 32, 24 },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::", 64, 48 },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		char text[MR_IP_STRLEN];
		struct mr_net net;
		struct mr_ip ip;

		assert_int_equal(mr_parse_ip(mr_slice_of(cases[i].ip), &ip), 0);
		net = mr_limit_client(MR_LIMIT_ADDRESS, &ip);
		assert_string_equal(mr_ip_str(&net.ip, text), cases[i].address);
		assert_int_equal(net.bits, cases[i].address_bits);
		assert_true(mr_net_has(&net, &ip));
		net = mr_limit_client(MR_LIMIT_NETWORK, &ip);
		assert_string_equal(mr_ip_str(&net.ip, text), cases[i].network);
		assert_int_equal(net.bits, cases[i].network_bits);
		assert_true(mr_net_has(&net, &ip));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rules), cmocka_unit_test(test_hold), cmocka_unit_test(test_clients) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
