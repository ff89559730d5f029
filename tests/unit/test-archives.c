/* archives: what is seen of packed files, and what hostile ones may not cost. */
/* libraries */
#include <archive.h>
#include <archive_entry.h>

/* ours */
#include "base/buf.h"
#include "mail/archives.h"
#include "unit.h"

/* A packed file with one entry. */
static void add_entry(struct archive *a, const char *name, struct mr_slice content)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname_utf8(e, name);
	archive_entry_set_size(e, (la_int64_t)content.n);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, content.p, content.n), (la_ssize_t)content.n);
	archive_entry_free(e);
}

static struct mr_slice pack(const char *format, const char *const *names, struct mr_slice content, const char *options, char *to,
			    size_t room)
{
	struct archive *a = archive_write_new();
	size_t used = 0;

	mr_archive_init();
	assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
	if (options)
		assert_int_equal(archive_write_set_options(a, options), ARCHIVE_OK);
	if (options)
		archive_write_set_passphrase(a, "secret");
	assert_int_equal(archive_write_open_memory(a, to, room, &used), ARCHIVE_OK);
	for (; *names; names++)
		add_entry(a, *names, content);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return (struct mr_slice){ to, used };
}

/* "depth:name=head" of each entry, a bar behind it; encrypted ones with a star. */
static enum mr_archive_next see(const struct mr_archive_entry *e, void *arg)
{
	struct mr_buf *said = arg;

	mr_buf_printf(said, "%u:%.*s%s=%.*s|", e->depth, (int)e->name.n, e->name.n ? e->name.p : "", e->encrypted ? "*" : "",
		      (int)(e->head.n > 5 ? 4 : e->head.n), e->head.n ? e->head.p : "");
	return MR_ARCHIVE_NEXT;
}

static enum mr_archive_status read_all(struct mr_slice bytes, struct mr_buf *said)
{
	return mr_archive_read(bytes, &(struct mr_archive_reader){ .see = see, .arg = said });
}

static void assert_read(struct mr_slice bytes, enum mr_archive_status status, const char *entries)
{
	struct mr_buf said = MR_BUF(100000);

	assert_int_equal(read_all(bytes, &said), status);
	assert_slice(mr_buf_slice(&said), entries);
	mr_buf_done(&said);
}

static char packed[8u << 20], outer[8u << 20];

static void test_formats(void **state)
{
	static const char *const names[] = { "a.txt", "\xd0\xb2\xd0\xb8\xd1\x80\xd1\x83\xd1\x81.js", NULL };
	static const char *const formats[] = { "zip", "7zip", "ustar", "iso9660" };

	for (size_t i = 0; i < MR_COUNT(formats); i++) {
		struct mr_slice bytes = pack(formats[i], names, MR_LIT("hello"), NULL, packed, sizeof(packed));
		struct mr_buf said = MR_BUF(1000);

		assert_int_equal(read_all(bytes, &said), MR_ARCHIVE_WHOLE);
		assert_non_null(memmem(said.p, said.n, ":a.txt=hello|", 13));
		assert_non_null(memmem(said.p, said.n, "\xd0\xb2\xd0\xb8\xd1\x80\xd1\x83\xd1\x81.js=hello|", 20));
		mr_buf_done(&said);
	}
	assert_read(MR_LIT("no archive at all, just text"), MR_ARCHIVE_NONE, "");
	assert_read((struct mr_slice){ 0 }, MR_ARCHIVE_NONE, "");
}

static void test_compressed(void **state)
{
	static const char *const filters[] = { "gzip", "bzip2", "xz" };

	for (size_t i = 0; i < MR_COUNT(filters); i++) {
		struct archive *a = archive_write_new();
		struct mr_buf said = MR_BUF(1000);
		size_t used = 0;

		assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
		assert_int_equal(archive_write_add_filter_by_name(a, filters[i]), ARCHIVE_OK);
		assert_int_equal(archive_write_open_memory(a, packed, sizeof(packed), &used), ARCHIVE_OK);
		add_entry(a, "a", MR_LIT("MZ"));
		assert_int_equal(archive_write_close(a), ARCHIVE_OK);
		archive_write_free(a);
		assert_int_equal(read_all((struct mr_slice){ packed, used }, &said), MR_ARCHIVE_WHOLE);
		assert_non_null(memmem(said.p, said.n, "=MZ|", 4));
		mr_buf_done(&said);
	}
}

static void test_inner(void **state)
{
	static const char *const inner[] = { "x.exe", NULL }, *const zip[] = { "b.zip", NULL };
	struct mr_slice bytes = pack("zip", inner, MR_LIT("MZ"), NULL, packed, sizeof(packed));
	char *from = outer, *to = packed;

	bytes = pack("zip", zip, bytes, NULL, outer, sizeof(outer));
	assert_read(bytes, MR_ARCHIVE_WHOLE, "1:b.zip=PK\3\4|2:x.exe=MZ|");
	for (unsigned depth = 2; depth <= MR_ARCHIVE_DEPTH_MAX; depth++) { /* one more than the bound */
		char *other = from;

		bytes = pack("zip", zip, bytes, NULL, to, sizeof(packed));
		from = to;
		to = other;
	}
	struct mr_buf said = MR_BUF(1000);
	assert_int_equal(read_all(bytes, &said), MR_ARCHIVE_CUT);
	mr_buf_done(&said);
}

