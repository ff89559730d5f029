/* pdf: links, actions, text and files of PDF files, in the forms in which they stand there, and what hostile ones may not cost. */
/* libraries */
#include <zlib.h>

/* ours */
#include "base/buf.h"
#include "mail/mime.h"
#include "mail/pdf.h"
#include "unit.h"

#define HEAD "%PDF-1.7\n"

/* "link " of each, then what it does, then the text. */
static void say(struct mr_slice pdf, struct mr_buf *said)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_pdf p;

	mr_pdf_read(pdf, arena, &p);
	for (size_t i = 0; i < p.n_links; i++)
		mr_buf_printf(said, "%.*s ", (int)p.links[i].n, p.links[i].p);
	mr_buf_printf(said, "%s%s%s%s%s", p.encrypted ? "E" : "", p.script ? "S" : "", p.open_script ? "O" : "", p.launch ? "L" : "",
		      p.cut ? "C" : "");
	mr_buf_printf(said, "%zu.%zu.%zu|", p.n_pages, p.n_images, p.n_files);
	mr_buf_add(said, p.text);
}

static void assert_said(struct mr_slice pdf, const char *expected)
{
	struct mr_buf said = MR_BUF(1u << 20);

	say(pdf, &said);
	if (strcmp(said.p, expected) != 0)
		fail_msg("%.*s\nsays %s, not %s", (int)(pdf.n < 2000 ? pdf.n : 2000), pdf.p, said.p, expected);
	mr_buf_done(&said);
}

