/* test-parse: numbers, sizes, durations, addresses, networks. */

/* system */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <string.h>

/* ours */
#include "base/parse.h"
#include "unit.h"

#define UNTOUCHED 4242

static void test_i64(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max;
		int err;
		int64_t value;
	} cases[] = {
		{ "0", 0, 0, 0, 0 },
		{ "-0", 0, 0, 0, 0 },
		{ "007", 0, 7, 0, 7 },
		{ "-12", -12, 0, 0, -12 },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, -ERANGE, 0 },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999999", INT64_MIN, INT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999999999x", INT64_MIN, INT64_MAX, -EINVAL, 0 },
		{ "11", 0, 10, -ERANGE, 0 },
		{ "-1", 0, 10, -ERANGE, 0 },
		{ "", 0, 10, -EINVAL, 0 },
		{ "-", -1, 10, -EINVAL, 0 },
		{ "+1", 0, 10, -EINVAL, 0 },
		{ " 1", 0, 10, -EINVAL, 0 },
		{ "1 ", 0, 10, -EINVAL, 0 },
		{ "0x1", 0, 10, -EINVAL, 0 },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		int64_t v = UNTOUCHED;

		assert_int_equal(mr_parse_i64(mr_slice_of(cases[i].text), cases[i].min, cases[i].max, &v), cases[i].err);
		assert_int_equal(v, cases[i].err ? UNTOUCHED : cases[i].value);
	}
}

