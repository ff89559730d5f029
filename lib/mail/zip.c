/* zip: see zip.h. */
/* system */
#include <stdint.h>

/* ours */
#include "mail/zip.h"

#define END           MR_LIT("PK\5\6")
#define END_SIZE      22
#define LOCATOR       MR_LIT("PK\6\7") /* before the end of a large one, whose numbers stand elsewhere */
#define LOCATOR_SIZE  20
#define ENTRY         MR_LIT("PK\1\2")
#define ENTRY_SIZE    46
#define LOCAL         MR_LIT("PK\3\4")
#define LOCAL_SIZE    30
#define UNICODE_PATH  0x7075
#define UNICODE_FIRST 5 /* bytes of such a field before the name */

/* Of two or four bytes, the least one first; 0 where there are fewer. */
static uint32_t number(struct mr_slice s, size_t at, size_t n)
{
	uint32_t v = 0;

	for (size_t i = n; i > 0; i--)
		v = v << 8 | (at + i <= s.n ? (unsigned char)s.p[at + i - 1] : 0);
	return v;
}

static struct mr_slice part(struct mr_slice s, size_t at, size_t n)
{
	s = mr_slice_from(s, at);
	return n < s.n ? (struct mr_slice){ s.p, n } : s;
}

/* What begins with the mark, up to the end of the file. */
static bool find(struct mr_slice bytes, size_t at, struct mr_slice mark, size_t size, struct mr_slice *out)
{
	struct mr_slice rest = mr_slice_from(bytes, at);
	const char *found = rest.n ? memmem(rest.p, rest.n, mark.p, mark.n) : NULL;

	if (!found || (size_t)(rest.p + rest.n - found) < size)
		return false;
	*out = mr_slice_from(rest, (size_t)(found - rest.p));
	return true;
}

bool mr_zip_next_end(struct mr_slice bytes, size_t *at, bool *whole)
{
	struct mr_slice end;
	size_t before;

	if (!find(bytes, *at, END, END_SIZE, &end))
		return false;
	before = bytes.n - end.n;
	*at = before + END_SIZE;
	*whole = (uint64_t)number(end, 12, 4) + number(end, 16, 4) == before ||
		 (before >= LOCATOR_SIZE && mr_slice_starts(mr_slice_from(bytes, before - LOCATOR_SIZE), LOCATOR));
	return true;
}

/* The name that stands in an extra field. */
static struct mr_slice unicode_path(struct mr_slice extra)
{
	while (extra.n > 4) {
		size_t n = number(extra, 2, 2);

		if (number(extra, 0, 2) == UNICODE_PATH)
			return mr_slice_from(part(extra, 4, n), UNICODE_FIRST);
		extra = mr_slice_from(extra, 4 + n);
	}
	return (struct mr_slice){ 0 };
}

bool mr_zip_next_name(struct mr_slice bytes, size_t *at, struct mr_slice names[2])
{
	struct mr_slice e;

	while (find(bytes, *at, ENTRY, ENTRY_SIZE, &e)) {
		struct mr_slice name = part(e, ENTRY_SIZE, number(e, 28, 2)), local = mr_slice_from(bytes, number(e, 42, 4));
		bool same = mr_slice_starts(local, LOCAL) && mr_slice_eq(part(local, LOCAL_SIZE, number(local, 26, 2)), name);

		*at = bytes.n - e.n + ENTRY.n;
		names[0] = name;
		names[1] = unicode_path(part(e, ENTRY_SIZE + name.n, number(e, 30, 2)));
		if (name.n && name.p[name.n - 1] != '/' && (!same || names[1].n))
			return true;
	}
	return false;
}
