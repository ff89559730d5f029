/* ole: compound files, in which old Office documents, Outlook's .msg and what is embedded in others are kept ([MS-CFB]): the entries of the
 * directory and what streams hold. Where storages nest does not matter here: the directory is read as a list. */
#pragma once
#include "base/buf.h"

#define MR_OLE_ENTRIES_MAX 20000
#define MR_OLE_NAME_MAX    64 /* bytes of UTF-16 */

/* The sectors of a chain as far as it was gone along. */
struct mr_ole_chain {
	uint32_t *v;
	size_t n, room;
	uint32_t next; /* where it goes on */
};

struct mr_ole {
	struct mr_slice bytes;
	size_t shift, mini_shift, mini_below; /* sizes of sectors, as powers of two; streams below are in small ones */
	size_t n_sectors;
	uint32_t *tables; /* sectors that hold the table of chains; who reads it frees it */
	size_t n_tables;
	uint32_t directory;
	struct mr_ole_chain mini_table, mini_stream;
	size_t steps; /* along chains so far */
	bool cut;     /* broken, or past a bound */
};
struct mr_ole_entry {
	struct mr_slice name; /* ASCII, without NUL; other characters as "?" */
	bool stream;          /* else a storage */
	uint32_t first;       /* sector */
	size_t size;          /* bytes */
};

bool mr_ole_begins(struct mr_slice bytes);
/* Calls `see` for each entry until it returns false. False: broken, or past a bound, and something was not looked at. */
bool mr_ole_read(struct mr_slice bytes, bool (*see)(struct mr_ole *ole, const struct mr_ole_entry *e, void *arg), void *arg);
/* For `see`: adds what the stream holds, as much as out has room for. */
void mr_ole_stream(struct mr_ole *ole, const struct mr_ole_entry *e, struct mr_buf *out);
/* What a stream "\1Ole10Native" holds, a file that was dropped into a document: its names, of which either may be empty, and its content.
 * False: something else. */
bool mr_ole_package(struct mr_slice stream, struct mr_slice names[2], struct mr_slice *content);
