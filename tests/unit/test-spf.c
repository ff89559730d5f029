/* spf: the substance of RFC 7208 in cases of our own; spf-suite.py runs the public suite. */
/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "mail/spf.h"
#include "support/zone.h"
#include "unit.h"

#define L60 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"

static const char zone[] =
    /* selection of records, section 4.5 */
    "none.example TXT something else\n"
    "xn--bcher-kva.example TXT v=spf1 -all\n"
    "none.example TXT v=spf10 -all\n"
    /* RFC 8616 section 4 */
    "xn--grn-ioa.example TXT v=spf1 exists:%{d}.%{o}.seen.example -all\n"
    "xn--grn-ioa.example.xn--grn-ioa.example.seen.example A 127.0.0.2\n"
    "local.example TXT v=spf1 exists:%{l}.seen.example include:%{l}.none.example a:%{S}.x.example mx:%{lr-}.x.example ptr:%{l}.example "
    "exists:%{l1}.x.example ?ip4:192.0.2.1 -all\n"
    "anna.seen.example A 127.0.0.2\n"
    "local2.example TXT v=spf1 redirect=%{l}.seen.example\n"
    "local3.example TXT v=spf1 exp=why.local3.example -all\n"
    "why.local3.example TXT not %{l}\n"
    "two.example TXT v=spf1 -all\n"
    "two.example TXT V=SPF1 +all\n"
    "one.example TXT other\n"
    "one.example TXT V=spf1 -ALL\n"
    "empty.example TXT v=spf1\n"
    "slow.example TIMEOUT\n"
    "alias.example CNAME one.example\n"
    /* addresses */
    "ip.example TXT v=spf1 ip4:192.0.2.0/25 ?ip4:192.0.2.129 ~ip6:2001:db8::/32 -all\n"
    "mapped.example TXT v=spf1 ip6:::ffff:192.0.2.1 -all\n"
    "a.example TXT v=spf1 a -all\n"
    "a.example A 192.0.2.1\n"
    "a.example AAAA 2001:db8::1\n"
    "cidr.example TXT v=spf1 a:a.example/24//64 -all\n"
    "mx.example TXT v=spf1 mx -all\n"
    "mx.example MX 10 mx1.example\n"
    "mx.example MX 20 a.example\n"
    "mx1.example A 192.0.2.9\n"
    "nullmx.example TXT v=spf1 mx -all\n"
    "nullmx.example MX 0 .\n"
    "slowmx.example TXT v=spf1 mx -all\n"
    "slowmx.example MX 10 slow.example\n"
    "manymx.example TXT v=spf1 mx -all\n"
    "manymx.example MX 1 a1.example\nmanymx.example MX 1 a2.example\nmanymx.example MX 1 a3.example\nmanymx.example MX 1 a4.example\n"
    "manymx.example MX 1 a5.example\nmanymx.example MX 1 a6.example\nmanymx.example MX 1 a7.example\nmanymx.example MX 1 a8.example\n"
    "manymx.example MX 1 a9.example\nmanymx.example MX 1 a10.example\nmanymx.example MX 1 a11.example\n"
    "exists.example TXT v=spf1 exists:%{ir}.%{v}._spf.%{d} -all\n"
    "1.2.0.192.in-addr._spf.exists.example A 127.0.0.2\n"
    "slowa.example TXT v=spf1 a:slow.example -all\n"
    /* ptr */
    "ptr.example TXT v=spf1 ptr -all\n"
    "1.2.0.192.in-addr.arpa PTR forged.example\n"
    "1.2.0.192.in-addr.arpa PTR Host.Ptr.example\n"
    "2.2.0.192.in-addr.arpa PTR host.notptr.example\n"
    "host.ptr.example A 192.0.2.1\n"
    "host.notptr.example A 192.0.2.2\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR six.ptr.example\n"
    "six.ptr.example AAAA 2001:db8::1\n"
    "p.example TXT v=spf1 exists:%{p}.seen.example -all\n"
    "host.ptr.example.seen.example A 127.0.0.2\n"
    "unknown.seen.example A 127.0.0.3\n"
    /* section 7.3: 256 characters, of which the first label goes */
    "long.example TXT v=spf1 exists:%{l}.%{l}.%{l}.%{l}.seen.example -all\n" L60 "." L60 "." L60 ".seen.example A 127.0.0.2\n"
    /* include and redirect */
    "include.example TXT v=spf1 include:a.example ?all\n"
    "includenone.example TXT v=spf1 include:none.example +all\n"
    "includeslow.example TXT v=spf1 include:slow.example +all\n"
    "includebad.example TXT v=spf1 include:bad1.example +all\n"
    "redirect.example TXT v=spf1 redirect=a.example\n"
    "redirectall.example TXT v=spf1 ~all redirect=a.example\n"
    "redirectnone.example TXT v=spf1 redirect=none.example\n"
    "loop.example TXT v=spf1 include:loop.example -all\n"
    "roundabout.example TXT v=spf1 redirect=roundabout.example\n"
    /* limits */
    "ten.example TXT v=spf1 a a a a a a a a a a -all\n"
    "ten.example A 192.0.2.200\n"
    "eleven.example TXT v=spf1 a a a a a a a a a a a -all\n"
    "eleven.example A 192.0.2.200\n"
    "early.example TXT v=spf1 ip4:192.0.2.1 a a a a a a a a a a a a -all\n"
    "void2.example TXT v=spf1 a:n1.example mx:n2.example -all\n"
    "voidptr.example TXT v=spf1 a:n1.example mx:n2.example ptr -all\n"
    "voidbad.example TXT v=spf1 a:n1.example mx:n2.example exists:%{l}..example -all\n"
    "void3.example TXT v=spf1 a:n1.example mx:n2.example exists:n3.example -all\n"
    /* syntax */
    "bad1.example TXT v=spf1 +all foo\n"
    "bad2.example TXT v=spf1 +all ip4:1.2.3\n"
    "bad3.example TXT v=spf1 +all ip4:192.0.2.1/33\n"
    "bad4.example TXT v=spf1 +all a/032\n"
    "bad5.example TXT v=spf1 +all include\n"
    "bad6.example TXT v=spf1 +all exists:%{x}.example\n"
    "bad7.example TXT v=spf1 +all all:x.example\n"
    "bad8.example TXT v=spf1 redirect=a.example redirect=a.example\n"
    "bad9.example TXT v=spf1 +all a:%{c}.example\n"
    "bad10.example TXT v=spf1 +all a:example\n"
    "bad11.example TXT v=spf1 +all a:x.123\n"
    "bad12.example TXT v=spf1 +all -moo=bar\n"
    "bad13.example TXT v=spf1 +all\\x09mx\n"
    "bad14.example TXT v=spf1 +all a:%%b\n"
    "bad15.example TXT v=spf1 +all a:%{d0}.example\n"
    "bad16.example TXT v=spf1 +all ip6:2001:db8::/129\n"
    "bad17.example TXT v=spf1 +all a:foo.example/24/64\n"
    "bad18.example TXT v=spf1 +all exp=%{r}.example\n"
    "bad19.example TXT v=spf1 +all ip4:[192.0.2.1]\n"
    "good.example TXT v=spf1  moo=%{s}x%_y a:%{d}.%%.%{d} a:x.example.  -all \n"
    /* explanations */
    "exp.example TXT v=spf1 exp=why.%{d} -all\n"
    "why.exp.example TXT %{i} may not send as %{S} to %{r}%_(%{c}, %{h}, %{t}, %{p}, %{l1r-}) 100%%\n"
    "expredirect.example TXT v=spf1 exp=never.example redirect=exp.example\n"
    "expinclude.example TXT v=spf1 include:exp.example -all\n"
    "rawexp.example TXT v=spf1 exp=why.%{d} -all\n"
    "why.rawexp.example TXT by %{l}\n"
    "exptwo.example TXT v=spf1 exp=two.example -all\n"
    "expslow.example TXT v=spf1 exp=slow.example -all\n"
    "expbad.example TXT v=spf1 exp=text.expbad.example -all\n"
    "text.expbad.example TXT caf\\xc3\\xa9\n";

