/* tnef: files in what Outlook sends as winmail.dat, application/ms-tnef ([MS-OXTNEF]). Sums are not checked: readers do not. */
#pragma once
#include "base/slice.h"

#define MR_TNEF_ATTRIBUTES_MAX 10000 /* and as many properties in one of them */

/* Calls `see` for each name of a file and for each content, the other one empty, until it returns false. Names are UTF-16 in the order
 * of bytes of x86 or in a charset of Windows; of an attached message the content is another TNEF. False: it ends too early or has more than
 * the bound, and what follows was not looked at. */
bool mr_tnef_read(struct mr_slice bytes, bool (*see)(struct mr_slice name, bool utf16, struct mr_slice content, void *arg), void *arg);
bool mr_tnef_begins(struct mr_slice bytes);
