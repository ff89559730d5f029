/* sa-body: the rendered body, the raw body, HTML and addresses as rules see them. What is expected is what SpamAssassin 4.0.1 gives. */
/* system */
#include <math.h>

/* ours */
#include "base/buf.h"
#include "mail/view.h"
#include "support/sa.h"
#include "unit.h"

static const char *joined(struct mr_arena *arena, const struct mr_sa_list *l)
{
	struct mr_buf b = MR_BUF(100000);
	const char *out;

	for (size_t i = 0; i < l->n; i++) {
		mr_buf_add(&b, l->items[i]);
		mr_buf_putc(&b, '|');
	}
	out = mr_arena_slice(arena, mr_buf_slice(&b));
	mr_buf_done(&b);
	return out;
}

static const struct {
	const char *message, *body;
} bodies[] = {
	{ "Subject: s\n\none\ntwo\n\nthree  four\n", "s\n|one two\n|three four |" },
	{ "\none\n", "\n|one |" },
	{ "Subject: s\n\none \n \n two\n", "s\n|one \n| two |" },
	{ "Content-Type: text/html\n\n<p>a<br>b</p><b>c</b>d\n", "\n|\n|a b\n|cd |" },
	{ "Content-Type: text/html\n\n<td>a</td><td>b</td>&amp;&nbsp;&eacute;", "\n| a b & \xe9|" },
	{ "Content-Type: text/html; charset=utf-8\n\n\xc3\xa9&eacute;&#8364;", "\n|\xc3\xa9\xc3\xa9\xe2\x82\xac|" },
	{ "Content-Type: text/html\n\na<script>x</script>b<style>y</style>c<!-- d -->e", "\n|abce|" },
	{ "Content-Type: text/html\n\n<title>t</title>b<span style=\"display:none\">h</span>", "\n|\n|t\n|bh|" },
	{ "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=\n=DFe\n",
	  "\n|Gr\xc3\xbc\xc3\x9f"
	  "e |" },
	{ "Content-Transfer-Encoding: base64\n\naGVs bG8=\n", "\n|hello|" },
	{ "Content-Transfer-Encoding: base64\n\naGVsbG8*\n", "\n|hello|" },
	{ "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none\n--b\nContent-Type: image/gif\n\nGIF\n--b\nContent-Type: "
	  "text/html\n\n<p>two\n--b--\nepi\n",
	  "\n|one\n|two|" },
	{ "Content-Type: multipart/mixed; boundary=b\n\nno boundary\n", "\n|no boundary |" },
	{ "Content-Type: multipart/mixed; boundary=\"b\n\n--b\n\none\n--b--\n", "\n|one|" },
	{ "Content-Type: message/rfc822\n\nSubject: inner\n\ntext\n", "\n|text |" },
};

#define P7M "Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n"

/* What is signed in one file: nothing to SpamAssassin's rules. */
static const struct {
	const char *message, *body, *inner, *uris, *all;
} wrapped[] = {
	{ "Subject: s\nMIME-Version: 1.0\nX-A: b\n c\n" P7M "MGoGCSqGSIb3DQEHAqBdMFsCAQExADBUBgkqhkiG9w0BBwGgRwRFQ29udGVudC1UeXBlOiB0ZXh0L2"
	  "h0bWwNCg0KPGEgaHJlZj0iaHR0cDovL3d3dy5iYWQuZXhhbXBsZS94Ij5wYXk8L2E+",
	  "s\n|", "s\n|pay|", "http://www.bad.example/x|", "Subject: s\n|X-A: b c\n|Content-Type: text/html\n|" },
	{ "Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nOuter\r\n--b\r\n" P7M
	  "MIIAxQYJKoZIhvcNAQcCoIIAtjCCALICAQExADCCAKkGCSqGSIb3DQEHAaCCAJoEggCWQ29udGVudC1UeXBlOiBhcHBsaWNhdGlvbi94LXBrY3M3LW1pbWUNCkNvbnRl"
	  "bnQtVHJhbnNmZXItRW5jb2Rpbmc6IGJhc2U2NA0KDQpNRFFHQ1NxR1NJYjNEUUVIQXFBbk1DVUNBUUV4QURBZUJna3Foa2lHOXcwQkJ3R2dFUVFQRFFwcGJtNWxjaUIz"
	  "YjNKa2N3MEsK\r\n--b--\r\n",
	  "s\n|Outer |", "s\n|", "", "Subject: s\n|Content-Type: application/x-pkcs7-mime\n|Content-Transfer-Encoding: base64\n|" },
	{ "Content-Type: application/pkcs7-mime\n\nno file\n", "\n|", NULL, NULL, NULL },
	{ "Subject: s\n\none\n", "s\n|one |", NULL, NULL, NULL },
};