#define C4 "192.0.2.1"
#define C6 "2001:db8::1"

static const struct {
	const char *sender, *client;
	enum mr_spf_result result;
	const char *mechanism;
} cases[] = {
	{ "u@none.example", C4, MR_SPF_NONE, "" },
	{ "u@missing.example", C4, MR_SPF_NONE, "" },
	{ "u@two.example", C4, MR_SPF_PERMERROR, "" },
	{ "u@one.example", C4, MR_SPF_FAIL, "-ALL" },
	{ "u@ONE.Example.", C4, MR_SPF_FAIL, "-ALL" },
	{ "u@alias.example", C4, MR_SPF_FAIL, "-ALL" },
	{ "u@b\xc3\xbc"
	  "cher.example",
	  C4, MR_SPF_FAIL, "-all" }, /* RFC 8616 section 4 */
	{ "u@b\xfc"
	  "cher.example",
	  C4, MR_SPF_NONE, "" },
	{ "u@gr\xc3\xbcn.example", C4, MR_SPF_PASS, "exists:%{d}.%{o}.seen.example" },
	{ "anna@local.example", C4, MR_SPF_PASS, "exists:%{l}.seen.example" },
	{ "j\xc3\xb6rg@local.example", C4, MR_SPF_NEUTRAL, "?ip4:192.0.2.1" },
	{ "j\xc3\xb6rg@local.example", "192.0.2.9", MR_SPF_FAIL, "-all" },
	{ "j\xc3\xb6rg@local2.example", C4, MR_SPF_PERMERROR, "" },
	{ "u@empty.example", C4, MR_SPF_NEUTRAL, "default" },
	{ "u@slow.example", C4, MR_SPF_TEMPERROR, "" },
	{ "u@localhost", C4, MR_SPF_NONE, "" },
	{ "u@[192.0.2.1]", C4, MR_SPF_NONE, "" },
	{ "u@a..example", C4, MR_SPF_NONE, "" },
	{ "u@", C4, MR_SPF_NONE, "" },
	{ "one.example", C4, MR_SPF_FAIL, "-ALL" },
	{ "", C4, MR_SPF_PASS, "a" }, /* postmaster@a.example: the HELO name */
	{ "u@ip.example", "192.0.2.127", MR_SPF_PASS, "ip4:192.0.2.0/25" },
	{ "u@ip.example", "192.0.2.128", MR_SPF_FAIL, "-all" },
	{ "u@ip.example", "192.0.2.129", MR_SPF_NEUTRAL, "?ip4:192.0.2.129" },
	{ "u@ip.example", "::ffff:192.0.2.1", MR_SPF_PASS, "ip4:192.0.2.0/25" },
	{ "u@ip.example", "2001:db8:ffff::1", MR_SPF_SOFTFAIL, "~ip6:2001:db8::/32" },
	{ "u@ip.example", "2001:db9::1", MR_SPF_FAIL, "-all" },
	{ "u@mapped.example", C4, MR_SPF_FAIL, "-all" },
	{ "u@a.example", C4, MR_SPF_PASS, "a" },
	{ "u@a.example", C6, MR_SPF_PASS, "a" },
	{ "u@a.example", "192.0.2.2", MR_SPF_FAIL, "-all" },
	{ "u@cidr.example", "192.0.2.255", MR_SPF_PASS, "a:a.example/24//64" },
	{ "u@cidr.example", "192.0.3.1", MR_SPF_FAIL, "-all" },
	{ "u@cidr.example", "2001:db8::ffff", MR_SPF_PASS, "a:a.example/24//64" },
	{ "u@cidr.example", "2001:db8:0:1::1", MR_SPF_FAIL, "-all" },
	{ "u@mx.example", "192.0.2.9", MR_SPF_PASS, "mx" },
	{ "u@mx.example", C4, MR_SPF_PASS, "mx" },
	{ "u@mx.example", C6, MR_SPF_PASS, "mx" },
	{ "u@mx.example", "192.0.2.8", MR_SPF_FAIL, "-all" },
	{ "u@nullmx.example", C4, MR_SPF_FAIL, "-all" },
	{ "u@slowmx.example", C4, MR_SPF_TEMPERROR, "mx" },
	{ "u@manymx.example", C4, MR_SPF_PERMERROR, "mx" },
	{ "u@exists.example", C4, MR_SPF_PASS, "exists:%{ir}.%{v}._spf.%{d}" },
	{ "u@exists.example", "192.0.2.2", MR_SPF_FAIL, "-all" },
	{ "u@slowa.example", C4, MR_SPF_TEMPERROR, "a:slow.example" },
	{ "u@ptr.example", C4, MR_SPF_PASS, "ptr" },
	{ "u@ptr.example", C6, MR_SPF_PASS, "ptr" },
	{ "u@ptr.example", "192.0.2.2", MR_SPF_FAIL, "-all" },
	{ "u@forged.example", C4, MR_SPF_NONE, "" },
	{ "u@p.example", C4, MR_SPF_PASS, "exists:%{p}.seen.example" },
	{ "u@p.example", "192.0.2.77", MR_SPF_PASS, "exists:%{p}.seen.example" },
	{ "u@p.example", "192.0.2.2", MR_SPF_FAIL, "-all" },
	{ L60 "@long.example", C4, MR_SPF_PASS, "exists:%{l}.%{l}.%{l}.%{l}.seen.example" },
	{ "u@include.example", C4, MR_SPF_PASS, "include:a.example" },
	{ "u@include.example", "192.0.2.2", MR_SPF_NEUTRAL, "?all" },
	{ "u@includenone.example", C4, MR_SPF_PERMERROR, "include:none.example" },
	{ "u@includeslow.example", C4, MR_SPF_TEMPERROR, "include:slow.example" },
	{ "u@includebad.example", C4, MR_SPF_PERMERROR, "include:bad1.example" },
	{ "u@redirect.example", C4, MR_SPF_PASS, "a" },
	{ "u@redirect.example", "192.0.2.2", MR_SPF_FAIL, "-all" },
	{ "u@redirectall.example", C4, MR_SPF_SOFTFAIL, "~all" },
	{ "u@redirectnone.example", C4, MR_SPF_PERMERROR, "" },
	{ "u@loop.example", C4, MR_SPF_PERMERROR, "include:loop.example" },
	{ "u@roundabout.example", C4, MR_SPF_PERMERROR, "" },
	{ "u@ten.example", C4, MR_SPF_FAIL, "-all" },
	{ "u@eleven.example", C4, MR_SPF_PERMERROR, "a" },
	{ "u@early.example", C4, MR_SPF_PASS, "ip4:192.0.2.1" },
	{ "u@void2.example", C4, MR_SPF_FAIL, "-all" },
	{ "u@voidbad.example", C4, MR_SPF_FAIL, "-all" },
	{ "u@void3.example", C4, MR_SPF_PERMERROR, "exists:n3.example" },
	{ "u@voidptr.example", "192.0.2.77", MR_SPF_PERMERROR, "ptr" },
	{ "u@voidptr.example", C4, MR_SPF_FAIL, "-all" },
	{ "u@good.example", C4, MR_SPF_FAIL, "-all" },
};