static const struct {
	const char *objects, *said;
} plain[] = {
	{ "", "0.0.0|" },
	/* addresses: plain, with escapes, in several lines, nested, in hexadecimal, in UTF-16, in an object of their own */
	{ "1 0 obj <</A<</S/URI/URI(http://a.example/x)>>>> endobj", "http://a.example/x 0.0.0|" },
	{ "1 0 obj<</Type/Annot/A<</URI (http://a.example/\\050b\\)\\\\\\\nc\\\r\nd(e)f)/S /URI>>>>endobj",
	  "http://a.example/(b)\\cd(e)f 0.0.0|" },
	{ "1 0 obj <</#55R#49 <68 74 7470 3a 2f2f612e6578616d706c652f>>> endobj", "http://a.example/ 0.0.0|" },
	{ "1 0 obj <</URI <FEFF0061002E00E4>>> endobj", "a.\xc3\xa4 0.0.0|" },
	{ "1 0 obj <</URI 2 0 R>> endobj 2 0 obj (https://b.example/) endobj 3 0 obj (no) endobj", "https://b.example/ 0.0.0|" },
	{ "1 0 obj <</S/SubmitForm/F<</FS/URL/F(https://b.example/f)>>>> endobj", "https://b.example/f 0.0.0|" },
	{ "1 0 obj <</URI(a.example)>> endobj 2 0 obj <</URI(a.example)>>", "a.example 0.0.0|" },
	{ "1 0 obj % /URI(no.example)\n<</Title(/URI(no.example))>> endobj", "0.0.0|" },
	/* objects that do not end, with something between */
	{ "1 0 obj <</URI(a.example)>> 2 0 obj <</URI(b.example)>> ((((<< 3 0 obj<</URI(c.example)>>endobj",
	  "a.example b.example c.example 0.0.0|" },
	{ "1 0 obj <</URI(a.example)>> endobj (( 2 0 obj <</URI(b.example)>> endobj", "a.example b.example 0.0.0|" },
	{ "xobj 1 obj 0 obj R 0 obj <</URI(a.example)>>", "0.0.0|" },
	{ "1 0 obj <</URI(a.example", "a.example 0.0.0|" },
	{ "1 0 obj <</URI<61", "a 0.0.0|" },
	{ "1 0 obj <</URI(a.example\\", "a.example 0.0.0|" },
	/* what it does */
	{ "1 0 obj <</S/JavaScript/JS(app.alert(1))>> endobj", "S0.0.0|" },
	{ "1 0 obj <</OpenAction<</S /JavaScript /JS(x)>>>> endobj", "SO0.0.0|" },
	{ "1 0 obj <</OpenAction 7 0 R>> endobj 7 0 obj <</S /JavaScript /JS 8 0 R>> endobj", "SO0.0.0|" },
	{ "1 0 obj <</OpenAction [7 0 R /Fit]>> endobj 7 0 obj <</AA<</S /JavaScript>>>> endobj", "S0.0.0|" },
	{ "1 0 obj <</OpenAction<</S/GoTo>>/AA<</K<</S/JavaScript>>>>>> endobj", "S0.0.0|" },
	{ "1 0 obj <</A<</S/Launch/Win<</F(cmd.exe)>>>>>> endobj", "L0.0.0|" },
	{ "1 0 obj <</Type/Page>> endobj 2 0 obj <</Type /Page>> endobj 3 0 obj <</Type/Pages/Kids[]>> endobj", "2.0.0|" },
	{ "1 0 obj <</Subtype/Image/Length 3>> stream\nobj endstream endobj", "0.1.0|" },
	{ "trailer <</Size 3/Encrypt 2 0 R>> startxref", "E0.0.0|" },
	{ "1 0 obj <</Type/XRef/Encrypt 2 0 R>> endobj", "E0.0.0|" },
	/* text */
	{ "1 0 obj <<>> stream\nBT (Hello) Tj 0 -12 Td [(w) -20 (orld) -300 (of)] TJ (next) ' ET\nendstream",
	  "0.0.0|Hello\nworld of\nnext\n" },
	{ "1 0 obj <</Length 11>> stream\r\nBT (a) Tj ETendstream endobj", "0.0.0|a\n" },
	{ "1 0 obj <</Length 5>> stream\nBT (endstrean) Tj ET\nendstream endobj", "0.0.0|endstrean\n" },
	{ "1 0 obj <<>> stream\n/P <</ActualText(no)>> BDC BT <0102> Tj (\1\2a\\200) Tj 5 0 Td (b) Tj T* (c) \" ET",
	  "0.0.0|a\xe2\x82\xac b\nc\n" },
	{ "1 0 obj <<>> stream\nBI /W 1 ID EI(no) TjEIx(no) Tj\nEI BT (a) Tj ET\nendstream", "0.0.0|a\n" },
	{ "1 0 obj <</Filter/RunLengthDecode>> stream\nBT (a) Tj ET\nendstream", "0.0.0|" },
	{ "1 0 obj <</Filter[/ASCIIHexDecode]>> stream\n42542028 61 29546a20>(b) Tj\nendstream", "0.0.0|a\n" },
	{ "1 0 obj <</Filter/A85>> stream\n6<#'UGUXb7C*5rE~>\nendstream", "0.0.0|x\n" },
	{ "1 0 obj <</Length1 9>> stream\nBT (a) Tj ET\nendstream", "0.0.0|" },
	{ "1 0 obj <</Filter/FlateDecode>> stream\nno\nendstream", "0.0.0|" },
	/* uncompressed object streams */
	{ "9 0 obj <</Type/ObjStm/N 2/First 10>> stream\n1 0 2 19   <</URI(a.example)>> <</Type/Page>> endstream", "a.example 1.0.0|" },
	{ "9 0 obj <</Type/ObjStm/N 2/First 12>> stream\n1 0 7 22    <</OpenAction 7 0 R>> <</S/JavaScript>> endstream", "SO0.0.0|" },
	{ "9 0 obj <</Type/ObjStm/N 99999/First 99999>> stream\n1 2 3 endstream", "C0.0.0|" },
	{ "9 0 obj <</Type/ObjStm/N 3/First 12>> stream\n1 900 2 0 3   <</URI(a.example)>>", "a.example 0.0.0|" },
	{ "9 0 obj <</Type/ObjStm/N 1/First 4/Filter 2 0 R>> stream\n1 0 <</URI(a.example)>>", "C0.0.0|" },
	{ "9 0 obj <</Type/ObjStm/N 1/First 4/DecodeParms<</Predictor 12>>>> stream\n1 0 <</URI(a.example)>>", "C0.0.0|" },
	{ "9 0 obj <</Type/ObjStm/N 1/First 4/DecodeParms[2 0 R]>> stream\n1 0 <</URI(a.example)>>", "C0.0.0|" },
	{ "9 0 obj <</Type/ObjStm/N 1/First 4/X<</Filter/LZWDecode>>>> stream\n1 0 <</URI(a.example)>>", "a.example 0.0.0|" },
	{ "7 % 1\n0 %2 2\nobj <</S/JavaScript>> endobj 1 0 obj <</OpenAction 7 0 R>> endobj", "SO0.0.0|" },
	{ "%1 0 obj <</URI(a.example)>> endobj", "a.example 0.0.0|" },
	/* one in another: a table of references may say that it begins there */
	{ "1 0 obj (\n2 0 obj <</URI(a.example)>> endobj) endobj", "a.example 0.0.0|" },
	{ "1 0 obj <</Length 42>> stream\n2 0 obj <</URI(a.example)>> endobj         \nendstream", "a.example 0.0.0|" },
};

