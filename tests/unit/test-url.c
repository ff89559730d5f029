/* url: web addresses taken apart and found in text. */
/* ours */
#include "base/buf.h"
#include "mail/url.h"
#include "unit.h"

static const struct {
	const char *in, *out; /* "scheme host domain rest" and flags; NULL: none */
} urls[] = {
	{ "http://www.Example.COM/a?b#c", "http www.example.com example.com /a?b#c" },
	{ "HTTPS://example.co.uk", "https example.co.uk example.co.uk " },
	{ "http://a.github.io/x", "http a.github.io a.github.io /x" },
	{ "//cdn.example.org/x", "http cdn.example.org example.org /x" },
	{ "example.org:8080/x", "http example.org example.org /x port" },
	{ "https://example.org:443/", "https example.org example.org /" },
	{ "http://bank.example@evil.example/", "http evil.example evil.example / userinfo" },
	{ "http://%65xample.org/", "http example.org example.org / encoded" },
	{ "http://b\xc3\xbc"
	  "cher.example/",
	  "http xn--bcher-kva.example xn--bcher-kva.example /" },
	{ "http://127.0.0.1/", "http 127.0.0.1 127.0.0.1 / ip" },
	{ "http://0x7f.1/", "http 127.0.0.1 127.0.0.1 / ip odd" },
	{ "http://2130706433/", "http 127.0.0.1 127.0.0.1 / ip odd" },
	{ "http:\\\\evil.example\\x", "http evil.example evil.example \\x" },
	{ "http:evil.example", "http evil.example evil.example " },
	{ " http://example.org. ", "http example.org example.org " },
	{ "http://_a.example.org/", "http _a.example.org example.org /" },
	{ "http://co.uk/", "http co.uk  /" },
	{ "mailto:a@example.org", NULL },
	{ "javascript:alert(1)", NULL },
	{ "data:text/html,x", NULL },
	{ "http://localhost/", NULL },
	{ "http:///", NULL },
	{ "http://a..b/", NULL },
	{ "http://%00.example/", NULL },
	{ "http://%zz.example/", NULL },
	{ "http://[::1]/", "http [::1] [::1] / ip" },
	{ "https://x@[2001:DB8:0::50]:8080/a", "https [2001:db8::50] [2001:db8::50] /a ip userinfo port" },
	{ "https://[2001:db8::50]:443", "https [2001:db8::50] [2001:db8::50]  ip" },
	{ "http://[2001:db8::192.0.2.1]/", "http [2001:db8::c000:201] [2001:db8::c000:201] / ip" },
	{ "http://[::ffff:192.0.2.1]/", "http 192.0.2.1 192.0.2.1 / ip odd" },
	{ "//[::1]", "http [::1] [::1]  ip" },
	{ "[::1]:8080/x", "http [::1] [::1] /x ip port" },
	{ "http://[::1", NULL },
	{ "http://[::1]x/", NULL },
	{ "http://[::g]/", NULL },
	{ "http://[192.0.2.1]/", NULL },
	{ "http://[]/", NULL },
	{ "#top", NULL },
	{ "", NULL },
};

static void describe(const struct mr_url *u, struct mr_buf *out)
{
	mr_buf_printf(out, "%.*s %.*s %.*s %.*s%s%s%s%s%s", (int)u->scheme.n, u->scheme.p, (int)u->host.n, u->host.p, (int)u->domain.n,
		      u->domain.n ? u->domain.p : "", (int)u->rest.n, u->rest.n ? u->rest.p : "", u->ip ? " ip" : "",
		      u->odd_ip ? " odd" : "", u->userinfo ? " userinfo" : "", u->encoded_host ? " encoded" : "", u->port ? " port" : "");
}

static void test_parse(void **state)
{
	for (size_t i = 0; i < MR_COUNT(urls); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf said = MR_BUF(1000);
		struct mr_url u;
		int err = mr_url_parse(mr_slice_of(urls[i].in), arena, &u);

		if (err == 0)
			describe(&u, &said);
		assert_slice(mr_buf_slice(&said), urls[i].out ? urls[i].out : "");
		mr_buf_done(&said);
	}
}

static const struct {
	const char *in, *out; /* the addresses as found, a bar behind each */
} texts[] = {
	{ "see http://example.org/a, or (https://b.example/c(d)).", "http://example.org/a|https://b.example/c(d)|" },
	{ "go to www.example.org!", "www.example.org|" },
	{ "pay at pay.example.com/now today", "pay.example.com/now|" },
	{ "mail anna@example.org or Anna.Bell", "" },
	{ "www.example.org@x.example ftp@www.example.org mailto:a@b.example", "" },
	{ "http:anna@www.example.org", "http:anna@www.example.org|" },
	{ "end of sentence.Next one", "" },
	{ "version 1.2.3.4 of lib.c and e.g. this", "" },
	{ "link:http://example.org", "http://example.org|" },
	{ "at http://[2001:db8::50], or (http://[2001:db8::50]/x) [http://b.example]",
	  "http://[2001:db8::50]|http://[2001:db8::50]/x|http://b.example|" },
	{ "address [2001:db8::50] and [2001:db8::192.0.2.1]", "" },
	{ "<http://example.org>\"http://b.example\"", "http://example.org|http://b.example|" },
	{ "", "" },
};

static void test_text(void **state)
{
	for (size_t i = 0; i < MR_COUNT(texts); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_slice rest = mr_slice_of(texts[i].in);
		struct mr_buf said = MR_BUF(1000);
		struct mr_url u;

		while (mr_url_next(&rest, arena, &u)) {
			mr_buf_add(&said, u.raw);
			mr_buf_putc(&said, '|');
		}
		assert_slice(mr_buf_slice(&said), texts[i].out);
		mr_buf_done(&said);
	}
}

/* A word of a megabyte, nothing but brackets and stops, takes no time that the test would notice. */
static void test_long_word(void **state)
{
	static const char *const pieces[] = { ")", "]", ").", "](", "*" };

	for (size_t i = 0; i < MR_COUNT(pieces); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf text = MR_BUF(2u << 20);
		struct mr_slice rest;
		struct mr_url u;

		mr_buf_puts(&text, "http://a.example/");
		while (text.n < 1u << 20)
			mr_buf_puts(&text, pieces[i]);
		rest = mr_buf_slice(&text);
		while (mr_url_next(&rest, arena, &u))
			;
		mr_buf_done(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_text), cmocka_unit_test(test_long_word) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
