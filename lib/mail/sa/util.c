/* sa/util: see internal.h */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"

#define CANDIDATES_MAX 16 /* places where a needle may stand that are looked at one by one */

struct mr_slice sa_trim(struct mr_slice s)
{
	while (s.n && sa_is_space(s.p[0]))
		s = mr_slice_from(s, 1);
	while (s.n && sa_is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct mr_slice sa_keep(struct mr_arena *a, struct mr_slice s)
{
	return (struct mr_slice){ mr_arena_slice(a, s), s.n };
}

struct mr_slice sa_keep_buf(struct mr_arena *a, struct mr_buf *b)
{
	struct mr_slice out = sa_keep(a, mr_buf_slice(b));

	mr_buf_done(b);
	return out;
}

struct mr_slice sa_lower(struct mr_arena *a, struct mr_slice s)
{
	char *p = mr_arena_slice(a, s);

	for (size_t i = 0; i < s.n; i++)
		p[i] = mr_lower(p[i]);
	return (struct mr_slice){ p, s.n };
}

bool sa_list_add(struct mr_arena *a, struct mr_sa_list *list, struct mr_slice s, size_t max)
{
	/* Room is the next power of two: full when the number is one. */
	if (list->n >= max)
		return false;
	if ((list->n & (list->n - 1)) == 0) {
		struct mr_slice *more = mr_arena_alloc(a, (list->n ? 2 * list->n : 1) * sizeof(*more));

		if (list->n)
			memcpy(more, list->items, list->n * sizeof(*more));
		list->items = more;
	}
	list->items[list->n++] = s;
	return true;
}

bool sa_list_has(const struct mr_sa_list *list, struct mr_slice s)
{
	for (size_t i = 0; i < list->n; i++)
		if (mr_slice_eq(list->items[i], s))
			return true;
	return false;
}

/* Roughly how often a byte stands in mail, from 0 to 9. */
static const unsigned char frequency[256] = {
	[' '] = 9, ['e'] = 9, ['a'] = 8, ['o'] = 8, ['t'] = 8, ['i'] = 8, ['n'] = 8, ['r'] = 8, ['s'] = 8,
	['m'] = 7, ['c'] = 7, ['l'] = 7, ['d'] = 7, ['.'] = 7, ['h'] = 6, ['u'] = 6, ['p'] = 6, ['f'] = 5,
	['b'] = 5, ['g'] = 5, ['y'] = 5, ['w'] = 5, ['v'] = 4, ['-'] = 4, ['k'] = 3, ['x'] = 3, ['0' ... '9'] = 6,
};

static size_t rarest_in(struct mr_slice s)
{
	unsigned char least = frequency[' '];
	size_t best = 0;

	for (size_t i = 0; i < s.n && least; i++)
		if (frequency[(unsigned char)s.p[i]] < least) {
			least = frequency[(unsigned char)s.p[i]];
			best = i;
		}
	return best;
}

/* Needles are short and mostly not there: their rarest byte alone says so. */
ptrdiff_t sa_find(struct mr_slice s, size_t from, struct mr_slice needle)
{
	size_t rarest = rarest_in(needle);
	const char *at, *end;

	if (!s.p || from > s.n || needle.n > s.n - from)
		return -1;
	if (!needle.n)
		return (ptrdiff_t)from;
	at = s.p + from;
	end = s.p + s.n;
	for (int i = 0; i < CANDIDATES_MAX; i++, at++) {
		at = memchr(at + rarest, needle.p[rarest], (size_t)(end - at) - (needle.n - 1));
		if (!at)
			return -1;
		at -= rarest;
		if (memcmp(at, needle.p, needle.n) == 0)
			return at - s.p;
	}
	at = memmem(at, (size_t)(end - at), needle.p, needle.n);
	return at ? at - s.p : -1;
}

bool sa_has(struct mr_slice s, struct mr_slice needle)
{
	return sa_find(s, 0, needle) >= 0;
}

ptrdiff_t sa_ifind(struct mr_slice s, struct mr_slice needle)
{
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (mr_lower(s.p[i]) == mr_lower(needle.p[0]) && mr_slice_istarts(mr_slice_from(s, i), needle))
			return (ptrdiff_t)i;
	return -1;
}

bool sa_ihas(struct mr_slice s, struct mr_slice needle)
{
	return sa_ifind(s, needle) >= 0;
}

struct mr_slice sa_narrowed(struct mr_arena *a, struct mr_slice s)
{
	char *out;
	size_t n = 0;

	if (mr_slice_chr(s, '\xc2') < 0 && mr_slice_chr(s, '\xc3') < 0)
		return sa_keep(a, s);
	out = mr_arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c == 0xc2 || c == 0xc3) && i + 1 < s.n)
			out[n++] = (char)(c << 6 | (s.p[++i] & 0x3f));
		else
			out[n++] = s.p[i];
	}
	return (struct mr_slice){ out, n };
}

size_t sa_wide_space_at(struct mr_slice s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i], d = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0,
		      e = i + 2 < s.n ? (unsigned char)s.p[i + 2] : 0;

	if (c == 0xc2)
		return d == 0x85 || d == 0xa0 ? 2 : 0;
	if (c == 0xe1)
		return d == 0x9a && e == 0x80 ? 3 : 0;
	if (c == 0xe2)
		return (d == 0x80 && (e <= 0x8a || e == 0xa8 || e == 0xa9 || e == 0xaf)) || (d == 0x81 && e == 0x9f) ? 3 : 0;
	return c == 0xe3 && d == 0x80 && e == 0x80 ? 3 : 0;
}
