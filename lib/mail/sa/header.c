/* sa/header: the fields of a message or part. A few lines that are none are passed over; then the body begins. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"

#define NAME_MAX_    256   /* bytes; longer names are cut */
#define ALL_MAX      65536 /* bytes of all fields together */
#define INVALID_MAX  3     /* lines that are no field and do not end the header */
#define HEADER_BYTES (1u << 20)

static size_t line_length(struct mr_slice s)
{
	ptrdiff_t lf = mr_slice_chr(s, '\n');

	return lf < 0 ? s.n : (size_t)lf + 1;
}

static struct mr_slice up_to(struct mr_slice s, char c)
{
	ptrdiff_t at = mr_slice_chr(s, c);

	return (struct mr_slice){ s.p, at < 0 ? s.n : (size_t)at };
}

static bool begins_field(struct mr_slice line)
{
	size_t i = 0;

	while (i < line.n && line.p[i] > ' ' && line.p[i] < 127 && line.p[i] != ':')
		i++;
	if (!i)
		return false;
	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	return i < line.n && line.p[i] == ':';
}

static bool is_empty_line(struct mr_slice line, bool crlf)
{
	/* A line of a CRLF message that ends in LF alone counts as if it ended in CRLF. */
	return mr_slice_eq(line, MR_LIT("\n")) || (crlf && mr_slice_eq(line, MR_LIT("\r\n")));
}

void sa_header_add(struct mr_arena *a, struct sa_header *h, size_t *room, struct mr_slice name, struct mr_slice raw)
{
	if (h->n == *room) {
		struct sa_field *more = mr_arena_alloc(a, (*room * 2 + 16) * sizeof(*more));

		if (h->n)
			memcpy(more, h->fields, h->n * sizeof(*more));
		h->fields = more;
		*room = *room * 2 + 16;
	}
	h->names |= sa_name_bit(name);
	h->fields[h->n++] = (struct sa_field){ .name = name, .raw = raw };
}

struct mr_slice sa_without_cr(struct mr_arena *a, struct mr_slice s)
{
	char *out;
	size_t n = 0;

	if (mr_slice_chr(s, '\r') < 0)
		return s;
	out = mr_arena_alloc(a, s.n + 1);
	while (s.n) {
		struct mr_slice run = up_to(s, '\r');

		memcpy(out + n, run.p, run.n);
		n += run.n;
		s = mr_slice_from(s, run.n);
		if (s.n && (s.n == 1 || s.p[1] != '\n'))
			out[n++] = '\r';
		s = mr_slice_from(s, 1);
	}
	return (struct mr_slice){ out, n };
}