static int check(const char *sender, const char *client, struct mr_arena *arena, struct mr_spf_answer *out)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_spf_request rq = {
		.helo = MR_LIT("a.example"), .sender = mr_slice_of(sender), .receiver = MR_LIT("mx.us.example"), .now = 86400
	};
	int rounds = 0;

	assert_int_equal(mr_parse_ip(mr_slice_of(client), &rq.client), 0);
	while (mr_spf_check(&rq, view, arena, out) == -EAGAIN) {
		assert_true(++rounds < 30);
		zone_answer(zone, view);
	}
	mr_dns_view_free(view);
	return rounds;
}

static void test_results(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_spf_answer a;

		check(cases[i].sender, cases[i].client, arena, &a);
		assert_string_equal(mr_spf_str(a.result), mr_spf_str(cases[i].result));
		assert_slice(a.mechanism, cases[i].mechanism);
		assert_int_equal(a.problem.n > 0, a.result == MR_SPF_TEMPERROR || a.result == MR_SPF_PERMERROR);
	}
}

/* A syntax error anywhere is a permanent error, even behind "+all". */
static void test_syntax(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (int i = 1; i <= 19; i++) {
		struct mr_spf_answer a;
		char sender[40];

		snprintf(sender, sizeof(sender), "u@bad%d.example", i);
		check(sender, C4, arena, &a);
		assert_int_equal(a.result, MR_SPF_PERMERROR);
	}
}

