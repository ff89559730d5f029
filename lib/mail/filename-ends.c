/* filename-ends: see filenames.h. */
/* libraries */
#include <glib.h>

/* ours */
#include "base/mem.h"
#include "mail/filenames.h"

#define IDEOGRAPHIC_FULL_STOP 0x3002

/* What a character of more than one byte stands for in ASCII; 0: nothing, it is not seen; itself. */
static gunichar plain(gunichar c)
{
	gunichar parts[G_UNICHAR_MAX_DECOMPOSITION_LENGTH];
	GUnicodeType type = g_unichar_type(c);

	if (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT)
		return 0;
	if (type == G_UNICODE_SPACE_SEPARATOR)
		return ' ';
	if (g_unichar_fully_decompose(c, TRUE, parts, MR_COUNT(parts)) == 1)
		c = parts[0];
	return c == IDEOGRAPHIC_FULL_STOP ? '.' : c;
}

/* The name in its plain form, not longer than it was. */
static struct mr_slice fold(struct mr_slice name, struct mr_arena *arena)
{
	char *to = mr_arena_alloc(arena, name.n + 1), *at = to;
	size_t n;

	for (; name.n; name = mr_slice_from(name, n)) {
		gunichar c = g_utf8_get_char_validated(name.p, (gssize)name.n);
		bool whole = c != (gunichar)-1 && c != (gunichar)-2 && c != 0;

		n = whole ? (size_t)g_unichar_to_utf8(c, NULL) : 1;
		if (n > 1 && (c = plain(c)) < 0x80 && c) {
			*at++ = (char)c;
		} else if (n > 1 ? c != 0 : (unsigned char)*name.p >= ' ' && *name.p != 0x7f) {
			memcpy(at, name.p, n);
			at += n;
		}
	}
	return (struct mr_slice){ to, (size_t)(at - to) };
}

static struct mr_slice end_of(struct mr_slice folded)
{
	ptrdiff_t dot;

	/* Windows passes over the first two; the others are no part of a name. */
	while (folded.n && strchr(". :/\\\"'", folded.p[folded.n - 1]))
		folded.n--;
	dot = mr_slice_rchr(folded, '.');
	return dot < 0 ? (struct mr_slice){ 0 } : mr_slice_trim(mr_slice_from(folded, (size_t)dot + 1));
}

static struct mr_slice tail(struct mr_slice s)
{
	return mr_slice_from(s, s.n > MR_FILENAME_BYTES_MAX ? s.n - MR_FILENAME_BYTES_MAX : 0);
}

/* "a.exe" of "a.exe::$DATA" and "a.exe:$x". */
static struct mr_slice before_stream(struct mr_slice name)
{
	for (size_t i = 0; i + 1 < name.n; i++)
		if (name.p[i] == ':' && (name.p[i + 1] == ':' || name.p[i + 1] == '$'))
			return (struct mr_slice){ name.p, i };
	return (struct mr_slice){ 0 };
}

size_t mr_filename_ends(struct mr_slice name, struct mr_arena *arena, struct mr_slice ends[MR_FILENAME_ENDS])
{
	struct mr_slice whole = fold(tail(name), arena), stream = before_stream(whole);
	ptrdiff_t nul = mr_slice_chr(name, '\0');
	size_t n = 0;

	ends[n++] = end_of(whole);
	if (stream.n)
		ends[n++] = end_of(stream);
	if (nul > 0)
		ends[n++] = end_of(fold(tail((struct mr_slice){ name.p, (size_t)nul }), arena));
	return n;
}
