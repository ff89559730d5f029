/* html: text, hidden text, links and images of HTML, and hostile HTML. */
/* ours */
#include "base/buf.h"
#include "mail/html.h"
#include "unit.h"

static const struct {
	const char *in, *text, *hidden, *links; /* links: "target=text" of each, a bar behind it */
} pages[] = {
	{ "<p>Hello <b>you</b></p><p>there</p>", "Hello you\nthere", "", "" },
	{ "Gr&uuml;&szlig;e &amp; mehr&#33;",
	  "Gr\xc3\xbc\xc3\x9f"
	  "e & mehr!",
	  "", "" },
	{ "one<br>two<div>three</div>four", "one\ntwo\nthree\nfour", "", "" },
	{ "a  b\n c<script>x()</script><style>p{}</style>d", "a b cd", "", "" },
	{ "x<!-- y -->z", "xz", "", "" },
	{ "<span style=\"display:none\">no</span>yes", "yes", "no", "" },
	{ "<div style='font-size:0px'>no <b>no</b></div>yes", "yes", "no no", "" },
	{ "<div style='Display : None !important'>no</div>yes", "yes", "no", "" },
	{ "<font color=white>no</font>yes", "yes", "no", "" },
	{ "<td bgcolor=#000000><font color=#fff>yes</font><font color='#010101'>no</font></td>", "yes", "no", "" },
	{ "<p style='color:rgb(255, 255, 255)'>no</p><p style='color:rgb(25, 25, 25)'>yes</p>", "yes", "no", "" },
	{ "<p hidden>no</p>yes", "yes", "no", "" },
	{ "<a href='http://a.example/?x=1&amp;y=2'>click <b>here</b></a> now", "click here now", "",
	  "http://a.example/?x=1&y=2=click here|" },
	{ "<a href=http://a.example>one<a href=http://b.example>two", "onetwo", "", "http://a.example=one|http://b.example=two|" },
	{ "<form action=http://f.example></form>", "", "", "http://f.example=|" },
	{ "<a href='http://a.example", "", "", "http://a.example=|" },
	{ "<title>T</title>x", "x", "", "" },
	{ "<a name=x>no link</a>", "no link", "", "" },
	{ "<scr<script>ipt>", "ipt>", "", "" },
	{ "", "", "", "" },
	{ "<", "", "", "" },
};

static void test_pages(void **state)
{
	for (size_t i = 0; i < MR_COUNT(pages); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf links = MR_BUF(10000);
		struct mr_html h;

		mr_html_read(mr_slice_of(pages[i].in), arena, &h);
		for (size_t l = 0; l < h.n_links; l++)
			mr_buf_printf(&links, "%.*s=%.*s|", (int)h.links[l].target.n, h.links[l].target.p, (int)h.links[l].text.n,
				      h.links[l].text.p);
		assert_slice(h.text, pages[i].text);
		assert_slice(h.hidden, pages[i].hidden);
		assert_slice(mr_buf_slice(&links), pages[i].links);
		mr_buf_done(&links);
	}
}

static void test_images(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_html h;

	mr_html_read(
	    MR_LIT("<img src=a.png width=1 height=1><img src=b.png width=10 height=1><img><iframe src=c></iframe><script></script>"), arena,
	    &h);
	assert_int_equal(h.n_images, 3);
	assert_slice(h.images[0].source, "a.png");
	assert_true(h.images[0].tiny);
	assert_false(h.images[1].tiny);
	assert_true(h.embedded && h.script && !h.form);
}

static const struct {
	const char *front, *again, *end;
	size_t n;
} hostile[] = {
	{ "", "<div>", "x", 100000 },
	{ "", "<b><p>", "x", 50000 },
	{ "", "<table><tr><td>", "x", 30000 },
	{ "<p ", "a=1 ", ">x", 120000 },
	{ "<p ", "a", "=1>x", 500000 },
	{ "", "<a href=http://x.example/>", "x", 20000 },
	{ "<a href=\"", "xxxxxxxxxx", "", 50000 },
	{ "", "&amp", "", 100000 },
	{ "", "<!--", "", 100000 },
	{ "", "<p style='color:red;", "'>", 20000 },
	{ "x", "<", "", 500000 },
};

static void test_hostile(void **state)
{
	for (size_t i = 0; i < MR_COUNT(hostile); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf page = MR_BUF(4u << 20);
		struct mr_html h;

		mr_buf_puts(&page, hostile[i].front);
		for (size_t n = 0; n < hostile[i].n; n++)
			mr_buf_puts(&page, hostile[i].again);
		mr_buf_puts(&page, hostile[i].end);
		mr_html_read(mr_buf_slice(&page), arena, &h);
		assert_in_range(h.n_links, 0, MR_HTML_LINKS_MAX);
		mr_buf_done(&page);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pages), cmocka_unit_test(test_images), cmocka_unit_test(test_hostile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
