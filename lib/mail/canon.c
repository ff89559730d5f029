/* canon: see canon.h. */
/* system */
#include <errno.h>

/* libraries */
#include <openssl/evp.h>

/* ours */
#include "base/mem.h"
#include "mail/canon.h"

#define CHUNK 16384 /* bytes handed to the hash at once */
#define PART  256   /* bytes of a line made relaxed at once */

static bool read_form(struct mr_slice name, enum mr_canon *out)
{
	*out = mr_slice_ieq(name, MR_LIT("relaxed")) ? MR_CANON_RELAXED : MR_CANON_SIMPLE;
	return *out == MR_CANON_RELAXED || mr_slice_ieq(name, MR_LIT("simple"));
}

int mr_canon_parse(struct mr_slice c, enum mr_canon *head, enum mr_canon *body)
{
	struct mr_slice first = { 0 };

	if (!mr_slice_next(&c, '/', &first) || !read_form(first, head) || !read_form(c.p ? c : MR_LIT("simple"), body))
		return -EINVAL;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* -- header -- */

static void relax_value(struct mr_buf *out, struct mr_slice value)
{
	struct mr_slice v = mr_slice_trim(value);
	char *p = mr_buf_reserve(out, v.n);
	size_t n = 0;

	if (!p)
		return;
	for (size_t i = 0; i < v.n; i++) {
		bool white = is_blank(v.p[i]) || v.p[i] == '\r' || v.p[i] == '\n';

		if (!white)
			p[n++] = v.p[i];
		else if (p[n - 1] != ' ') /* n > 0: trimmed */
			p[n++] = ' ';
	}
	mr_buf_filled(out, n);
}

static void add_as_it_is(struct mr_buf *out, struct mr_slice text)
{
	struct mr_slice line;

	while (mr_slice_next(&text, '\n', &line)) {
		mr_buf_add(out, line);
		if (text.p)
			mr_buf_puts(out, line.n && line.p[line.n - 1] == '\r' ? "\n" : "\r\n");
	}
}

int mr_canon_field(struct mr_buf *out, const struct mr_header *h, enum mr_canon c)
{
	switch (c) {
	case MR_CANON_SIMPLE:
		/* up to the value's end: the last line break is always CRLF */
		add_as_it_is(out, (struct mr_slice){ h->raw.p, (size_t)(h->value.p + h->value.n - h->raw.p) });
		break;
	case MR_CANON_RELAXED:
		for (size_t i = 0; i < h->name.n; i++)
			mr_buf_putc(out, mr_lower(h->name.p[i]));
		mr_buf_putc(out, ':');
		relax_value(out, h->value);
		break;
	}
	mr_buf_puts(out, "\r\n");
	return out->full ? -ENOBUFS : 0;
}

/* -- body -- */

/* A hash of the first `left` bytes of what is added. */
struct sink {
	EVP_MD_CTX *ctx;
	uint64_t left, taken;
	bool failed;
	size_t n;
	char chunk[CHUNK];
};

static void flush(struct sink *s)
{
	if (s->n && EVP_DigestUpdate(s->ctx, s->chunk, s->n) != 1)
		s->failed = true;
	s->n = 0;
}

static void add(struct sink *s, const char *p, size_t n)
{
	if (n > s->left)
		n = (size_t)s->left;
	s->left -= n;
	s->taken += n;
	while (n) {
		size_t part = n < CHUNK - s->n ? n : CHUNK - s->n;

		memcpy(s->chunk + s->n, p, part);
		s->n += part;
		p += part;
		n -= part;
		if (s->n == CHUNK)
			flush(s);
	}
}

/* Part of a line, runs of blanks as one space; *blank: the part before ended in one. No branch that text could mislead. */
static void add_part(struct sink *s, struct mr_slice part, bool *blank)
{
	char out[PART];
	size_t n = 0;
	bool was = *blank;

	for (size_t i = 0; i < part.n; i++) {
		bool is = is_blank(part.p[i]);

		out[n] = is ? ' ' : part.p[i];
		n += !(is && was);
		was = is;
	}
	*blank = was;
	add(s, out, n);
}

/* A line without its break. Blanks at its end are gone already. */
static void add_relaxed(struct sink *s, struct mr_slice line)
{
	bool blank = false;

	for (; line.n; line = mr_slice_from(line, PART))
		add_part(s, (struct mr_slice){ line.p, line.n < PART ? line.n : PART }, &blank);
}

/* The next line without its break and, where relaxed, without blanks at its end. False at the end of the body. */
static bool take_line(struct mr_slice *body, enum mr_canon c, struct mr_slice *line)
{
	const char *lf;
	size_t n;

	if (!body->n)
		return false;
	lf = memchr(body->p, '\n', body->n);
	n = lf ? (size_t)(lf - body->p) : body->n;
	*line = (struct mr_slice){ body->p, n };
	*body = mr_slice_from(*body, lf ? n + 1 : n);
	if (lf && n && line->p[n - 1] == '\r')
		line->n--;
	while (c == MR_CANON_RELAXED && line->n && is_blank(line->p[line->n - 1]))
		line->n--;
	return true;
}

static void add_body(struct sink *s, struct mr_slice body, enum mr_canon c)
{
	size_t empty = 0; /* lines that count only when another follows */
	struct mr_slice line;

	while (s->left && take_line(&body, c, &line)) {
		if (!line.n) {
			empty++;
			continue;
		}
		for (; empty; empty--)
			add(s, "\r\n", 2);
		if (c == MR_CANON_RELAXED)
			add_relaxed(s, line);
		else
			add(s, line.p, line.n);
		add(s, "\r\n", 2);
	}
	if (c == MR_CANON_SIMPLE && s->taken == 0)
		add(s, "\r\n", 2);
}

int mr_canon_body(struct mr_slice body, enum mr_canon c, uint64_t limit, uint8_t hash[MR_SHA256_LEN], uint64_t *length)
{
	struct sink s = { .ctx = EVP_MD_CTX_new(), .left = limit };
	int r = -EIO;

	if (s.ctx && EVP_DigestInit_ex(s.ctx, EVP_sha256(), NULL) == 1) {
		add_body(&s, body, c);
		flush(&s);
		if (!s.failed && EVP_DigestFinal_ex(s.ctx, hash, NULL) == 1)
			r = 0;
	}
	if (r == 0)
		*length = s.taken;
	EVP_MD_CTX_free(s.ctx);
	return r;
}
