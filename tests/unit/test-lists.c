/* test-lists: what lists in DNS are asked about a message, what their answers become, and lists that do not answer are passed over. */

/* system */
#include <errno.h>
#include <stdlib.h>

/* ours */
#include "list-health.h"
#include "list-subjects.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "support/zone.h"
#include "unit.h"

#define HEAD "From: \"A\" <a@sub.author.example>\r\nReply-To: b+tag@reply.example, C@reply.example\r\n"
#define VIA                                                                                                                                \
	"Received: from h (h.example [198.51.100.7]) by mx.x (Postfix) with ESMTP; x\r\n"                                                  \
	"Received: from l ([10.0.0.1]) by h.example; x\r\n"                                                                                \
	"Received: from p (unknown [IPv6:2001:db8::5])\r\n\tby h.example [192.0.2.99]; x\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n\r\n"
#define HTML "Content-Type: text/html; charset=utf-8\r\n\r\n"

/* 2001:db8::50 and its kin, backwards. */
#define SIX_OF(low) low ".0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
#define SIX(low)    SIX_OF(low) ".bl.example"

#define P7M(base64) "Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n" base64

/* Answers for every name of bl.example; others are as the zone says. */
static const char zone[] = "9.2.0.192.bl.example A 127.0.0.2\n"
			   "7.100.51.198.bl.example A 127.0.0.3\n"
			   "bad.example.bl.example A 127.0.0.2\n"
			   "both.example.bl.example A 127.0.0.2\n"
			   "both.example.bl.example A 127.0.0.4\n"
			   "blocked.example.bl.example A 127.255.255.254\n"
			   "blocked.example.bl.example A 127.0.0.2\n"
			   "silent.example.bl.example TIMEOUT\n"
			   "bad.example NS ns1.dns.example\n"
			   "bad.example NS ns2.dns.example\n"
			   "dns.example.bl.example A 127.0.0.2\n"
			   "ns1.dns.example A 192.0.2.9\n"
			   "ns2.dns.example A 192.0.2.8\n"
			   "www.bad.example A 192.0.2.9\n"
			   "six.example NS ns6.six.example\n"
			   "ns6.six.example AAAA 2001:db8::35\n"
			   "www.six.example AAAA 2001:db8::50\n"
			   "www.six.example AAAA fe80::1\n"
			   "www.both.example A 192.0.2.8\n"
			   "www.both.example AAAA 2001:db8::50\n" SIX("0.5") " A 127.0.0.2\n" SIX("5.3") " A 127.0.0.2\n";

#define C "bl.example client 127.0.0.2=CLIENT:3"

