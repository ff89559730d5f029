/* buf: a growing byte buffer, born with a hard maximum. Always NUL-terminated beyond n. When an addition would pass the maximum
 * nothing is added, -ENOBUFS is returned and `full` stays set, so that a writer may check once at the end. */
#pragma once
#include <stdarg.h>
#include <stdint.h>
#include "base/slice.h"

struct mr_buf {
	char *p;
	size_t n, cap, max; /* bytes */
	bool full;
};

#define MR_BUF(maximum) ((struct mr_buf){ .max = (maximum) })

void mr_buf_done(struct mr_buf *b);  /* frees; the buffer may be used again */
void mr_buf_reset(struct mr_buf *b); /* empties, keeps the memory */
int mr_buf_add(struct mr_buf *b, struct mr_slice s);
int mr_buf_puts(struct mr_buf *b, const char *s);
int mr_buf_putc(struct mr_buf *b, char c);
int mr_buf_putu(struct mr_buf *b, uint64_t n); /* in decimal */
int mr_buf_printf(struct mr_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int mr_buf_vprintf(struct mr_buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Room for n more bytes at p + n, whatever they hold; the caller then says how many it has filled. NULL (and `full`) at the maximum. */
char *mr_buf_reserve(struct mr_buf *b, size_t n);
void mr_buf_filled(struct mr_buf *b, size_t n);
void mr_buf_consume(struct mr_buf *b, size_t n);  /* removes from the front */
void mr_buf_truncate(struct mr_buf *b, size_t n); /* keeps the first n bytes: takes half an addition back */
struct mr_slice mr_buf_slice(const struct mr_buf *b);
/* The contents as a string to free(); the buffer is empty afterwards. Never NULL. */
char *mr_buf_steal(struct mr_buf *b);
