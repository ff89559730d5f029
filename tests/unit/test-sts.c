/* test-sts: MTA-STS: announcements, policies, and what they and TLSA records mean for Postfix. G08. */

/* system */
#include <string.h>

/* ours */
#include "mail/sts.h"
#include "tls.h"
#include "unit.h"

struct record_case {
	const char *texts[3], *id; /* id NULL: none */
};
static const struct record_case records[] = {
	{ { "v=STSv1; id=20160831085700Z;" }, "20160831085700Z" },
	{ { "v=STSv1;id=1" }, "1" },
	{ { "v=STSv1 ; id=1 ; x=y" }, "1" },
	{ { "v=spf1 -all", "v=STSv1; id=1;" }, "1" },
	{ { "v=STSv1; id=1;", "v=STSv1; id=1;" }, NULL },
	{ { "v=STSv1; id=1; id=2" }, "1" },
	{ { "v=STSv1;" }, NULL },
	{ { "v=STSv1; id=" }, NULL },
	{ { "v=STSv1; id=a-b" }, NULL },
	{ { "v=STSv1; id=123456789012345678901234567890123" }, NULL },
	{ { "v=STSv12; id=1" }, NULL },
	{ { "v=STSv2; id=1" }, NULL },
	{ { "V=STSv1; id=1" }, NULL },
	{ { "id=1; v=STSv1" }, NULL },
	{ { "" }, NULL },
	{ { NULL }, NULL },
};

static void announcements(void **state)
{
	for (size_t i = 0; i < MR_COUNT(records); i++) {
		struct mr_dns_rr rrs[3] = { 0 };
		struct mr_dns_answer a = { .status = MR_DNS_OK, .rrs = rrs };
		char id[MR_STS_ID_MAX + 1] = "";

		for (; a.n_rrs < 3 && records[i].texts[a.n_rrs] != NULL; a.n_rrs++)
			rrs[a.n_rrs].data = mr_slice_of(records[i].texts[a.n_rrs]);
		if ((mr_sts_record(&a, id) == 0) != (records[i].id != NULL) || strcmp(id, records[i].id ? records[i].id : "") != 0)
			fail_msg("%s: %s", records[i].texts[0] ? records[i].texts[0] : "-", id);
		a.status = MR_DNS_TEMP;
		assert_int_not_equal(mr_sts_record(&a, id), 0);
	}
}

struct policy_case {
	const char *text, *expected; /* "mode max_age mx..." or the reason */
};
static const struct policy_case policies[] = {
	{ "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 123456\r\n",
	  "enforce 123456 mail.example.com *.example.net" },
	{ "version: STSv1\nmode: testing\nmx: A.Example.COM\nmax_age: 1", "testing 1 a.example.com" },
	{ "max_age:0\nmode:none\nversion:STSv1", "none 0" },
	{ "version: STSv1\n\nmode: enforce\nmode: none\nmx: a.b\nmax_age: 5\nmax_age: 6\ncolour: blue\n", "enforce 5 a.b" },
	{ "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 9999999999\n", "enforce 31557600 a.b" },
	{ "", "version, mode or max_age is missing" },
	{ "version: STSv2\nmode: none\nmax_age: 1\n", "version: not STSv1" },
	{ "mode: none\nmax_age: 1\n", "version, mode or max_age is missing" },
	{ "version: STSv1\nmax_age: 1\nmx: a.b\n", "version, mode or max_age is missing" },
	{ "version: STSv1\nmode: enforce\nmx: a.b\n", "version, mode or max_age is missing" },
	{ "version: STSv1\nmode: Enforce\nmx: a.b\nmax_age: 1\n", "mode: none, testing or enforce" },
	{ "version: STSv1\nmode: enforce\nmax_age: 1\n", "mx is missing" },
	{ "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -1\n", "max_age: not a number of seconds" },
	{ "version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 1d\n", "max_age: not a number of seconds" },
	{ "version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1\n", "mx: not a host name" },
	{ "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n", "mx: not a host name" },
	{ "version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 1\n", "mx: not a host name" },
	{ "version: STSv1\nmode: enforce\nmx: a.b:secure\nmax_age: 1\n", "mx: not a host name" },
	{ "version: STSv1\nmode: enforce\nmx:\nmax_age: 1\n", "mx: not a host name" },
	{ "<html>", "a line without a colon" },
};