static const struct {
	const char *rows; /* line breaks between */
	bool trusted;
	const char *mail, *asked, *symbols; /* asked: what stands before .bl.example, in alphabetical order */
} cases[] = {
	{ "", false, HEAD TEXT "http://bad.example/", "", "" },
	{ C, false, HEAD TEXT "x", "9.2.0.192", "CLIENT(3.00)" },
	{ C, true, HEAD TEXT "x", "", "" }, /* our own are no strangers */
	{ C "\nbl.example client 127.0.0.2=CLIENT:3 127.0.0.2=TOO:-1", false, HEAD TEXT "x", "9.2.0.192", "CLIENT(3.00),TOO(-1.00)" },
	{ "bl.example received 127.0.0.3=R:1", false, VIA HEAD TEXT "x",
	  "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 7.100.51.198", "R(1.00)" },
	{ "bl.example received ipv4 max=1 127.0.0.3=R:1", false, VIA VIA HEAD TEXT "x", "7.100.51.198", "R(1.00)" },
	{ "bl.example helo sender from reply-to 127.0.0.2=D:1", false, HEAD TEXT "x",
	  "author.example helo.example reply.example sender.example", "" },
	{ "bl.example link 127.0.0.2=L:1 127.0.0.4=M:0.5", false,
	  HEAD TEXT "http://www.bad.example/x http://bad.example/y https://both.example", "bad.example both.example", "L(1.00),M(0.50)" },
	{ "bl.example link 127.0.0.2=L:1", true, HEAD TEXT "http://www.bad.example/x", "bad.example", "L(1.00)" },
	{ "bl.example link names 127.0.0.2=L:1", false, HEAD HTML "<a href='http://192.0.2.9/x'>y</a>", "", "" },
	{ "bl.example link 127.0.0.2=L:1", false, HEAD HTML "<a href='http://192.0.2.9/x'>y</a>", "9.2.0.192", "L(1.00)" },
	{ "bl.example link 127.0.0.2=L:1", false,
	  HEAD TEXT "http://b\xc3\xa4"
		    "d.example/",
	  "xn--bd-via.example", "" },
	{ "bl.example link 127.0.0.2=L:1", false, HEAD TEXT "http://www.w3.org/ http://xw3.org/ http://w3.org/", "xw3.org", "" },
	{ "bl.example link-host 127.0.0.2=L:1", false, HEAD TEXT "http://www.bad.example/x", "www.bad.example", "" },
	{ "bl.example link-address 127.0.0.2=L:1", false, HEAD TEXT "http://www.bad.example/x http://none.example/", "9.2.0.192",
	  "L(1.00)" },
	{ "bl.example ns 127.0.0.2=N:1", false, HEAD TEXT "http://www.bad.example/x", "dns.example", "N(1.00)" },
	{ "bl.example ns-address 127.0.0.2=N:1", false, HEAD TEXT "http://www.bad.example/x", "8.2.0.192 9.2.0.192", "N(1.00)" },
	{ "bl.example link 127.0.0.2=L:1", false,
	  HEAD P7M("MGoGCSqGSIb3DQEHAqBdMFsCAQExADBUBgkqhkiG9w0BBwGgRwRFQ29udGVudC1UeXBlOiB0ZXh0L2h0bWwNCg0KPGEgaHJlZj0iaHR0cDovL3d3dy5iYWQ"
		   "uZXhhbXBsZS94Ij5wYXk8L2E+"),
	  "bad.example", "L(1.00)" },
	{ "bl.example link-address 127.0.0.2=L:1", false, HEAD TEXT "http://www.six.example/", SIX_OF("0.5"), "L(1.00)" },
	{ "bl.example link-address 127.0.0.2=L:1", false, HEAD TEXT "http://www.both.example/", SIX_OF("0.5") " 8.2.0.192", "L(1.00)" },
	{ "bl.example link-address ipv4 127.0.0.2=L:1", false, HEAD TEXT "http://www.both.example/", "8.2.0.192", "" },
	{ "bl.example link-address ipv6 127.0.0.2=L:1", false, HEAD TEXT "http://www.both.example/", SIX_OF("0.5"), "L(1.00)" },
	{ "bl.example link-address 127.0.0.2=L:1", false, HEAD HTML "<a href='http://192.0.2.9/x'>y</a>", "9.2.0.192", "L(1.00)" },
	{ "bl.example ns-address 127.0.0.2=N:1", false, HEAD TEXT "http://www.six.example/x", SIX_OF("5.3"), "N(1.00)" },
	{ "bl.example ns-address ipv4 127.0.0.2=N:1", false, HEAD TEXT "http://www.six.example/x", "", "" },
	{ "bl.example link 127.0.0.2=L:1", false, HEAD TEXT "http://blocked.example/ http://bad.example/", "bad.example blocked.example",
	  "L(1.00)" },
	{ "bl.example link 127.0.0.2=L:1", false, HEAD TEXT "http://blocked.example/", "blocked.example", "" },
	{ "bl.example link 127.0.0.2=L:1", false, HEAD TEXT "http://silent.example/", "silent.example", "" },
	{ "bl.example link max=2 127.0.0.2=L:1", false, HEAD TEXT "http://a.example/ http://b.example/ http://bad.example/",
	  "a.example b.example", "" },
	{ "bl.example dkim 127.0.0.2=K:1", false, HEAD TEXT "x", "", "" }, /* nobody has signed */
	{ "bl.example address sha1 127.0.0.2=A:1", false, HEAD TEXT "x",
	  "18c77c16f6f19694bb56d69af7e6b4bddc64d570 23b67b448d84a33fb9f4b3f5bd24d4d9747b1534 9a845f476033a847d35b7621a5206e3c874a44da "
	  "c5334c0372e75e6b949fb8fc061c715714755336",
	  "" },
	{ "bl.example address sha1 127.0.0.2=A:1", false,
	  HEAD HTML "Write to <b>Pay.Me+now@Evil.example</b>. <a href='mailto:x@y.example?subject=z'>w</a> @ a@ @b a@b",
	  "18c77c16f6f19694bb56d69af7e6b4bddc64d570 1d578cf3098e6202d5893d7a8f4287c4a43e2c2c 23b67b448d84a33fb9f4b3f5bd24d4d9747b1534 "
	  "9a845f476033a847d35b7621a5206e3c874a44da c5334c0372e75e6b949fb8fc061c715714755336 e989dbbdfbee389124d0dc368432903b5161011e",
	  "" },
	{ "bl.example url sha256 127.0.0.2=U:1", false, HEAD TEXT "https://www.bad.example/a?b#c",
	  "4kv5epemtpdutaw5fsqubgczkhidawclrkznf7wgzpn3pqp756va", "" },
	{ "bl.example file sha256 127.0.0.2=F:1", false,
	  HEAD "Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=",
	  "ftze3os7wcrq4jxihmvmlopctynrmhs4d6tuexttaqzwfe4ltasa", "" },
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct asked {
	const char *names[200];
	size_t n;
};

/* The open questions of the list, without its zone. */
static void note(const struct mr_dns_view *view, struct mr_arena *arena, struct asked *asked)
{
	static const struct mr_slice end = { ".bl.example", sizeof(".bl.example") - 1 };
	enum mr_dns_type type;
	const char *name;

	for (size_t i = 0; mr_dns_view_question(view, i, &name, &type); i++)
		if (mr_slice_iends(mr_slice_of(name), end)) {
			assert_true(asked->n < MR_COUNT(asked->names));
			assert_int_equal(type, MR_DNS_A);
			asked->names[asked->n++] = mr_arena_slice(arena, (struct mr_slice){ name, strlen(name) - end.n });
		}
}

static struct mr_scan_setup setup_of(const char *rows, struct mr_arena *arena)
{
	struct mr_scan_setup s = { .hostname = MR_LIT("mx.test"), .list_questions = 100, .lists_skip = MR_LIT("w3.org"), .fuzzy = true },
			     back = { 0 };
	struct mr_slice rest = mr_slice_of(rows), split[10];
	struct mr_buf wire = MR_BUF(100000);
	struct mr_diag diag = { 0 };
	struct mr_wire w;
	size_t n = 0, used;
	int r;

	while (rest.n && mr_slice_next(&rest, '\n', &split[n]))
		n++;
	r = mr_scan_setup_lists(&s, split, n, arena, &diag);
	if (r < 0)
		print_message("%s\n", diag.text);
	assert_int_equal(r, 0);
	/* As it comes to a scanner. */
	assert_int_equal(mr_scan_setup_encode(&wire, &s), 0);
	assert_int_equal(mr_wire_next(mr_buf_slice(&wire), arena, &w, &used), 1);
	assert_int_equal(mr_scan_setup_decode(&w, arena, &back), 0);
	assert_true(back.fuzzy);
	mr_buf_done(&wire);
	return back;
}

static void scan(const struct mr_scan_setup *setup, bool trusted, const char *mail, struct mr_arena *arena, struct asked *asked,
		 struct mr_buf *symbols)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_scan_input in = {
		.message = mr_slice_of(mail), .helo = MR_LIT("mail.helo.example"), .sender = MR_LIT("s@sender.example"), .trusted = trusted
	};
	struct mr_scan *s;

	assert_int_equal(mr_parse_ip(MR_LIT("192.0.2.9"), &in.client), 0);
	s = mr_scan_new(setup, &in, view, arena);
	while (mr_scan_run(s) == -EAGAIN) {
		note(view, arena, asked);
		zone_answer(zone, view);
	}
	for (size_t i = 0; i < s->result.n_symbols; i++) {
		struct mr_symbol y = s->result.symbols[i];

		if (y.name.n <= 6 && !mr_slice_starts(y.name, MR_LIT("GTUBE")))
			mr_buf_printf(symbols, "%s%.*s(%.2f)", symbols->n ? "," : "", (int)y.name.n, y.name.p, y.score);
	}
	mr_scan_done(s);
	mr_dns_view_free(view);
}

