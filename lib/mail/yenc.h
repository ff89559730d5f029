/* yenc: files that stand in text as yEnc writes them; Thunderbird shows them as attached ones. Those in several messages it does not. */
#pragma once
#include "base/buf.h"

/* "=ybegin " is all that it has to begin with. */
bool mr_yenc_begins(struct mr_slice bytes);
/* The next file in the text, which is taken off its front with all before it; `bytes` gets what it has room for of its content. False:
 * there is none. The name is a part of the text. */
bool mr_yenc_next(struct mr_slice *text, struct mr_slice *name, struct mr_buf *bytes);
