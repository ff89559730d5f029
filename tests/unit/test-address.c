/* address: envelope addresses, accounts, host names, header values. */
/* system */
#include <errno.h>

/* ours */
#include "mail/address.h"
#include "unit.h"

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10

static const struct {
	const char *in, *local, *domain; /* local NULL: refused */
} splits[] = {
	{ "john@example.org", "john", "example.org" },
	{ "john@example.org.", "john", "example.org" },
	{ "a+b=c@localhost", "a+b=c", "localhost" },
	{ "some..one.@docomo.example", "some..one.", "docomo.example" },
	{ "\"a b@c\"@example.org", "\"a b@c\"", "example.org" },
	{ "\"a\\\"b\\\\\"@example.org", "\"a\\\"b\\\\\"", "example.org" },
	{ "\"\"@example.org", "\"\"", "example.org" },
	{ "x@[192.0.2.1]", "x", "[192.0.2.1]" },
	{ "x@[IPv6:2001:db8::1]", "x", "[IPv6:2001:db8::1]" },
	{ "j\xc3\xb6rg@example.org", "j\xc3\xb6rg", "example.org" },
	{ X60 "xxxxx@example.org", X60 "xxxxx", "example.org" },
	{ X60 X60 X60 X60 X60 X60 X60 X60 X10 X10 X10 "xx@example.org", X60 X60 X60 X60 X60 X60 X60 X60 X10 X10 X10 "xx", "example.org" },
	{ X60 X60 X60 X60 X60 X60 X60 X60 X10 X10 X10 "xxx@example.org", NULL, NULL },
	{ "", NULL, NULL },
	{ "@", NULL, NULL },
	{ "john", NULL, NULL },
	{ "john@", NULL, NULL },
	{ "@example.org", NULL, NULL },
	{ "jo hn@example.org", NULL, NULL },
	{ "a@b@example.org", NULL, NULL },
	{ "<a@example.org>", NULL, NULL },
	{ "a,b@example.org", NULL, NULL },
	{ "\"a\"b\"@example.org", NULL, NULL },
	{ "\"a\\\"@example.org", NULL, NULL },
	{ "\"a\nb\"@example.org", NULL, NULL },
	{ "\"@example.org", NULL, NULL },
	{ "x@a..b", NULL, NULL },
	{ "x@.b", NULL, NULL },
	{ "x@a b", NULL, NULL },
	{ "x@a:b", NULL, NULL },
	{ "x@[]", NULL, NULL },
	{ "x@b\x7f", NULL, NULL },
};

static void test_split(void **state)
{
	for (size_t i = 0; i < MR_COUNT(splits); i++) {
		struct mr_address a;
		int r = mr_address_split(mr_slice_of(splits[i].in), &a);

		assert_int_equal(r, splits[i].local ? 0 : -EINVAL);
		if (r == 0) {
			assert_slice(a.local, splits[i].local);
			assert_slice(a.domain, splits[i].domain);
		}
	}
	assert_int_equal(mr_address_split((struct mr_slice){ "a\0b@c", 5 }, &(struct mr_address){ 0 }), -EINVAL);
}

static const struct {
	const char *written, *meant, *again; /* again NULL: as `written` */
} quotings[] = {
	{ "john@example.org", "john@example.org", NULL },
	{ "j.o.h.n@example.org", "j.o.h.n@example.org", NULL },
	{ "\"a b\"@example.org", "a b@example.org", NULL },
	{ "\"a@b\"@example.org", "a@b@example.org", NULL },
	{ "\"a\\\"b\\\\c\"@example.org", "a\"b\\c@example.org", NULL },
	{ "\"a..b\"@example.org", "a..b@example.org", NULL },
	{ "a..b@example.org", "a..b@example.org", "\"a..b\"@example.org" },
	{ ".a@example.org", ".a@example.org", "\".a\"@example.org" },
	{ "a.@example.org", "a.@example.org", "\"a.\"@example.org" },
	{ "\"john\"@example.org", "john@example.org", "john@example.org" },
	{ "\"\\j\"@example.org", "j@example.org", "j@example.org" },
	{ "\"\"@example.org", "@example.org", NULL },
	{ "\"a\\\"@example.org", "\"a\\\"@example.org", "\"\\\"a\\\\\\\"\"@example.org" },
	{ "\"@example.org", "\"@example.org", "\"\\\"\"@example.org" },
	{ "no-at", "no-at", NULL },
	{ "", "", NULL },
};

static void test_quoting(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(quotings); i++) {
		struct mr_slice meant = mr_address_unquote(mr_slice_of(quotings[i].written), arena);

		assert_slice(meant, quotings[i].meant);
		assert_slice(mr_address_quote(meant, arena), quotings[i].again ? quotings[i].again : quotings[i].written);
	}
}