static void questions_and_symbols(void **state)
{
	(void)state;
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_scan_setup setup = setup_of(cases[i].rows, arena);
		struct mr_buf symbols = MR_BUF(1000), names = MR_BUF(10000);
		struct asked asked = { 0 };

		print_message("%s\n", cases[i].rows);
		scan(&setup, cases[i].trusted, cases[i].mail, arena, &asked, &symbols);
		qsort(asked.names, asked.n, sizeof(asked.names[0]), by_name);
		for (size_t k = 0; k < asked.n; k++)
			mr_buf_printf(&names, "%s%s", k ? " " : "", asked.names[k]);
		assert_slice(mr_buf_slice(&names), cases[i].asked);
		assert_slice(mr_buf_slice(&symbols), cases[i].symbols);
		mr_buf_done(&symbols);
		mr_buf_done(&names);
	}
}

/* However many hosts a message names, and whatever lists there are: the bound holds. */
static void bounded(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_setup setup = setup_of("bl.example link link-host link-address ns ns-address url address max=200 127.0.0.2=L:1\n"
					      "x.bl.example link link-host url max=200 127.0.0.2=L:1",
					      arena);
	struct mr_buf mail = MR_BUF(1000000), symbols = MR_BUF(100);
	struct asked asked = { 0 };

	(void)state;
	mr_buf_puts(&mail, HEAD TEXT);
	for (int i = 0; i < 3000; i++)
		mr_buf_printf(&mail, "http://h%d.d%d.example/%d a%d@b.example\r\n", i, i, i, i);
	scan(&setup, false, mail.p, arena, &asked, &symbols);
	assert_true(asked.n >= 70 && asked.n <= 100);
	mr_buf_done(&mail);
	mr_buf_done(&symbols);
}

