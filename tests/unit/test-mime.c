/* mime: parts, names and text of messages, and what hostile ones may not cost. */
/* ours */
#include "base/buf.h"
#include "mail/mime.h"
#include "unit.h"

#define HEAD  "From: a@example.org\nMIME-Version: 1.0\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\n\n"

static const char *const kinds[] = { "plain", "html", "file" };

/* Each part as "kind type|charset|name|depth|content", a line each; flags of the view at the end. */
static void describe(struct mr_mime_view *v, struct mr_buf *out)
{
	for (size_t i = 0; i < v->n_parts; i++) {
		struct mr_mime_part *p = &v->parts[i];
		struct mr_slice bytes = p->kind == MR_MIME_FILE ? mr_mime_bytes(v, p) : p->text;

		mr_buf_printf(out, "%s %.*s|%.*s|%.*s|%u|%.*s%s%s%s\n", kinds[p->kind], (int)p->type.n, p->type.p, (int)p->charset.n,
			      p->charset.p, (int)p->name.n, p->name.p, p->depth, (int)bytes.n, bytes.p ? bytes.p : "",
			      p->attachment ? "|attachment" : "", p->cut ? "|cut" : "", p->bad_charset ? "|charset" : "");
	}
	mr_buf_printf(out, "%s%s", v->cut ? "cut " : "", v->broken ? "broken " : "");
}

static const struct {
	const char *in, *out;
} messages[] = {
	{ HEAD "\nhello\n", "plain text/plain|||0|hello\n\n" },
	{ HEAD "Content-Type: text/plain; charset=ISO-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n",
	  "plain text/plain|iso-8859-1||0|Gr\xc3\xbc\xc3\x9f"
	  "e\n\n" },
	/* no charset: UTF-8 if it is, else windows-1252 */
	{ HEAD "\nGr\xc3\xbc\xc3\x9f"
	       "e\n",
	  "plain text/plain|||0|Gr\xc3\xbc\xc3\x9f"
	  "e\n\n" },
	{ HEAD "\nGr\xfc\xdf"
	       "e \x80\n",
	  "plain text/plain|||0|Gr\xc3\xbc\xc3\x9f"
	  "e \xe2\x82\xac\n\n" },
	{ HEAD "Content-Type: text/plain; charset=x-none\n\nabc \xfc\n", "plain text/plain|x-none||0|abc \xc3\xbc\n|charset\n" },
	{ HEAD "Content-Type: text/plain; charset=utf-8\n\na\xff"
	       "b\n",
	  "plain text/plain|utf-8||0|a\xef\xbf\xbd"
	  "b\n\n" },
	{ HEAD "Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n\n8NLJ18XUCg==\n",
	  "plain text/plain|koi8-r||0|\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\n\n" },
	{ HEAD "Content-Type: text/plain; charset=\"utf-8//TRANSLIT\"\n\na\n", "plain text/plain|utf-8//translit||0|a\n|charset\n" },
	{ MIXED "--b\n\none\n--b\nContent-Type: text/html\n\n<b>two</b>\n--b--\n",
	  "plain text/plain|||1|one\nhtml text/html|||1|<b>two</b>\n" },
	{ MIXED "--b\nContent-Type: application/pdf; name=\"a.pdf\"\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n"
		"JVBERg==\n--b--\n",
	  "file application/pdf||a.pdf|1|%PDF|attachment\n" },
	/* RFC 2231: continued, with a charset; it wins over the old name= */
	{ MIXED "--b\nContent-Type: application/octet-stream; name=old.txt\nContent-Disposition: attachment; filename*0*=utf-8''%d0%b2;\n"
		" filename*1=irus.js\n\nx\n--b--\n",
	  "file application/octet-stream||\xd0\xb2irus.js|1|x|attachment\n" },
	/* RFC 2047 inside a parameter: forbidden and everywhere */
	{ MIXED "--b\nContent-Type: application/zip; name=\"=?utf-8?B?0LIuemlw?=\"\n\nx\n--b--\n",
	  "file application/zip||\xd0\xb2.zip|1|x\n" },
	/* an attached message: its parts, one deeper */
	{ MIXED "--b\nContent-Type: message/rfc822\n\nSubject: x\n\ninner\n--b--\n", "plain text/plain|||2|inner\n" },
	/* an unclosed quote round the boundary hides the parts from the parser */
	{ HEAD "Content-Type: multipart/mixed; boundary=\"b\n\n--b\n\nspam\n--b--\n",
	  "plain text/plain|||0|--b\n\nspam\n--b--\n\nbroken " },
	{ "", "plain text/plain|||0|\n" },
	{ "no header at all", "plain text/plain|||0|\n" },
};

static void test_parse(void **state)
{
	for (size_t i = 0; i < MR_COUNT(messages); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf said = MR_BUF(10000);
		struct mr_mime_view v;

		mr_mime_parse(mr_slice_of(messages[i].in), arena, &v);
		describe(&v, &said);
		assert_slice(mr_buf_slice(&said), messages[i].out);
		mr_mime_free(&v);
		mr_buf_done(&said);
	}
}

/* What is repeated n times between a front and an end. */
static void repeat(struct mr_buf *out, const char *front, const char *again, size_t n, const char *end)
{
	mr_buf_puts(out, front);
	while (n--)
		mr_buf_puts(out, again);
	mr_buf_puts(out, end);
}

static const struct {
	const char *front, *again, *end;
	size_t n;
	size_t parts; /* at most */
	bool cut;
} hostile[] = {
	{ MIXED, "--b\nContent-Type: multipart/mixed; boundary=b\n\n", "x\n", 50000, 1, true },
	{ MIXED, "--b\n\n\n", "--b--\n", 300000, MR_MIME_PARTS_MAX, true },
	{ MIXED "--b\n", "Content-Type: message/rfc822\n\n", "x\n", 50000, 1, true },
	{ "", "A: b\n", "\nx\n", 200000, 1, false },
	{ HEAD "Content-Type: text/plain; x=\"", "yyyyyyyyyyyyyyyyyyyy", "\"\n\nx\n", 50000, 1, false },
	{ HEAD "\n", "-- \n", "", 9000, 1, false },
	{ HEAD "Content-Type: text/plain; charset=utf-7\n\n", "+AAA", "\n", 2000000, 1, false },
	{ HEAD "\n", "text of a long letter\n", "", 2500000, 1, false },
};

static void test_hostile(void **state)
{
	for (size_t i = 0; i < MR_COUNT(hostile); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf message = MR_BUF(100u << 20);
		struct mr_mime_view v;
		size_t text = 0;

		repeat(&message, hostile[i].front, hostile[i].again, hostile[i].n, hostile[i].end);
		mr_mime_parse(mr_buf_slice(&message), arena, &v);
		assert_in_range(v.n_parts, 1, hostile[i].parts);
		assert_int_equal(v.cut, hostile[i].cut);
		for (size_t p = 0; p < v.n_parts; p++)
			text += v.parts[p].text.n;
		assert_in_range(text, 0, 3 * MR_MIME_TEXT_MAX);
		mr_mime_free(&v);
		mr_buf_done(&message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_hostile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