static const struct {
	const char *in, *out;
} canonicals[] = {
	{ "John@Example.org", "John@Example.org" },
	{ "john@example.org.", "john@example.org" },
	{ "\"john\"@example.org", "john@example.org" },
	{ "\"j\\ohn\"@example.org.", "john@example.org" },
	{ "@a.example,@b.example:john@example.org", "john@example.org" },
	{ "@[IPv6:::1],@b:\"a:b\"@example.org", "\"a:b\"@example.org" },
	{ "\"@a:b\"@example.org", "\"@a:b\"@example.org" },
	{ "\"a@b\"@example.org", "\"a@b\"@example.org" },
	{ "john@[IPv6:::1]", "john@[IPv6:::1]" },
	{ "@example.org", "\"\"@example.org" },
	{ "@example.org:", "" },
	{ "john.", "john." },
	{ "", "" },
};

static void test_canonical(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(canonicals); i++) {
		struct mr_slice out = mr_address_canonical(mr_slice_of(canonicals[i].in), arena);

		assert_slice(out, canonicals[i].out);
		assert_slice(mr_address_canonical(out, arena), canonicals[i].out);
	}
}

struct check_case {
	const char *in, *out; /* out NULL: refused with these words in the diagnosis */
	const char *why;
};

static const struct check_case accounts[] = {
	{ "John.Doe@Example.ORG", "john.doe@example.org", NULL },
	{ "a_b-c.9@x-y.example", "a_b-c.9@x-y.example", NULL },
	{ X10 X10 X10 X10 X10 "@example.org", X10 X10 X10 X10 X10 "@example.org", NULL },
	{ X10 X10 X10 X10 X10 "x@example.org", NULL, "more than 50" },
	{ "john", NULL, "no @" },
	{ "@example.org", NULL, "before the @" },
	{ "john+x@example.org", NULL, "only a-z" },
	{ "j hn@example.org", NULL, "only a-z" },
	{ "j\xc3\xb6rg@example.org", NULL, "only a-z" },
	{ ".john@example.org", NULL, "dot" },
	{ "john.@example.org", NULL, "dot" },
	{ "jo..hn@example.org", NULL, "dot" },
	{ "john@", NULL, "domain is empty" },
	{ "john@a@example.org", NULL, "only a-z" },
	{ "john@a_b.example", NULL, "only a-z" },
};

static const struct check_case destinations[] = {
	{ "John.Doe+x@Example.ORG", "John.Doe+x@example.org", NULL },
	{ "\"a b\"@Example.org", "\"a b\"@example.org", NULL },
	{ "john@localhost", NULL, "two parts" },
	{ "john@[192.0.2.1]", NULL, "only a-z" },
	{ "john@192.0.2.1", NULL, "number" },
	{ "john", NULL, "not a mail address" },
	{ X60 "xxxxx@example.org", NULL, "more than 64" },
	{ "john@b\xc3\xbc"
	  "cher.example",
	  NULL, "punycode" },
};

static const struct check_case domains[] = {
	{ "Example.ORG", "example.org", NULL },
	{ "localhost", "localhost", NULL },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example", NULL },
	{ "3.example", "3.example", NULL },
	{ X60 "xxx.example", X60 "xxx.example", NULL },
	{ X60 "xxxx.example", NULL, "more than 63" },
	{ X60 "." X60 "." X60 "." X60 "." X10, NULL, "more than 253" },
	{ "", NULL, "empty" },
	{ ".example", NULL, "empty part" },
	{ "example.", NULL, "empty part" },
	{ "a..example", NULL, "empty part" },
	{ "-a.example", NULL, "hyphen" },
	{ "a-.example", NULL, "hyphen" },
	{ "_dmarc.example", NULL, "only a-z" },
	{ "b\xc3\xbc"
	  "cher.example",
	  NULL, "punycode" },
	{ "192.0.2.1", NULL, "number" },
	{ "a b.example", NULL, "only a-z" },
};

static int check_domain(struct mr_slice s, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag)
{
	return mr_domain_check(s, false, arena, out, diag);
}

static void run_checks(const struct check_case *cases, size_t n,
		       int (*check)(struct mr_slice s, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag))
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < n; i++) {
		struct mr_slice out = { 0 };
		struct mr_diag diag = { 0 };
		int r = check(mr_slice_of(cases[i].in), arena, &out, &diag);

		assert_int_equal(r, cases[i].out ? 0 : -EINVAL);
		if (r == 0)
			assert_slice(out, cases[i].out);
		else
			assert_non_null(strstr(diag.text, cases[i].why));
	}
}

static void test_checks(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice out;

	run_checks(accounts, MR_COUNT(accounts), mr_address_account);
	run_checks(destinations, MR_COUNT(destinations), mr_address_destination);
	run_checks(domains, MR_COUNT(domains), check_domain);
	assert_int_equal(mr_domain_check(MR_LIT("_Dmarc.example"), true, arena, &out, NULL), 0);
	assert_slice(out, "_dmarc.example");
	assert_slice(mr_address_lower(MR_LIT("A@B.C"), arena), "a@b.c");
}

