/* message: header fields as views. A line that is no header field ends the header, as in Postfix, and is the first of the body. */
/* ours */
#include "base/mem.h"
#include "mail/message.h"

/* Length of the line at the front with its LF. */
static size_t line_length(struct mr_slice s)
{
	ptrdiff_t lf = mr_slice_chr(s, '\n');

	return lf < 0 ? s.n : (size_t)lf + 1;
}

/* Length of the line break at the end of s. */
static size_t break_length(struct mr_slice s)
{
	if (!s.n || s.p[s.n - 1] != '\n')
		return 0;
	return s.n > 1 && s.p[s.n - 2] == '\r' ? 2 : 1;
}

static bool is_empty_line(struct mr_slice line)
{
	return line.n > 0 && break_length(line) == line.n;
}

/* The field at the front of s, its folded lines included. False when none stands there. */
static bool take_field(struct mr_slice s, struct mr_header *out)
{
	size_t name = 0, colon, n = line_length(s);

	while (name < n && s.p[name] > ' ' && s.p[name] < 127 && s.p[name] != ':')
		name++;
	for (colon = name; colon < n && (s.p[colon] == ' ' || s.p[colon] == '\t'); colon++)
		;
	if (!name || colon >= n || s.p[colon] != ':')
		return false;
	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n += line_length(mr_slice_from(s, n));
	out->raw = (struct mr_slice){ s.p, n };
	out->name = (struct mr_slice){ s.p, name };
	out->value = mr_slice_from(out->raw, colon + 1);
	out->value.n -= break_length(out->value);
	return true;
}

/* The line "From sender date" of a mailbox file is no part of the message. */
static struct mr_slice skip_mbox_line(struct mr_slice all)
{
	return mr_slice_starts(all, MR_LIT("From ")) ? mr_slice_from(all, line_length(all)) : all;
}

/* Walks over the fields; stores them where `out` is given. Returns their number, *rest is what follows. */
static size_t walk(struct mr_slice all, struct mr_header *out, struct mr_slice *rest, bool *cut)
{
	struct mr_header field;
	size_t n = 0, bytes = 0;

	*rest = all;
	*cut = false;
	while (take_field(*rest, &field)) {
		bytes += field.raw.n;
		if (n >= MR_HEADERS_MAX || bytes > MR_HEADER_BYTES_MAX) {
			*cut = true;
			break;
		}
		if (out)
			out[n] = field;
		n++;
		*rest = mr_slice_from(*rest, field.raw.n);
	}
	return n;
}

/* After a cut: from the first empty line on. */
static struct mr_slice find_body(struct mr_slice rest)
{
	while (rest.n && !is_empty_line((struct mr_slice){ rest.p, line_length(rest) }))
		rest = mr_slice_from(rest, line_length(rest));
	return rest;
}

void mr_message_parse(struct mr_slice all, struct mr_arena *arena, struct mr_message *out)
{
	struct mr_slice start = skip_mbox_line(all), rest;
	bool cut;
	size_t n = walk(start, NULL, &rest, &cut);

	*out = (struct mr_message){ .all = all, .n_headers = n, .cut = cut };
	out->headers = mr_arena_alloc(arena, (n + 1) * sizeof(*out->headers));
	walk(start, out->headers, &rest, &cut);
	if (cut)
		rest = find_body(rest);
	if (is_empty_line((struct mr_slice){ rest.p, line_length(rest) }))
		rest = mr_slice_from(rest, line_length(rest));
	out->body = rest;
}
