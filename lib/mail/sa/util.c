/* sa/util: see internal.h */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"

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

ptrdiff_t sa_find(struct mr_slice s, size_t from, struct mr_slice needle)
{
	const char *at = from <= s.n && s.p ? memmem(s.p + from, s.n - from, needle.p, needle.n) : NULL;

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
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c == 0xc2 || c == 0xc3) && i + 1 < s.n)
			out[n++] = (char)(c << 6 | (s.p[++i] & 0x3f));
		else
			out[n++] = s.p[i];
	}
	return (struct mr_slice){ out, n };
}

size_t sa_space_at(struct mr_slice s, size_t i, bool wide)
{
	unsigned char c = (unsigned char)s.p[i], d = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0,
		      e = i + 2 < s.n ? (unsigned char)s.p[i + 2] : 0;

	if (sa_is_space((char)c))
		return 1;
	if (!wide || c < 0xc2)
		return 0;
	if (c == 0xc2)
		return d == 0x85 || d == 0xa0 ? 2 : 0;
	if (c == 0xe1)
		return d == 0x9a && e == 0x80 ? 3 : 0;
	if (c == 0xe2)
		return (d == 0x80 && (e <= 0x8a || e == 0xa8 || e == 0xa9 || e == 0xaf)) || (d == 0x81 && e == 0x9f) ? 3 : 0;
	return c == 0xe3 && d == 0x80 && e == 0x80 ? 3 : 0;
}
