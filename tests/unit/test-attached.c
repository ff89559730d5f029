/* attached: the files that some mail program would show, in forms that others do not see, and what hostile ones may not cost. */
/* libraries */
#include <openssl/evp.h>
#include <zlib.h>

/* ours */
#include "base/buf.h"
#include "mail/attached.h"
#include "mail/binhex.h"
#include "mail/tnef.h"
#include "mail/uu.h"
#include "mail/yenc.h"
#include "unit.h"

#define HEAD  "From: a@example.org\nMIME-Version: 1.0\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\n\n"

/* "name<" and "content>" of each. */
static bool see(const struct mr_attached *file, void *arg)
{
	struct mr_buf *said = arg;

	if (file->name.n)
		mr_buf_printf(said, "%.*s<", (int)file->name.n, file->name.p);
	if (file->bytes.n)
		mr_buf_printf(said, "%.*s>", (int)(file->bytes.n > 20 ? 20 : file->bytes.n), file->bytes.p);
	return true;
}

static bool read_all(struct mr_slice message, struct mr_buf *said)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_mime_view v;
	bool whole;

	mr_mime_parse(message, arena, &v);
	whole = mr_attached_read(message, &v, &(struct mr_attached_reader){ .see = see, .arg = said });
	mr_mime_free(&v);
	return whole;
}

/* -- messages -- */

/* A multipart with a file a.js, which holds INNER. */
#define INNER_64 "Q29udGVudC1UeXBlOiBtdWx0aXBhcnQvbWl4ZWQ7IGJvdW5kYXJ5PWMKCi0tYwpDb250ZW50LVR5cGU6IGEvYjsgbmFtZT1hLmpzCgpJTk5FUgotLWMtLQo="

/* Parts by one boundary in a part by another. */
#define TWO "--a\n\nhello\n--b\nContent-Type: a/b; name=a.js\n\nx\n--b--\n--a--\n"
/* Signed mail in signed mail, in which is a.js. */
#define P7M_P7M                                                                                                                            \
	"MIIAxQYJKoZIhvcNAQcCoIIAtjCCALICAQExADCCAKkGCSqGSIb3DQEHAaCCAJoEggCWQ29udGVudC1UeXBlOiBhL2IKQ29udGVudC1UcmFuc2Zlci1FbmNvZGluZzog" \
	"YmFzZTY0CgpNRVVHQ1NxR1NJYjNEUUVIQXFBNE1EWUNBUUV4QURBdkJna3Foa2lHOXcwQkJ3R2dJZ1FnUTI5dWRHVnVkQzFVZVhCbE9pQmhMMkk3SUc1aGJXVTlZUzVx" \
	"Y3dvS2VBbz0K"

#define YENC         "=ybegin line=128 size=3 name=a.js\n\215\213\236\n=yend size=3\n"
#define BINHEX       "(This file must be converted with BinHex 4.0)\n\n:\"'%ZDR-!9%9B9(4dH(3!N!8$!*!'Bf&d!*!%:\n"
#define BINHEX_ALONE ":\"')ZDR-!9%9B9(4dH(3!N!86!*!'BC!-N!\"L!*!*:\n"

