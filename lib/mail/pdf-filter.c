/* pdf-filter: the filters of streams that text and objects are packed with (ISO 32000-1 section 7.4); see pdf-internal.h. */
/* system */
#include <stdlib.h>

/* libraries */
#include <zlib.h>

/* ours */
#include "base/mem.h"
#include "mail/pdf-internal.h"

#define CHUNK 16384

enum { LZW_CLEAR = 256, LZW_END, LZW_FIRST, LZW_CODES = 4096, LZW_BITS_MIN = 9, LZW_BITS_MAX = 12 };

static bool inflate_all(struct mr_slice in, struct mr_buf *out)
{
	z_stream z = { .next_in = (Bytef *)in.p, .avail_in = (uInt)in.n };
	int r = inflateInit(&z);

	while (r == Z_OK) {
		size_t room = out->max - out->n < CHUNK ? out->max - out->n : CHUNK;
		char *to = room ? mr_buf_reserve(out, room) : NULL;

		if (!to)
			break;
		z.next_out = (Bytef *)to;
		z.avail_out = (uInt)room;
		r = inflate(&z, Z_NO_FLUSH);
		mr_buf_filled(out, room - z.avail_out);
	}
	inflateEnd(&z);
	return r != Z_OK;
}

struct lzw {
	struct mr_slice in; /* that follows */
	uint32_t bits;
	unsigned n_bits, width, next;
	struct {
		size_t at, n; /* where in the output it stands */
	} codes[LZW_CODES];
};

/* -1: the end. */
static int lzw_code(struct lzw *z)
{
	for (; z->n_bits < z->width; z->n_bits += 8) {
		if (!z->in.n)
			return -1;
		z->bits = z->bits << 8 | (unsigned char)z->in.p[0];
		z->in = mr_slice_from(z->in, 1);
	}
	z->n_bits -= z->width;
	return (int)(z->bits >> z->n_bits & ((1u << z->width) - 1));
}

/* n bytes of what came before, which may go on into what is written. */
static bool lzw_again(struct mr_buf *out, size_t at, size_t n)
{
	bool whole = n <= out->max - out->n;
	char *to;

	if (!whole)
		n = out->max - out->n;
	to = n ? mr_buf_reserve(out, n) : NULL;
	for (size_t i = 0; to && i < n; i++)
		to[i] = out->p[at + i];
	if (to)
		mr_buf_filled(out, n);
	return whole;
}

/* With codes that become longer one early, as all writers do. Each code stands for what the one before stood for and one byte more, so it
 * is found in the output. */
static bool lzw(struct mr_slice in, struct mr_buf *out)
{
	struct lzw *z = mr_new(struct lzw, 1);
	size_t before_at = 0, before_n = 0, at;
	bool whole = true;

	*z = (struct lzw){ .in = in, .width = LZW_BITS_MIN, .next = LZW_FIRST };
	for (int code; whole && (code = lzw_code(z)) >= 0 && code != LZW_END;) {
		if (code == LZW_CLEAR) {
			z->width = LZW_BITS_MIN;
			z->next = LZW_FIRST;
			before_n = 0;
			continue;
		}
		if (code >= LZW_FIRST && ((unsigned)code > z->next || ((unsigned)code == z->next && !before_n)))
			break;
		at = out->n;
		if (before_n && z->next < LZW_CODES) {
			z->codes[z->next].at = before_at;
			z->codes[z->next++].n = before_n + 1;
		}
		if (code < LZW_CLEAR)
			whole = mr_buf_putc(out, (char)code) == 0;
		else
			whole = lzw_again(out, z->codes[code].at, z->codes[code].n);
		before_at = at;
		before_n = out->n - at;
		if (z->next + 1 >= 1u << z->width && z->width < LZW_BITS_MAX)
			z->width++;
	}
	free(z);
	return whole;
}

static bool ascii85(struct mr_slice in, struct mr_buf *out)
{
	unsigned long v = 0;
	size_t n = 0;

	for (size_t i = 0; i < in.n && in.p[i] != '~' && !out->full; i++) {
		char c = in.p[i];

		if (c == 'z' && !n)
			mr_buf_add(out, (struct mr_slice){ "\0\0\0\0", 4 });
		if (c < '!' || c > 'u')
			continue;
		v = v * 85 + (unsigned long)(c - '!');
		if (++n < 5)
			continue;
		for (int shift = 24; shift >= 0; shift -= 8)
			mr_buf_putc(out, (char)(v >> shift & 0xff));
		v = n = 0;
	}
	for (size_t k = n; n > 1 && k < 5; k++)
		v = v * 85 + 84;
	for (int shift = 24; n > 1; shift -= 8, n--)
		mr_buf_putc(out, (char)(v >> shift & 0xff));
	return !out->full;
}

static bool undo(enum pdf_filter filter, struct mr_slice in, struct mr_buf *out)
{
	switch (filter) {
	case PDF_FLATE:
		return inflate_all(in, out);
	case PDF_LZW:
		return lzw(in, out);
	case PDF_ASCII85:
		return ascii85(in, out);
	case PDF_ASCIIHEX:
		pdf_hex(&(struct pdf_lexer){ .at = in.p, .end = in.p + in.n, .text = out });
		return !out->full;
	}
	return false;
}

bool pdf_decode(struct mr_slice in, const enum pdf_filter *filters, size_t n, struct mr_buf *out)
{
	struct mr_buf between = MR_BUF(out->max);
	bool whole = true;

	for (size_t i = 0; i < n; i++) {
		struct mr_buf done = *out;

		if (i) {
			*out = between;
			between = done;
			in = mr_buf_slice(&between);
			mr_buf_reset(out);
		}
		whole &= undo(filters[i], in, out);
	}
	mr_buf_done(&between);
	return whole;
}