static void received(void **state)
{
	static const struct {
		const char *value, *ip; /* NULL: none */
	} t[] = {
		{ "from a (b [192.0.2.1]) by c", "192.0.2.1" },
		{ "from [192.0.2.1] by c", "192.0.2.1" },
		{ "from [x] (b [192.0.2.1]) by c", "192.0.2.1" },
		{ "from a (b [IPv6:2001:db8::1]) by c", "2001:db8::1" },
		{ "from a by c [192.0.2.1]", NULL },
		{ "from the.baby (b [192.0.2.1]) by c", "192.0.2.1" },
		{ "by c with [192.0.2.1]", NULL },
		{ "\r\n\tfrom\r\n\ta ([192.0.2.1])\r\n\tby c", "192.0.2.1" },
		{ "from a ([192.0.2.1", NULL },
		{ "from a ([]) by", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		char text[MR_IP_STRLEN];
		struct mr_ip ip;

		assert_int_equal(mr_list_received(mr_slice_of(t[i].value), &ip), t[i].ip != NULL);
		if (t[i].ip)
			assert_string_equal(mr_ip_str(&ip, text), t[i].ip);
	}
}

/* -- health -- */

static struct mr_list_health *health;

static void answered(const char *name, enum mr_dns_status status, const char *address)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dns_rr rr = { 0 };
	struct mr_dns_answer a = { .name = mr_arena_strdup(arena, name), .type = MR_DNS_A, .status = status, .rrs = &rr };
	struct mr_ip ip;

	if (address) {
		assert_int_equal(mr_parse_ip(mr_slice_of(address), &ip), 0);
		rr.data = (struct mr_slice){ (char *)ip.bytes, 4 };
		a.n_rrs = 1;
	}
	mr_list_health_note(health, &a);
}

static void expect(const char *name, enum mr_list_way way)
{
	assert_int_equal(mr_list_health_way(health, name), way);
}

static void health_of_lists(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_setup setup =
	    setup_of("bl.example client 127.0.0.2=A:1\nbl.example link 127.0.0.9=refused 127.0.0.2=A:1\nspamhaus-zen", arena);
	struct mr_buf out = MR_BUF(1000);

	(void)state;
	mr_clock_fake(1000000, 1800000000);
	health = mr_list_health_new(&setup);
	expect("x.example", MR_LIST_NONE);
	expect("1.bl.example", MR_LIST_ASK);
	expect("1.xbl.example", MR_LIST_NONE);
	for (int i = 0; i < MR_LIST_BAD_MAX - 1; i++)
		answered("1.bl.example", MR_DNS_TEMP, NULL);
	expect("1.bl.example", MR_LIST_ASK);
	answered("1.bl.example", MR_DNS_NXDOMAIN, NULL); /* not in a row */
	for (int i = 0; i < MR_LIST_BAD_MAX; i++) {
		expect("1.bl.example", MR_LIST_ASK);
		answered("1.BL.example", MR_DNS_TEMP, NULL);
	}
	expect("1.bl.example", MR_LIST_PASS_OVER);
	expect("1.zen.spamhaus.org", MR_LIST_ASK);
	mr_list_health_print(health, &out);
	assert_slice(mr_buf_slice(&out), "dns_list=bl.example away\ndns_list=zen.spamhaus.org ok\n");
	mr_clock_advance(MR_LIST_AWAY_MS);
	expect("1.bl.example", MR_LIST_ASK); /* one tries */
	expect("1.bl.example", MR_LIST_PASS_OVER);
	answered("1.bl.example", MR_DNS_TEMP, NULL);
	expect("1.bl.example", MR_LIST_PASS_OVER);
	mr_clock_advance(MR_LIST_AWAY_MS);
	expect("1.bl.example", MR_LIST_ASK);
	answered("1.bl.example", MR_DNS_OK, "127.0.0.2");
	expect("1.bl.example", MR_LIST_ASK);
	/* What one row of the zone knows for a refusal is one. */
	for (int i = 0; i < MR_LIST_BAD_MAX; i++)
		answered("1.bl.example", MR_DNS_OK, i % 2 ? "127.0.0.9" : "127.255.255.254");
	expect("1.bl.example", MR_LIST_PASS_OVER);
	mr_clock_advance(MR_LIST_AWAY_MS);
	expect("1.bl.example", MR_LIST_PASS_OVER);
	mr_clock_advance(MR_LIST_REFUSED_MS);
	expect("1.bl.example", MR_LIST_ASK);
	mr_list_health_free(health);
	mr_buf_done(&out);
	mr_clock_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(questions_and_symbols), cmocka_unit_test(bounded), cmocka_unit_test(received),
					    cmocka_unit_test(health_of_lists) };

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
