/* mime-readings: what of a header can be read in two ways, put in one of them; see mime.h. */
/* ours */
#include "base/mem.h"
#include "mail/mime.h"

/* The fields that say what a part is. */
enum { TYPE, ENCODING, DISPOSITION, FIELDS };
static const struct mr_slice fields[FIELDS] = { MR_LIT("content-type"), MR_LIT("content-transfer-encoding"),
						MR_LIT("content-disposition") };

static const struct mr_slice encodings[] = { MR_LIT("base64"), MR_LIT("quoted-printable") };

/* Of one header: where the field stands in the output. */
struct seen {
	size_t at, n; /* n: 0, not there yet */
};

static struct mr_slice line_of(struct mr_slice rest)
{
	const char *end = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;

	return end ? (struct mr_slice){ rest.p, (size_t)(end - rest.p) + 1 } : rest;
}

/* A header may begin behind it. */
static bool parts_headers(struct mr_slice line)
{
	return mr_slice_starts(line, MR_LIT("--")) || mr_slice_eq(line, MR_LIT("\n")) || mr_slice_eq(line, MR_LIT("\r\n"));
}

/* Which of the fields the line begins, or FIELDS. */
static size_t field_of(struct mr_slice line)
{
	for (size_t i = 0; i < FIELDS && line.n && mr_lower(*line.p) == 'c'; i++) {
		struct mr_slice behind = mr_slice_from(line, fields[i].n);

		while (behind.n && strchr(" \t", *behind.p) && *behind.p)
			behind = mr_slice_from(behind, 1);
		if (mr_slice_istarts(line, fields[i]) && behind.n && *behind.p == ':')
			return i;
	}
	return FIELDS;
}

/* With the lines that continue it. */
static struct mr_slice whole_field(struct mr_slice rest)
{
	size_t n = line_of(rest).n;

	while (n < rest.n && (rest.p[n] == ' ' || rest.p[n] == '\t'))
		n += line_of(mr_slice_from(rest, n)).n;
	return (struct mr_slice){ rest.p, n };
}

/* Takes NUL out and closes a quote that is not. True: it was necessary. */
static bool add_mended(struct mr_slice field, struct mr_buf *out)
{
	struct mr_slice text = mr_slice_trim(field);
	size_t start = out->n;
	bool quoted = false;

	for (size_t i = 0; i < text.n; i++) {
		quoted ^= text.p[i] == '"' && (i == 0 || text.p[i - 1] != '\\');
		if (text.p[i])
			mr_buf_putc(out, text.p[i]);
	}
	if (quoted)
		mr_buf_putc(out, '"');
	mr_buf_add(out, mr_slice_from(field, text.n));
	return quoted || out->n - start != field.n;
}

/* An encoding with something round it, such as quotes or a semicolon, as programs take it that look for its name. True: it was. */
static bool add_encoding(struct mr_slice field, struct mr_buf *out)
{
	struct mr_slice value = mr_slice_trim(mr_slice_from(field, (size_t)mr_slice_chr(field, ':') + 1));

	for (size_t i = 0; i < MR_COUNT(encodings); i++) {
		for (size_t at = 0; at < value.n; at++) {
			if (!mr_slice_istarts(mr_slice_from(value, at), encodings[i]) || value.n == encodings[i].n)
				continue;
			mr_buf_puts(out, "Content-Transfer-Encoding: ");
			mr_buf_add(out, encodings[i]);
			mr_buf_putc(out, '\n');
			return true;
		}
	}
	return add_mended(field, out);
}

/* -- boundaries that are there twice -- */

static bool is_letter(char c)
{
	return (mr_lower(c) >= 'a' && mr_lower(c) <= 'z') || c == '-';
}

/* "boundary=", "boundary*0*=" in it from *at on; *at is there then. */
static bool find_boundary(struct mr_slice text, size_t *at, bool *star)
{
	static const struct mr_slice word = MR_LIT("boundary");

	for (; *at + word.n < text.n; ++*at) {
		struct mr_slice rest = mr_slice_from(text, *at + word.n);

		if (!mr_slice_istarts(mr_slice_from(text, *at), word) || (*at && is_letter(text.p[*at - 1])))
			continue;
		*star = *rest.p == '*';
		while (rest.n && *rest.p && strchr("*0123456789 \t\r\n", *rest.p))
			rest = mr_slice_from(rest, 1);
		if (rest.n && *rest.p == '=')
			return true;
	}
	return false;
}

/* Leaves of several boundaries the first or the last one, and with one that has a star all that have. True: there were others. */
static bool choose_boundary(char *text, size_t n, enum mr_mime_twice twice)
{
	struct mr_slice all = { text, n };
	size_t chosen = 0, count = 0;
	bool chosen_star = false, star, changed = false;

	for (size_t at = 0; find_boundary(all, &at, &star) && (count == 0 || twice == MR_MIME_LAST); at++) {
		chosen = at;
		chosen_star = star;
		count++;
	}
	for (size_t at = 0; count && find_boundary(all, &at, &star); at++) {
		if (at == chosen || (star && chosen_star))
			continue;
		text[at] = 'x';
		changed = true;
	}
	return changed;
}

static bool add_type(struct mr_slice field, enum mr_mime_twice twice, struct mr_buf *out)
{
	size_t start = out->n;
	bool changed = add_mended(field, out);

	return out->n > start && choose_boundary(out->p + start, out->n - start, twice) ? true : changed;
}

static void drop(struct seen seen[FIELDS], size_t which, struct mr_buf *out)
{
	struct seen gone = seen[which];

	memmove(out->p + gone.at, out->p + gone.at + gone.n, out->n - gone.at - gone.n);
	mr_buf_truncate(out, out->n - gone.n);
	for (size_t i = 0; i < FIELDS; i++)
		if (seen[i].at > gone.at)
			seen[i].at -= gone.n;
}

/* The message with LF for each CR that stands alone, as some programs take it. True: there was one. */
static bool add_lines(struct mr_slice message, struct mr_buf *out)
{
	const char *at = message.p, *end = message.p + message.n;

	while (at < end && (at = memchr(at, '\r', (size_t)(end - at))) && at + 1 < end && at[1] == '\n')
		at++;
	if (!at || at == end)
		return false;
	mr_buf_add(out, message);
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i] == '\r' && (i + 1 == out->n || out->p[i + 1] != '\n'))
			out->p[i] = '\n';
	return true;
}

bool mr_mime_reading(struct mr_slice message, enum mr_mime_twice twice, struct mr_buf *out)
{
	struct mr_buf lines = MR_BUF(message.n + 1);
	struct seen seen[FIELDS] = { 0 };
	bool changed = add_lines(message, &lines);

	if (changed)
		message = mr_buf_slice(&lines);
	while (message.n) {
		struct mr_slice line = line_of(message);
		size_t which = field_of(line), at = out->n;

		if (which < FIELDS) {
			line = whole_field(message);
			changed |= seen[which].n > 0;
			if (seen[which].n == 0 || twice == MR_MIME_LAST) {
				if (seen[which].n)
					drop(seen, which, out);
				at = out->n;
				changed |= which == ENCODING ? add_encoding(line, out)
					   : which == TYPE   ? add_type(line, twice, out)
							     : add_mended(line, out);
				seen[which] = (struct seen){ at, out->n - at };
			}
		} else {
			if (parts_headers(line))
				memset(seen, 0, sizeof(seen));
			mr_buf_add(out, line);
		}
		message = mr_slice_from(message, line.n);
	}
	mr_buf_done(&lines);
	return changed;
}