static void test_plain(void **state)
{
	for (size_t i = 0; i < MR_COUNT(plain); i++) {
		struct mr_buf pdf = MR_BUF(10000);

		mr_buf_puts(&pdf, HEAD);
		mr_buf_puts(&pdf, plain[i].objects);
		assert_said(mr_buf_slice(&pdf), plain[i].said);
		mr_buf_done(&pdf);
	}
}

static void test_begins(void **state)
{
	struct mr_buf late = MR_BUF(2000);

	assert_true(mr_pdf_begins(MR_LIT("\xef\xbb\xbf\n%PDF-1.4")));
	assert_false(mr_pdf_begins(MR_LIT("%PDF")));
	assert_false(mr_pdf_begins((struct mr_slice){ 0 }));
	for (int i = 0; i < 1024; i++)
		mr_buf_putc(&late, 'x');
	mr_buf_puts(&late, HEAD "1 0 obj <</URI(a.example)>> endobj");
	assert_said(mr_buf_slice(&late), "0.0.0|");
	mr_buf_consume(&late, 10);
	assert_said(mr_buf_slice(&late), "a.example 0.0.0|");
	mr_buf_done(&late);
}

/* -- packed streams -- */

static void add_packed(struct mr_buf *pdf, const char *dict, struct mr_slice content)
{
	uLongf n = compressBound(content.n);
	mr_autofree char *packed = mr_alloc(n);

	assert_int_equal(compress((Bytef *)packed, &n, (const Bytef *)content.p, content.n), Z_OK);
	mr_buf_printf(pdf, "9 0 obj <</Filter [/FlateDecode] /Length %lu %s>>\nstream\r\n", n, dict);
	mr_buf_add(pdf, (struct mr_slice){ packed, n });
	mr_buf_puts(pdf, "\nendstream\nendobj\n");
}

static void test_packed(void **state)
{
	struct mr_buf pdf = MR_BUF(1u << 20);

	mr_buf_puts(&pdf, HEAD);
	add_packed(&pdf, "/Type/ObjStm/N 1/First 4", MR_LIT("1 0 <</URI(http://a.example/)>>"));
	add_packed(&pdf, "/Type/ObjStm/N 1/First 4", MR_LIT("1 0 <</URI(http://b.example/)>>"));
	add_packed(&pdf, "", MR_LIT("BT (hello) Tj ET"));
	assert_said(mr_buf_slice(&pdf), "http://a.example/ http://b.example/ 0.0.0|hello\n");
	/* of a broken one what comes before the fault */
	mr_buf_reset(&pdf);
	mr_buf_puts(&pdf, HEAD);
	add_packed(&pdf, "", MR_LIT("BT (hello) Tj ET"));
	memset(pdf.p + pdf.n - sizeof("1234\nendstream\nendobj\n") + 1, 'x', 4);
	assert_said(mr_buf_slice(&pdf), "0.0.0|hello\n");
	mr_buf_done(&pdf);
}

