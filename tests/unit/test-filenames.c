/* filenames: what a field calls a file, and how names end. */
/* ours */
#include "base/buf.h"
#include "mail/filenames.h"
#include "mail/mime.h"
#include "unit.h"

static bool see(struct mr_slice name, void *arg)
{
	struct mr_buf *said = arg;

	mr_buf_add(said, name);
	mr_buf_putc(said, '|');
	return true;
}

static const struct {
	const char *field, *names;
} fields[] = {
	{ "text/plain", "" },
	{ "application/x; name=a.exe", "a.exe|" },
	{ "attachment; FileName = \"a b.exe\"; size=3", "a b.exe|" },
	/* each, as often as it is there */
	{ "attachment; filename=\"x.txt\"; filename*=utf-8''a%2Eexe", "x.txt|utf-8''a%2Eexe|a.exe|" },
	{ "attachment; filename=a; filename=b; name=c", "a|b|c|" },
	/* without the star, or without a charset */
	{ "attachment; filename=\"utf-8''a%2Eexe\"", "utf-8''a%2Eexe|a.exe|" },
	{ "attachment; filename*=a%2Eexe", "a%2Eexe|a.exe|" },
	/* charsets */
	{ "attachment; filename*=koi8-r''%D7%2Ejs", "koi8-r''%D7%2Ejs|\xd0\xb2.js|" },
	{ "attachment; filename=\"\xe2.js\"", "\xc3\xa2.js|" },
	{ "attachment; filename=\"\xd0\xb2.js\"", "\xd0\xb2.js|" },
	/* continuations: as they stand; by number, the first of each; the last of each */
	{ "attachment; filename*0*=utf-8''%d0%b2; filename*1=irus.js", "\xd0\xb2irus.js|\xd0\xb2irus.js|\xd0\xb2irus.js|" },
	{ "attachment; filename*1=exe; filename*0=\"a.\"", "exea.|a.exe|a.exe|" },
	{ "attachment; filename*0=a.; filename*1=exe; filename*1=txt", "a.exetxt|a.exe|a.txt|" },
	{ "attachment; filename*0=a.exe; filename*2=.txt", "a.exe.txt|a.exe|a.exe|" },
	{ "x/y; name*0=a.; filename*0=b.; name*1=exe; filename*1=js", "a.exe|b.js|a.exe|a.exe|b.js|b.js|" },
	{ "x/y; filename*01*=''%65xe; filename*00=a.", "exea.|a.''exe|a.''exe|" },
	/* encoded words, whole, in pieces, with spaces, never closed */
	{ "x/y; name=\"=?utf-8?B?YS5leGU=?=\"", "=?utf-8?B?YS5leGU=?=|a.exe|" },
	{ "x/y; name=\"x=?iso-8859-1*en?q?_=FC.e?=\r\n =?utf-8?q?xe?=\"", "x=?iso-8859-1*en?q?_=FC.e?= =?utf-8?q?xe?=|x \xc3\xbc.exe|" },
	{ "x/y; name=\"=?utf-8?B?YS5leGU\"", "=?utf-8?B?YS5leGU|a.exe|" },
	{ "x/y; name=\"=?utf-7?Q?a+AC4-exe?=\"", "=?utf-7?Q?a+AC4-exe?=|a.exe|" },
	{ "x/y; name*0=\"=?utf-8?Q?a=2Ee\"; name*1=\"xe?=\"",
	  "=?utf-8?Q?a=2Eexe?=|a.exe|=?utf-8?Q?a=2Eexe?=|a.exe|=?utf-8?Q?a=2Eexe?=|a.exe|" },
	/* quotes and spaces against the rules */
	{ "attachment; filename=a b.exe; x", "a b.exe|a|" },
	{ "attachment; filename=\"a.e\\xe\"", "a.exe|" },
	{ "attachment; filename=\"a.exe", "a.exe|a.exe|" },
	{ "attachment; filename=\"a\".exe; x", "a|a\".exe|" },
	{ "attachment filename=a.exe", "a.exe|" },
	{ "attachment; x=\"; filename=a.exe\"", "a.exe\"|" },
	{ "attachment; (filename=a.exe)", "a.exe)|" },
	{ "attachment; filename=", "" },
	{ "attachment; filename", "" },
	{ "attachment; xname=a; x-filename=b; filename+=c", "" },
	{ "attachment; filename=\"a.\n\texe\"", "a.\texe|" },
};