static const struct {
	const char *sender, *text;
} explanations[] = {
	{ "john-doe@exp.example",
	  "192.0.2.1 may not send as john-doe%40exp.example to mx.us.example (192.0.2.1, a.example, 86400, host.ptr.example, john) 100%" },
	{ "john-doe@expredirect.example", "192.0.2.1 may not send as john-doe%40expredirect.example to mx.us.example (192.0.2.1, "
					  "a.example, 86400, host.ptr.example, john) 100%" },
	{ "u\r\n@rawexp.example", "" },
	{ "u@rawexp.example", "by u" },
	{ "u@expinclude.example", "" },
	{ "u@exptwo.example", "" },
	{ "j\xc3\xb6rg@local3.example", "" },
	{ "u@local3.example", "not u" },
	{ "u@expslow.example", "" },
	{ "u@expbad.example", "" },
};

static void test_explanations(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(explanations); i++) {
		struct mr_spf_answer a;

		check(explanations[i].sender, C4, arena, &a);
		assert_int_equal(a.result, MR_SPF_FAIL);
		assert_slice(a.explanation, explanations[i].text);
	}
}

/* All that a record is going to ask goes out at once: the record, then everything, then the MX hosts. */
static void test_rounds(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_spf_answer a;

	assert_int_equal(check("u@void2.example", C4, arena, &a), 2);
	assert_int_equal(check("u@mx.example", C4, arena, &a), 3);
	assert_int_equal(check("u@ip.example", C4, arena, &a), 1);
	assert_int_equal(a.lookups, 0);
	check("u@void2.example", C4, arena, &a);
	assert_int_equal(a.lookups, 2);
	assert_int_equal(a.voids, 2);
	assert_slice(a.domain, "void2.example");
}

