/* slice: see slice.h */

/* system */
#include <string.h>

/* ours */
#include "base/slice.h"

bool mr_bytes_ieq(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] && mr_lower(a[i]) != mr_lower(b[i]))
			return false;
	return true;
}

static struct mr_slice front(struct mr_slice s, size_t n)
{
	return (struct mr_slice){ s.p, n };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct mr_slice mr_slice_trim(struct mr_slice s)
{
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

ptrdiff_t mr_slice_rchr(struct mr_slice s, char c)
{
	const char *hit = s.n ? memrchr(s.p, c, s.n) : NULL;

	return hit ? hit - s.p : -1;
}

bool mr_slice_next(struct mr_slice *rest, char sep, struct mr_slice *part)
{
	ptrdiff_t at;

	/* p == NULL marks "the last part was taken"; the empty slice before the first call is one empty part unless it is NULL too */
	if (!rest->p)
		return false;
	at = mr_slice_chr(*rest, sep);
	if (at < 0) {
		*part = *rest;
		*rest = (struct mr_slice){ 0 };
	} else {
		*part = front(*rest, (size_t)at);
		*rest = mr_slice_from(*rest, (size_t)at + 1);
	}
	return true;
}