/* One field with its folded lines; a line without a colon is none. */
static void take_field(struct mr_arena *a, struct mr_slice field, bool crlf, struct sa_header *h, size_t *room, struct mr_sa *sa)
{
	ptrdiff_t colon = mr_slice_chr(field, ':');
	struct mr_slice name, value;

	if (colon < 0 || h->n == MR_SA_HEADERS_MAX)
		return;
	name = (struct mr_slice){ field.p, (size_t)colon };
	while (name.n && (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t'))
		name.n--;
	value = mr_slice_from(field, (size_t)colon + 1);
	if (sa && (name.n > NAME_MAX_ || value.n > SA_VALUE_MAX))
		sa->truncated_header = true;
	if (name.n > NAME_MAX_)
		name.n = NAME_MAX_;
	if (value.n > SA_VALUE_MAX + SA_VALUE_MAX / 8)
		value.n = SA_VALUE_MAX + SA_VALUE_MAX / 8;
	if (crlf)
		value = sa_without_cr(a, value);
	if (value.n > SA_VALUE_MAX)
		value.n = SA_VALUE_MAX;
	sa_header_add(a, h, room, name, value);
}

void sa_header_read(struct mr_arena *a, struct mr_slice *text, bool crlf, struct mr_sa *sa, struct sa_header *out)
{
	struct mr_slice rest = *text, field = { 0 };
	size_t room = 0, invalid = 0;
	bool no_separator = false;

	*out = (struct sa_header){ 0 };
	for (;;) {
		struct mr_slice line = { rest.p, line_length(rest) };

		if (line.n && (line.p[0] == ' ' || line.p[0] == '\t')) {
			field = field.p ? (struct mr_slice){ field.p, field.n + line.n } : line;
			rest = mr_slice_from(rest, line.n);
			continue;
		}
		if (field.p)
			take_field(a, field, crlf, out, &room, sa);
		field = (struct mr_slice){ 0 };
		if (!line.n || mr_slice_starts(line, MR_LIT("--")) || (size_t)(rest.p - text->p) > HEADER_BYTES) {
			no_separator = true;
			break;
		}
		if (is_empty_line(line, crlf)) {
			rest = mr_slice_from(rest, line.n);
			break;
		}
		if (!begins_field(line) && ++invalid > INVALID_MAX) {
			no_separator = true;
			break;
		}
		field = line;
		rest = mr_slice_from(rest, line.n);
	}
	if (sa) {
		sa->missing_head_body_separator = no_separator;
		sa->pristine_header = (struct mr_slice){ text->p, text->n - rest.n };
	}
	*text = rest;
}

/* Folded lines in one, no white space at the ends. */
static struct mr_slice unfold(struct mr_arena *a, struct mr_slice s)
{
	char *out;
	size_t n = 0;

	s = sa_trim(s);
	if (mr_slice_chr(s, '\n') < 0)
		return s;
	out = mr_arena_alloc(a, s.n + 1);
	while (s.n) {
		struct mr_slice run = up_to(s, '\n');
		size_t white = run.n + 1;

		memcpy(out + n, run.p, run.n);
		n += run.n;
		while (white < s.n && (s.p[white] == ' ' || s.p[white] == '\t'))
			white++;
		if (run.n < s.n)
			out[n++] = white > run.n + 1 ? ' ' : '\n';
		s = mr_slice_from(s, white);
	}
	return (struct mr_slice){ out, n };
}

struct mr_slice sa_field_decoded(struct mr_arena *a, struct sa_field *f)
{
	if (!f->is_decoded)
		f->decoded = sa_decode_words(a, unfold(a, f->raw), f->name);
	f->is_decoded = true;
	return f->decoded;
}

struct mr_slice sa_field_line(struct mr_arena *a, struct sa_field *f)
{
	struct mr_slice value;
	char *p;

	if (f->line.p)
		return f->line;
	value = sa_field_decoded(a, f);
	p = mr_arena_alloc(a, value.n + 1);
	if (value.n)
		memcpy(p, value.p, value.n);
	p[value.n] = '\n';
	f->line = (struct mr_slice){ p, value.n + 1 };
	return f->line;
}

struct sa_field *sa_header_last(const struct sa_header *h, struct mr_slice name)
{
	for (size_t i = h->names & sa_name_bit(name) ? h->n : 0; i > 0; i--)
		if (mr_slice_ieq(h->fields[i - 1].name, name))
			return &h->fields[i - 1];
	return NULL;
}

struct mr_slice sa_header_value(struct mr_arena *a, const struct sa_header *h, struct mr_slice name)
{
	struct sa_field *f = sa_header_last(h, name);

	return f ? sa_field_decoded(a, f) : MR_LIT("");
}

/* A raw value with each line break and the white space behind it as one space, the last one too, as SpamAssassin hands it out in "ALL". */
struct mr_slice sa_raw_in_a_line(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && i + 1 < s.n && sa_is_space(s.p[i + 1])) {
			while (i + 1 < s.n && sa_is_space(s.p[i + 1]))
				i++;
			out[n++] = ' ';
		} else {
			out[n++] = s.p[i];
		}
	}
	return (struct mr_slice){ out, n };
}

static struct mr_slice whole_line(struct mr_arena *a, struct sa_field *f, bool raw)
{
	struct mr_slice value = raw ? sa_raw_in_a_line(a, f->raw) : sa_field_decoded(a, f);
	char *p = mr_arena_alloc(a, f->name.n + value.n + 4);
	size_t n = f->name.n;

	memcpy(p, f->name.p, n);
	memcpy(p + n, ": ", 2);
	n += 2;
	if (value.n)
		memcpy(p + n, value.p, value.n);
	n += value.n;
	if (!raw)
		p[n++] = '\n';
	return (struct mr_slice){ p, n };
}

/* Fields are taken by name, in the order of the names' first appearance, until there are too many bytes; each stands in its own place. */
void sa_header_all(struct mr_arena *a, const struct sa_header *h, bool raw, struct mr_sa_list *out, bool *truncated)
{
	struct mr_slice *lines = mr_arena_alloc(a, (h->n + 1) * sizeof(*lines));
	size_t bytes = 0;
	bool full = false;

	for (size_t i = 0; i < h->n && !full; i++) {
		if (lines[i].p)
			continue;
		for (size_t j = i; j < h->n && !full; j++) {
			if (lines[j].p || !mr_slice_ieq(h->fields[j].name, h->fields[i].name))
				continue;
			lines[j] = whole_line(a, &h->fields[j], raw);
			bytes += lines[j].n;
			if (bytes > ALL_MAX) {
				lines[j] = (struct mr_slice){ 0 };
				full = true;
			}
		}
	}
	*truncated |= full;
	for (size_t i = 0; i < h->n; i++)
		if (lines[i].p)
			sa_list_add(a, out, lines[i], MR_SA_HEADERS_MAX);
}
