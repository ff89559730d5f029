/* uu: files that stand in text as uuencode writes them (POSIX uuencode); some mail programs show them as attached ones. */
#pragma once
#include "base/buf.h"

/* The next file in the text, which is taken off its front with all before it; `bytes` gets what it has room for of its content. False:
 * there is none. "begin 644 name" alone is none: at least one line has to be data. The name is a part of the text. */
bool mr_uu_next(struct mr_slice *text, struct mr_slice *name, struct mr_buf *bytes);
