/* filenames: what a part of a message may be called, by every way in which mail programs read its fields (RFC 2045, 2047, 2183, 2231, and
 * what is against them), and how such a name ends on Windows. */
#pragma once
#include "base/arena.h"

#define MR_FILENAMES_FIELD_MAX (128u << 10) /* bytes of a field that are looked at; Postfix takes 102400 */
#define MR_FILENAME_BYTES_MAX  4096         /* of a name: its last ones */
#define MR_FILENAME_ENDS       3

/* Calls `see` for each name in the value of a Content-Type or Content-Disposition field, until it returns false; that is returned. All of
 * filename, filename*, filename*0 ..., name, name* ..., each as often as it is there, continuations in order of their numbers and as they
 * stand, encoded words undone and as they are. UTF-8, or what is none if no charset explains it; may hold control characters. A name may be
 * shown twice; it lives during the call. After mr_mime_init(). */
bool mr_filenames(struct mr_slice value, struct mr_arena *arena, bool (*see)(struct mr_slice name, void *arg), void *arg);

/* What stands behind the last dot of a name, as it is or as Windows takes it: without dots and spaces behind it and the name of a stream
 * (":$DATA"), and as programs show or save it: without control and format characters (U+202E), up to a NUL, wide forms as what they stand
 * for (U+FF0E is a dot). Returns how many; in the arena. Not in lower case; an empty one is none. */
size_t mr_filename_ends(struct mr_slice name, struct mr_arena *arena, struct mr_slice ends[MR_FILENAME_ENDS]);