static void test_signed(void **state)
{
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	for (size_t i = 0; i < MR_COUNT(wrapped); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_sa *sa = mr_sa_read(mr_slice_of(wrapped[i].message), conf, NULL, arena), *inner;

		assert_string_equal(joined(arena, mr_sa_body(sa)), wrapped[i].body);
		assert_int_equal(mr_sa_uris(sa)->n, 0);
		inner = mr_sa_signed(sa);
		assert_int_equal(inner != NULL, wrapped[i].inner != NULL);
		if (!inner)
			continue;
		assert_string_equal(joined(arena, mr_sa_body(inner)), wrapped[i].inner);
		assert_string_equal(joined(arena, mr_sa_uris(inner)), wrapped[i].uris);
		assert_string_equal(joined(arena, mr_sa_get(inner, MR_LIT("ALL"))), wrapped[i].all);
		if (i == 1)
			assert_string_equal(joined(arena, mr_sa_body(mr_sa_signed(inner))), "s\n|inner words |");
	}
	mr_sa_conf_free(conf);
}

static void test_bodies(void **state)
{
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	mr_view_init();
	for (size_t i = 0; i < MR_COUNT(bodies); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_sa *sa = mr_sa_read(mr_slice_of(bodies[i].message), conf, NULL, arena);

		assert_string_equal(joined(arena, mr_sa_body(sa)), bodies[i].body);
	}
	mr_sa_conf_free(conf);
}

/* Long lines are cut behind a space, at most 2048 bytes each; the raw body in chunks that end behind a line. */
static void test_chunks(void **state)
{
	struct mr_sa_conf *conf = test_sa_conf();
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf b = MR_BUF(100000);
	struct mr_sa *sa;

	(void)state;
	mr_buf_puts(&b, "Subject: s\n\n");
	for (int i = 0; i < 1000; i++)
		mr_buf_puts(&b, i % 10 ? "12345 " : "12345\n");
	sa = mr_sa_read(mr_buf_slice(&b), conf, NULL, arena);
	assert_int_equal(mr_sa_body(sa)->n, 4);
	assert_int_equal(mr_sa_body(sa)->items[1].n, 2046);
	assert_int_equal(mr_sa_rawbody(sa)->n, 2);
	assert_int_equal(mr_sa_rawbody(sa)->items[0].p[mr_sa_rawbody(sa)->items[0].n - 1], '\n');
	assert_true(mr_sa_rawbody(sa)->items[0].n > 2048);
	mr_buf_done(&b);
	mr_sa_conf_free(conf);
}

static const struct {
	const char *text, *uris;
} texts[] = {
	{ "see http://www.a.example/x.", "http://www.a.example/x|" },
	{ "see www.a.example!", "http://www.a.example|" },
	{ "(a.example/x)", "http://a.example/x|" },
	{ "write a@b.example now", "mailto:a@b.example|" },
	{ "<a@b.example>", "mailto:a@b.example|" },
	{ "no.such-domain and a.b", "" },
	{ "one.Two a.example... x", "" },
	{ "http://a%2Eexample/%41?b", "http://a%2Eexample/%41?b|http://a.example/A?b|" },
	{ "http://0x7f.1.020.1/", "http://0x7f.1.020.1/|http://127.1.16.1/|" },
	{ "http://a.example:80/x", "http://a.example:80/x|http://a.example/x|" },
	{ "http://a.example/http://b.example/y", "http://a.example/http://b.example/y|http://b.example/y|" },
	{ "http:\\\\a.example\\x", "" },
	{ "cid:x@a.example", "" },
};

static void test_uris(void **state)
{
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	for (size_t i = 0; i < MR_COUNT(texts); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_sa *sa = mr_sa_read(mr_slice_of(mr_arena_printf(arena, "\n%s\n", texts[i].text)), conf, NULL, arena);

		assert_string_equal(joined(arena, mr_sa_uris(sa)), texts[i].uris);
	}
	mr_sa_conf_free(conf);
}

static const struct {
	const char *html, *uri; /* the first address that HTML has */
	unsigned types;
	const char *anchor;
} links[] = {
	{ "<a href=\"http://a.example/\">Hi <b>you</b></a>", "http://a.example/", MR_SA_URI_A, "Hi you" },
	{ "<base href=http://a.example/x/y.html><img src=z.gif>", "http://a.example/x/y.html", MR_SA_URI_BASE, NULL },
	{ "<img src=' http://a.example/./b/../c '>", "http://a.example/c", MR_SA_URI_IMG, NULL },
	{ "<a href=//www.a.example/x>", "http://www.a.example/x", MR_SA_URI_A, NULL },
	{ "<form action=\"mailto:a@b.example\">", "mailto:a@b.example", MR_SA_URI_FORM, NULL },
	{ "<meta http-equiv=refresh content=\"0; url=http://a.example/\">", "http://a.example/", MR_SA_URI_META, NULL },
	{ "<a href=http://a.example><img src=x></a>", "http://a.example", MR_SA_URI_A, "<img>\n" },
};

