/* pdf-text: what PDF files say by fonts with codes of their own, in packed streams, and where they are encrypted with the empty password.
 */
/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/mime.h"
#include "mail/pdf.h"
#include "unit.h"

#define HEAD "%PDF-1.7\n"

/* "link " of each, the text, and what it is. */
static void say(struct mr_slice pdf, struct mr_buf *said)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_pdf p;

	mr_pdf_read(pdf, arena, &p);
	for (size_t i = 0; i < p.n_links; i++)
		mr_buf_printf(said, "%.*s ", (int)p.links[i].n, p.links[i].p);
	mr_buf_add(said, p.text);
	mr_buf_puts(said, p.encrypted ? "E" : "");
	mr_buf_puts(said, p.cut ? "C" : "");
}

static void assert_said(struct mr_slice pdf, const char *expected)
{
	struct mr_buf said = MR_BUF(1u << 20);

	say(pdf, &said);
	if (strcmp(said.p, expected) != 0)
		fail_msg("%.*s\nsays %s, not %s", (int)(pdf.n < 2000 ? pdf.n : 2000), pdf.p, said.p, expected);
	mr_buf_done(&said);
}

/* -- codes of fonts -- */

#define PAGE      "1 0 obj <</Type/Page/Contents 2 0 R/Resources<</Font<</F1 3 0 R>>>>>> endobj "
#define SHOWS     "2 0 obj <<>> stream\nBT /F1 9 Tf (ab) Tj <6100> Tj ET\nendstream endobj "
#define WIDE      "2 0 obj <<>> stream\nBT /F1 9 Tf <0001000200030004> Tj (\\000\\002) Tj ET\nendstream endobj "
#define FONT      "3 0 obj <</Type/Font/Subtype/TrueType/ToUnicode 4 0 R>> endobj "
#define COMPOSITE "3 0 obj <</Type/Font/Subtype/Type0/ToUnicode 4 0 R>> endobj "
#define MAP(x)    "4 0 obj <<>> stream\n" x "\nendstream endobj "

static const struct {
	const char *objects, *said;
} fonts[] = {
	/* characters one by one; of one byte: what has no meaning is as it stands */
	{ PAGE SHOWS FONT MAP("1 beginbfchar <61> <0041> endbfchar"), "AbA\n" },
	{ PAGE SHOWS FONT MAP("2 beginbfchar\n<61> <20AC>\n<62> <D83DDE00> endbfchar"), "\xe2\x82\xac\xf0\x9f\x98\x80\xe2\x82\xac\n" },
	/* ranges, lists, several characters for a code */
	{ PAGE SHOWS FONT MAP("1 beginbfrange <60> <7f> <0040> endbfrange"), "ABA\n" },
	{ PAGE SHOWS FONT MAP("1 beginbfrange <61> <62> [<00660066> <0058>] endbfrange"), "ffXff\n" },
	{ PAGE SHOWS FONT MAP("1 beginbfrange <61> <61> [<0059>] <62> <62> <005a> endbfrange"), "YZY\n" },
	/* codes of two bytes */
	{ PAGE WIDE COMPOSITE MAP("1 beginbfrange <0001> <0003> <0041> endbfrange"), "ABCB\n" },
	{ PAGE WIDE COMPOSITE MAP("1 beginbfchar <0004> <0041> endbfchar"), "A\n" },
	{ PAGE WIDE COMPOSITE, "" },
	/* without a map strings are what they are, and hexadecimal is for the font alone */
	{ PAGE SHOWS "3 0 obj <</Type/Font/Subtype/Type1>> endobj", "aba\n" },
	{ SHOWS, "ab\n" },
	/* names of the page, of its resources, of its parent, of a form; the last font of that name that has a map */
	{ "1 0 obj <</Type/Page/Contents[9 0 R 2 0 R]/Resources 5 0 R>> endobj 5 0 obj <</Font 6 0 R>> endobj 6 0 obj <</F1 3 0 R>> "
	  "endobj " SHOWS FONT MAP("1 beginbfchar <61> <0041> endbfchar"),
	  "AbA\n" },
	{ "1 0 obj <</Type/Page/Parent 5 0 R/Contents 2 0 R>> endobj 5 0 obj <</Resources<</Font<</F1 3 0 R>>>>>> endobj " SHOWS FONT MAP(
	      "1 beginbfchar <61> <0041> endbfchar"),
	  "AbA\n" },
	{ "2 0 obj <</Subtype/Form/Resources<</Font<</F1 3 0 R>>>>>> stream\nBT /F1 9 Tf (ab) Tj ET\nendstream endobj "
	  "7 0 obj <</F1 8 0 R>> endobj 8 0 obj <</ToUnicode 9 0 R>> endobj 9 0 obj <<>> stream\n1 beginbfchar <61> <0042>\nendstream "
	  "endobj " FONT MAP("1 beginbfchar <61> <0041> endbfchar"),
	  "Ab\n" },
	{ SHOWS "7 0 obj <</F1 3 0 R>> endobj " FONT MAP("1 beginbfchar <61> <0041> endbfchar"), "AbA\n" },
	{ SHOWS "7 0 obj <</F1 7 0 R>> endobj ", "ab\n" },
	/* a later object replaces the one before */
	{ PAGE SHOWS FONT MAP("1 beginbfchar <61> <0041> endbfchar") MAP("1 beginbfchar <61> <0042> endbfchar"), "BbB\n" },
	/* broken maps */
	{ PAGE SHOWS FONT MAP("1 beginbfrange <62> <61> <0041> <61> endbfrange beginbfchar <61> <61> <> <62> <00> <D800> [<00]"), "aba\n" },
	{ PAGE SHOWS FONT MAP("1 beginbfchar <61> <0041> <6"), "AbA\n" },
	{ PAGE SHOWS FONT "4 0 obj <</Filter/FlateDecode>> stream\nno\nendstream endobj", "aba\n" },
	/* an address that only the map shows */
	{ PAGE "2 0 obj <<>> stream\nBT /F1 9 Tf <0102020304> Tj ET\nendstream endobj " FONT MAP(
	      "4 beginbfchar <01> <0068> <02> <0074> <03> <0070> <04> <003a002f002f> endbfchar"),
	  "http://\n" },
};

