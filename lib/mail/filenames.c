/* filenames: see filenames.h. "name" followed by "=" is looked for anywhere, also where a comment or a quote that is not closed hides it
 * from those who read by the rules. */
/* libraries */
#include <gmime/gmime.h>

/* ours */
#include "base/mem.h"
#include "mail/charset.h"
#include "mail/filenames.h"

#define NUMBER_MAX   100000                       /* in name*N */
#define SECTIONS_MAX (MR_FILENAMES_FIELD_MAX / 8) /* "name*0=;" */

struct parameter {
	bool file;             /* filename, else name */
	bool section, encoded; /* name*N; a star at the end */
	unsigned number, order;
	struct mr_slice value; /* quotes undone */
};

struct reading {
	struct mr_arena *arena;
	bool (*see)(struct mr_slice name, void *arg);
	void *arg;
	struct parameter *all;
	size_t n, room;
	bool stopped;
};

/* -- names -- */

static void show(struct reading *r, struct mr_slice name)
{
	if (!r->stopped && name.n)
		r->stopped = !r->see(name, r->arg);
}

/* Appends it in UTF-8. NUL stays where the charset is known. */
static void add_converted(struct mr_slice bytes, struct mr_slice charset, struct mr_buf *out)
{
	if (!mr_charset_strict(bytes, charset.n ? charset : MR_LIT("utf-8"), out))
		mr_charset_to_utf8(bytes, charset, out);
}

/* The content of an encoded word: "B", padded or not, or "Q". */
static struct mr_slice decode_word(struct reading *r, struct mr_slice data, bool base64)
{
	char *copy = mr_arena_printf(r->arena, "%.*s%s", (int)data.n, data.p, base64 ? "==" : "");
	size_t n = strlen(copy);
	GMimeEncoding e;
	char *out;

	for (char *p = copy; !base64 && *p; p++)
		if (*p == '_')
			*p = ' ';
	g_mime_encoding_init_decode(&e, base64 ? GMIME_CONTENT_ENCODING_BASE64 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	out = mr_arena_alloc(r->arena, g_mime_encoding_outlen(&e, n) + 1);
	return (struct mr_slice){ out, g_mime_encoding_flush(&e, copy, n, out) };
}

/* Takes "=?charset?B?data?=" off the front; data may hold spaces and the end may be missing. */
static bool take_word(struct reading *r, struct mr_slice *rest, struct mr_buf *out)
{
	struct mr_slice s = mr_slice_from(*rest, 2), charset, coding, data;
	const char *end;
	ptrdiff_t language;

	if (!mr_slice_starts(*rest, MR_LIT("=?")) || !mr_slice_next(&s, '?', &charset) || !mr_slice_next(&s, '?', &coding) ||
	    coding.n != 1 || !strchr("bBqQ", *coding.p) || !s.p)
		return false;
	end = memmem(s.p, s.n, "?=", 2);
	data = end ? (struct mr_slice){ s.p, (size_t)(end - s.p) } : s;
	*rest = mr_slice_from(s, data.n + (end ? 2 : 0));
	language = mr_slice_chr(charset, '*'); /* RFC 2231 section 5 */
	if (language >= 0)
		charset.n = (size_t)language;
	add_converted(decode_word(r, data, mr_lower(*coding.p) == 'b'), charset, out);
	return true;
}

/* With encoded words undone; white space between two of them is left out. */
static void add_undone(struct reading *r, struct mr_slice s, struct mr_buf *out)
{
	bool was_word = false;

	while (s.n) {
		struct mr_slice after = s;

		while (was_word && after.n && strchr(" \t", *after.p))
			after = mr_slice_from(after, 1);
		was_word = take_word(r, &after, out);
		if (!was_word) {
			mr_buf_putc(out, *s.p);
			after = mr_slice_from(s, 1);
		}
		s = after;
	}
}

static void show_bytes(struct reading *r, struct mr_slice bytes, struct mr_slice charset)
{
	struct mr_buf name = MR_BUF(4 * bytes.n + 1), undone = MR_BUF(16 * bytes.n + 1);

	add_converted(bytes, charset, &name);
	show(r, mr_buf_slice(&name));
	if (name.n && memmem(name.p, name.n, "=?", 2)) {
		add_undone(r, mr_buf_slice(&name), &undone);
		show(r, mr_buf_slice(&undone));
	}
	mr_buf_done(&undone);
	mr_buf_done(&name);
}

static int hex(char c)
{
	c = mr_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_percent(struct mr_slice s, struct mr_buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int high = i + 2 < s.n && s.p[i] == '%' ? hex(s.p[i + 1]) : -1, low = high < 0 ? -1 : hex(s.p[i + 2]);

		mr_buf_putc(out, low < 0 ? s.p[i] : (char)(16 * high + low));
		i += low < 0 ? 0 : 2;
	}
}

/* Takes "charset'language'" off the front, if it is there. */
static struct mr_slice take_charset(struct mr_slice *value)
{
	ptrdiff_t first = mr_slice_chr(*value, '\''),
		  second = first < 0 ? -1 : mr_slice_chr(mr_slice_from(*value, (size_t)first + 1), '\'');
	struct mr_slice charset = { value->p, first < 0 ? 0 : (size_t)first };

