/* buf: see buf.h */

/* system */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"

#define FIRST_CAPACITY 256 /* bytes */

void mr_buf_done(struct mr_buf *b)
{
	free(b->p);
	*b = MR_BUF(b->max);
}

void mr_buf_reset(struct mr_buf *b)
{
	b->n = 0;
	b->full = false;
	if (b->p)
		b->p[0] = '\0';
}

/* Capacity doubles, so that many small additions stay linear. */
__attribute__((noinline, cold)) static int enlarge(struct mr_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;

	if (b->n > b->max || n > b->max - b->n) {
		b->full = true;
		return -ENOBUFS;
	}
	while (cap - b->n <= n)
		cap = cap > SIZE_MAX / 2 ? b->n + n + 1 : cap * 2;
	b->p = mr_realloc(b->p, cap);
	b->cap = cap;
	return 0;
}

/* Makes room for n more bytes and the NUL. */
static inline int grow(struct mr_buf *b, size_t n)
{
	return b->cap - b->n > n && b->n + n <= b->max ? 0 : enlarge(b, n);
}

int mr_buf_add(struct mr_buf *b, struct mr_slice s)
{
	int err = grow(b, s.n);

	if (err == 0) {
		if (s.n)
			memcpy(b->p + b->n, s.p, s.n);
		b->n += s.n;
		b->p[b->n] = '\0';
	}
	return err;
}

int mr_buf_puts(struct mr_buf *b, const char *s)
{
	return mr_buf_add(b, mr_slice_of(s));
}

int mr_buf_putc(struct mr_buf *b, char c)
{
	return mr_buf_add(b, (struct mr_slice){ &c, 1 });
}

int mr_buf_putu(struct mr_buf *b, uint64_t n)
{
	char text[20], *p = text + sizeof(text);

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return mr_buf_add(b, (struct mr_slice){ p, (size_t)(text + sizeof(text) - p) });
}

int mr_buf_printf(struct mr_buf *b, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = mr_buf_vprintf(b, fmt, ap);
	va_end(ap);
	return err;
}

int mr_buf_vprintf(struct mr_buf *b, const char *fmt, va_list ap)
{
	size_t room = b->p ? b->cap - b->n : 0;
	va_list first;
	char saved;
	int n, err;

	va_copy(first, ap);
	n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, first); /* mostly there is room */
	va_end(first);
	saved = room ? b->p[b->n] : '\0';
	if (room)
		b->p[b->n] = '\0';
	if (n < 0)
		return -EINVAL;
	err = grow(b, (size_t)n);
	if (err < 0)
		return err;
	if ((size_t)n < room)
		b->p[b->n] = saved;
	else
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	b->n += (size_t)n;
	return 0;
}

char *mr_buf_reserve(struct mr_buf *b, size_t n)
{
	if (grow(b, n) < 0)
		return NULL;
	b->p[b->n] = '\0';
	return b->p + b->n;
}

void mr_buf_filled(struct mr_buf *b, size_t n)
{
	b->n += n;
	b->p[b->n] = '\0';
}

void mr_buf_consume(struct mr_buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
	} else {
		memmove(b->p, b->p + n, b->n - n);
		b->n -= n;
	}
	if (b->p)
		b->p[b->n] = '\0';
}

void mr_buf_truncate(struct mr_buf *b, size_t n)
{
	if (n < b->n) {
		b->n = n;
		b->p[n] = '\0';
	}
}

struct mr_slice mr_buf_slice(const struct mr_buf *b)
{
	return (struct mr_slice){ b->p ? b->p : "", b->n };
}

char *mr_buf_steal(struct mr_buf *b)
{
	char *p = b->p ? b->p : mr_strdup("");

	*b = MR_BUF(b->max);
	return p;
}