static void texts(void **state)
{
	for (size_t i = 0; i < MR_COUNT(policies); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_sts_policy p = { .max_age = 77 };
		struct mr_buf text = MR_BUF(2000);
		struct mr_diag diag = { 0 };

		if (mr_sts_policy_parse(mr_slice_of(policies[i].text), arena, &p, &diag) == 0) {
			mr_buf_printf(&text, "%s %llu", mr_sts_mode_str(p.mode), (unsigned long long)p.max_age);
			for (size_t k = 0; k < p.n_mx; k++)
				mr_buf_printf(&text, " %.*s", (int)p.mx[k].n, p.mx[k].p);
		} else {
			assert_int_equal(p.max_age, 77); /* untouched */
			mr_buf_puts(&text, diag.text);
		}
		assert_string_equal(text.p, policies[i].expected);
		mr_buf_done(&text);
	}
}

static void too_many_hosts(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf text = MR_BUF(100000);
	struct mr_sts_policy p;
	struct mr_diag diag = { 0 };

	mr_buf_puts(&text, "version: STSv1\nmode: enforce\nmax_age: 1\n");
	for (int i = 0; i < MR_STS_MX_MAX; i++)
		mr_buf_puts(&text, "mx: a.b\n");
	assert_int_equal(mr_sts_policy_parse(mr_buf_slice(&text), arena, &p, &diag), 0);
	mr_buf_puts(&text, "mx: a.b\n");
	assert_int_not_equal(mr_sts_policy_parse(mr_buf_slice(&text), arena, &p, &diag), 0);
	diag = (struct mr_diag){ 0 };
	while (text.n <= MR_STS_POLICY_MAX)
		mr_buf_puts(&text, "x: y\n");
	assert_int_not_equal(mr_sts_policy_parse(mr_buf_slice(&text), arena, &p, &diag), 0);
	assert_string_equal(diag.text, "more than 65536 bytes");
	mr_buf_done(&text);
}

/* DANE first; where only some hosts have records, the policy of MTA-STS must not be undercut by the others. */
static void decisions(void **state)
{
	struct mr_sts_policy policy = { .mx = { MR_LIT("a.test"), MR_LIT("*.b.test") }, .n_mx = 2 };
	static const struct {
		enum mr_dane_state dane;
		int mode;             /* -1: no policy */
		const char *expected; /* NULL: not known */
	} cases[] = {
		{ MR_DANE_NONE, -1, "" },
		{ MR_DANE_NONE, MR_STS_NONE, "" },
		{ MR_DANE_NONE, MR_STS_TESTING, "" },
		{ MR_DANE_NONE, MR_STS_ENFORCE, "secure match=a.test:.b.test servername=hostname" },
		{ MR_DANE_SOME, -1, "dane" },
		{ MR_DANE_SOME, MR_STS_TESTING, "dane" },
		{ MR_DANE_SOME, MR_STS_ENFORCE, "dane-only" },
		{ MR_DANE_ALL, -1, "dane-only" },
		{ MR_DANE_ALL, MR_STS_ENFORCE, "dane-only" },
		{ MR_DANE_TEMP, -1, NULL },
		{ MR_DANE_TEMP, MR_STS_ENFORCE, NULL },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_tls_facts f = { .dane = cases[i].dane, .policy = cases[i].mode < 0 ? NULL : &policy };
		struct mr_slice out = { NULL, 0 };

		policy.mode = cases[i].mode < 0 ? MR_STS_NONE : (enum mr_sts_mode)cases[i].mode;
		assert_int_equal(mr_tls_decide(&f, arena, &out), cases[i].expected != NULL);
		if (cases[i].expected != NULL)
			assert_slice(out, cases[i].expected);
	}
}

/* --- DANE over a view of records: "NAME TYPE STATUS SECURE DATA" */

struct answer {
	const char *name;
	enum mr_dns_type type;
	enum mr_dns_status status;
	bool secure;
	const char *data[2];
};
#define EE                                                                                                                                 \
	"\3\1\1"                                                                                                                           \
	"01234567890123456789012345678901"
#define PKIX                                                                                                                               \
	"\1\1\1"                                                                                                                           \
	"01234567890123456789012345678901"
