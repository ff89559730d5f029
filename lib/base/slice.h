/* slice: a view of bytes that somebody else owns. Not NUL-terminated, never freed. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct mr_slice {
	const char *p;
	size_t n; /* bytes */
};

#define MR_LIT(s) ((struct mr_slice){ (s), sizeof(s) - 1 })

/* NULL gives the empty slice. */
static inline struct mr_slice mr_slice_of(const char *s)
{
	return (struct mr_slice){ s ? s : "", s ? strlen(s) : 0 };
}
static inline bool mr_slice_eq(struct mr_slice a, struct mr_slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline char mr_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}
/* The bytes from `from` (clamped to the end). */
static inline struct mr_slice mr_slice_from(struct mr_slice s, size_t from)
{
	if (from > s.n)
		from = s.n;
	/* NULL + 0 is undefined in C17 */
	return from == 0 ? s : (struct mr_slice){ s.p + from, s.n - from };
}
static inline bool mr_slice_starts(struct mr_slice s, struct mr_slice prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}
/* ASCII case folded, locale never consulted. */
bool mr_bytes_ieq(const char *a, const char *b, size_t n);
static inline bool mr_slice_ieq(struct mr_slice a, struct mr_slice b)
{
	return a.n == b.n && mr_bytes_ieq(a.p, b.p, a.n);
}
static inline bool mr_slice_istarts(struct mr_slice s, struct mr_slice prefix)
{
	return s.n >= prefix.n && mr_bytes_ieq(s.p, prefix.p, prefix.n);
}
static inline bool mr_slice_iends(struct mr_slice s, struct mr_slice suffix)
{
	return s.n >= suffix.n && mr_bytes_ieq(mr_slice_from(s, s.n - suffix.n).p, suffix.p, suffix.n);
}
/* Without the SP, HTAB, CR and LF at both ends. */
struct mr_slice mr_slice_trim(struct mr_slice s);
/* Index of the first or last `c`, or -1. */
static inline ptrdiff_t mr_slice_chr(struct mr_slice s, char c)
{
	const char *hit = s.n ? (const char *)memchr(s.p, c, s.n) : NULL;

	return hit ? hit - s.p : -1;
}
ptrdiff_t mr_slice_rchr(struct mr_slice s, char c);
/* Takes the part up to the next `sep` off the front of *rest. False at the end. "a,,b" gives three parts, "" one empty part,
 * the slice with p == NULL none. */
bool mr_slice_next(struct mr_slice *rest, char sep, struct mr_slice *part);