static void test_links(void **state)
{
	(void)state;
	for (size_t i = 0; i < MR_COUNT(links); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_sa_html h;

		mr_sa_html_read(mr_slice_of(links[i].html), false, &(size_t){ 1000 }, arena, &h);
		assert_true(h.n_uris > 0);
		assert_slice(h.uris[0].uri, links[i].uri);
		assert_int_equal(h.uris[0].types, links[i].types);
		if (links[i].anchor)
			assert_slice(h.uris[0].anchors.items[0], links[i].anchor);
	}
}

static const struct {
	const char *html, *name;
	double value; /* -1: none */
} numbers[] = {
	{ "<b>x</b>", "html", 1 },
	{ "<font size=+3>x</font>", "max_size", 6 },
	{ "<big><big>x</big></big>", "max_size", 3 },
	{ "<b></b></b></i>", "closed_extra_ratio", 0.5 },
	{ "<b><foo>", "bad_tag_ratio", 0.5 },
	{ "<b><foo><foo>", "non_element_ratio", 0.5 },
	{ "a<b>b", "obfuscation_ratio", 1 },
	{ "<img src=x width=10 height=20>", "image_area", 200 },
	{ "<font color=#fffffe>x</font>", "font_low_contrast", 1 },
	{ "<font color=#0000ff>x</font>", "font_low_contrast", -1 },
	{ "<span style='color: white'>x</span>", "font_low_contrast", 1 },
	{ "<span style='color: nosuch'>x</span>", "font_invalid_color", 1 },
	{ "<font face='Arial, sans-serif'>x", "font_face_bad", -1 },
	{ "<font face='Ari3al'>x", "font_face_bad", 1 },
	{ "<form action=MAILTO:x>", "form_action_mailto", 1 },
	{ "<embed src=x>", "embeds", 1 },
	{ "\xc3\xa9x", "length", 2 },
	{ "a b", "non_space_len", 2 },
	{ "x", "no_such", -1 },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < MR_COUNT(numbers); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_sa_html h;
		double v;

		mr_sa_html_read(mr_slice_of(numbers[i].html), true, &(size_t){ 1000 }, arena, &h);
		v = mr_sa_html_number(&h, mr_slice_of(numbers[i].name));
		if (numbers[i].value < 0 ? !isnan(v) : fabs(v - numbers[i].value) > 1e-9 || isnan(v))
			fail_msg("%s: %s is %g", numbers[i].html, numbers[i].name, v);
	}
}

static void test_flags(void **state)
{
	static const struct {
		const char *message, *flag;
	} cases[] = {
		{ "Subject: x\n--b\n", "missing_head_body_separator" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nno header\n--b--\n", "missing_mime_headers" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\ntext\n--b--\n",
		  "missing_mime_head_body_separator" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b--\nmore\n",
		  "mime_epilogue_exists" },
	};
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	for (size_t i = 0; i < MR_COUNT(cases); i++)
		for (size_t k = 0; k < MR_COUNT(cases); k++) {
			mr_autoarena arena = mr_arena_new(0);
			struct mr_sa *sa = mr_sa_read(mr_slice_of(cases[i].message), conf, NULL, arena);
			bool also = i == 1 && k == 2; /* a line that is no header field is no empty line, either */

			assert_int_equal(mr_sa_flag(sa, mr_slice_of(cases[k].flag)), i == k || also);
		}
	mr_sa_conf_free(conf);
}

#define TEN(x)   x x x x x x x x x x
#define LINE_2K  TEN(TEN(TEN("aa")))
#define HTML     "Content-Type: text/html\n\n"
#define MIXED    "Content-Type: multipart/mixed; boundary=b\n\n"
#define ATTACHED "Content-Type: message/rfc822\n\n"
#define NESTED   TEN(ATTACHED) ATTACHED ATTACHED ATTACHED ATTACHED ATTACHED ATTACHED ATTACHED ATTACHED ATTACHED