#define MX   MR_DNS_MX, MR_DNS_OK
#define A    MR_DNS_A, MR_DNS_OK
#define TLSA MR_DNS_TLSA, MR_DNS_OK
static const struct answer zone[] = {
	{ "all.test", MX, true, { "m1.test" } },
	{ "m1.test", A, true, { "1234" } },
	{ "_25._tcp.m1.test", TLSA, true, { EE } },
	{ "some.test", MX, true, { "m1.test", "m2.test" } },
	{ "m2.test", A, true, { "1234" } },
	{ "insecure-mx.test", MX, false, { "m1.test" } },
	{ "insecure-a.test", MX, true, { "m3.test" } },
	{ "m3.test", A, false, { "1234" } },
	{ "_25._tcp.m3.test", MR_DNS_TLSA, MR_DNS_TEMP, false, { NULL } }, /* is not asked for */
	{ "insecure-tlsa.test", MX, true, { "m4.test" } },
	{ "m4.test", A, true, { "1234" } },
	{ "_25._tcp.m4.test", TLSA, false, { EE } },
	{ "unusable.test", MX, true, { "m5.test" } },
	{ "m5.test", A, true, { "1234" } },
	{ "_25._tcp.m5.test", TLSA, true, { PKIX, "\3\1" } },
	{ "stuck-tlsa.test", MX, true, { "m6.test", "m1.test" } },
	{ "m6.test", A, true, { "1234" } },
	{ "_25._tcp.m6.test", MR_DNS_TLSA, MR_DNS_TEMP, false, { NULL } },
	{ "stuck-a.test", MX, true, { "m7.test" } },
	{ "m7.test", MR_DNS_A, MR_DNS_TEMP, false, { NULL } },
	{ "stuck.test", MR_DNS_MX, MR_DNS_TEMP, false, { NULL } },
	{ "implicit.test", MR_DNS_MX, MR_DNS_NODATA, true, { NULL } },
	{ "implicit.test", A, true, { "1234" } },
	{ "_25._tcp.implicit.test", TLSA, true, { EE } },
	{ "null.test", MX, true, { "" } },
	{ "gone.test", MX, true, { "nowhere.test", "m1.test" } },
};

static void answer_one(struct mr_dns_view *view, const char *name, enum mr_dns_type type)
{
	struct mr_dns_rr rrs[2] = { 0 };
	struct mr_dns_answer a = { .name = mr_strdup(name), .type = (uint16_t)type, .status = MR_DNS_NXDOMAIN, .secure = true, .rrs = rrs };

	for (size_t i = 0; i < MR_COUNT(zone); i++) {
		if (strcmp(zone[i].name, name) != 0 || zone[i].type != type)
			continue;
		a.status = zone[i].status;
		a.secure = zone[i].secure;
		for (a.n_rrs = 0; a.n_rrs < 2 && zone[i].data[a.n_rrs] != NULL; a.n_rrs++)
			rrs[a.n_rrs].data = mr_slice_of(zone[i].data[a.n_rrs]);
	}
	mr_dns_view_add(view, &a);
	free(a.name);
}

static void tlsa_records(void **state)
{
	static const struct {
		const char *domain;
		enum mr_dane_state expected;
	} cases[] = {
		{ "all.test", MR_DANE_ALL },         { "some.test", MR_DANE_SOME },          { "insecure-mx.test", MR_DANE_NONE },
		{ "insecure-a.test", MR_DANE_NONE }, { "insecure-tlsa.test", MR_DANE_NONE }, { "unusable.test", MR_DANE_NONE },
		{ "stuck-tlsa.test", MR_DANE_TEMP }, { "stuck-a.test", MR_DANE_TEMP },       { "stuck.test", MR_DANE_TEMP },
		{ "implicit.test", MR_DANE_ALL },    { "null.test", MR_DANE_NONE },          { "gone.test", MR_DANE_ALL },
		{ "nobody.test", MR_DANE_NONE },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_dns_view *view = mr_dns_view_new();
		struct mr_dane dane;
		enum mr_dns_type type;
		const char *name;
		unsigned rounds = 0;

		while (mr_dane_evaluate(view, mr_slice_of(cases[i].domain), arena, &dane) != 0) {
			assert_in_range(++rounds, 1, 5);
			while (mr_dns_view_question(view, 0, &name, &type))
				answer_one(view, name, type);
		}
		if (dane.state != cases[i].expected)
			fail_msg("%s: %d", cases[i].domain, (int)dane.state);
		mr_dns_view_free(view);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(announcements), cmocka_unit_test(texts),        cmocka_unit_test(too_many_hosts),
		cmocka_unit_test(decisions),     cmocka_unit_test(tlsa_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
