/* archives: what is packed into a file: zip, rar, 7z, tar, cab, iso, lha, and single compressed files. By libarchive, with bounds on
 * entries, bytes and archives in archives. */
#pragma once
#include "base/slice.h"

#define MR_ARCHIVE_ENTRIES_MAX 5000        /* of a file with all that is in it */
#define MR_ARCHIVE_BYTES_MAX   (64u << 20) /* unpacked, of a file with all that is in it */
#define MR_ARCHIVE_INNER_MAX   (16u << 20) /* unpacked, of an archive in an archive */
#define MR_ARCHIVE_DEPTH_MAX   3
#define MR_ARCHIVE_HEAD        4096 /* first bytes of an entry that are shown */

struct mr_archive_entry {
	struct mr_slice name; /* UTF-8 where it can be known, else as packed; empty where the archive hides it */
	struct mr_slice head; /* its first bytes, unpacked; empty when encrypted or broken */
	bool encrypted;
	unsigned depth; /* 1: in the file itself */
};

enum mr_archive_status {
	MR_ARCHIVE_NONE,  /* the file is none */
	MR_ARCHIVE_WHOLE, /* every entry was seen */
	MR_ARCHIVE_CUT,   /* broken, or past a bound: entries may be missing */
};

/* Once in a process, before a sandbox: names need a UTF-8 locale. */
void mr_archive_init(void);
/* Calls `see` for each file, until it returns false. Slices live during the call. */
enum mr_archive_status mr_archive_read(struct mr_slice bytes, bool (*see)(const struct mr_archive_entry *e, void *arg), void *arg);
