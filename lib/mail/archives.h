/* archives: what is packed into a file: zip, rar, 7z, tar, cab, iso, lha, and single compressed files. By libarchive, with bounds on
 * entries, bytes and archives in archives. Of a zip file also what other programs see than libarchive does (zip.h). */
#pragma once
#include "base/slice.h"

#define MR_ARCHIVE_ENTRIES_MAX 5000        /* of a file with all that is in it */
#define MR_ARCHIVE_BYTES_MAX   (64u << 20) /* unpacked, of a file with all that is in it */
#define MR_ARCHIVE_INNER_MAX   (16u << 20) /* unpacked, of an archive in an archive */
#define MR_ARCHIVE_DEPTH_MAX   3
#define MR_ARCHIVE_ZIPS_MAX    8    /* zip files in one, besides those that are packed into it */
#define MR_ARCHIVE_HEAD        4096 /* first bytes of an entry that are shown */

struct mr_archive_entry {
	struct mr_slice name;    /* UTF-8 where it can be known, else as packed; empty where the archive hides it */
	struct mr_slice head;    /* its first bytes, unpacked; empty when encrypted or broken, or for a further name of one */
	struct mr_slice content; /* if it was asked for, else empty */
	bool encrypted;
	unsigned depth; /* 1: in the file itself */
};

enum mr_archive_status {
	MR_ARCHIVE_NONE,  /* the file is none */
	MR_ARCHIVE_WHOLE, /* every entry was seen */
	MR_ARCHIVE_CUT,   /* broken, or past a bound: entries may be missing */
};

/* What is to become of an entry that was shown: the next one, no further ones, or the same once more with its content, of which
 * MR_ARCHIVE_INNER_MAX bytes are shown. An archive is read by itself. */
enum mr_archive_next { MR_ARCHIVE_NEXT, MR_ARCHIVE_STOP, MR_ARCHIVE_CONTENT };

/* What was read so far of a file and all that is in it. */
struct mr_archive_count {
	size_t entries, names /* further ones */, bytes;
};

struct mr_archive_reader {
	enum mr_archive_next (*see)(const struct mr_archive_entry *e, void *arg);
	void *arg;
	struct mr_archive_count *count; /* may have begun with another file; NULL: of this one alone */
};

/* Once in a process, before a sandbox: names need a UTF-8 locale. */
void mr_archive_init(void);
/* Calls `see` for each file. Slices live during the call. */
enum mr_archive_status mr_archive_read(struct mr_slice bytes, const struct mr_archive_reader *reader);
/* Begins as zip, rar, 7z, cab or a compressed file does. */
bool mr_archive_begins(struct mr_slice head);
