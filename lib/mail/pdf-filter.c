/* pdf-filter: the filters of streams that text and objects are packed with (ISO 32000-1 section 7.4); see pdf-internal.h. */
/* libraries */
#include <zlib.h>

/* ours */
#include "mail/pdf-internal.h"

#define CHUNK 16384

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
		out->n += room - z.avail_out;
	}
	inflateEnd(&z);
	return r != Z_OK;
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