/* By its name, since its first bytes do not say that it is one. */
static void test_inner_by_name(void **state)
{
	static const char *const inner[] = { "x.exe", NULL };
	struct mr_slice bytes = pack("iso9660", inner, MR_LIT("MZ"), NULL, packed, sizeof(packed));
	struct mr_buf said = MR_BUF(1000), prefixed = MR_BUF(10000);

	bytes = pack("zip", (const char *const[]){ "a.ISO", NULL }, bytes, NULL, outer, sizeof(outer));
	assert_int_equal(read_all(bytes, &said), MR_ARCHIVE_WHOLE);
	assert_non_null(memmem(said.p, said.n, "2:x.exe=MZ|", 11));
	mr_buf_reset(&said);
	mr_buf_puts(&prefixed, "some text");
	mr_buf_add(&prefixed, pack("zip", inner, MR_LIT("MZ"), NULL, packed, sizeof(packed)));
	bytes = pack("zip", (const char *const[]){ "a.zip", NULL }, mr_buf_slice(&prefixed), NULL, outer, sizeof(outer));
	assert_int_equal(read_all(bytes, &said), MR_ARCHIVE_WHOLE);
	assert_non_null(memmem(said.p, said.n, "2:x.exe=MZ|", 11));
	/* of that name, and none */
	assert_read(pack("zip", (const char *const[]){ "a.img", NULL }, MR_LIT("text"), NULL, packed, sizeof(packed)), MR_ARCHIVE_WHOLE,
		    "1:a.img=text|");
	mr_buf_done(&said);
	mr_buf_done(&prefixed);
}

/* An inner archive that is broken does not hide what follows. */
static void test_broken_inner(void **state)
{
	static const char *const names[] = { "a", "b.js", NULL };
	struct mr_slice bytes = pack("zip", names, MR_LIT("PK\3\4"), NULL, packed, sizeof(packed));

	assert_read(bytes, MR_ARCHIVE_CUT, "1:a=PK\3\4|1:b.js=PK\3\4|");
}

/* -- zip files as others than libarchive read them -- */

static struct mr_buf join(struct mr_slice a, struct mr_slice b)
{
	struct mr_buf out = MR_BUF(1u << 20);

	mr_buf_add(&out, a);
	mr_buf_add(&out, b);
	return out;
}

static struct mr_slice zip_of(const char *name, char *to)
{
	return pack("zip", (const char *const[]){ name, NULL }, MR_LIT("x"), NULL, to, sizeof(packed));
}

/* Two of them, one behind the other, or behind something else; a comment behind it. */
static void test_zips(void **state)
{
	static const char *const names[] = { "t", NULL };
	struct mr_slice a = zip_of("a", packed), b = zip_of("b", outer);
	struct mr_buf two = join(a, b), three, comment;
	char tar[20480];

	assert_read(mr_buf_slice(&two), MR_ARCHIVE_WHOLE, "1:b=x|1:b=|1:a=x|");
	three = join(pack("ustar", names, MR_LIT("x"), NULL, tar, sizeof(tar)), a);
	assert_read(mr_buf_slice(&three), MR_ARCHIVE_WHOLE, "1:t=x|1:a=|1:a=x|");
	comment = join(MR_LIT("some text\n"), a);
	mr_buf_add(&comment, (struct mr_slice){ memset(tar, ' ', sizeof(tar)), sizeof(tar) });
	comment.p[comment.n - sizeof(tar) - 1] = sizeof(tar) >> 8;
	assert_read(mr_buf_slice(&comment), MR_ARCHIVE_WHOLE, "1:a=|1:a=x|");
	/* an end alone is none; what is packed into another one without being made smaller is read once */
	assert_read(MR_LIT("hello PK\5\6"
			   "123456789012345678 world"),
		    MR_ARCHIVE_NONE, "");
	b = pack("zip", (const char *const[]){ "b.zip", NULL }, a, "zip:compression=store", outer, sizeof(outer));
	assert_read(b, MR_ARCHIVE_WHOLE, "1:b.zip=PK\3\4|2:a=x|1:a=|");
	mr_buf_done(&two);
	mr_buf_done(&three);
	mr_buf_done(&comment);
}

/* The name of an entry, and that in the directory, by which most programs go. */
static void test_names(void **state)
{
	struct mr_slice a = zip_of("a.exe", packed);

	memcpy((char *)memmem(a.p, a.n, "a.exe", 5), "a.txt", 5);
	assert_read(a, MR_ARCHIVE_WHOLE, "1:a.txt=x|1:a.exe=|");
}

