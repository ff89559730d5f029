/* pdf: where a PDF file leads, what it does by itself, what it says as far as its fonts tell, and which files are in it (ISO 32000).
 * Objects are found where they stand, without the cross-reference table, which a hostile file may have wrong and which readers mend.
 *
 * Not read: what is encrypted, unless the empty password opens it; streams by other filters than Flate, LZW, ASCII85 and ASCIIHex; text
 * by fonts with codes of their own that have no ToUnicode map. Time and memory are bounded by the size and by the numbers below; nothing
 * is recursive. An object that stands in a string or a stream counts like any other, as it does for a reader whose table says so. */
#pragma once
#include "base/arena.h"

#define MR_PDF_BYTES_MAX    (32u << 20) /* that are looked at */
#define MR_PDF_WORK_MAX     (24u << 20) /* bytes that are read word by word; also four times as many as there are */
#define MR_PDF_INFLATED_MAX (8u << 20)  /* bytes of all streams that are read */
#define MR_PDF_STREAM_MAX   (4u << 20)  /* of one */
#define MR_PDF_FILE_MAX     (16u << 20) /* of a file in it */
#define MR_PDF_STREAMS_MAX  500         /* of text that are looked at */
#define MR_PDF_TEXT_MAX     (128u << 10)
#define MR_PDF_LINKS_MAX    200
#define MR_PDF_STRING_MAX   4096 /* bytes of a name or an address; longer ones are cut */
#define MR_PDF_FILES_MAX    100

struct mr_pdf {
	struct mr_slice *links; /* targets as written, each once: UTF-8 where the file has UTF-16, else its bytes */
	size_t n_links, room;
	struct mr_slice text; /* UTF-8 */
	size_t n_pages, n_images, n_files;
	bool encrypted;
	bool script;      /* an action in JavaScript */
	bool open_script; /* ... that runs when it is opened */
	bool launch;      /* an action that starts a program */
	bool cut;         /* past a bound: something was not looked at */
};

/* "%PDF-" stands in the first 1024 bytes. */
bool mr_pdf_begins(struct mr_slice bytes);
/* Never fails: garbage gives an empty one. In the arena. After mr_mime_init(). */
void mr_pdf_read(struct mr_slice bytes, struct mr_arena *arena, struct mr_pdf *out);
/* Calls `see` for each name and for each content of a file in it, the other one empty, until it returns false. Names are UTF-8 or bytes.
 * Slices live during the call. *left: bytes that streams may have; less what they had. *encrypted: there are some, which cannot be read.
 * False: past a bound, or packed in a way that is not read, and something was not looked at. */
bool mr_pdf_files(struct mr_slice bytes, size_t *left, bool *encrypted,
		  bool (*see)(struct mr_slice name, struct mr_slice content, void *arg), void *arg);