/* -- files in it -- */

static bool see(struct mr_slice name, struct mr_slice content, void *arg)
{
	assert_true((name.n == 0) != (content.n == 0));
	mr_buf_printf(arg, "%.*s%s%.*s%s", (int)name.n, name.n ? name.p : "", name.n ? "< " : "", (int)content.n,
		      content.n ? content.p : "", content.n ? "> " : "");
	return true;
}

static bool stop(struct mr_slice name, struct mr_slice content, void *arg)
{
	see(name, content, arg);
	return false;
}

static void test_files(void **state)
{
	struct mr_buf pdf = MR_BUF(1u << 20), said = MR_BUF(1000);
	size_t left = 1000;
	bool encrypted;

	mr_buf_puts(&pdf, HEAD "1 0 obj <</Type/Filespec /F(a.js)/UF<FEFF0062002E006A0073>/EF<</F 9 0 R>>>> endobj\n");
	mr_buf_puts(&pdf, "2 0 obj <</Type/Filespec /F(no.js)>> endobj 3 0 obj <</S/Launch/F(no.exe)>> endobj\n");
	add_packed(&pdf, "/Type/EmbeddedFile", MR_LIT("content"));
	mr_buf_puts(&pdf, "4 0 obj <</Type/EmbeddedFile>> stream\nMZ\nendstream endobj\n");
	assert_true(mr_pdf_files(mr_buf_slice(&pdf), &left, &encrypted, see, &said));
	assert_slice(mr_buf_slice(&said), "a.js< b.js< content> MZ\n> ");
	assert_int_equal(left, 982); /* packed it is longer */
	assert_said(mr_buf_slice(&pdf), "L0.0.2|");
	/* no room for it; nobody listens; a filter that is not known */
	left = 3;
	mr_buf_reset(&said);
	assert_false(mr_pdf_files(mr_buf_slice(&pdf), &left, &encrypted, see, &said));
	assert_slice(mr_buf_slice(&said), "a.js< b.js< con> ");
	mr_buf_reset(&said);
	assert_true(mr_pdf_files(mr_buf_slice(&pdf), &left, &encrypted, stop, &said));
	assert_slice(mr_buf_slice(&said), "a.js< ");
	mr_buf_puts(&pdf, "5 0 obj <</Type/EmbeddedFile/Filter/RunLengthDecode>> stream\nMZ\nendstream endobj\n");
	left = 1000;
	assert_false(mr_pdf_files(mr_buf_slice(&pdf), &left, &encrypted, see, &said));
	mr_buf_done(&pdf);
	mr_buf_done(&said);
}

/* Names and files in objects of their own, and a stream that does not say that it is one. */
static void test_referenced(void **state)
{
#define SPEC   "1 0 obj <</F 2 0 R/EF<</UF 4 0 R>>>> endobj 2 0 obj (a.js) endobj "
#define FILE_4 "4 0 obj <<>> stream\nMZ\nendstream endobj "
	static const struct {
		const char *objects, *said;
		bool encrypted, whole;
	} t[] = {
		{ SPEC FILE_4, "a.js< MZ\n> ", false, true },
		{ FILE_4 SPEC, "MZ\n> a.js< ", false, true },
		{ "1 0 obj <</Unix(a.js)/EF 2 0 R>> endobj 2 0 obj <</DOS 4 0 R>> endobj " FILE_4, "a.js< MZ\n> ", false, true },
		{ "1 0 obj <</F(a.js)/UF(b.js)/EF<</F 4 0 R>>>> endobj 4 0 obj <</Type/EmbeddedFile>> stream\nMZ\nendstream",
		  "a.js< b.js< MZ\n> ", false, true },
		{ "1 0 obj <</F 2 0 R/EF<</F 4 0 R>>>> endobj 9 0 obj <</Type/ObjStm/N 1/First 4>> stream\n2 0 (a.js)\nendstream " FILE_4,
		  "a.js< MZ\n> ", false, true },
		{ "1 0 obj <</FS/URL/F 2 0 R>> endobj 2 0 obj (http://a.example.com) endobj", "", false, true },
		{ SPEC "4 0 obj <</Filter 5 0 R>> stream\nMZ\nendstream", "a.js< ", false, false },
		{ SPEC "4 0 obj <</DecodeParms<</Predictor 12>>>> stream\nMZ\nendstream", "a.js< ", false, false },
		{ SPEC FILE_4 "trailer <</Encrypt 3 0 R>>", "a.js< MZ\n> ", true, true },
		{ "4 0 obj <<>> stream\nMZ\nendstream trailer <</Encrypt 3 0 R>>", "", false, true },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_buf pdf = MR_BUF(10000), said = MR_BUF(1000);
		bool encrypted = false;
		size_t left = 1000;

		mr_buf_puts(&pdf, HEAD);
		mr_buf_puts(&pdf, t[i].objects);
		if (mr_pdf_files(mr_buf_slice(&pdf), &left, &encrypted, see, &said) != t[i].whole || encrypted != t[i].encrypted)
			fail_msg("%s: whole or encrypted is wrong", t[i].objects);
		assert_slice(mr_buf_slice(&said), t[i].said);
		mr_buf_done(&pdf);
		mr_buf_done(&said);
	}
}

