/* binhex: files as BinHex 4.0 has them (RFC 1741), whose content Outlook and Exchange take out (MS-OXCMAIL section 2.2.3.4.2.3). */
#pragma once
#include "base/buf.h"

#define MR_BINHEX_NAME_MAX 63 /* bytes */

/* By the line that tells what it is, or, as parts of its type may have none, by the colon that its data begins with. */
bool mr_binhex_begins(struct mr_slice bytes);
/* The next file in the text, which is taken off its front with all before it: `name`, and of its data fork what `bytes` has room for.
 * False: there is none. alone: the text is nothing else, and needs no line that tells it. */
bool mr_binhex_next(struct mr_slice *text, bool alone, struct mr_buf *name, struct mr_buf *bytes);
