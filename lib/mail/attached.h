/* attached: the files that some mail program would show of a message: names and contents of its parts, what is packed into them, parts of
 * attached messages, also of encoded and packed ones, what stands in text by uuencode, what Outlook packs into winmail.dat and .msg, what
 * is embedded in PDF files and Office documents; by each way of reading where a header has a field twice. With bounds on all of it. */
#pragma once
#include "mail/archives.h"
#include "mail/mime.h"

#define MR_ATTACHED_DEPTH_MAX    5            /* of messages, winmail.dat and uuencoded files in each other, beyond what MIME nests */
#define MR_ATTACHED_MESSAGES_MAX 100          /* further messages that are read */
#define MR_ATTACHED_MESSAGE_MAX  (32u << 20)  /* bytes of one of them */
#define MR_ATTACHED_BYTES_MAX    (128u << 20) /* of all of them */
#define MR_ATTACHED_FILES_MAX    10000        /* in its parts, whose content is shown */
#define MR_ATTACHED_UNPACKED_MAX (256u << 20) /* bytes of all files together, unpacked */

#define MR_ATTACHED_MACROS "application/vnd.ms-office.vbaproject" /* programs in an Office document */

/* A name, a content or a type; name and content of what is packed. */
struct mr_attached {
	struct mr_slice name;  /* as mr_filename_ends() takes it; or empty */
	struct mr_slice bytes; /* its first ones at least, or empty */
	struct mr_slice type;  /* MR_ATTACHED_MACROS, or empty */
	bool encrypted;
};

struct mr_attached_reader {
	bool (*see)(const struct mr_attached *file, void *arg); /* false: no further ones. Slices live during the call. */
	void *arg;
};

/* Shows all of them, in no order. False: something is broken or past a bound, and was not looked at. The view is that of the message. */
bool mr_attached_read(struct mr_slice message, struct mr_mime_view *view, const struct mr_attached_reader *reader);