/* -- what hostile ones may not cost -- */

static void test_hostile(void **state)
{
	static const struct {
		const char *again;
		size_t n;
		bool cut;
	} t[] = {
		{ "1 0 obj (", 80000, true },
		{ "1 0 obj <</URI(x", 80000, true },
		{ "1 0 obj << ", 40000, false },
		{ "1 0 obj <<>> stream\n", 40000, true },
		{ "1 0 obj<</URI(a)>>endobj ", 40000, false },
		{ "obj ", 200000, false },
		{ "trailer <<", 40000, false },
		{ "[<<", 200000, false },
		{ "1 0 obj <<>> stream\nBT\nendstream ", 24000, true },
		{ "1 0 obj <</F 1 0 R/Type/EmbeddedFile>> stream\n", 20000, false },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf pdf = MR_BUF(64u << 20);
		struct mr_pdf p;
		size_t left = 1000;
		bool encrypted;

		mr_buf_puts(&pdf, HEAD "0 0 obj ");
		for (size_t k = 0; k < t[i].n; k++)
			mr_buf_puts(&pdf, t[i].again);
		mr_pdf_read(mr_buf_slice(&pdf), arena, &p);
		if (p.cut != t[i].cut)
			fail_msg("%s: cut: %d", t[i].again, p.cut);
		mr_pdf_files(mr_buf_slice(&pdf), &left, &encrypted, stop, &(struct mr_buf){ .max = 10 });
		mr_buf_done(&pdf);
	}
}

/* Little that becomes much; many addresses. */
static void test_bombs(void **state)
{
	mr_autofree char *spaces = mr_alloc(20u << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf pdf = MR_BUF(1u << 20);
	struct mr_pdf p;

	memset(spaces, ' ', 20u << 20);
	mr_buf_puts(&pdf, HEAD);
	add_packed(&pdf, "/Type/ObjStm/N 1/First 4", (struct mr_slice){ spaces, 20u << 20 });
	mr_pdf_read(mr_buf_slice(&pdf), arena, &p);
	assert_true(p.cut);
	mr_buf_reset(&pdf);
	mr_buf_puts(&pdf, HEAD);
	for (int i = 0; i < 2000; i++)
		mr_buf_printf(&pdf, "1 0 obj <</URI(http://%d.example/)>> endobj\n", i);
	mr_pdf_read(mr_buf_slice(&pdf), arena, &p);
	assert_true(p.cut);
	assert_int_equal(p.n_links, MR_PDF_LINKS_MAX);
	mr_buf_done(&pdf);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plain), cmocka_unit_test(test_begins),     cmocka_unit_test(test_packed),
					    cmocka_unit_test(test_files), cmocka_unit_test(test_referenced), cmocka_unit_test(test_hostile),
					    cmocka_unit_test(test_bombs) };

	mr_mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
