/* archives: see archives.h. */
/* system */
#include <locale.h>

/* libraries */
#include <archive.h>
#include <archive_entry.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/archives.h"
#include "mail/zip.h"

#define CHUNK   16384
#define ZIP_END 8192 /* bytes from the end of a file in which libarchive finds that of a zip file */

struct reading {
	const struct mr_archive_reader *reader;
	struct mr_archive_count *count;
	bool cut, broken, stopped; /* cut: past a bound of all; broken: something in it was not read, and what follows is */
};

void mr_archive_init(void)
{
	/* In the C locale names outside ASCII are NULL. */
	setlocale(LC_CTYPE, "C.UTF-8");
}

static void support_all(struct archive *a)
{
	archive_read_support_format_zip(a);
	archive_read_support_format_rar(a);
	archive_read_support_format_rar5(a);
	archive_read_support_format_7zip(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_cab(a);
	archive_read_support_format_iso9660(a);
	archive_read_support_format_lha(a);
	archive_read_support_format_raw(a); /* anything, also what is compressed without an archive */
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
}

/* zip: it is to be read as one by its end, whatever it begins with. */
static struct archive *open_archive(struct mr_slice bytes, bool zip)
{
	struct archive *a = archive_read_new();
	int r;

	if (!a)
		return NULL;
	if (zip)
		archive_read_support_format_zip_seekable(a);
	else
		support_all(a);
	r = archive_read_open_memory(a, bytes.p, bytes.n);
	if (r == ARCHIVE_OK)
		return a;
	archive_read_free(a);
	return NULL;
}

/* By these marks, since reading every entry costs too much. */
bool mr_archive_begins(struct mr_slice head)
{
	static const struct mr_slice magic[] = {
		{ "PK\3\4", 4 },
		{ "Rar!\x1a\7", 6 },
		{ "7z\xbc\xaf\x27\x1c", 6 },
		{ "MSCF", 4 },
		{ "\x1f\x8b", 2 },
		{ "BZh", 3 },
		{ "\xfd"
		  "7zXZ",
		  5 },
		{ "\x28\xb5\x2f\xfd", 4 },
	};

	for (size_t i = 0; i < MR_COUNT(magic); i++)
		if (mr_slice_starts(head, magic[i]))
			return true;
	/* tar's mark stands at 257, an image's at 32769 */
	return mr_slice_starts(mr_slice_from(head, 257), MR_LIT("ustar"));
}

static bool is_zip(struct archive *a)
{
	return (archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
}

static bool is_uncompressed(struct archive *a)
{
	return archive_format(a) == ARCHIVE_FORMAT_RAW && archive_filter_count(a) == 1;
}

/* The entry's content up to `max` bytes more. */
static void unpack(struct reading *r, struct archive *a, struct mr_buf *out, size_t max)
{
	char *at;
	la_ssize_t n = 1;

	while (out->n < max && n > 0) {
		size_t room = max - out->n < CHUNK ? max - out->n : CHUNK;

		if (r->count->bytes + room > MR_ARCHIVE_BYTES_MAX) {
			r->cut = true;
			return;
		}
		at = mr_buf_reserve(out, room);
		if (!at)
			return;
		n = archive_read_data(a, at, room);
		if (n > 0) {
			mr_buf_filled(out, (size_t)n);
			r->count->bytes += (size_t)n;
		}
	}
	r->broken |= n < 0;
}

static enum mr_archive_status read_level(struct reading *r, struct mr_slice bytes, unsigned depth);

/* What is opened by its name, and whose first bytes do not tell: an image, a zip file behind something else. */
static bool is_named_archive(struct mr_slice name)
{
	static const struct mr_slice ends[] = { MR_LIT(".iso"), MR_LIT(".img"), MR_LIT(".zip"), MR_LIT(".lzh"), MR_LIT(".lha") };

	for (size_t i = 0; i < MR_COUNT(ends); i++)
		if (mr_slice_iends(name, ends[i]))
			return true;
	return false;
}

static void see_entry(struct reading *r, struct archive *a, struct archive_entry *entry, unsigned depth)
{
	struct mr_buf content = MR_BUF(MR_ARCHIVE_INNER_MAX + 1);
	const char *name = archive_entry_pathname_utf8(entry);
	struct mr_archive_entry e = { .encrypted = archive_entry_is_encrypted(entry) > 0, .depth = depth };
	enum mr_archive_next next;

	e.name = mr_slice_of(name ? name : archive_entry_pathname(entry));
	if (!e.encrypted)
		unpack(r, a, &content, MR_ARCHIVE_HEAD);
	e.head = mr_buf_slice(&content);
	next = r->reader->see(&e, r->reader->arg);
	if (next != MR_ARCHIVE_STOP && !e.encrypted && (mr_archive_begins(e.head) || is_named_archive(e.name))) {
		unpack(r, a, &content, MR_ARCHIVE_INNER_MAX + 1);
		if (depth == MR_ARCHIVE_DEPTH_MAX || content.n > MR_ARCHIVE_INNER_MAX)
			r->broken = true;
		else
			read_level(r, mr_buf_slice(&content), depth + 1);
	} else if (next == MR_ARCHIVE_CONTENT) {
		unpack(r, a, &content, MR_ARCHIVE_INNER_MAX + 1);
		r->broken |= content.n > MR_ARCHIVE_INNER_MAX;
		e.content = mr_buf_slice(&content);
		e.head = (struct mr_slice){ content.p, e.head.n };
		next = r->reader->see(&e, r->reader->arg);
	}
	r->stopped |= next == MR_ARCHIVE_STOP;
	mr_buf_done(&content);
}

/* *zip: whether it is one. */
static enum mr_archive_status read_archive(struct reading *r, struct mr_slice bytes, unsigned depth, bool *zip)
{
	struct archive *a = open_archive(bytes, *zip);
	struct archive_entry *entry;
	int err = ARCHIVE_FATAL;
	size_t before = r->count->entries;

	if (!a)
		return MR_ARCHIVE_NONE;
	while (!r->stopped && !r->cut) {
		err = archive_read_next_header(a, &entry);
		if (err != ARCHIVE_OK && err != ARCHIVE_WARN)
			break;
		if (is_uncompressed(a)) {
			archive_read_free(a);
			return MR_ARCHIVE_NONE;
		}
		if (archive_entry_filetype(entry) == AE_IFDIR && (!is_zip(a) || archive_entry_size(entry) <= 0))
			continue;
		/* With bytes it is a file for those who go by its name; libarchive unpacks none of them. */
		r->broken |= archive_entry_filetype(entry) == AE_IFDIR;
		if (++r->count->entries > MR_ARCHIVE_ENTRIES_MAX)
			r->cut = true;
		else
			see_entry(r, a, entry, depth);
	}
	/* Names that are encrypted, too: there is an archive, and nothing of it can be seen. */
	if (err < ARCHIVE_WARN && archive_read_has_encrypted_entries(a) > 0 && r->count->entries == before) {
		r->count->entries++;
		r->stopped =
		    r->reader->see(&(struct mr_archive_entry){ .encrypted = true, .depth = depth }, r->reader->arg) == MR_ARCHIVE_STOP;
	}
	r->broken |= err < ARCHIVE_WARN && !r->stopped && !(*zip && r->count->entries == before);
	*zip = is_zip(a);
	archive_read_free(a);
	return r->cut || r->broken ? MR_ARCHIVE_CUT : MR_ARCHIVE_WHOLE;
}

/* -- what others see in a zip file -- */

static void see_names(struct reading *r, struct mr_slice bytes, unsigned depth)
{
	struct mr_slice names[2];
	size_t at = 0;

	while (!r->stopped && !r->cut && mr_zip_next_name(bytes, &at, names)) {
		r->cut |= ++r->count->names > MR_ARCHIVE_ENTRIES_MAX;
		for (size_t i = 0; i < MR_COUNT(names) && names[i].n && !r->stopped; i++)
			r->stopped = r->reader->see(&(struct mr_archive_entry){ .name = names[i], .depth = depth }, r->reader->arg) ==
				     MR_ARCHIVE_STOP;
	}
}

/* Zip files in it besides the last one, which is read if `known`. True: there are some. */
static bool read_zips(struct reading *r, struct mr_slice bytes, unsigned depth, bool known)
{
	size_t at = 0, n = 0, before = r->count->entries;
	bool whole, is_whole, more = mr_zip_next_end(bytes, &at, &is_whole);

	if (more)
		see_names(r, bytes, depth);
	while (more && !r->stopped && !r->cut) {
		size_t end = at;
		bool zip = true;

		whole = is_whole;
		more = mr_zip_next_end(bytes, &at, &is_whole);
		if (more ? !whole : known && bytes.n - end < ZIP_END)
			continue;
		r->cut |= ++n > MR_ARCHIVE_ZIPS_MAX;
		if (!r->cut)
			read_archive(r, (struct mr_slice){ bytes.p, end }, depth, &zip);
	}
	return r->count->entries > before;
}

static enum mr_archive_status read_level(struct reading *r, struct mr_slice bytes, unsigned depth)
{
	bool zip = false;
	enum mr_archive_status status = read_archive(r, bytes, depth, &zip);

	if (read_zips(r, bytes, depth, zip))
		status = MR_ARCHIVE_WHOLE;
	return r->cut || r->broken ? MR_ARCHIVE_CUT : status;
}

enum mr_archive_status mr_archive_read(struct mr_slice bytes, const struct mr_archive_reader *reader)
{
	struct mr_archive_count alone = { 0 };
	struct reading r = { .reader = reader, .count = reader->count ? reader->count : &alone };

	mr_archive_init();
	return read_level(&r, bytes, 1);
}
