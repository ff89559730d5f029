/* uu: see uu.h. */
/* ours */
#include "mail/uu.h"

#define MODE_MIN   3 /* digits */
#define MODE_MAX   4
#define FULL       'M' /* begins a line of 45 bytes, as all but the last one are */
#define SHORT_MIN  8   /* characters of a full line whose spaces at the end, which are zeros, are gone */
#define CHECK_MAX  2   /* characters behind the data of a line, of some encoders */
#define BEGIN      "begin"
#define BEGIN_SIZE (sizeof(BEGIN) - 1)

static bool take_line(struct mr_slice *rest, struct mr_slice *line)
{
	if (!rest->n || !mr_slice_next(rest, '\n', line))
		return false;
	while (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

static size_t skip(struct mr_slice *s, const char *what)
{
	size_t n = 0;

	while (n < s->n && s->p[n] && strchr(what, s->p[n]))
		n++;
	*s = mr_slice_from(*s, n);
	return n;
}

/* "begin 644 name" */
static bool is_begin(struct mr_slice line, struct mr_slice *name)
{
	size_t digits;

	line = mr_slice_from(line, BEGIN_SIZE);
	if (!skip(&line, " \t"))
		return false;
	digits = skip(&line, "01234567");
	if (digits < MODE_MIN || digits > MODE_MAX || !skip(&line, " \t"))
		return false;
	*name = mr_slice_trim(line);
	return name->n > 0;
}

/* The first line that may begin a file; the text goes on behind it. */
static bool find_begin(struct mr_slice *text, struct mr_slice *name)
{
	const char *from = text->p, *end = mr_slice_from(*text, text->n).p, *at = from;
	struct mr_slice line;

	for (; at < end && (at = memmem(at, (size_t)(end - at), BEGIN, BEGIN_SIZE)); at++) {
		if (at > from && at[-1] != '\n')
			continue;
		*text = (struct mr_slice){ at, (size_t)(end - at) };
		if (take_line(text, &line) && is_begin(line, name))
			return true;
	}
	return false;
}

static unsigned bits(struct mr_slice line, size_t i)
{
	return i < line.n ? (unsigned)(line.p[i] - ' ') & 0x3f : 0;
}

/* Bytes that a line holds, or 0: it is no data, or the last line. */
static size_t length_of(struct mr_slice line, bool *exact)
{
	size_t n = line.n ? bits(line, 0) : 0, need = (n + 2) / 3 * 4;

	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] < ' ' || line.p[i] > '`')
			return 0;
	*exact = line.n > need;
	return line.n > 1 && line.n <= 1 + need + CHECK_MAX ? n : 0;
}

static void add_line(struct mr_slice line, size_t n, struct mr_buf *out)
{
	for (size_t i = 1; n; i += 4) {
		unsigned v = bits(line, i) << 18 | bits(line, i + 1) << 12 | bits(line, i + 2) << 6 | bits(line, i + 3);

		for (int shift = 16; shift >= 0 && n; shift -= 8, n--)
			mr_buf_putc(out, (char)(v >> shift & 0xff));
	}
}

/* The data up to what is none; false: there is none. */
static bool take_data(struct mr_slice *text, struct mr_buf *out)
{
	struct mr_slice rest = *text, line;
	bool good = false, full = false, exact;
	size_t lines = 0, n;

	for (; take_line(&rest, &line); *text = rest) {
		if (!line.n && !lines)
			continue;
		n = length_of(line, &exact);
		if (!n)
			break;
		if (lines++ == 0) {
			good = exact;
			full = line.p[0] == FULL && line.n >= SHORT_MIN;
		}
		add_line(line, n, out);
	}
	return good || (full && lines > 1);
}

bool mr_uu_next(struct mr_slice *text, struct mr_slice *name, struct mr_buf *bytes)
{
	while (find_begin(text, name)) {
		mr_buf_reset(bytes);
		if (take_data(text, bytes))
			return true;
	}
	*text = (struct mr_slice){ 0 };
	return false;
}