static const struct {
	const char *in;
	int n;
	const char *addresses; /* joined by a bar */
} headers[] = {
	{ " john@example.org", 1, "john@example.org" },
	{ "John Doe <john@example.org>", 1, "john@example.org" },
	{ "\"Doe, John\" <john@example.org>", 1, "john@example.org" },
	{ "\"a\\\"<x@y>\" <john@example.org>", 1, "john@example.org" },
	{ "John Q. Public <john@example.org>", 1, "john@example.org" },
	{ "john@example.org (John <x@y> \\) (nested) Doe)", 1, "john@example.org" },
	{ "(c) john (c) . doe (c) @ (c) example . org", 1, "john.doe@example.org" },
	{ "a@b.example, C <c@d.example>,, \"e f\"@g.example", 3, "a@b.example|c@d.example|\"e f\"@g.example" },
	{ "Friends: a@b.example, C <c@d.example>;", 2, "a@b.example|c@d.example" },
	{ "undisclosed-recipients:;", 0, "" },
	{ "A: a@b.example;, B:;, c@d.example", 2, "a@b.example|c@d.example" },
	{ "=?utf-8?q?Doe=2C_John?= <john@example.org>", 1, "john@example.org" },
	{ "=?utf-8?q?Doe,_John_(x)_<a@b>?= <john@example.org>", 1, "john@example.org" },
	{ "=?utf-8?q?broken <john@example.org>", 1, "john@example.org" },
	{ "=?utf-8?q?john?=@example.org", -EINVAL, "" }, /* never part of an address: RFC 2047 section 5 (1) */
	{ "=?a=?@\n\?\?=", -EINVAL, "" },                /* without the white space it were one */
	{ "a. =?x?y?@?=@example.org", -EINVAL, "" },
	{ "a?=?b?=@example.org", 1, "a?=?b?=@example.org" },
	{ "\r\n\tJohn\r\n Doe\r\n <john@example.org>", 1, "john@example.org" },
	{ "<@a.example,@b.example:john@example.org>", 1, "john@example.org" },
	{ "paypal@bank.example <john@evil.example>", 1, "john@evil.example" },
	{ "x <john@[192.0.2.1]>", 1, "john@[192.0.2.1]" },
	{ "J\xc3\xb6rg <j\xc3\xb6rg@example.org>", 1, "j\xc3\xb6rg@example.org" },
	{ "", 0, "" },
	{ " , ,", 0, "" },
	{ "a@b, c@d, e@f, g@h", 4, "a@b|c@d|e@f" },
	{ "john", -EINVAL, "" },
	{ "John Doe", -EINVAL, "" },
	{ "<>", -EINVAL, "" },
	{ "<john>", -EINVAL, "" },
	{ "<john@>", -EINVAL, "" },
	{ "<@example.org>", -EINVAL, "" },
	{ "<@a.example", -EINVAL, "" },
	{ "John <john@example.org", -EINVAL, "" },
	{ "john@example.org>", -EINVAL, "" },
	{ "<a@b> <c@d>", -EINVAL, "" },
	{ "<a@b> c@d", -EINVAL, "" },
	{ "a@b c@d", -EINVAL, "" },
	{ "a@b@c", -EINVAL, "" },
	{ "john doe@example.org", -EINVAL, "" },
	{ "(open john@example.org", -EINVAL, "" },
	{ "\"open john@example.org", -EINVAL, "" },
	{ "john@[open", -EINVAL, "" },
	{ "Group: a@b", -EINVAL, "" },
	{ "A: B: a@b;;", -EINVAL, "" },
	{ "a@b;", -EINVAL, "" },
	{ ": a@b;", -EINVAL, "" },
	{ "<a@b\x01>", -EINVAL, "" },
};

static void test_header(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(headers); i++) {
		struct mr_slice out[3], rest = mr_slice_of(headers[i].addresses), one;
		int n = mr_address_header(mr_slice_of(headers[i].in), arena, out, MR_COUNT(out));

		assert_int_equal(n, headers[i].n);
		for (int j = 0; j < n && j < 3; j++) {
			mr_autofree char *expected = NULL;

			assert_true(mr_slice_next(&rest, '|', &one));
			expected = mr_slice_dup(one);
			assert_slice(out[j], expected);
		}
	}
}

/* A megabyte of anything takes a moment and breaks nothing. */
static void test_header_hostile(void **state)
{
	static const char bytes[] = { '(', '<', '"', '\\', '@', ',', ':', '=', '?', 0 };
	size_t n = 1 << 20;
	mr_autofree char *text = mr_alloc(n);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice out[2];

	for (size_t i = 0; i < MR_COUNT(bytes); i++) {
		memset(text, bytes[i], n);
		assert_true(mr_address_header((struct mr_slice){ text, n }, arena, out, 2) <= 0);
		mr_arena_reset(arena);
	}
	for (size_t i = 0; i + 4 <= n; i += 4)
		memcpy(text + i, "a@b,", 4);
	assert_int_equal(mr_address_header((struct mr_slice){ text, n }, arena, out, 2), n / 4);
	assert_slice(out[1], "a@b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),  cmocka_unit_test(test_quoting), cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_checks), cmocka_unit_test(test_header),  cmocka_unit_test(test_header_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