/* The deadline comes: whatever is open becomes a temporary error. */
static void test_deadline(void **state)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_spf_request rq = { .helo = MR_LIT("a.example"), .sender = MR_LIT("u@a.example") };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_spf_answer a;

	mr_parse_ip(MR_LIT(C4), &rq.client);
	assert_int_equal(mr_spf_check(&rq, view, arena, &a), -EAGAIN);
	mr_dns_view_give_up(view);
	assert_int_equal(mr_spf_check(&rq, view, arena, &a), 0);
	assert_int_equal(a.result, MR_SPF_TEMPERROR);
	mr_dns_view_free(view);
}

/* A record of 60 kB full of terms, and macros that blow up: bounded work, a clear result. */
static void test_hostile(void **state)
{
	struct mr_buf big = MR_BUF(1 << 20);
	mr_autoarena arena = mr_arena_new(0);
	const char *const fillers[] = { " ip4:10.0.0.1", " a:%{s}.%{s}.%{s}.%{h}.example", " x=%{s}", " ?include:big.example" };

	for (size_t i = 0; i < MR_COUNT(fillers); i++) {
		struct mr_dns_view *view = mr_dns_view_new();
		struct mr_spf_request rq = { .helo = MR_LIT("h"),
					     .sender = MR_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@big.example") };
		struct mr_spf_answer a;
		int rounds = 0;

		mr_buf_reset(&big);
		mr_buf_puts(&big, "big.example TXT v=spf1");
		while (big.n < 60000)
			mr_buf_puts(&big, fillers[i]);
		mr_buf_puts(&big, " -all\n");
		mr_parse_ip(MR_LIT(C4), &rq.client);
		while (mr_spf_check(&rq, view, arena, &a) == -EAGAIN) {
			assert_true(++rounds < 5);
			zone_answer(big.p, view);
		}
		assert_int_equal(a.result, i == 0 || i == 2 ? MR_SPF_FAIL : MR_SPF_PERMERROR);
		mr_dns_view_free(view);
	}
	mr_buf_done(&big);
}

/* Zones made to cost: what is asked for one message is counted, records and prefetched questions that were of no use included. */
#define BRANCHES 10 /* includes of each record */
#define DEPTH    3

static void add_tree(struct mr_buf *b, const char *name, int depth)
{
	for (int i = 0; i < BRANCHES && depth > 0; i++) {
		char below[100];

		snprintf(below, sizeof(below), "%c%.90s", 'a' + i, name);
		add_tree(b, below, depth - 1);
	}
	mr_buf_printf(b, "%s TXT v=spf1", name);
	for (int i = 0; i < BRANCHES && depth > 0; i++)
		mr_buf_printf(b, " include:%c%s", 'a' + i, name);
	mr_buf_puts(b, " -all\n");
}

static void add_redirects(struct mr_buf *b)
{
	for (int i = 0; i < 100; i++)
		mr_buf_printf(b, "r%d.example TXT v=spf1 a:r%d.example redirect=r%d.example\nr%d.example A 192.0.2.200\n", i, i, i + 1, i);
}

/* Ten terms, each with ten hosts. */
static void add_exchanges(struct mr_buf *b)
{
	mr_buf_puts(b, "m.example TXT v=spf1");
	for (int i = 0; i < 10; i++)
		mr_buf_printf(b, " mx:m%d.example", i);
	mr_buf_puts(b, " -all\n");
	for (int i = 0; i < 100; i++)
		mr_buf_printf(b, "m%d.example MX 1 h%d.example\nh%d.example A 192.0.2.200\n", i / 10, i, i);
}

static void add_names(struct mr_buf *b)
{
	mr_buf_puts(b, "p.example TXT v=spf1 ptr ptr:%{p} exists:%{p}.%{d} -all\n");
	for (int i = 0; i < 100; i++)
		mr_buf_printf(b, "1.2.0.192.in-addr.arpa PTR n%d.p.example\nn%d.p.example A 192.0.2.200\n", i, i);
}

static void test_bounded(void **state)
{
	static const struct {
		const char *sender;
		enum mr_spf_result result;
		size_t questions, lookups;
	} bounds[] = {
		{ "u@tree.example", MR_SPF_PERMERROR, 28, 10 }, /* below it 1111 records */
		{ "u@r0.example", MR_SPF_PERMERROR, 11, 10 },
		{ "u@m.example", MR_SPF_FAIL, 1 + 10 + 100, 10 },
		{ "u@p.example", MR_SPF_FAIL, 1 + 1 + 10 + 1, 3 },
	};
	struct mr_buf costly = MR_BUF(1 << 20);
	mr_autoarena arena = mr_arena_new(0);

	add_tree(&costly, "tree.example", DEPTH);
	add_redirects(&costly);
	add_exchanges(&costly);
	add_names(&costly);
	for (size_t i = 0; i < MR_COUNT(bounds); i++) {
		struct mr_spf_request rq = { .helo = MR_LIT("h.example"), .sender = mr_slice_of(bounds[i].sender) };
		struct mr_dns_view *view = mr_dns_view_new();
		struct mr_spf_answer a;
		size_t questions = 0;

		mr_parse_ip(MR_LIT(C4), &rq.client);
		while (mr_spf_check(&rq, view, arena, &a) == -EAGAIN) {
			questions += zone_open(view);
			zone_answer(costly.p, view);
		}
		assert_string_equal(mr_spf_str(a.result), mr_spf_str(bounds[i].result));
		assert_int_equal(a.lookups, bounds[i].lookups);
		assert_int_equal(questions, bounds[i].questions);
		mr_dns_view_free(view);
	}
	mr_buf_done(&costly);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results), cmocka_unit_test(test_syntax),   cmocka_unit_test(test_explanations),
		cmocka_unit_test(test_rounds),  cmocka_unit_test(test_deadline), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
