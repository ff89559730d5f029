/* zip: what of a zip file other programs go by than libarchive does: the names in its directory, and each of several zip files that stand
 * one behind the other, or behind something else (APPNOTE.TXT 4.3). Numbers are not trusted. */
#pragma once
#include "base/slice.h"

/* The next end of a zip file, from *at on, which is behind it then. *whole: it says that it begins with the file. False: there is none. */
bool mr_zip_next_end(struct mr_slice bytes, size_t *at, bool *whole);
/* The next entry of a directory in the file that has a name by which its content does not go, or a second name: names[1], or empty. Of
 * folders none are told. *at is behind it then. False: there is none. */
bool mr_zip_next_name(struct mr_slice bytes, size_t *at, struct mr_slice names[2]);