static void test_u64(void **state)
{
	uint64_t v = UNTOUCHED;

	assert_int_equal(mr_parse_u64(mr_slice_of("18446744073709551616"), 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(mr_parse_u64(mr_slice_of("-1"), 0, UINT64_MAX, &v), -EINVAL);
	assert_int_equal(mr_parse_u64(MR_LIT("1\0"), 0, UINT64_MAX, &v), -EINVAL);
	assert_int_equal(mr_parse_u64(mr_slice_of("1"), 2, 3, &v), -ERANGE);
	assert_int_equal(mr_parse_u64((struct mr_slice){ 0 }, 0, 3, &v), -EINVAL);
	assert_int_equal(v, UNTOUCHED);
	assert_int_equal(mr_parse_u64(mr_slice_of("18446744073709551615"), 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
}

static void test_long_number(void **state)
{
	size_t n = 1 << 20;
	mr_autofree char *nines = mr_alloc(n);
	struct mr_slice s = { nines, n };
	uint64_t u;
	double d;

	memset(nines, '9', n);
	assert_int_equal(mr_parse_u64(s, 0, UINT64_MAX, &u), -ERANGE);
	assert_int_equal(mr_parse_size(s, UINT64_MAX, &u), -ERANGE);
	assert_int_equal(mr_parse_duration(s, UINT64_MAX, &u), -EINVAL);
	assert_int_equal(mr_parse_double(s, -1e300, 1e300, &d), -ERANGE);
	memset(nines, '0', n);
	assert_int_equal(mr_parse_u64(s, 0, UINT64_MAX, &u), 0);
	assert_int_equal(u, 0);
}

static void test_double(void **state)
{
	static const struct {
		const char *text;
		int err;
		double value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "6.5", 0, 6.5 },
		{ "-0.1", 0, -0.1 },
		{ "100", 0, 100 },
		{ "3.14159265358979323846", 0, 3.14159265358979 },
		{ "100.01", -ERANGE, 0 },
		{ "-100.01", -ERANGE, 0 },
		{ "1000000000000000000000", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 },
		{ "5.", -EINVAL, 0 },
		{ "1,5", -EINVAL, 0 },
		{ "1.2.3", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		double v = UNTOUCHED;

		assert_int_equal(mr_parse_double(mr_slice_of(cases[i].text), -100, 100, &v), cases[i].err);
		assert_true(v == (cases[i].err ? UNTOUCHED : cases[i].value));
	}
}

static void test_bool(void **state)
{
	static const struct {
		const char *text;
		int err;
		bool value;
	} cases[] = {
		{ "yes", 0, true },    { "TRUE", 0, true },    { "on", 0, true },      { "1", 0, true },
		{ "no", 0, false },    { "False", 0, false },  { "off", 0, false },    { "0", 0, false },
		{ "", -EINVAL, true }, { "y", -EINVAL, true }, { "2", -EINVAL, true }, { "yes ", -EINVAL, true },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		bool v = true;

		assert_int_equal(mr_parse_bool(mr_slice_of(cases[i].text), &v), cases[i].err);
		assert_int_equal(v, cases[i].value);
	}
}

static void test_size(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "512", 0, 512 },
		{ "512b", 0, 512 },
		{ "1k", 0, 1024 },
		{ "10M", 0, 10485760 },
		{ "10MB", 0, 10485760 },
		{ "10MiB", 0, 10485760 },
		{ "2g", 0, 2147483648 },
		{ "1T", 0, (uint64_t)1 << 40 },
		{ "1025G", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "18014398509481985k", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "1.5M", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1 M", -EINVAL, 0 },
		{ "1X", -EINVAL, 0 },
		{ "1MM", -EINVAL, 0 },
		{ "1iB", -EINVAL, 0 },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		uint64_t v = UNTOUCHED;

		assert_int_equal(mr_parse_size(mr_slice_of(cases[i].text), (uint64_t)1 << 40, &v), cases[i].err);
		assert_int_equal(v, cases[i].err ? UNTOUCHED : cases[i].value);
	}
}

static void test_duration(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "250ms", 0, 250 },
		{ "1s", 0, 1000 },
		{ "1h30m", 0, 5400000 },
		{ "1m500ms", 0, 60500 },
		{ "7d", 0, 604800000 },
		{ "1w", 0, 604800000 },
		{ "2w", -ERANGE, 0 },
		{ "99999999999999999999w", -ERANGE, 0 },
		{ "18446744073709551615w", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "5", -EINVAL, 0 },
		{ "00", -EINVAL, 0 },
		{ "h", -EINVAL, 0 },
		{ "1h30", -EINVAL, 0 },
		{ "1h0", -EINVAL, 0 },
		{ "30m1h", -EINVAL, 0 },
		{ "1h1h", -EINVAL, 0 },
		{ "1.5h", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "1y", -EINVAL, 0 },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		uint64_t v = UNTOUCHED;

		assert_int_equal(mr_parse_duration(mr_slice_of(cases[i].text), 604800000, &v), cases[i].err);
		assert_int_equal(v, cases[i].err ? UNTOUCHED : cases[i].value);
	}
}

static void test_ip(void **state)
{
	static const struct {
		const char *text, *shown; /* shown NULL: refused */
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "[192.0.2.1]", "192.0.2.1" },
		{ "2001:DB8::1", "2001:db8::1" },
		{ "IPv6:2001:db8::1", "2001:db8::1" },
		{ "[ipv6:2001:db8::1]", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::", "::" },
		{ "", NULL },
		{ "[]", NULL },
		{ "[", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.01", NULL },
		{ "192.0.2.1 ", NULL },
		{ "IPv6:192.0.2.1", NULL },
		{ "fe80::1%eth0", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
		{ "unknown", NULL },
		{ "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0001", NULL },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_ip ip = { .family = UNTOUCHED };
		char text[MR_IP_STRLEN];

		assert_int_equal(mr_parse_ip(mr_slice_of(cases[i].text), &ip), cases[i].shown ? 0 : -EINVAL);
		if (cases[i].shown)
			assert_string_equal(mr_ip_str(&ip, text), cases[i].shown);
		else
			assert_int_equal(ip.family, UNTOUCHED);
	}
	assert_int_equal(mr_parse_ip(MR_LIT("1.2.3.4\0"), &(struct mr_ip){ 0 }), -EINVAL);
}

static void test_net(void **state)
{
	static const struct {
		const char *net, *address;
		int err;
		bool has;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", 0, true },
		{ "192.0.2.0/24", "192.0.3.0", 0, false },
		{ "192.0.2.0/24", "2001:db8::1", 0, false },
		{ "192.0.2.4/30", "192.0.2.7", 0, true },
		{ "192.0.2.4/30", "192.0.2.8", 0, false },
		{ "192.0.2.4", "192.0.2.4", 0, true },
		{ "192.0.2.4", "192.0.2.5", 0, false },
		{ "0.0.0.0/0", "203.0.113.9", 0, true },
		{ "2001:db8::/33", "2001:db8:7fff::1", 0, true },
		{ "2001:db8::/33", "2001:db8:8000::1", 0, false },
		{ "[2001:db8::]/32", "2001:db8::1", 0, true },
		{ "::ffff:192.0.2.0/120", "192.0.2.9", 0, true },
		{ "::ffff:0:0/96", "192.0.2.9", 0, true },
		{ "::/0", "192.0.2.9", 0, false },
		{ "192.0.2.1/24", NULL, -EINVAL, false },
		{ "2001:db8::1/64", NULL, -EINVAL, false },
		{ "192.0.2.0/33", NULL, -ERANGE, false },
		{ "::ffff:0:0/95", NULL, -ERANGE, false },
		{ "192.0.2.0/", NULL, -EINVAL, false },
		{ "192.0.2.0/-1", NULL, -EINVAL, false },
		{ "/24", NULL, -EINVAL, false },
		{ "192.0.2.0/24/24", NULL, -EINVAL, false },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_net net = { .bits = UNTOUCHED };
		struct mr_ip ip;

		assert_int_equal(mr_parse_net(mr_slice_of(cases[i].net), &net), cases[i].err);
		if (cases[i].err) {
			assert_int_equal(net.bits, UNTOUCHED);
			continue;
		}
		assert_int_equal(mr_parse_ip(mr_slice_of(cases[i].address), &ip), 0);
		assert_int_equal(mr_net_has(&net, &ip), cases[i].has);
	}
}

static void test_net_of(void **state)
{
	static const struct {
		const char *address;
		unsigned bits;
		const char *net;
	} cases[] = {
		{ "192.0.2.255", 24, "192.0.2.0" },
		{ "192.0.2.255", 32, "192.0.2.255" },
		{ "192.0.2.255", 27, "192.0.2.224" },
		{ "192.0.2.255", 0, "0.0.0.0" },
		{ "2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::" },
		{ "2001:db8:ffff::1", 33, "2001:db8:8000::" },
		{ "2001:db8::1", 128, "2001:db8::1" },
	};
	char text[MR_IP_STRLEN];

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_net net;
		struct mr_ip ip;

		assert_int_equal(mr_parse_ip(mr_slice_of(cases[i].address), &ip), 0);
		net = mr_net_of(&ip, cases[i].bits);
		assert_string_equal(mr_ip_str(&net.ip, text), cases[i].net);
		assert_int_equal(net.bits, cases[i].bits);
		assert_true(mr_net_has(&net, &ip));
	}
}

static void test_hostport(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: refused */
		unsigned port;
	} cases[] = {
		{ "127.0.0.1:53", "127.0.0.1", 53 },
		{ "[::1]:65535", "::1", 65535 },
		{ "redis.example:1", "redis.example", 1 },
		{ "::1:53", NULL, 0 },
		{ "[127.0.0.1]:53", NULL, 0 },
		{ "[::1:53", NULL, 0 },
		{ "[]:53", NULL, 0 },
		{ ":53", NULL, 0 },
		{ "127.0.0.1", NULL, 0 },
		{ "127.0.0.1:", NULL, 0 },
		{ "127.0.0.1:0", NULL, 0 },
		{ "127.0.0.1:65536", NULL, 0 },
		{ "", NULL, 0 },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_slice host = MR_LIT("untouched");
		uint16_t port = 7;
		int err = mr_parse_hostport(mr_slice_of(cases[i].text), &host, &port);

		assert_int_equal(err == 0, cases[i].host != NULL);
		assert_true(mr_slice_eq(host, mr_slice_of(cases[i].host ? cases[i].host : "untouched")));
		assert_int_equal(port, cases[i].host ? cases[i].port : 7);
	}
}

static void test_ip_from_sockaddr(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr other = { .sa_family = AF_UNIX };
	char text[MR_IP_STRLEN];
	struct mr_ip ip;

	assert_int_equal(mr_ip_from_sockaddr((struct sockaddr *)&v4, &ip), 0);
	assert_string_equal(mr_ip_str(&ip, text), "192.0.2.1");
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.2", &v6.sin6_addr), 1);
	assert_int_equal(mr_ip_from_sockaddr((struct sockaddr *)&v6, &ip), 0);
	assert_string_equal(mr_ip_str(&ip, text), "192.0.2.2");
	assert_int_equal(mr_ip_from_sockaddr(&other, &ip), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_i64),      cmocka_unit_test(test_u64),      cmocka_unit_test(test_long_number),
		cmocka_unit_test(test_double),   cmocka_unit_test(test_bool),     cmocka_unit_test(test_size),
		cmocka_unit_test(test_duration), cmocka_unit_test(test_ip),       cmocka_unit_test(test_net),
		cmocka_unit_test(test_net_of),   cmocka_unit_test(test_hostport), cmocka_unit_test(test_ip_from_sockaddr),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