static const struct {
	const char *message;
	const char *files[3]; /* that are shown, among others */
	const char * not ;    /* that is not */
} messages[] = {
	{ HEAD "\nhello\n", { "hello\n>" }, "<" },
	/* attached messages that are encoded */
	{ MIXED "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" INNER_64 "\n--b--\n",
	  { "a.js<", "INNER>" },
	  NULL },
	{ MIXED "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nContent-Type: a/b; "
		"name=3Da=2Ejs\n\nx\n--b--\n",
	  { "a.js<" },
	  NULL },
	{ MIXED "--b\nContent-Type: a/b; name=a.eml\nContent-Transfer-Encoding: base64\n\n" INNER_64 "\n--b--\n",
	  { "a.js<", "INNER>" },
	  NULL },
	{ MIXED "--b\nContent-Type: text/plain; name=a.eml\n\n" HEAD "Content-Type: a/b; name=a.js\n\nx\n--b--\n", { "a.js<" }, NULL },
	/* what is shown as text is not read as a message */
	{ HEAD "\nContent-Type: a/b; name=a.js\n\nx\n", { "Content-Type: a/b; n>" }, "a.js<" },
	/* names of attached messages and multiparts */
	{ MIXED "--b\nContent-Type: message/rfc822; name=a.hta\n\nSubject: x\n\nx\n--b--\n", { "a.hta<" }, NULL },
	{ HEAD "Content-Type: multipart/mixed; boundary=b; name=a.hta\n\n--b\n\nx\n--b--\n", { "a.hta<" }, NULL },
	/* text by uuencode */
	{ HEAD "\nhello\nbegin 644 a.js\n#8V%T\n`\nend\n", { "a.js<", "cat>" }, NULL },
	{ HEAD "\nbegin 644 a.js\r\n#8V%T\r\n`\r\nend\r\n", { "a.js<", "cat>" }, NULL },
	{ HEAD "Content-Transfer-Encoding: quoted-printable\n\nbegin=20644 a.js\n#8V%T\n", { "a.js<", "cat>" }, NULL },
	{ MIXED "--b\nContent-Type: a/b; name=a.uue\n\nbegin 644 a.js\n#8V%T\n\n--b--\n", { "a.js<", "cat>" }, NULL },
	{ HEAD "\nSo write\nbegin 644 a.js\nand behind it what uuencode says, and\nend\n", { "So write\n" }, "a.js<" },
	/* text by yEnc and BinHex; a part of BinHex, whatever its encoding is said to be */
	{ HEAD "\nhello\n" YENC, { "a.js<", "cat>" }, NULL },
	{ MIXED "--b\nContent-Type: a/b; name=a.ntx\n\n" YENC "\n--b--\n", { "a.js<", "cat>" }, NULL },
	{ HEAD "\n=ybegin line=128 size=3\n"
	       "no\n",
	  { "=ybegin" },
	  "a.js<" },
	{ HEAD "\nhello\n" BINHEX, { "a.js<", "cat>" }, NULL },
	{ MIXED "--b\nContent-Type: a/b; name=a.hqx\n\n" BINHEX "\n--b--\n", { "a.js<", "cat>" }, NULL },
	{ MIXED "--b\nContent-Type: application/mac-binhex40\nContent-Transfer-Encoding: base64\n\n" BINHEX "\n--b--\n",
	  { "a.js<", "cat>" },
	  NULL },
	{ MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: mac-binhex40\n\n" BINHEX_ALONE "\n--b--\n",
	  { "b.js<", "aaaaaaaaaaaa" },
	  NULL },
	/* signed mail in one file, PDF files */
	{ MIXED
	  "--b\nContent-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n"
	  "MIAGCSqGSIb3DQEHAqCAMIACAQExADCABgkqhkiG9w0BBwGggCSABApDb250ZW50LVR5BBpwZTogYS9iOyBuYW1lPWEuanMKCklOTkVSCgAAAAAAAAAAAAAAAA=="
	  "\n--b--\n",
	  { "a.js<", "INNER" },
	  NULL },
	/* each twice in itself: of five levels four */
	{ MIXED "--b\nContent-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n" P7M_P7M "\n--b--\n", { "a.js<" }, NULL },
	{ MIXED "--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
		"JVBERi0xLjQKMSAwIG9iaiA8PC9GKGEuanMpL0VGPDwvRiAyIDAgUj4+Pj4gZW5kb2JqIDIgMCBvYmogPDwvVHlwZS9FbWJlZGRlZEZpbGU+"
		"PiBzdHJlYW0KQ29udGVudC1UeXBlOiBhL2I7IG5hbWU9YS5qcwoKSU5ORVIKZW5kc3RyZWFtIGVuZG9iag=="
		"\n--b--\n",
	  { "a.js<", "INNER" },
	  NULL },
	/* fields that are there twice: by either */
	{ HEAD "Content-Type: multipart/mixed; boundary=b\nContent-Type: text/plain\n\n--b\nContent-Type: a/b; name=a.js\n\nx\n--b--\n",
	  { "a.js<", "x>", "--b\nContent-Type: a/>" },
	  NULL },
	{ HEAD "Content-Type: text/plain\ncontent-type : multipart/mixed;\n boundary=b\n\n--b\nContent-Type: a/b; name=a.js\n\nx\n--b--\n",
	  { "a.js<", "x>", "--b\nContent-Type: a/>" },
	  NULL },
	{ MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: 7bit\nX: y\nContent-Transfer-Encoding: base64\n\nTVo=\n--b--\n",
	  { "MZ>", "TVo=>" },
	  NULL },
	{ MIXED "--b\nContent-Transfer-Encoding: base64\nContent-Type: a/b\nContent-Transfer-Encoding: 7bit\n\nTVo=\n--b--\n",
	  { "MZ>", "TVo=>" },
	  NULL },
	{ MIXED "--b\nContent-Disposition: inline; filename=a.js\nContent-Disposition: inline; filename=b.js\n\nx\n--b--\n",
	  { "a.js<", "b.js<" },
	  NULL },
	/* boundaries that are there twice: by either */
	{ HEAD "Content-Type: multipart/mixed; boundary=a; boundary=b\n\n" TWO, { "a.js<", "x>" }, NULL },
	{ HEAD "Content-Type: multipart/mixed; boundary=b; Boundary = a\n\n" TWO, { "a.js<", "x>" }, NULL },
	{ HEAD "Content-Type: multipart/mixed; boundary=a; boundary*0=b\n\n" TWO, { "a.js<", "x>" }, NULL },
	{ HEAD "Content-Type: multipart/mixed; boundary*=us-ascii''b; boundary=a\n\n" TWO, { "a.js<", "x>" }, NULL },
	{ HEAD "Content-Type: multipart/mixed; boundary=\"a\"; boundary*0*=us-ascii''; boundary*1=b\n\n" TWO, { "a.js<", "x>" }, NULL },
	/* lines that end with CR alone */
	{ MIXED "--b\nContent-Type: a/b; name=a.js\nX: y\rContent-Transfer-Encoding: base64\n\nTVo=\n--b--\n", { "a.js<", "MZ>" }, NULL },
	{ HEAD "X: y\rContent-Type: multipart/mixed; boundary=b\r\r--b\rContent-Type: a/b; name=a.js\r\rx\r--b--\r",
	  { "a.js<", "x>" },
	  NULL },
	{ HEAD "Content-Transfer-Encoding: base64\n\nQ29udGVudC1UeXBlOiBhL2I7IG5hbWU9YS5qcwoKeAo=\n____\nfooter of a list\n",
	  { "Content-Type: a/b; n>" },
	  "a.js<" },
	/* programs give a name to what has none, by its type */
	{ MIXED "--b\nContent-Type: Application/HTA\n\nx\n--b--\n", { ".hta<" }, NULL },
	{ MIXED "--b\nContent-Type: application/hta; name=a.txt\n\nx\n--b--\n", { "a.txt<" }, ".hta<" },
	/* padding in the midst of base64, where some end and some go on */
	{ MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\nTQ==\nWkE=QkNE\n--b--\n", { "MZABCD>" }, NULL },
	{ MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\nTVpBQg==\n\n--b--\n", { "MZAB>" }, "MZAB>MZAB" },
	/* a field of its own */
	{ MIXED "--b\nContent-Type: a/b\nContent-Name: \"a.js\"\n\nx\n--b--\n", { "a.js<" }, NULL },
	/* a quote that is not closed hides the parts from GMime */
	{ HEAD "Content-Type: multipart/mixed; boundary=\"b\n\n--b\nContent-Type: a/b; name=a.js\n\nx\n--b--\n", { "a.js<", "x>" }, NULL },
	/* no boundary, another one, one that GMime does not see */
	{ HEAD "Content-Type: multipart/mixed\n\n--b\nContent-Type: a/b; name=a.js\n\nx\n--b--\n", { "a.js<", "x>" }, NULL },
	{ HEAD "Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--\n--b \nContent-Type: a/b; name=a.js\n\nx\n--b--\n",
	  { "a.js<", "x>" },
	  NULL },
	{ HEAD "Content-Type: multipart/mixed boundary=\"\n\n--\\\"\nContent-Type: a/b; name=a.js\n\nx\n--\\\"--\n",
	  { "a.js<", "x>" },
	  NULL },
	{ HEAD "Content-Type: multipart/mixed\n\nhello\n", { "hello\n>" }, "<" },
	/* an encoding with something round it */
	{ MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: \"base64\"\n\nTVo=\n--b--\n", { "MZ>", "TVo=>" }, NULL },
	{ MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: X-BASE64;\n\nTVo=\n--b--\n", { "MZ>", "TVo=>" }, NULL },
	{ MIXED "--b\nContent-Type: multipart/mixed; boundary=\"c\n\n--c\nContent-Type: a/b; name=a.js\n\nx\n--c--\n--b--\n",
	  { "a.js<", "x>" },
	  NULL },
};

static void test_messages(void **state)
{
	for (size_t i = 0; i < MR_COUNT(messages); i++) {
		struct mr_buf said = MR_BUF(10000);

		assert_true(read_all(mr_slice_of(messages[i].message), &said));
		for (size_t k = 0; k < MR_COUNT(messages[i].files) && messages[i].files[k]; k++)
			if (!strstr(said.p, messages[i].files[k]))
				fail_msg("%s\nnot in %s", messages[i].message, said.p);
		if (messages[i].not &&strstr(said.p, messages[i].not ))
			fail_msg("%s\n%s in %s", messages[i].message, messages[i].not, said.p);
		mr_buf_done(&said);
	}
}

/* NUL ends a field for GMime. */
static void test_nul(void **state)
{
	struct mr_buf said = MR_BUF(1000);

	assert_true(read_all(MR_LIT(MIXED "--b\nContent-Type: a/b; name=\"a.txt\0.js\"\n\nx\n--b--\n"), &said));
	assert_non_null(strstr(said.p, "a.txt.js<"));
	mr_buf_done(&said);
}

/* -- uuencode -- */

static void test_uu(void **state)
{
	static const struct {
		const char *text, *files; /* "name=content|" of each */
	} t[] = {
		{ "begin 644 a\n#8V%T\n`\nend\nbegin 0666  b c \n\n#8V%T*\n", "a=cat|b c=cat|" },
		{ "begin 644 a\n$8V%T60``\n$8V%T60  **\n", "a=catYcatY|" },
		{ "begin 644 a\n$8V%T60``\n$8V%T60  xx\n", "a=catY|" },
		{ "xbegin 644 a\n#8V%T\n", "" },
		{ "> begin 644 a\n#8V%T\n", "" },
		{ "begin 64 a\n#8V%T\nbegin 644\n#8V%T\nbegin644 a\n#8V%T\nbegin a\n", "" },
		{ "begin 644 a\n...\nend\n", "" },
		{ "begin 644 a\nDATA\nend\n", "" },
		{ "begin 644 a\n", "" },
		{ "begin 644 a\n`\nend\n", "" },
		{ "begin 644 a", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_slice text = mr_slice_of(t[i].text), name;
		struct mr_buf bytes = MR_BUF(100), said = MR_BUF(1000);

		while (mr_uu_next(&text, &name, &bytes))
			mr_buf_printf(&said, "%.*s=%s|", (int)name.n, name.p, bytes.p);
		assert_slice(mr_buf_slice(&said), t[i].files);
		mr_buf_done(&bytes);
		mr_buf_done(&said);
	}
}

/* Zeros at the end of lines are spaces, which are lost on the way. */
static void test_yenc(void **state)
{
	static const struct {
		const char *text, *files; /* name, "=", content, "|" of each */
	} t[] = {
		{ YENC, "a.js=cat|" },
		{ "so\r\n=ybegin part=1 total=1 line=128 size=3 name= a b.js \r\n=ypart begin=1 end=3\r\n\215\213\r\n\236\r\n=yend "
		  "size=3\r\n",
		  "a b.js=cat|" },
		{ "=ybegin line=1 name=a\n=n=M\\\n=yend\n" YENC, "a=\x04\xe3\x32|a.js=cat|" },
		{ "=ybegin line=1 name=a\n\215\n" YENC, "a=c|a.js=cat|" }, /* it does not end */
		{ "=ybegin line=1 name=a\n\215=", "a=c\x13|" },
		{ " " YENC, "" },
		{ "=ybegin name=\nx\n", "" },
		{ "=ybegin line=1", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_slice text = mr_slice_of(t[i].text), name;
		struct mr_buf bytes = MR_BUF(100), said = MR_BUF(1000);

		while (mr_yenc_next(&text, &name, &bytes))
			mr_buf_printf(&said, "%.*s=%s|", (int)name.n, name.p, bytes.p ? bytes.p : "");
		assert_slice(mr_buf_slice(&said), t[i].files);
		mr_buf_done(&bytes);
		mr_buf_done(&said);
	}
}

static void test_binhex(void **state)
{
	static const struct {
		const char *text;
		bool alone;
		struct mr_slice files; /* the same */
	} t[] = {
		{ "x\n" BINHEX BINHEX, false, MR_LIT("a.js=cat|a.js=cat|") },
		{ BINHEX_ALONE, true,
		  MR_LIT("b.js=aaaaaaaaaaaa\x90"
			 "b\0\0\0\0\0|") },
		{ BINHEX_ALONE, false, MR_LIT("") },
		/* another program's */
		{ "(This file must be converted with BinHex 4.0)\n:#hGPBR9dD@acAh\"X!$mr2cmr2cmr!!!!!!!,!!!!!+m5D'9XE'mJGfpbE'3lj!!\n!:",
		  false, MR_LIT("webutils_pl=hello world|") },
		{ "(This file must be converted with BinHex 4.0)\n\n:$'%ZDR-", false, MR_LIT("") },
		{ "(This file must be converted with BinHex 4.0)\n\nno: :no", false, MR_LIT("") },
		{ "(This file must be converted with BinHex", false, MR_LIT("") },
		{ ":", true, MR_LIT("") },
		{ "", true, MR_LIT("") },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_slice text = mr_slice_of(t[i].text);
		struct mr_buf bytes = MR_BUF(100), name = MR_BUF(MR_BINHEX_NAME_MAX), said = MR_BUF(1000);

		for (bool alone = t[i].alone; mr_binhex_next(&text, alone, &name, &bytes); alone = false) {
			mr_buf_add(&said, mr_buf_slice(&name));
			mr_buf_putc(&said, '=');
			mr_buf_add(&said, mr_buf_slice(&bytes));
			mr_buf_putc(&said, '|');
		}
		if (!mr_slice_eq(mr_buf_slice(&said), t[i].files))
			fail_msg("%s: %.*s", t[i].text, (int)said.n, said.p);
		mr_buf_done(&bytes);
		mr_buf_done(&name);
		mr_buf_done(&said);
	}
}

/* Marks without end, and a byte that is repeated without end. */
static void test_text_bombs(void **state)
{
	static const char *const again[] = { "(This file must be converted with BinHex\n", "\n:", "=ybegin name=a\n", "!N3!$" };

	for (size_t i = 0; i < MR_COUNT(again); i++) {
		struct mr_buf text = MR_BUF(1u << 18), bytes = MR_BUF(1000), name = MR_BUF(MR_BINHEX_NAME_MAX);
		struct mr_slice rest, of;

		mr_buf_puts(&text, "(This file must be converted with BinHex 4.0)\n:");
		while (text.n < 1u << 17)
			mr_buf_puts(&text, again[i]);
		rest = mr_buf_slice(&text);
		while (mr_binhex_next(&rest, false, &name, &bytes))
			;
		rest = mr_buf_slice(&text);
		while (mr_yenc_next(&rest, &of, &bytes))
			;
		mr_buf_done(&text);
		mr_buf_done(&bytes);
		mr_buf_done(&name);
	}
}

static void test_uu_stripped(void **state)
{
	struct mr_slice text = MR_LIT("begin 644 a\nM35J0\nM\n#8V%T\n"), name;
	struct mr_buf bytes = MR_BUF(1000);

	assert_false(mr_uu_next(&text, &name, &bytes)); /* too little that says so */
	assert_false(mr_uu_next(&text, &name, &bytes)); /* nothing left */
	text = MR_LIT("begin 644 a\nM35J0  ,\nM35H\n#8V%T\n");
	assert_true(mr_uu_next(&text, &name, &bytes));
	assert_int_equal(bytes.n, 45 + 45 + 3);
	assert_memory_equal(bytes.p, "MZ\x90\0\x03\0", 6);
	assert_memory_equal(bytes.p + 90, "cat", 3);
	mr_buf_done(&bytes);
}

/* -- winmail.dat -- */

#define TNEF       "\x78\x9f\x3e\x22\1\0"
#define TITLE      "\2\x10\x80\1\0"
#define DATA       "\2\x0f\x80\6\0"
#define PROPERTIES "\2\x05\x90\6\0"

static bool see_tnef(struct mr_slice name, bool utf16, struct mr_slice content, void *arg)
{
	mr_buf_printf(arg, "%.*s%s", (int)name.n, name.n ? name.p : "", name.n ? (utf16 ? "<16 " : "< ") : "");
	mr_buf_printf(arg, "%.*s%s", (int)content.n, content.n ? content.p : "", content.n ? "> " : "");
	return true;
}

static void test_tnef(void **state)
{
	static const struct {
		struct mr_slice bytes;
		const char *files;
		bool whole;
	} t[] = {
		{ MR_LIT(TNEF), "", true },
		{ MR_LIT(TNEF TITLE "\6\0\0\0a.exe\0??" DATA "\2\0\0\0MZ??"), "a.exe< MZ> ", true },
		{ MR_LIT(TNEF TITLE "\7\0\0\0a.exe\0"), "", false },
		{ MR_LIT(TNEF TITLE "\xff\xff\xff\xff"
				    "a.exe"),
		  "", false },
		/* what is broken within one does not hide the next; less than one at the end */
		{ MR_LIT(TNEF PROPERTIES "\5\0\0\0\4\0\0\0\1??" TITLE "\6\0\0\0a.exe\0??"), "a.exe< ", false },
		{ MR_LIT(TNEF TITLE "\6\0\0\0a.exe\0??\0\0\r\n"), "a.exe< ", true },
		/* a date, a named string, the long name, data */
		{ MR_LIT(TNEF PROPERTIES "\x5c\0\0\0\4\0\0\0"
					 "\x40\0\x07\x30"
					 "12345678"
					 "\x1e\0\0\x80"
					 "1234567890123456\1\0\0\0\3\0\0\0abc?\1\0\0\0\1\0\0\0x???"
					 "\x1f\0\x07\x37\1\0\0\0\4\0\0\0b\0\0\0"
					 "\2\1\1\x37\1\0\0\0\2\0\0\0MZ??"
					 "??"),
		  "b<16 MZ> ", true },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_buf said = MR_BUF(1000);

		assert_true(mr_tnef_begins(t[i].bytes));
		assert_int_equal(mr_tnef_read(t[i].bytes, see_tnef, &said), t[i].whole);
		assert_slice(mr_buf_slice(&said), t[i].files);
		mr_buf_done(&said);
	}
	assert_false(mr_tnef_begins(MR_LIT("\x78\x9f\x3e")));
}

/* -- what hostile ones may not cost -- */

/* What is repeated n times between a front and an end. */
static void repeat(struct mr_buf *out, const char *front, const char *again, size_t n, const char *end)
{
	mr_buf_puts(out, front);
	while (n--)
		mr_buf_puts(out, again);
	mr_buf_puts(out, end);
}

#define AGAIN "Content-Type: text/plain\n"
#define UU    "begin 644 a\n#8V%T\n"

static void test_hostile(void **state)
{
	static const struct {
		const char *front, *again, *end;
		size_t n;
		bool whole;
	} t[] = {
		{ HEAD "\n", "begin 644 a\n#8V%T\n", "", 100000, false },
		{ HEAD "\n", "begin 644 a\n", "", 100000, true },
		{ HEAD "\nbegin 644 a\n",
		  "M"
		  "123456789012345678901234567890123456789012345678901234567890\n",
		  "", 300000, true },
		{ HEAD, AGAIN, "\nx\n", 100000, true },
		{ HEAD "Content-Type: multipart/mixed", "; boundary=b", "\n\n--b\n\nx\n--b--\n", 100000, true },
		{ HEAD "\n", "x\r", "", 300000, true },
		{ MIXED "--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n", "TQ==", "\n--b--\n", 50000, true },
		{ MIXED, "--b\n\n" UU UU UU UU UU UU UU UU UU UU UU UU UU, "--b--\n", 900, false },
		{ MIXED, "--b\n" AGAIN AGAIN "\nx\n", "--b--\n", 5000, true },
		{ MIXED, "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" INNER_64 "\n", "--b--\n", 900, false },
		{ MIXED "--b\nContent-Type: a/b; ", "name*0=", "\n\nx\n--b--\n", 200000, true },
		{ MIXED "--b\nContent-Disposition: attachment;", "\n filename=\"=?utf-8?q?a?=\";", "\n\nx\n--b--\n", 20000, true },
	};

	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_buf message = MR_BUF(100u << 20), said = MR_BUF(10);

		repeat(&message, t[i].front, t[i].again, t[i].n, t[i].end);
		assert_int_equal(read_all(mr_buf_slice(&message), &said), t[i].whole);
		mr_buf_done(&message);
		mr_buf_done(&said);
	}
}

/* Little that becomes much, in one part after the other. */
static void test_bombs(void **state)
{
	static unsigned char zeros[15u << 20] = "%PDF-1.7\n", packed[1u << 20];
	uLongf n = sizeof(packed);
	mr_autofree char *text = mr_alloc(2 * n);
	z_stream z = { .next_in = zeros, .avail_in = sizeof(zeros), .next_out = packed, .avail_out = sizeof(packed) };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	n = z.total_out;
	deflateEnd(&z);
	EVP_EncodeBlock((unsigned char *)text, packed, (int)n);
	for (size_t parts = 4; parts <= 20; parts += 16) {
		struct mr_buf message = MR_BUF(10u << 20), said = MR_BUF(100);

		mr_buf_puts(&message, MIXED);
		for (size_t i = 0; i < parts; i++)
			mr_buf_printf(&message, "--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n%s\n", text);
		assert_int_equal(read_all(mr_buf_slice(&message), &said), parts == 4);
		mr_buf_done(&message);
		mr_buf_done(&said);
	}
}

/* Messages in messages, each in base64. */
static void test_depth(void **state)
{
	for (unsigned depth = 0; depth <= MR_ATTACHED_DEPTH_MAX + 1; depth++) {
		struct mr_buf said = MR_BUF(100000);
		char *message = mr_strdup(MIXED "--b\nContent-Type: a/b; name=a.js\n\nx\n--b--\n");

		for (unsigned i = 0; i < depth; i++) {
			size_t n = strlen(message);
			mr_autofree char *inner = mr_alloc(n * 2 + 4);

			EVP_EncodeBlock((unsigned char *)inner, (unsigned char *)message, (int)n);
			free(message);
			assert_true(asprintf(&message,
					     MIXED "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n%s\n--b--\n",
					     inner) > 0);
		}
		assert_int_equal(read_all(mr_slice_of(message), &said), depth <= MR_ATTACHED_DEPTH_MAX);
		assert_int_equal(memmem(said.p, said.n, "a.js<", 5) != NULL, depth <= MR_ATTACHED_DEPTH_MAX);
		free(message);
		mr_buf_done(&said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_messages),    cmocka_unit_test(test_nul),  cmocka_unit_test(test_uu),
					    cmocka_unit_test(test_uu_stripped), cmocka_unit_test(test_yenc), cmocka_unit_test(test_binhex),
					    cmocka_unit_test(test_text_bombs),  cmocka_unit_test(test_tnef), cmocka_unit_test(test_hostile),
					    cmocka_unit_test(test_bombs),       cmocka_unit_test(test_depth) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
