/* test-dns-kept: which answers are used again, for how long, and how many. */

/* system */
#include <string.h>

/* ours */
#include "rt/clock.h"
#include "rt/dns-kept.h"
#include "unit.h"

#define EXAMPLE "example.org"

static const struct mr_dns_rr text = { .data = { "v=spf1 -all", 11 } };

static struct mr_dns_answer answer(enum mr_dns_status status, uint32_t ttl)
{
	static char name[] = EXAMPLE;
	struct mr_dns_answer a = { .name = name, .type = MR_DNS_TXT, .status = status, .ttl = ttl };

	if (status == MR_DNS_OK) {
		a.rrs = (struct mr_dns_rr *)&text;
		a.n_rrs = 1;
	}
	return a;
}

static void test_what_is_kept(void **state)
{
	static const struct {
		enum mr_dns_status status;
		uint32_t ttl;
		bool kept;
	} cases[] = {
		{ MR_DNS_OK, 1, true },       { MR_DNS_OK, 0, false },   { MR_DNS_NODATA, 0, true },
		{ MR_DNS_NXDOMAIN, 0, true }, { MR_DNS_TEMP, 9, false }, { MR_DNS_BOGUS, 9, false },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_dns_kept *k = mr_dns_kept_new();
		struct mr_dns_answer a = answer(cases[i].status, cases[i].ttl);
		const struct mr_dns_answer *found;

		mr_dns_kept_add(k, EXAMPLE, &a);
		found = mr_dns_kept_find(k, EXAMPLE, MR_DNS_TXT);
		assert_int_equal(found != NULL, cases[i].kept);
		if (found) {
			assert_int_equal(found->status, cases[i].status);
			assert_string_equal(found->name, EXAMPLE);
			assert_int_equal(found->n_rrs, a.n_rrs);
		}
		assert_null(mr_dns_kept_find(k, EXAMPLE, MR_DNS_A));
		assert_null(mr_dns_kept_find(k, "example.net", MR_DNS_TXT));
		mr_dns_kept_free(k);
	}
}

/* It is a copy, a newer one takes its place, and after a second it is asked for again. */
static void test_for_how_long(void **state)
{
	struct mr_dns_kept *k = mr_dns_kept_new();
	struct mr_dns_answer a = answer(MR_DNS_OK, 300);
	char bytes[] = "v=spf1 +all";
	struct mr_dns_rr rr = { .data = { bytes, sizeof(bytes) - 1 } };
	const struct mr_dns_answer *found;

	mr_clock_fake(1000, 0);
	mr_dns_kept_add(k, EXAMPLE, &a);
	mr_clock_advance(MR_DNS_KEPT_MS / 2);
	a.rrs = &rr;
	mr_dns_kept_add(k, EXAMPLE, &a);
	memset(bytes, 'x', sizeof(bytes));
	mr_clock_advance(MR_DNS_KEPT_MS - 1);
	found = mr_dns_kept_find(k, EXAMPLE, MR_DNS_TXT);
	assert_non_null(found);
	assert_slice(found->rrs[0].data, "v=spf1 +all");
	mr_clock_advance(1);
	assert_null(mr_dns_kept_find(k, EXAMPLE, MR_DNS_TXT));
	mr_clock_real();
	mr_dns_kept_free(k);
}

static void test_how_many(void **state)
{
	struct mr_dns_kept *k = mr_dns_kept_new();
	struct mr_dns_answer a = answer(MR_DNS_OK, 300);
	char name[32];
	size_t kept = 0;

	mr_clock_fake(1000, 0);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < MR_DNS_KEPT_MAX + 10; i++) {
			snprintf(name, sizeof(name), "%d.example", i);
			if (pass == 0)
				mr_dns_kept_add(k, name, &a);
			else
				kept += mr_dns_kept_find(k, name, MR_DNS_TXT) != NULL;
		}
	}
	assert_int_equal(kept, MR_DNS_KEPT_MAX);
	assert_null(mr_dns_kept_find(k, "9.example", MR_DNS_TXT)); /* the oldest went */
	assert_non_null(mr_dns_kept_find(k, "10.example", MR_DNS_TXT));
	mr_clock_real();
	mr_dns_kept_free(k);
}

static void test_long_name(void **state)
{
	struct mr_dns_kept *k = mr_dns_kept_new();
	struct mr_dns_answer a = answer(MR_DNS_OK, 300);
	char name[1000];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	mr_dns_kept_add(k, name, &a);
	assert_null(mr_dns_kept_find(k, name, MR_DNS_TXT));
	mr_dns_kept_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_is_kept), cmocka_unit_test(test_for_how_long),
					    cmocka_unit_test(test_how_many), cmocka_unit_test(test_long_name) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