static void test_fonts(void **state)
{
	for (size_t i = 0; i < MR_COUNT(fonts); i++) {
		struct mr_buf pdf = MR_BUF(10000);

		mr_buf_puts(&pdf, HEAD);
		mr_buf_puts(&pdf, fonts[i].objects);
		assert_said(mr_buf_slice(&pdf), fonts[i].said);
		mr_buf_done(&pdf);
	}
}

/* Very many names, fonts, codes and changes of the font: bounded. */
static void test_many(void **state)
{
	struct mr_buf pdf = MR_BUF(16u << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_pdf p;

	mr_buf_puts(&pdf, HEAD "1 0 obj <</Type/Page/Contents[");
	for (int i = 0; i < 40000; i++)
		mr_buf_puts(&pdf, "2 0 R ");
	mr_buf_puts(&pdf, "]/Resources<</Font<<");
	for (int i = 0; i < 1000; i++)
		mr_buf_printf(&pdf, "/F%d %d 0 R ", i, i + 10);
	mr_buf_puts(&pdf, ">>>>>> endobj 3 0 obj <<>> stream\nbeginbfchar ");
	for (int i = 0; i < 20000; i++)
		mr_buf_printf(&pdf, "<%04x> <0041> ", i);
	mr_buf_puts(&pdf, "\nendstream endobj 2 0 obj <<>> stream\nBT ");
	for (int i = 0; i < 20000; i++)
		mr_buf_printf(&pdf, "/F%d 9 Tf (a) Tj ", i % 1000);
	mr_buf_puts(&pdf, "\nendstream endobj ");
	for (int i = 0; i < 1000; i++)
		mr_buf_printf(&pdf, "%d 0 obj <</Subtype/Type0/ToUnicode 3 0 R>> endobj ", i + 10);
	mr_pdf_read(mr_buf_slice(&pdf), arena, &p);
	assert_int_equal(p.n_pages, 1);
	mr_buf_done(&pdf);
}

/* -- LZW -- */

struct bits {
	struct mr_buf out;
	uint32_t v;
	unsigned n;
};

static void put(struct bits *b, unsigned code, unsigned width)
{
	b->v = b->v << width | code;
	for (b->n += width; b->n >= 8; b->n -= 8)
		mr_buf_putc(&b->out, (char)(b->v >> (b->n - 8)));
}

/* Each byte a code of its own, which become longer all the same. */
static void test_lzw(void **state)
{
	struct bits b = { .out = MR_BUF(100000) };
	struct mr_buf pdf = MR_BUF(100000), text = MR_BUF(100000);
	unsigned width = 9, next = 258;

	assert_said(
	    MR_LIT(HEAD
		   "1 0 obj <</Filter[/AHx/LZWDecode]>> stream\n80108a820141860d078398852202a1aa0861314422511854321c452a4040>\nendstream"),
	    "aaaaaaaaabababababab\n");
	/* no such code; a code at the beginning that stands for nothing */
	assert_said(MR_LIT(HEAD "1 0 obj <</Filter[/AHx/LZW]>> stream\n80108a8201ffff>\nendstream"), "");
	assert_said(MR_LIT(HEAD "1 0 obj <</Filter[/AHx/LZW]>> stream\n8080>\nendstream"), "");
	put(&b, 256, width);
	mr_buf_puts(&text, "BT (");
	for (int i = 0; i < 6000; i++)
		mr_buf_putc(&text, (char)('a' + i % 26));
	mr_buf_puts(&text, ") Tj");
	for (size_t i = 0; i < text.n; i++) {
		put(&b, (unsigned char)text.p[i], width);
		next += i > 0 && next < 4096;
		if (next + 1 >= 1u << width && width < 12)
			width++;
	}
	put(&b, 257, width);
	put(&b, 0, 8);
	mr_buf_puts(&pdf, HEAD "1 0 obj <</Filter/LZWDecode>> stream\n");
	mr_buf_add(&pdf, mr_buf_slice(&b.out));
	mr_buf_puts(&pdf, "\nendstream endobj");
	/* Strings are cut at their bound. */
	mr_buf_reset(&text);
	for (int i = 0; i < MR_PDF_STRING_MAX; i++)
		mr_buf_putc(&text, (char)('a' + i % 26));
	mr_buf_putc(&text, '\n');
	assert_said(mr_buf_slice(&pdf), text.p);
	mr_buf_done(&b.out);
	mr_buf_done(&pdf);
	mr_buf_done(&text);
}

/* -- encrypted files: qpdf has made them of one with an address and a text -- */

static const struct {
	const char *how, *pdf; /* base64 */
} encrypted[] = {
	{ "RC4, 40 bits",
	  "JVBERi0xLjQKJb/3ov4KMSAwIG9iago8PCAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL0NvdW50IDEgL0tpZHMg"
	  "WyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+PgplbmRvYmoKMyAwIG9iago8PCAvQW5ub3RzIFsgPDwgL0EgPDwgL1MgL1VSSSAvVVJJIDxjZDM4MjdlMjQwOWRm"
	  "NGQ1NWM2MzZkMGY2YjVlMjE4Nzk2PiA+PiAvUmVjdCBbIDAgMCA5IDkgXSAvU3VidHlwZSAvTGluayA+PiBdIC9Db250ZW50cyA0IDAgUiAvTWVkaWFCb3gg"
	  "WyAwIDAgOSA5IF0gL1BhcmVudCAyIDAgUiAvVHlwZSAvUGFnZSA+PgplbmRvYmoKNCAwIG9iago8PCAvTGVuZ3RoIDE3ID4+CnN0cmVhbQpds5IlQ/CHZf3Q"
	  "ublwIl82dGVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvRmlsdGVyIC9TdGFuZGFyZCAvTGVuZ3RoIDQwIC9PIDxjOTI0MjI2ODdmYWNlZTY4NmUzNzNm"
	  "MTBiNWM3ZDA0NzM4MDUzMTUyZjdlMmVlMzBlMTFjNjllYzQ0MjU3NmFiPiAvUCAtNCAvUiAyIC9VIDxiM2Q5ZmEzNjY5MDZlZjQyZjM1NGM2ZGViNzRjNTkw"
	  "NzVlYWYzMzRlYjdjMDQzNTZiYTBkN2YzZGQ4YjUxZDBhPiAvViAxID4+CmVuZG9iagp0cmFpbGVyIDw8IC9Sb290IDEgMCBSIC9TaXplIDYgL0lEIFs8MzE0"
	  "MTU5MjY1MzU4OTc5MzIzODQ2MjY0MzM4MzI3OTU+PDMxNDE1OTI2NTM1ODk3OTMyMzg0NjI2NDMzODMyNzk1Pl0gL0VuY3J5cHQgNSAwIFIgPj4K" },
	{ "RC4, 128 bits",
	  "JVBERi0xLjQKJb/3ov4KMSAwIG9iago8PCAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL0NvdW50IDEgL0tpZHMg"
	  "WyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+PgplbmRvYmoKMyAwIG9iago8PCAvQW5ub3RzIFsgPDwgL0EgPDwgL1MgL1VSSSAvVVJJIDwyYjQyM2YxMjEwZmEy"
	  "ODgwMWFjNDkzMTA1YTE4ZTg2YTM5PiA+PiAvUmVjdCBbIDAgMCA5IDkgXSAvU3VidHlwZSAvTGluayA+PiBdIC9Db250ZW50cyA0IDAgUiAvTWVkaWFCb3gg"
	  "WyAwIDAgOSA5IF0gL1BhcmVudCAyIDAgUiAvVHlwZSAvUGFnZSA+PgplbmRvYmoKNCAwIG9iago8PCAvTGVuZ3RoIDE3ID4+CnN0cmVhbQqBM0WFwKHzKDUD"
	  "mvQ+/hmxNWVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvRmlsdGVyIC9TdGFuZGFyZCAvTGVuZ3RoIDEyOCAvTyA8NTY2ZmE4NzNlZTMzYzc5N2NkM2I5"
	  "MDRmZGFkZjgxNGFmYTM0ZGY5YTM4ZjZlZDQxYjk4NGUyYzZkYTJhYTZmNT4gL1AgLTQgL1IgMyAvVSA8ZTIxY2MzZDEzYjBmYWE5OTM0ZGI3ZDIwZjExZTMz"
	  "M2UwMTIyNDU2YTkxYmFlNTEzNDI3M2E2ZGIxMzRjODdjND4gL1YgMiA+PgplbmRvYmoKdHJhaWxlciA8PCAvUm9vdCAxIDAgUiAvU2l6ZSA2IC9JRCBbPDMx"
	  "NDE1OTI2NTM1ODk3OTMyMzg0NjI2NDMzODMyNzk1PjwzMTQxNTkyNjUzNTg5NzkzMjM4NDYyNjQzMzgzMjc5NT5dIC9FbmNyeXB0IDUgMCBSID4+Cg==" },
	{ "AES, 128 bits",
	  "JVBERi0xLjYKJb/3ov4KMSAwIG9iago8PCAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL0NvdW50IDEgL0tpZHMg"
	  "WyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+PgplbmRvYmoKMyAwIG9iago8PCAvQW5ub3RzIFsgPDwgL0EgPDwgL1MgL1VSSSAvVVJJIDwwNWRmYmY4YTBjOWU1"
	  "NmYxOGU3MDRiYmIwOThhNTk3OGJlNDNhOWFiOTM5ZDU0NDg0YTI1MTZhN2U2NmRlZDIzOGEwY2FiZTNmODMyNTgyYWU2ZjY3MTgwOGFjMDRhMDg+ID4+IC9S"
	  "ZWN0IFsgMCAwIDkgOSBdIC9TdWJ0eXBlIC9MaW5rID4+IF0gL0NvbnRlbnRzIDQgMCBSIC9NZWRpYUJveCBbIDAgMCA5IDkgXSAvUGFyZW50IDIgMCBSIC9U"
	  "eXBlIC9QYWdlID4+CmVuZG9iago0IDAgb2JqCjw8IC9MZW5ndGggNDggPj4Kc3RyZWFtCidKEEFWXGgnDpYLdDnXwgS8YuVIjIFzI5aop9RGtO7uxQxa16U6"
	  "zqaHC4P+P1wH7mVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvQ0YgPDwgL1N0ZENGIDw8IC9BdXRoRXZlbnQgL0RvY09wZW4gL0NGTSAvQUVTVjIgL0xl"
	  "bmd0aCAxNiA+PiA+PiAvRmlsdGVyIC9TdGFuZGFyZCAvTGVuZ3RoIDEyOCAvTyA8NTY2ZmE4NzNlZTMzYzc5N2NkM2I5MDRmZGFkZjgxNGFmYTM0ZGY5YTM4"
	  "ZjZlZDQxYjk4NGUyYzZkYTJhYTZmNT4gL1AgLTQgL1IgNCAvU3RtRiAvU3RkQ0YgL1N0ckYgL1N0ZENGIC9VIDxlMjFjYzNkMTNiMGZhYTk5MzRkYjdkMjBm"
	  "MTFlMzMzZTAxMjI0NTZhOTFiYWU1MTM0MjczYTZkYjEzNGM4N2M0PiAvViA0ID4+CmVuZG9iagp0cmFpbGVyIDw8IC9Sb290IDEgMCBSIC9TaXplIDYgL0lE"
	  "IFs8MzE0MTU5MjY1MzU4OTc5MzIzODQ2MjY0MzM4MzI3OTU+PDMxNDE1OTI2NTM1ODk3OTMyMzg0NjI2NDMzODMyNzk1Pl0gL0VuY3J5cHQgNSAwIFIgPj4K" },
	{ "AES, 128 bits, metadata in clear",
	  "JVBERi0xLjYKJb/3ov4KMSAwIG9iago8PCAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL0NvdW50IDEgL0tpZHMg"
	  "WyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+PgplbmRvYmoKMyAwIG9iago8PCAvQW5ub3RzIFsgPDwgL0EgPDwgL1MgL1VSSSAvVVJJIDw2MzI2ZThlMTRkYzg0"
	  "MjEzNGRmZmM3Yzk2ZDY0YWJmMmE4YzU4ZDQ4NGFlMjA3MjNiZDk2N2YwNTNmMzkyZWQ5MWM3MmMwY2EyNzdjOTJhNDlkYzhkMDE3OGQ3NTBhZDI+ID4+IC9S"
	  "ZWN0IFsgMCAwIDkgOSBdIC9TdWJ0eXBlIC9MaW5rID4+IF0gL0NvbnRlbnRzIDQgMCBSIC9NZWRpYUJveCBbIDAgMCA5IDkgXSAvUGFyZW50IDIgMCBSIC9U"
	  "eXBlIC9QYWdlID4+CmVuZG9iago0IDAgb2JqCjw8IC9MZW5ndGggNDggPj4Kc3RyZWFtCs/jUSsYpoaCvUFfRwwesAIPOV4zYIRg1ENkWFU55n27+GneuP2F"
	  "fw0/JVDz4sI0QWVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvQ0YgPDwgL1N0ZENGIDw8IC9BdXRoRXZlbnQgL0RvY09wZW4gL0NGTSAvQUVTVjIgL0xl"
	  "bmd0aCAxNiA+PiA+PiAvRW5jcnlwdE1ldGFkYXRhIGZhbHNlIC9GaWx0ZXIgL1N0YW5kYXJkIC9MZW5ndGggMTI4IC9PIDw1NjZmYTg3M2VlMzNjNzk3Y2Qz"
	  "YjkwNGZkYWRmODE0YWZhMzRkZjlhMzhmNmVkNDFiOTg0ZTJjNmRhMmFhNmY1PiAvUCAtNCAvUiA0IC9TdG1GIC9TdGRDRiAvU3RyRiAvU3RkQ0YgL1UgPGI3"
	  "YWU2MWFlNWZlODMxY2NkNzk3OWMxNTVkNGY5MjZjMDEyMjQ1NmE5MWJhZTUxMzQyNzNhNmRiMTM0Yzg3YzQ+IC9WIDQgPj4KZW5kb2JqCnRyYWlsZXIgPDwg"
	  "L1Jvb3QgMSAwIFIgL1NpemUgNiAvSUQgWzwzMTQxNTkyNjUzNTg5NzkzMjM4NDYyNjQzMzgzMjc5NT48MzE0MTU5MjY1MzU4OTc5MzIzODQ2MjY0MzM4MzI3"
	  "OTU+XSAvRW5jcnlwdCA1IDAgUiA+Pgo=" },
	{ "AES, 256 bits, revision 5",
	  "JVBERi0xLjcKJb/3ov4KMSAwIG9iago8PCAvRXh0ZW5zaW9ucyA8PCAvQURCRSA8PCAvQmFzZVZlcnNpb24gLzEuNyAvRXh0ZW5zaW9uTGV2ZWwgMyA+PiA+"
	  "PiAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL0NvdW50IDEgL0tpZHMgWyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+"
	  "PgplbmRvYmoKMyAwIG9iago8PCAvQW5ub3RzIFsgPDwgL0EgPDwgL1MgL1VSSSAvVVJJIDxjNGU5YjRjMDlhNGI1OWM2OTZlZDNhMDhiMzRjZThlZjc3M2Rk"
	  "MDJkYTAyYjUwYjRlMGJjMjY2N2MxYWY5YmJhZDQ1ZGFmODBkZDdjMGNkYTY5MTlmNDI0MWUwZmM2MTA+ID4+IC9SZWN0IFsgMCAwIDkgOSBdIC9TdWJ0eXBl"
	  "IC9MaW5rID4+IF0gL0NvbnRlbnRzIDQgMCBSIC9NZWRpYUJveCBbIDAgMCA5IDkgXSAvUGFyZW50IDIgMCBSIC9UeXBlIC9QYWdlID4+CmVuZG9iago0IDAg"
	  "b2JqCjw8IC9MZW5ndGggNDggPj4Kc3RyZWFtCsLPoSiXmuCR7fZc7dkY7/aYf/1ob91h0djRfhBGYS40Lr+UbPqLvnOTyd9QTsoBImVuZHN0cmVhbQplbmRv"
	  "YmoKNSAwIG9iago8PCAvQ0YgPDwgL1N0ZENGIDw8IC9BdXRoRXZlbnQgL0RvY09wZW4gL0NGTSAvQUVTVjMgL0xlbmd0aCAzMiA+PiA+PiAvRmlsdGVyIC9T"
	  "dGFuZGFyZCAvTGVuZ3RoIDI1NiAvTyA8OWUwOTI1M2I4NWFiYWE5NzliNTFhODZlNjk2M2M2M2FiNTljMDM1ZGI3NGRmZjk0YjRmYzNjOWEzYWMzNzRjYTU5"
	  "NzBkODE5OGQ3YTJlNDBiYjkxOGVlNGRjNzYwOGE4PiAvT0UgPDU3YWIyMDU3NWJhMjM3ZmY2ZDY1YTFlNmVmYjJmZTYwNzJlMmRjMDQwZmI2N2MxMmJjZWYw"
	  "YzcwMjllMzc1ZTE+IC9QIC00IC9QZXJtcyA8ZjRiZWQ2M2M1MjMyOTMyZjc1ZTJiMzRjYzhlZGFlNmY+IC9SIDUgL1N0bUYgL1N0ZENGIC9TdHJGIC9TdGRD"
	  "RiAvVSA8YWUzMjc5YzM3MzUyMGNmOWVmY2NjOTY5MzIwMWFhMWEzZjZiNzc2YTdkMDdiN2M5NGMzNDRjZmFlMTY2MzVlOTdmZGYyZTJiNzE2OWUzMjQyZmEw"
	  "OTk3N2JlYWJlNmU1PiAvVUUgPGM0NjU3Y2YxMDVjMzlhN2I4N2RjY2NhODQ3MWMwMDlhYjZkYzU0NDg2MGMxMzIxZjgzYzhlZDk3OTgzNjEyOGY+IC9WIDUg"
	  "Pj4KZW5kb2JqCnRyYWlsZXIgPDwgL1Jvb3QgMSAwIFIgL1NpemUgNiAvSUQgWzwzMTQxNTkyNjUzNTg5NzkzMjM4NDYyNjQzMzgzMjc5NT48MzE0MTU5MjY1"
	  "MzU4OTc5MzIzODQ2MjY0MzM4MzI3OTU+XSAvRW5jcnlwdCA1IDAgUiA+Pgo=" },
	{ "AES, 256 bits",
	  "JVBERi0xLjcKJb/3ov4KMSAwIG9iago8PCAvRXh0ZW5zaW9ucyA8PCAvQURCRSA8PCAvQmFzZVZlcnNpb24gLzEuNyAvRXh0ZW5zaW9uTGV2ZWwgOCA+PiA+"
	  "PiAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL0NvdW50IDEgL0tpZHMgWyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+"
	  "PgplbmRvYmoKMyAwIG9iago8PCAvQW5ub3RzIFsgPDwgL0EgPDwgL1MgL1VSSSAvVVJJIDxmNGRkZDUyNGZjNmFlYThhMDkxZDY4MTQwZDc2NGVmOGNjY2Jh"
	  "NTQ5MDhlZDJkYTJjNWViMjYwMmI0NDlkOGUxZDVhZWM1NjRiMjBmODIzZmZlODkzNWVhYTBjZDlmNjA+ID4+IC9SZWN0IFsgMCAwIDkgOSBdIC9TdWJ0eXBl"
	  "IC9MaW5rID4+IF0gL0NvbnRlbnRzIDQgMCBSIC9NZWRpYUJveCBbIDAgMCA5IDkgXSAvUGFyZW50IDIgMCBSIC9UeXBlIC9QYWdlID4+CmVuZG9iago0IDAg"
	  "b2JqCjw8IC9MZW5ndGggNDggPj4Kc3RyZWFtCgtPeLyCFKKRdTdfhqozpyhDI/cxJMfye4Mk7i8BHzQCmP5C+42qrt/JA842z8idrWVuZHN0cmVhbQplbmRv"
	  "YmoKNSAwIG9iago8PCAvQ0YgPDwgL1N0ZENGIDw8IC9BdXRoRXZlbnQgL0RvY09wZW4gL0NGTSAvQUVTVjMgL0xlbmd0aCAzMiA+PiA+PiAvRmlsdGVyIC9T"
	  "dGFuZGFyZCAvTGVuZ3RoIDI1NiAvTyA8YzQxZGFhOWFmN2I2YmRkYWJkYjg5YTFlY2FiNGY4MWM1OGJhY2I1ZjRiYThkMjgwODJhODFmZTY2MTJkODA5NWIy"
	  "MjgzNzE2OWQ5YWM3YTNmMzIwYzNiZTI1N2Q4M2YwPiAvT0UgPDhlZGEzZGYxNjgxNjBiNzZjOGVlOTQ0MmEyNGM5ZGMwNzgzZDViYzg4YmFjNzM2NjM4NzY5"
	  "Njg2Y2Q4OGRjNjE+IC9QIC00IC9QZXJtcyA8YWY3ZGFkMDc0OTA4NzAwZDg4MWU1YzU4MTNlNDM2NDE+IC9SIDYgL1N0bUYgL1N0ZENGIC9TdHJGIC9TdGRD"
	  "RiAvVSA8M2IxOWRmMGRjYTNlMmEwYzYyZTYyMmE5YzczZmRmMTI4ZGYyYjU2ZDFhZDU3MWMxZTlmMjJiZDc5MTE5ZTViN2FjOWU3MjAzZGYzYWZiNzUzZDM2"
	  "ODdiZmM4NjI0ZjcyPiAvVUUgPGQzYjFmYmJmYzM3YTlmNTVmODhiMzVjMjkzNjg4ODNhMDdkNDlhNmFjOTU3NjFiNTBlNzZjMzdlYjk4YWJlN2I+IC9WIDUg"
	  "Pj4KZW5kb2JqCnRyYWlsZXIgPDwgL1Jvb3QgMSAwIFIgL1NpemUgNiAvSUQgWzwzMTQxNTkyNjUzNTg5NzkzMjM4NDYyNjQzMzgzMjc5NT48MzE0MTU5MjY1"
	  "MzU4OTc5MzIzODQ2MjY0MzM4MzI3OTU+XSAvRW5jcnlwdCA1IDAgUiA+Pgo=" },
	{ "with a password",
	  "JVBERi0xLjcKJb/3ov4KMSAwIG9iago8PCAvRXh0ZW5zaW9ucyA8PCAvQURCRSA8PCAvQmFzZVZlcnNpb24gLzEuNyAvRXh0ZW5zaW9uTGV2ZWwgOCA+PiA+"
	  "PiAvUGFnZXMgMiAwIFIgL1R5cGUgL0NhdGFsb2cgPj4KZW5kb2JqCjIgMCBvYmoKPDwgL0NvdW50IDEgL0tpZHMgWyAzIDAgUiBdIC9UeXBlIC9QYWdlcyA+"
	  "PgplbmRvYmoKMyAwIG9iago8PCAvQW5ub3RzIFsgPDwgL0EgPDwgL1MgL1VSSSAvVVJJIDw0Njg4MTZlZTlmNDVmMWM3NzY1NmZkMDcwNzA0ZWM5YTZkZjE5"
	  "NDYwOWFmOTM5MTRmNzVhNWMzMjUxNzQxNDNjNWIyNTBjMDRiZTgzMDI3NTkzMTJiYTBjZmM4NWM2ZWU+ID4+IC9SZWN0IFsgMCAwIDkgOSBdIC9TdWJ0eXBl"
	  "IC9MaW5rID4+IF0gL0NvbnRlbnRzIDQgMCBSIC9NZWRpYUJveCBbIDAgMCA5IDkgXSAvUGFyZW50IDIgMCBSIC9UeXBlIC9QYWdlID4+CmVuZG9iago0IDAg"
	  "b2JqCjw8IC9MZW5ndGggNDggL0ZpbHRlciAvRmxhdGVEZWNvZGUgPj4Kc3RyZWFtCgpUT+FTwskqvfTSrtdCbQ8SOe9my1CrwfrqcRzRrtkId8U4nT+38Kt7"
	  "pddyc67OIGVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvQ0YgPDwgL1N0ZENGIDw8IC9BdXRoRXZlbnQgL0RvY09wZW4gL0NGTSAvQUVTVjMgL0xlbmd0"
	  "aCAzMiA+PiA+PiAvRmlsdGVyIC9TdGFuZGFyZCAvTGVuZ3RoIDI1NiAvTyA8ZmNmZWYzZTllYTE4MzAyMjg5YWVmM2U3NzRkYjVjMTY3MjA3ZTc2ZTg4NzUz"
	  "OWE2MzhjMmMyNjQyNDgxYWUxN2UxODMyYmZmZjY4ZjI3YTM3YmYyMjE3YWUxNzQzMjA0PiAvT0UgPDc5NjJmMDdkNGJkYmYwM2RlYTM3NTlhMDVhNWY0MDJi"
	  "ZjIzNWJjZmFhZmY0ZGFhY2E1NmQyY2EzNTFkNmYzMDk+IC9QIC00IC9QZXJtcyA8OGIwNzE4NmIzODkxNmYxNzgxMzEyOGFjMmM3NmJjMGU+IC9SIDYgL1N0"
	  "bUYgL1N0ZENGIC9TdHJGIC9TdGRDRiAvVSA8MjczMTc0ZTViYzIwMDg0MDcxY2RmNGU1ZjA4ZTU0NTVkYzJjZjg5NjAwYzE0OWI0ZTFkN2JjZjQxY2Y2MTVj"
	  "MzJlNWU1ODAxNTljNGExOWIyMWExNDJhMGUyZWUzMmNiPiAvVUUgPDA3NWRjNjYyODllMTBjYTVmNWMwMTg2Nzg3MTc3NzFhYzgwYjcxMmQ4MTliZWJlYTdl"
	  "NDY4MzY3NzgwMjdjMDU+IC9WIDUgPj4KZW5kb2JqCnRyYWlsZXIgPDwgL1Jvb3QgMSAwIFIgL1NpemUgNiAvSUQgWzwzMTQxNTkyNjUzNTg5NzkzMjM4NDYy"
	  "NjQzMzgzMjc5NT48MzE0MTU5MjY1MzU4OTc5MzIzODQ2MjY0MzM4MzI3OTU+XSAvRW5jcnlwdCA1IDAgUiA+Pgo=" },
};

/* One that the file names and does not use hides nothing that is not encrypted. */
static void test_decoy(void **state)
{
	char pdf[2000];
	ssize_t n = mr_base64_decode(mr_slice_of(encrypted[0].pdf), pdf, sizeof(pdf));
	struct mr_buf all = MR_BUF(10000);

	assert_true(n > 0);
	mr_buf_add(&all, (struct mr_slice){ pdf, (size_t)n });
	mr_buf_puts(&all, "91 0 obj <</URI(http://b.example/)>> endobj 92 0 obj <<>> stream\nBT (clear) Tj ET\nendstream endobj trailer "
			  "<</Encrypt 93 0 R>>");
	assert_said(mr_buf_slice(&all), "http://a.example/ http://b.example/ secret\nclear\nE");
	mr_buf_done(&all);
}

static void test_encrypted(void **state)
{
	char pdf[2000];

	for (size_t i = 0; i < MR_COUNT(encrypted); i++) {
		ssize_t n = mr_base64_decode(mr_slice_of(encrypted[i].pdf), pdf, sizeof(pdf));
		struct mr_buf closed = MR_BUF(10000);

		print_message("%s\n", encrypted[i].how);
		assert_true(n > 0);
		say((struct mr_slice){ pdf, (size_t)n }, &closed);
		if (strcmp(encrypted[i].how, "with a password") != 0)
			assert_string_equal(closed.p, "http://a.example/ secret\nE");
		else
			assert_null(memmem(closed.p, closed.n, "http", 4));
		mr_buf_done(&closed);
		/* cut anywhere it ends */
		for (size_t cut = 0; cut < (size_t)n; cut += 7) {
			struct mr_buf said = MR_BUF(10000);

			say((struct mr_slice){ pdf, cut }, &said);
			mr_buf_done(&said);
		}
	}
}

static bool see(struct mr_slice name, struct mr_slice content, void *arg)
{
	mr_buf_add(arg, name);
	mr_buf_add(arg, content);
	mr_buf_putc(arg, ' ');
	return true;
}

/* Files in it are read, too, and their names. */
static void test_encrypted_files(void **state)
{
	static const char packed[] =
	    "JVBERi0xLjYKJb/3ov4KMSAwIG9iago8PCAvTmFtZXMgPDwgL0VtYmVkZGVkRmlsZXMgPDwgL05hbWVzIFsgPGU0N2IwNWQ4NWFlZmExNzcxYmRhZWVhZGJi"
	    "ZjIxNjIzOWRkYzMyZjcwMTE5OTc3YjY1MzViMDlhZWNmNTRkZWQ+IDIgMCBSIF0gPj4gPj4gL1BhZ2VzIDMgMCBSIC9UeXBlIC9DYXRhbG9nID4+CmVuZG9i"
	    "agoyIDAgb2JqCjw8IC9FRiA8PCAvRiA0IDAgUiA+PiAvRiA8NDdlMDlmODdhMmRiZDA3MzRlOGU2ZTc3NGM5ZmZjZmJkODU4OGJlMzM2MzMxMzNhNzA3YjUz"
	    "NTJkNGM4ODRjOD4gL1R5cGUgL0ZpbGVzcGVjID4+CmVuZG9iagozIDAgb2JqCjw8IC9Db3VudCAwIC9LaWRzIFsgXSAvVHlwZSAvUGFnZXMgPj4KZW5kb2Jq"
	    "CjQgMCBvYmoKPDwgL1R5cGUgL0VtYmVkZGVkRmlsZSAvTGVuZ3RoIDMyID4+CnN0cmVhbQqVvZEyTMxsmU6L7cX4+5JLW0xHyCrXMm8wUGSeLIaFU2VuZHN0"
	    "cmVhbQplbmRvYmoKNSAwIG9iago8PCAvQ0YgPDwgL1N0ZENGIDw8IC9BdXRoRXZlbnQgL0RvY09wZW4gL0NGTSAvQUVTVjIgL0xlbmd0aCAxNiA+PiA+PiAv"
	    "RmlsdGVyIC9TdGFuZGFyZCAvTGVuZ3RoIDEyOCAvTyA8NTY2ZmE4NzNlZTMzYzc5N2NkM2I5MDRmZGFkZjgxNGFmYTM0ZGY5YTM4ZjZlZDQxYjk4NGUyYzZk"
	    "YTJhYTZmNT4gL1AgLTQgL1IgNCAvU3RtRiAvU3RkQ0YgL1N0ckYgL1N0ZENGIC9VIDxlMjFjYzNkMTNiMGZhYTk5MzRkYjdkMjBmMTFlMzMzZTAxMjI0NTZh"
	    "OTFiYWU1MTM0MjczYTZkYjEzNGM4N2M0PiAvViA0ID4+CmVuZG9iagp0cmFpbGVyIDw8IC9Sb290IDEgMCBSIC9TaXplIDYgL0lEIFs8MzE0MTU5MjY1MzU4"
	    "OTc5MzIzODQ2MjY0MzM4MzI3OTU+PDMxNDE1OTI2NTM1ODk3OTMyMzg0NjI2NDMzODMyNzk1Pl0gL0VuY3J5cHQgNSAwIFIgPj4K";
	struct mr_buf said = MR_BUF(1000);
	size_t left = 10000;
	bool locked;
	char pdf[2000];
	ssize_t n = mr_base64_decode(mr_slice_of(packed), pdf, sizeof(pdf));

	assert_true(n > 0);
	assert_true(mr_pdf_files((struct mr_slice){ pdf, (size_t)n }, &left, &locked, see, &said));
	assert_string_equal(said.p, "a.js MZ content ");
	assert_false(locked);
	mr_buf_done(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fonts), cmocka_unit_test(test_many),
					    cmocka_unit_test(test_lzw),   cmocka_unit_test(test_encrypted),
					    cmocka_unit_test(test_decoy), cmocka_unit_test(test_encrypted_files) };

	mr_mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
