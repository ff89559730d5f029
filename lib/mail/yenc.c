/* yenc: see yenc.h. A line "=ybegin line=128 size=5 name=NAME", lines in which each byte is 42 more, or "=" and 64 more than that, a line
 * "=yend". */
/* ours */
#include "mail/yenc.h"
#include "base/mem.h"

#define BEGIN   "=ybegin "
#define SHIFT   42
#define ESCAPED 64

bool mr_yenc_begins(struct mr_slice bytes)
{
	return mr_slice_starts(bytes, MR_LIT(BEGIN));
}

/* All behind "name=", which stands last. */
static bool is_begin(struct mr_slice line, struct mr_slice *name)
{
	static const char mark[] = " name=";
	const char *at = mr_yenc_begins(line) ? memmem(line.p, line.n, mark, sizeof(mark) - 1) : NULL;

	if (!at)
		return false;
	*name = mr_slice_trim(mr_slice_from(line, (size_t)(at - line.p) + sizeof(mark) - 1));
	return name->n > 0;
}

static bool find_begin(struct mr_slice *text, struct mr_slice *name)
{
	const char *from = text->p, *end = mr_slice_from(*text, text->n).p, *at = from;
	struct mr_slice line;

	for (; at < end && (at = memmem(at, (size_t)(end - at), BEGIN, sizeof(BEGIN) - 1)); at++) {
		if (at > from && at[-1] != '\n')
			continue;
		*text = (struct mr_slice){ at, (size_t)(end - at) };
		if (mr_slice_next(text, '\n', &line) && is_begin(line, name))
			return true;
	}
	return false;
}

static void add_line(struct mr_slice line, struct mr_buf *out)
{
	while (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	for (size_t i = 0; i < line.n; i++) {
		bool escaped = line.p[i] == '=' && i + 1 < line.n;

		i += escaped;
		mr_buf_putc(out, (char)((unsigned char)line.p[i] - SHIFT - (escaped ? ESCAPED : 0)));
	}
}

bool mr_yenc_next(struct mr_slice *text, struct mr_slice *name, struct mr_buf *bytes)
{
	struct mr_slice rest, line;

	mr_buf_reset(bytes);
	if (!find_begin(text, name)) {
		*text = (struct mr_slice){ 0 };
		return false;
	}
	/* One that does not end ends where the next one begins. */
	for (rest = *text; rest.n && mr_slice_next(&rest, '\n', &line) && !mr_yenc_begins(line); *text = rest) {
		if (mr_slice_starts(line, MR_LIT("=yend")))
			break;
		if (!mr_slice_starts(line, MR_LIT("=ypart ")))
			add_line(line, bytes);
	}
	return true;
}