	if (second < 0)
		return (struct mr_slice){ 0 };
	*value = mr_slice_from(*value, (size_t)(first + 1 + second + 1));
	return charset;
}

/* -- continuations (RFC 2231 section 3) -- */

static int by_number(const void *a, const void *b)
{
	const struct parameter *x = a, *y = b;

	if (x->file != y->file)
		return x->file ? 1 : -1;
	return x->number != y->number ? (x->number < y->number ? -1 : 1) : x->order < y->order ? -1 : x->order > y->order;
}

enum order { AS_THEY_STAND, FIRST_OF_EACH, LAST_OF_EACH };

static void join(struct reading *r, bool file, enum order order)
{
	struct mr_buf bytes = MR_BUF(MR_FILENAMES_FIELD_MAX);
	struct mr_slice charset = { 0 };
	bool begun = false;
	unsigned next = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct parameter *p = &r->all[i], *after = p + 1;
		bool again = i + 1 < r->n && after->section && after->file == file && after->number == p->number;
		struct mr_slice value = p->value;

		if (!p->section || p->file != file || (order == FIRST_OF_EACH && p->number < next) || (order == LAST_OF_EACH && again))
			continue;
		if (order != AS_THEY_STAND && p->number > next)
			break;
		next = p->number + 1;
		if (!begun && p->encoded)
			charset = take_charset(&value);
		begun = true;
		if (p->encoded)
			add_percent(value, &bytes);
		else
			mr_buf_add(&bytes, value);
	}
	show_bytes(r, mr_buf_slice(&bytes), charset);
	mr_buf_done(&bytes);
}

static void show_continued(struct reading *r)
{
	for (int file = 0; file < 2; file++)
		join(r, file, AS_THEY_STAND);
	qsort(r->all, r->n, sizeof(*r->all), by_number);
	for (int file = 0; file < 2; file++) {
		join(r, file, FIRST_OF_EACH);
		join(r, file, LAST_OF_EACH);
	}
}

/* -- one field -- */

static void take(struct reading *r, struct parameter p, struct mr_slice value)
{
	struct mr_buf bytes = MR_BUF(MR_FILENAMES_FIELD_MAX);

	p.value = value;
	p.order = (unsigned)r->n;
	if (p.section) {
		r->all = mr_arena_more(r->arena, r->all, r->n, &r->room, SECTIONS_MAX, sizeof(*r->all));
		r->all[r->n++] = p;
		return;
	}
	show_bytes(r, value, (struct mr_slice){ 0 });
	/* Programs undo this form without the star, too. */
	if (p.encoded || memmem(value.p, value.n, "''", 2)) {
		struct mr_slice charset = take_charset(&value);

		add_percent(value, &bytes);
		show_bytes(r, mr_buf_slice(&bytes), charset);
	}
	mr_buf_done(&bytes);
}