/* By its mode in the directory it is a folder, for programs of Windows a file. */
static void test_folder(void **state)
{
	struct mr_slice a = zip_of("a.js", packed);
	char *entry = memmem(a.p, a.n, "PK\1\2", 4);

	entry[5] = 3;
	entry[40] = 0;
	entry[41] = 0x40; /* 040000 */
	assert_read(a, MR_ARCHIVE_CUT, "1:a.js/=|");
}

/* Many ends, many names. */
static void test_many(void **state)
{
	struct mr_buf bytes = MR_BUF(8u << 20), said = MR_BUF(10);

	mr_buf_putc(&bytes, 'x');
	for (size_t i = 0; i < 20000; i++)
		mr_buf_printf(&bytes, "PK\1\2%042d", 1);
	assert_int_equal(read_all(mr_buf_slice(&bytes), &said), MR_ARCHIVE_NONE); /* no end */
	for (size_t i = 0; i < 100000; i++)
		mr_buf_add(&bytes, (struct mr_slice){ "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22 });
	assert_int_equal(read_all(mr_buf_slice(&bytes), &said), MR_ARCHIVE_CUT);
	mr_buf_done(&bytes);
	for (size_t i = 0; i < 20; i++) {
		struct mr_slice a = zip_of("a", packed);
		uint32_t before = (uint32_t)bytes.n;

		before += (uint32_t)((unsigned char)a.p[a.n - 6] | (unsigned char)a.p[a.n - 5] << 8);
		mr_buf_add(&bytes, a);
		for (size_t k = 0; k < 4; k++)
			bytes.p[bytes.n - 6 + k] = (char)(before >> 8 * k & 0xff);
	}
	assert_int_equal(read_all(mr_buf_slice(&bytes), &said), MR_ARCHIVE_CUT);
	mr_buf_done(&bytes);
	mr_buf_done(&said);
}

static void test_encrypted(void **state)
{
	static const char *const names[] = { "x.exe", NULL };

	assert_read(pack("zip", names, MR_LIT("MZ"), "zip:encryption=zipcrypt", packed, sizeof(packed)), MR_ARCHIVE_WHOLE, "1:x.exe*=|");
}

struct wish {
	size_t content; /* bytes that were shown of it */
	unsigned calls;
};

static enum mr_archive_next ask(const struct mr_archive_entry *e, void *arg)
{
	struct wish *w = arg;

	w->calls++;
	w->content += e->content.n;
	return e->content.n ? MR_ARCHIVE_STOP : MR_ARCHIVE_CONTENT;
}

/* An entry whole, once; what was read of other files before counts. */
static void test_content(void **state)
{
	static const char *const names[] = { "1", "2", NULL };
	static char text[MR_ARCHIVE_HEAD + 1000];
	struct mr_slice bytes = pack("zip", names, (struct mr_slice){ text, sizeof(text) }, NULL, packed, sizeof(packed));
	struct mr_archive_count count = { 0 };
	struct wish w = { 0 };
	struct mr_archive_reader reader = { .see = ask, .arg = &w, .count = &count };

	assert_int_equal(mr_archive_read(bytes, &reader), MR_ARCHIVE_WHOLE);
	assert_int_equal(w.content, sizeof(text));
	assert_int_equal(w.calls, 2);
	assert_int_equal(count.entries, 1);
	assert_int_equal(count.bytes, sizeof(text));
	count.entries = MR_ARCHIVE_ENTRIES_MAX;
	assert_int_equal(mr_archive_read(bytes, &reader), MR_ARCHIVE_CUT);
	count = (struct mr_archive_count){ .bytes = MR_ARCHIVE_BYTES_MAX };
	assert_int_equal(mr_archive_read(bytes, &reader), MR_ARCHIVE_CUT);
	assert_int_equal(w.content, sizeof(text));
}

/* Zeros, and a file that ends too early. */
static void test_hostile(void **state)
{
	static const char *const names[] = { "1", "2", "3", "4", "5", "6", NULL };
	static char zeros[15u << 20] = "PK\3\4";
	struct mr_slice bytes = pack("zip", names, (struct mr_slice){ zeros, sizeof(zeros) }, NULL, packed, sizeof(packed));
	struct mr_buf said = MR_BUF(1000);

	assert_in_range(bytes.n, 1, 1u << 20);
	assert_int_equal(read_all(bytes, &said), MR_ARCHIVE_CUT); /* 90 MB unpacked */
	bytes = pack("zip", names, MR_LIT("hello"), NULL, packed, sizeof(packed));
	bytes.n /= 2;
	assert_int_equal(read_all(bytes, &said), MR_ARCHIVE_CUT);
	mr_buf_done(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_formats),      cmocka_unit_test(test_compressed),
					    cmocka_unit_test(test_inner),        cmocka_unit_test(test_inner_by_name),
					    cmocka_unit_test(test_broken_inner), cmocka_unit_test(test_zips),
					    cmocka_unit_test(test_names),        cmocka_unit_test(test_folder),
					    cmocka_unit_test(test_many),         cmocka_unit_test(test_encrypted),
					    cmocka_unit_test(test_content),      cmocka_unit_test(test_hostile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