static void test_fields(void **state)
{
	for (size_t i = 0; i < MR_COUNT(fields); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf said = MR_BUF(1000);

		assert_true(mr_filenames(mr_slice_of(fields[i].field), arena, see, &said));
		assert_slice(mr_buf_slice(&said), fields[i].names);
		mr_buf_done(&said);
	}
}

static const struct {
	struct mr_slice name;
	const char *ends;
} names[] = {
	{ MR_LIT("a.txt"), "txt|" },
	{ MR_LIT("a.tar.GZ"), "GZ|" },
	{ MR_LIT("exe"), "|" },
	{ MR_LIT(""), "|" },
	{ MR_LIT("..."), "|" },
	{ MR_LIT("a.exe. ."), "exe|" },
	{ MR_LIT("dir.d/a"), "d/a|" },
	{ MR_LIT("'a.exe'"), "exe|" },
	{ MR_LIT("a.exe\\"), "exe|" },
	{ MR_LIT("a.exe::$DATA"), "exe::$DATA|exe|" },
	{ MR_LIT("a.exe:$x"), "exe:$x|exe|" },
	{ MR_LIT("a.exe:"), "exe|" },
	{ MR_LIT("example.com: letter.pdf"), "pdf|" },
	{ MR_LIT("a.exe\0.txt"), "txt|exe|" },
	{ MR_LIT("a.txt\0.exe"), "exe|txt|" },
	{ MR_LIT("a.e\1x\x7f"
		 "e"),
	  "exe|" },
	{ MR_LIT("a.e\xe2\x80\xaexe"), "exe|" },           /* U+202E: from right to left */
	{ MR_LIT("a\xef\xbc\x8e\xef\xbd\x85xe"), "exe|" }, /* U+FF0E, U+FF45: wide */
	{ MR_LIT("a\xe3\x80\x82"
		 "exe\xe3\x80\x80"),
	  "exe|" }, /* U+3002, U+3000 */
	{ MR_LIT("a.exe\xc2\xa0\xe2\x80\x8b"), "exe|" },
	{ MR_LIT("a.\xd0\xb2\xc3\xa9"), "\xd0\xb2\xc3\xa9|" },
	{ MR_LIT("a.\xff\xc3"), "\xff\xc3|" }, /* no UTF-8 */
};

static void test_ends(void **state)
{
	for (size_t i = 0; i < MR_COUNT(names); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_slice ends[MR_FILENAME_ENDS];
		struct mr_buf said = MR_BUF(1000);
		size_t n = mr_filename_ends(names[i].name, arena, ends);

		for (size_t k = 0; k < n; k++)
			see(ends[k], &said);
		assert_slice(mr_buf_slice(&said), names[i].ends);
		mr_buf_done(&said);
	}
}

static bool count(struct mr_slice name, void *arg)
{
	size_t *n = arg;

	(void)name;
	++*n;
	return true;
}

/* What is repeated costs no more than its length, and its end counts. */
static void test_long(void **state)
{
	static const char *const again[] = { "name=",      "name=\"",         "name*0=a;",       "name=\"\\\"", "filename=a;", "name*=",
					     "name='%2e'", "name=\"=?a?q?b ", "name*0*=''%2e; ", "a",           "name=\"\" " };

	for (size_t i = 0; i < MR_COUNT(again); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_buf field = MR_BUF(2 * MR_FILENAMES_FIELD_MAX);
		size_t n = 0;

		while (field.n < MR_FILENAMES_FIELD_MAX + 1000)
			mr_buf_puts(&field, again[i]);
		assert_true(mr_filenames(mr_buf_slice(&field), arena, count, &n));
		mr_buf_done(&field);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fields), cmocka_unit_test(test_ends), cmocka_unit_test(test_long) };

	mr_mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