/* As many rules would. */
static void ask_all(struct mr_sa *sa)
{
	struct mr_slice value;
	size_t n;

	mr_sa_rawbody(sa);
	mr_sa_uris(sa);
	mr_sa_get(sa, MR_LIT("From:addr"));
	mr_sa_get(sa, MR_LIT("ALL"));
	mr_sa_relays(sa, MR_SA_UNTRUSTED, &n);
	for (size_t rule = 0; rule < 100; rule++) {
		for (n = 0; n < mr_sa_n_parts(sa); n++) {
			mr_sa_part_header(sa, n, MR_LIT("Content-Type"), &value);
			mr_sa_part_header(sa, n, MR_LIT("ALL"), &value);
			mr_sa_part_header(sa, n, MR_LIT("ALL:raw"), &value);
		}
	}
}

/* What a stranger may send: done soon, and within the arena. */
static void test_hostile(void **state)
{
	static const struct {
		const char *before, *unit, *after;
		size_t times;
	} cases[] = {
		{ "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\nx\n", "", 300000 },
		{ "Subject: x\n", "X-A: b\n", "\nbody", 200000 },
		{ "Content-Type: text/html\n\n<a href=\"", "x", "\">y", 1000000 },
		{ "Content-Type: text/html\n\n", "<div>", "x", 200000 },
		{ "Content-Type: text/html\n\n", "<font size=1>", "x", 100000 },
		{ "Content-Type: text/html\n\n<b ", "a=b ", ">x", 200000 },
		{ "Content-Type: text/html\n\n", "<!--", "", 300000 },
		{ "Content-Type: text/html\n\n", "&#x1F600;", "", 100000 },
		{ "\n", "\0", "", 1000000 },
		{ "\n", " \n", "", 500000 },
		{ "\n", "a@b.example ", "", 100000 },
		{ "\n", "www.", "", 200000 },
		{ "\n", "http://a.example/http://", "", 50000 },
		{ "From: ", "<", "\n\n", 8000 },
		{ "From: ", "\"a\" <b>>", "\n\n", 1000 },
		{ "Received: from ", "a ([", "\n\n", 2000 },
		{ "Received: from a", " by (", "\n\n", 1500 },
		{ "Subject: ", "=?utf-8?Q?a?= ", "\n\n", 500 },
		{ "Content-Type: multipart/mixed; boundary=a\n\n", "--a\nContent-Type: multipart/mixed; boundary=a\n\n", "", 20000 },
		{ "Content-Type: message/rfc822\n\n", "Content-Type: message/rfc822\n\n", "", 50000 },
		{ NESTED "\n", "hello <b>x</b>\n", "", 120000 },
		{ NESTED "\n", "hello <b>x</b>\r\n", "", 120000 },
		{ NESTED "\n", LINE_2K LINE_2K "\n", "", 400 },
		{ MIXED, "--b\nContent-Type: text/html\n\n<!--x--><title>t</title><a href=http://x.example/>x</a>\n", "", 1000 },
		{ MIXED "--b\nContent-Type: text/plain; name=\"", "a", "\"\n\nx\n", 1 << 20 },
		{ MIXED "--b\nContent-Type: text/plain", ";\n name*0=a", "\n\nx\n", 100000 },
		{ MIXED, "--b\nContent-Type: text/plain; name=" LINE_2K "\n\nx\n", "", 990 },
		{ HTML "<base href=http://x.example/" LINE_2K "/>", "<a href=../x>", "", 60000 },
		{ HTML, "<a href=http://x.example/?" TEN(TEN("http://k.example/?")) ">x</a>", "", 270 },
		{ MIXED, "--b\n\n" TEN("http://x.example/" LINE_2K "\n") TEN("http://y.example/" LINE_2K "\n"), "", 50 },
		{ HTML, "<meta http-equiv=content-type content='text/html; charset=utf-7'>", "", 14000 },
		{ HTML, "<a href=http://x.example/>" LINE_2K "</a>", "", 900 },
	};
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf b = MR_BUF(8u << 20);
		struct mr_sa *sa;

		mr_buf_puts(&b, cases[i].before);
		for (size_t k = 0; k < cases[i].times; k++)
			mr_buf_add(&b, cases[i].unit[0] ? mr_slice_of(cases[i].unit) : (struct mr_slice){ "", 1 });
		mr_buf_puts(&b, cases[i].after);
		sa = mr_sa_read(mr_buf_slice(&b), conf, NULL, arena);
		assert_true(mr_sa_body(sa)->n > 0);
		ask_all(sa);
		assert_true(mr_arena_used(arena) < 10 * (size_t)MR_SA_BYTES_MAX);
		mr_buf_done(&b);
	}
	mr_sa_conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bodies), cmocka_unit_test(test_signed), cmocka_unit_test(test_chunks),
					    cmocka_unit_test(test_uris),   cmocka_unit_test(test_links),  cmocka_unit_test(test_numbers),
					    cmocka_unit_test(test_flags),  cmocka_unit_test(test_hostile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
