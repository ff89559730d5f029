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
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_formats), cmocka_unit_test(test_compressed),
					    cmocka_unit_test(test_inner),   cmocka_unit_test(test_encrypted),
					    cmocka_unit_test(test_content), cmocka_unit_test(test_hostile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
