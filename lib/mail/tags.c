/* tags: see tags.h. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/tags.h"

static bool is_name(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = mr_lower(s.p[i]);
		bool later = (c >= '0' && c <= '9') || c == '_';

		if (!(c >= 'a' && c <= 'z') && !(later && i > 0))
			return false;
	}
	return s.n > 0;
}

/* `utf8`: letters of other scripts may stand in it (RFC 8616 section 5). */
static bool is_value(struct mr_slice s, bool utf8)
{
	bool other = false;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		other = other || c > 127;
		if ((c < ' ' || c == 127) && !memchr("\t\r\n", s.p[i], 3))
			return false;
	}
	return !other || (utf8 && mr_utf8_valid(s));
}

static int next_tag(struct mr_slice *rest, bool utf8, struct mr_tag *out)
{
	struct mr_slice text;
	ptrdiff_t equals;

	if (!mr_slice_next(rest, ';', &text))
		return 0;
	text = mr_slice_trim(text);
	if (!text.n)
		return !rest->p || !mr_slice_trim(*rest).n ? 0 : -EINVAL;
	equals = mr_slice_chr(text, '=');
	if (equals < 0)
		return -EINVAL;
	out->name = mr_slice_trim((struct mr_slice){ text.p, (size_t)equals });
	out->value = mr_slice_trim(mr_slice_from(text, (size_t)equals + 1));
	return is_name(out->name) && is_value(out->value, utf8) ? 1 : -EINVAL;
}

int mr_tag_next(struct mr_slice *rest, struct mr_tag *out)
{
	return next_tag(rest, false, out);
}

int mr_tags_read(struct mr_slice text, const char *const *names, size_t n, struct mr_slice *out)
{
	struct mr_tag t;
	int r;

	for (size_t i = 0; i < n; i++)
		out[i] = (struct mr_slice){ 0 };
	while ((r = next_tag(&text, true, &t)) > 0) {
		size_t i = 0;

		while (i < n && !mr_slice_eq(t.name, mr_slice_of(names[i])))
			i++;
		if (i == n)
			continue;
		if (out[i].p)
			return -EEXIST;
		out[i] = t.value; /* never NULL: it is a view into the text */
	}
	return r;
}

struct mr_slice mr_tag_compact(struct mr_slice value, struct mr_arena *arena)
{
	char *p = mr_arena_try(arena, value.n + 1);
	size_t n = 0;

	if (!p)
		return (struct mr_slice){ 0 };
	for (size_t i = 0; i < value.n; i++) {
		if (!memchr(" \t\r\n", value.p[i], 4))
			p[n++] = value.p[i];
	}
	return (struct mr_slice){ p, n };
}
