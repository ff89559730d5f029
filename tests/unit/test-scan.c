/* test-scan: the checks that need nobody's answer, and what a scan says while it waits. */

/* system */
#include <errno.h>

/* ours */
#include "scan.h"
#include "unit.h"

#define HEAD  "From: a@x.test\r\nSubject: s\r\n"
#define TAIL  "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
#define GTUBE "XJS*C4JDBQADN1.NSBN3*2IDNEN*" TAIL
#define JUNK  "YJS*C4JDBQADN1.NSBN3*2IDNEN*" TAIL

static const struct mr_scan_setup setup = { .hostname = MR_LIT("mx.test") };

static void test_strings(void **state)
{
	static const struct {
		const char *mail;
		bool refuse;
		double score;
		const char *symbols;
	} t[] = {
		{ HEAD "\r\nHello.\r\n", false, 0, "" },
		{ HEAD "\r\n" GTUBE "\r\n", true, 0, "GTUBE(0.00)" },
		{ HEAD "\r\n" GTUBE, true, 0, "GTUBE(0.00)" },
		{ HEAD "\r\nx " GTUBE " y\r\n", true, 0, "GTUBE(0.00)" },
		{ HEAD "\r\n" JUNK "\r\n", false, 10, "GTUBE_JUNK(10.00)" },
		{ HEAD "\r\n" JUNK " " GTUBE "\r\n", true, 10, "GTUBE(0.00),GTUBE_JUNK(10.00)" },
		{ HEAD "\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34\r\n", false, 0, "" },
		{ HEAD "X: " GTUBE "\r\n\r\nHello.\r\n", false, 0, "" }, /* in the body only */
		{ "", false, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_dns_view *view = mr_dns_view_new();
		struct mr_scan_input in = { .message = mr_slice_of(t[i].mail), .trusted = true };
		struct mr_scan *s;
		struct mr_buf symbols = MR_BUF(1000);

		s = mr_scan_new(&setup, &in, view, arena);
		assert_int_equal(mr_scan_run(s), 0);
		assert_true(s->result.complete);
		assert_int_equal(s->result.refuse, t[i].refuse);
		assert_true(s->result.score == t[i].score);
		mr_symbols_text(&s->result, ",", &symbols);
		assert_slice(mr_buf_slice(&symbols), t[i].symbols);
		assert_slice(s->result.authres, ""); /* our own senders get none */
		mr_buf_done(&symbols);
		mr_scan_done(s);
		mr_dns_view_free(view);
	}
}

#define HTML "From: a@x.test\r\nContent-Type: text/html\r\n\r\n"

/* What it looks like, as mail from outside that no DNS question is answered about: symbols of three checks. */
static void looks_of(struct mr_slice mail, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_scan_input in = { .message = mail };
	struct mr_scan *s;

	s = mr_scan_new(&setup, &in, view, arena);
	while (mr_scan_run(s) == -EAGAIN)
		mr_dns_view_give_up(view);
	for (size_t n = 0; n < s->result.n_symbols; n++) {
		struct mr_slice name = s->result.symbols[n].name;

		if (mr_slice_starts(name, MR_LIT("LINK_")) || mr_slice_starts(name, MR_LIT("MIME_")) ||
		    mr_slice_starts(name, MR_LIT("HTML_")))
			mr_buf_add(out, name);
	}
	mr_scan_done(s);
	mr_dns_view_free(view);
}

static void test_looks(void **state)
{
	static const struct {
		const char *mail, *symbols;
	} t[] = {
		{ HTML "<a href=http://evil.example/>www.bank.example</a>", "LINK_NAMES_ANOTHER" },
		{ HTML "<a href=http://www.bank.example/x>bank.example</a>", "" },
		{ HTML "<a href=http://evil.example/>see www.bank.example</a>", "" },
		{ HTML "<a href=http://bank.example@evil.example/>x</a>", "LINK_USERINFO" },
		{ HTML "<a href=http://192.0.2.1/>x</a>", "LINK_IP_ADDRESS" },
		{ HTML "<a href=http://3221225985/>x</a>", "LINK_ODD_ADDRESS" },
		{ HTML "<a href=http://%65vil.example/>x</a>", "LINK_ENCODED_HOST" },
		{ HTML "<script>x</script>", "HTML_SCRIPT" },
		{ "From: a@x.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
		  "MIME_BROKEN" },
		{ "From: a@x.test\r\nContent-Type: text/plain; charset=x-none\r\n\r\nx\r\n", "MIME_CHARSET_UNKNOWN" },
		{ "From: a@x.test\r\n\r\nhttp://example.org/\r\n", "" },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_buf symbols = MR_BUF(1000);

		looks_of(mr_slice_of(t[i].mail), &symbols);
		assert_slice(mr_buf_slice(&symbols), t[i].symbols);
		mr_buf_done(&symbols);
	}
}

/* Hashes for comparing are made where the site compares, of mail of our own, too. */
static void test_fuzzy(void **state)
{
	static const char mail[] = HEAD "\r\none two three four five six seven eight nine ten eleven twelve\r\n";

	for (int wanted = 0; wanted < 2; wanted++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_dns_view *view = mr_dns_view_new();
		struct mr_scan_setup with = { .hostname = setup.hostname, .fuzzy = wanted };
		struct mr_scan_input in = { .message = MR_LIT(mail), .trusted = true };
		struct mr_scan *s;

		s = mr_scan_new(&with, &in, view, arena);
		assert_int_equal(mr_scan_run(s), 0);
		assert_int_equal(s->result.fuzzy.text, wanted);
		mr_scan_done(s);
		mr_dns_view_free(view);
	}
}

#define MIXED "From: a@x.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"

/* What is not looked at is told. */
static void cut(void **state)
{
	static const struct {
		const char *before, *unit;
		size_t times;
		const char *symbols;
	} t[] = {
		{ HEAD, "X: y\r\n", MR_HEADERS_MAX + 1, "MIME_HEADER_CUT" },
		{ HEAD "\r\n", "Hello.\r\n", 100000, "" },
		{ HEAD "\r\n", "Hello.\r\n", 200000, "MIME_TEXT_CUT" },
		{ HTML, "Hello.\r\n", 100000, "MIME_TEXT_CUT" },
		{ MIXED, "--b\r\nContent-Type: text/html\r\n\r\nx\r\n", MR_VIEW_HTML_MAX, "" },
		{ MIXED, "--b\r\nContent-Type: text/html\r\n\r\nx\r\n", MR_VIEW_HTML_MAX + 1, "MIME_TEXT_CUT" },
		{ MIXED, "--b\r\n\r\nx\r\n", MR_MIME_PARTS_MAX + 1, "MIME_OVERSIZED" },
		{ HEAD "\r\n", "http://x.example/ ", MR_VIEW_URLS_MAX + 1, "MIME_OVERSIZED" },
		{ HTML, "<a href=../x>", MR_HTML_LINKS_MAX + 1, "MIME_OVERSIZED" },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_buf mail = MR_BUF(8u << 20), symbols = MR_BUF(1000);

		mr_buf_puts(&mail, t[i].before);
		for (size_t k = 0; k < t[i].times; k++)
			mr_buf_puts(&mail, t[i].unit);
		looks_of(mr_buf_slice(&mail), &symbols);
		assert_slice(mr_buf_slice(&symbols), t[i].symbols);
		mr_buf_done(&symbols);
		mr_buf_done(&mail);
	}
}

/* What is finished is known while SPF waits, and is not run again. */
static void waiting(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_scan_input in = { .message = MR_LIT(HEAD "\r\n" JUNK "\r\n"), .helo = MR_LIT("h.x.test"), .sender = MR_LIT("a@x.test") };
	struct mr_scan *s;
	struct mr_buf symbols = MR_BUF(1000);

	(void)state;
	assert_int_equal(mr_parse_ip(MR_LIT("192.0.2.1"), &in.client), 0);
	s = mr_scan_new(&setup, &in, view, arena);
	assert_int_equal(mr_scan_run(s), -EAGAIN);
	assert_false(s->result.complete);
	assert_true(s->result.score == 10);
	mr_dns_view_give_up(view);
	while (mr_scan_run(s) == -EAGAIN)
		mr_dns_view_give_up(view);
	assert_true(s->result.complete);
	mr_symbols_text(&s->result, ",", &symbols);
	assert_non_null(strstr(symbols.p, "GTUBE_JUNK(10.00)"));
	assert_null(strstr(strstr(symbols.p, "GTUBE_JUNK") + 1, "GTUBE_JUNK"));
	assert_non_null(strstr(symbols.p, "SPF_TEMPERROR(0.00)"));
	assert_non_null(strstr(symbols.p, "DKIM_NONE(0.00)"));
	assert_true(mr_slice_starts(s->result.authres, MR_LIT("mx.test;")));
	mr_buf_done(&symbols);
	mr_scan_done(s);
	mr_dns_view_free(view);
}

static void names(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} t[] = { { "SPF_PASS", true }, { "A", true },         { "R2", true },   { "", false },
		  { "Spf_x", true },    { "SPF-PASS", false }, { "A B", false }, { "A\n", false } };

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++)
		assert_int_equal(mr_symbol_name_ok(mr_slice_of(t[i].name)), t[i].ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_strings), cmocka_unit_test(test_looks), cmocka_unit_test(cut),
					    cmocka_unit_test(waiting),      cmocka_unit_test(names),      cmocka_unit_test(test_fuzzy) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
