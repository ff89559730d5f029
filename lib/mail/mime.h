/* mime: the parts of a message as a mail program shows them (RFC 2045 to 2047, 2183, 2231): what each is, its name, its content with the
 * transfer encoding undone, and text as UTF-8. By GMime, with bounds on everything that a stranger chooses; never fails: garbage gives one
 * part of plain text.
 *
 * Not for programs with several threads that parse at once before mr_mime_init(). */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

#define MR_MIME_PARTS_MAX     1000       /* leaves; further ones are not looked at */
#define MR_MIME_BOUNDARY_MAX  10000      /* lines that may be boundaries; what follows the last one is not looked at */
#define MR_MIME_DEPTH_MAX     30         /* of multiparts and attached messages in each other */
#define MR_MIME_TEXT_PART_MAX (1u << 20) /* bytes of decoded text of one part, in its own charset */
#define MR_MIME_TEXT_MAX      (2u << 20) /* bytes of decoded text of all parts together */
#define MR_MIME_NAME_MAX      1024       /* bytes of a file name in UTF-8 */

struct mr_mime;

enum mr_mime_kind { MR_MIME_PLAIN /* text other than HTML, shown to the reader */, MR_MIME_HTML, MR_MIME_FILE };

struct mr_mime_part {
	enum mr_mime_kind kind;
	struct mr_slice type;    /* lower case; "text/plain" where the part does not say */
	struct mr_slice charset; /* as the part says, lower case; or empty */
	struct mr_slice name;    /* file name in UTF-8, or empty */
	bool attachment;         /* Content-Disposition says so */
	bool cut;                /* the text was longer than the bounds */
	bool bad_charset;        /* the charset is none that we know; the text was taken for UTF-8 or windows-1252 */
	unsigned depth;          /* 0: the message itself, or a part of its multipart is 1 ... */
	struct mr_slice raw;     /* PLAIN and HTML: the content in its own charset; else empty, see mr_mime_bytes() */
	struct mr_slice text;    /* PLAIN and HTML: raw as UTF-8, valid, without NUL */
	struct mr_slice whole;   /* mr_mime_bytes()'s */
	bool decoded;            /* mr_mime_bytes()'s */
	void *handle;            /* the same, and mr_mime_padded()'s */
};

struct mr_mime_view {
	struct mr_mime *mime; /* owns what the slices show */
	struct mr_mime_part *parts;
	size_t n_parts, room;
	bool cut;    /* more parts, boundaries or depth than the bounds */
	bool broken; /* there is a body, but no part could be found: parts[0] is the raw body */
};

/* Once in a process, before threads and before a sandbox: opens the charset converters that mail uses, which are files. */
void mr_mime_init(void);
/* The view lives until mr_mime_free(); the message must live as long. Slices are in the arena or in the view. */
void mr_mime_parse(struct mr_slice message, struct mr_arena *arena, struct mr_mime_view *out);
void mr_mime_free(struct mr_mime_view *v); /* an empty view is fine */
/* The content, all of it, that of a FILE decoded when asked first; lives as long as the view. Empty when it cannot be decoded. */
struct mr_slice mr_mime_bytes(struct mr_mime_view *v, struct mr_mime_part *p);
/* Of a part in base64 with padding in its midst, where some programs end: what those have who read on, as far as out has room. False: it is
 * not so. */
bool mr_mime_padded(const struct mr_mime_part *p, struct mr_buf *out);
/* Every name of any part, also of multiparts and attached messages, as mr_filenames() tells them, and what Content-Name says, by which
 * Thunderbird goes, too; false: `see` returned false. */
bool mr_mime_names(struct mr_mime_view *v, bool (*see)(struct mr_slice name, void *arg), void *arg);

/* Which of two Content-Type, Content-Transfer-Encoding or Content-Disposition fields in one header counts, and which of two boundaries in
 * one of them: programs do not agree. */
enum mr_mime_twice { MR_MIME_FIRST, MR_MIME_LAST };
/* The message as one reads it who goes by the first or the last of such fields, closes a quote in them that is not, passes over NUL, and
 * takes a CR that stands alone for the end of a line. False: it is the same. `out` needs room for twice as many bytes. */
bool mr_mime_reading(struct mr_slice message, enum mr_mime_twice twice, struct mr_buf *out);
