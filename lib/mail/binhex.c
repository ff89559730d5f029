/* binhex: see binhex.h. A line that tells what it is, a colon, six bits a character up to the next colon; in what comes of it 0x90 and a
 * number say how often the byte before stands there. It begins with a header: the name behind its length, a zero, 4 bytes of type, 4 of the
 * program, 2 of flags, 4 each for the lengths of data and resources, 2 of a sum. */
/* ours */
#include "mail/binhex.h"
#include "base/mem.h"

#define MARK      "(This file must be converted with BinHex"
#define MARK_SIZE (sizeof(MARK) - 1)
#define COLON_MAX 1000 /* bytes from there to the colon */
#define REPEAT    0x90
#define FIXED     22 /* bytes of the header besides the name and its length */
#define LENGTH_AT 11 /* behind the name */

struct reader {
	const char *at, *end;
	unsigned bits, n_bits;
	int last, again; /* the byte before, and how often it comes */
};

/* -1: the end. */
static int six_bits(struct reader *r)
{
	static const char letters[] = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

	while (r->at < r->end) {
		const char *found = *r->at ? strchr(letters, *r->at) : NULL;

		if (!found && !strchr("\r\n\t ", *r->at ? *r->at : ':'))
			return -1;
		r->at++;
		if (found)
			return (int)(found - letters);
	}
	return -1;
}

static int packed_byte(struct reader *r)
{
	while (r->n_bits < 8) {
		int six = six_bits(r);

		if (six < 0)
			return -1;
		r->bits = r->bits << 6 | (unsigned)six;
		r->n_bits += 6;
	}
	r->n_bits -= 8;
	return (int)(r->bits >> r->n_bits & 0xff);
}

static int next_byte(struct reader *r)
{
	int c, n = 1;

	while (n == 1 && !r->again) {
		c = packed_byte(r);
		if (c != REPEAT)
			return r->last = c;
		n = packed_byte(r); /* 0: the byte itself; 1 says nothing */
		if (n <= 0)
			return r->last = n < 0 ? -1 : REPEAT;
		r->again = n - 1;
	}
	r->again--;
	return r->last;
}

/* Behind the colon. */
static bool find_data(struct mr_slice *text, bool alone)
{
	const char *from = text->p, *end = mr_slice_from(*text, text->n).p, *at = from;

	for (; at < end && (alone || (at = memmem(at, (size_t)(end - at), MARK, MARK_SIZE))); at++) {
		size_t n = (size_t)(end - at) < COLON_MAX ? (size_t)(end - at) : COLON_MAX;
		const char *colon = memchr(at, ':', n);

		if (colon && (alone || colon[-1] == '\n' || colon[-1] == '\r')) {
			*text = mr_slice_from(*text, (size_t)(colon + 1 - from));
			return true;
		}
		if (alone)
			return false;
	}
	return false;
}

static bool take(struct reader *r, size_t n, struct mr_buf *out)
{
	int c;

	for (; n && (c = next_byte(r)) >= 0; n--)
		if (out->n < out->max)
			mr_buf_putc(out, (char)c);
		else
			out->full = true;
	return !n;
}

bool mr_binhex_begins(struct mr_slice bytes)
{
	bytes = mr_slice_trim(bytes);
	return mr_slice_starts(bytes, MR_LIT(MARK)) || mr_slice_starts(bytes, MR_LIT(":"));
}

bool mr_binhex_next(struct mr_slice *text, bool alone, struct mr_buf *name, struct mr_buf *bytes)
{
	while (find_data(text, alone)) {
		struct reader r = { .at = text->p, .end = text->p + text->n };
		struct mr_buf head = MR_BUF(FIXED - 1);
		int n = next_byte(&r);
		size_t length = 0;
		bool good;

		mr_buf_reset(name);
		mr_buf_reset(bytes);
		good = n > 0 && n <= MR_BINHEX_NAME_MAX && take(&r, (size_t)n, name) && take(&r, FIXED - 1, &head);
		for (size_t i = 0; good && i < 4; i++)
			length = length << 8 | (unsigned char)head.p[LENGTH_AT + i];
		mr_buf_done(&head);
		if (good)
			take(&r, length, bytes);
		*text = mr_slice_from(*text, (size_t)(r.at - text->p));
		if (good)
			return true;
		alone = false;
	}
	*text = (struct mr_slice){ 0 };
	return false;
}