/* What is quoted, without its backslashes; *n: bytes with the quotes. */
static struct mr_slice unquote(struct mr_slice s, struct mr_arena *arena, size_t *n)
{
	size_t end = 1;
	char *out, *to;

	while (end < s.n && s.p[end] != '"')
		end += s.p[end] == '\\' && end + 1 < s.n ? 2 : 1;
	*n = end < s.n ? end + 1 : s.n;
	out = to = mr_arena_alloc(arena, *n);
	for (size_t i = 1; i < end; i++) {
		i += s.p[i] == '\\' && i + 1 < s.n;
		*to++ = s.p[i];
	}
	return (struct mr_slice){ out, (size_t)(to - out) };
}

static size_t length_until(struct mr_slice s, const char *ends)
{
	size_t n = 0;

	while (n < s.n && (!s.p[n] || !strchr(ends, s.p[n])))
		n++;
	return n;
}

/* What stands behind "=", read in up to two ways; returns its length. */
static size_t take_value(struct reading *r, struct parameter p, struct mr_slice s)
{
	struct mr_slice all, word;
	size_t n = 0;

	if (s.n && *s.p == '"') {
		take(r, p, unquote(s, r->arena, &n));
		if (n > 1 && s.p[n - 1] == '"' && (n == s.n || strchr("; \t(", s.p[n])))
			return n;
	}
	all = (struct mr_slice){ s.p, length_until(s, ";") };
	word = (struct mr_slice){ s.p, length_until(s, "; \t") };
	if (n)
		word = mr_slice_from(all, 1);
	else
		take(r, p, mr_slice_trim(all));
	p.section = false;
	if (word.n < all.n)
		take(r, p, word);
	return all.n;
}

/* "*", "*N" or "*N*" and "=" behind a name; then what follows is a value. */
static bool take_star(struct mr_slice *s, struct parameter *p)
{
	bool star = s->n && *s->p == '*';

	if (star)
		*s = mr_slice_from(*s, 1);
	while (star && s->n && *s->p >= '0' && *s->p <= '9' && p->number < NUMBER_MAX) {
		p->number = 10 * p->number + (unsigned)(*s->p - '0');
		p->section = true;
		*s = mr_slice_from(*s, 1);
	}
	p->encoded = star && !p->section;
	if (p->section && s->n && *s->p == '*') {
		p->encoded = true;
		*s = mr_slice_from(*s, 1);
	}
	while (s->n && strchr(" \t", *s->p))
		*s = mr_slice_from(*s, 1);
	if (!s->n || *s->p != '=')
		return false;
	*s = mr_slice_from(*s, 1);
	while (s->n && strchr(" \t", *s->p))
		*s = mr_slice_from(*s, 1);
	return true;
}

static bool is_letter(char c)
{
	return (mr_lower(c) >= 'a' && mr_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static void read_field(struct reading *r, struct mr_slice value)
{
	char *line = mr_arena_alloc(r->arena, value.n + 1);
	struct mr_slice s = { line, 0 };

	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\n' && value.p[i] != '\r')
			line[s.n++] = value.p[i];
	for (size_t i = 0, n = 1; i + 4 < s.n && !r->stopped; i += n) {
		struct mr_slice behind = mr_slice_from(s, i + 4);
		struct parameter p = { .file = i >= 4 && mr_slice_istarts(mr_slice_from(s, i - 4), MR_LIT("file")) };
		size_t begin = p.file ? i - 4 : i;

		n = 1;
		if (mr_slice_istarts(mr_slice_from(s, i), MR_LIT("name")) && (begin == 0 || !is_letter(s.p[begin - 1])) &&
		    take_star(&behind, &p))
			n = (size_t)(behind.p - s.p) - i + take_value(r, p, behind);
	}
	if (r->n)
		show_continued(r);
}

bool mr_filenames(struct mr_slice value, struct mr_arena *arena, bool (*see)(struct mr_slice name, void *arg), void *arg)
{
	struct reading r = { .arena = arena, .see = see, .arg = arg };

	if (value.n > MR_FILENAMES_FIELD_MAX)
		value.n = MR_FILENAMES_FIELD_MAX;
	read_field(&r, value);
	return !r.stopped;
}
