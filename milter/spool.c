/* spool: see spool.h. */

/* system */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* ours */
#include "spool.h"

#define BUF_MAX 65536

static void open_memfd(struct mr_spool *s)
{
	s->memfd = memfd_create("mailreeve-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->memfd < 0)
		s->error = -errno;
}

static void write_out(struct mr_spool *s, struct mr_slice bytes)
{
	while (s->error == 0 && bytes.n) {
		ssize_t n = write(s->memfd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			s->error = -errno;
		else if (n > 0)
			bytes = mr_slice_from(bytes, (size_t)n);
	}
}

static void flush_buf(struct mr_spool *s)
{
	if (s->memfd < 0)
		open_memfd(s);
	write_out(s, mr_buf_slice(&s->buf));
	mr_buf_reset(&s->buf);
}

void mr_spool_begin(struct mr_spool *s, uint64_t max)
{
	*s = (struct mr_spool){ .memfd = -1, .buf = MR_BUF(BUF_MAX), .max = max };
	mr_buf_puts(&s->buf, MR_SPOOL_LEAD);
}

void mr_spool_bytes(struct mr_spool *s, struct mr_slice bytes)
{
	if (s->error)
		return;
	s->size += bytes.n;
	if (s->size > s->max) {
		s->error = -EFBIG;
		return;
	}
	if (s->buf.n + bytes.n > MR_SPOOL_SMALL)
		flush_buf(s);
	if (bytes.n > MR_SPOOL_SMALL)
		write_out(s, bytes);
	else
		mr_buf_add(&s->buf, bytes);
}

void mr_spool_field(struct mr_spool *s, struct mr_slice name, struct mr_slice value, bool has_space)
{
	struct mr_slice line;
	bool first = true;

	mr_spool_bytes(s, name);
	mr_spool_bytes(s, has_space ? MR_LIT(":") : MR_LIT(": "));
	while (mr_slice_next(&value, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		/* An empty line in a value would end the header. */
		if (line.n || first) {
			mr_spool_bytes(s, line);
			mr_spool_bytes(s, MR_LIT("\r\n"));
		}
		first = false;
	}
}

int mr_spool_end(struct mr_spool *s, struct mr_buf *small, int *memfd)
{
	if (s->error == 0 && s->memfd >= 0)
		flush_buf(s);
	if (s->error)
		return s->error;
	*memfd = s->memfd;
	*small = MR_BUF(0);
	if (s->memfd < 0) {
		*small = s->buf;
		s->buf = MR_BUF(0);
	}
	s->memfd = -1;
	return 0;
}

int mr_spool_memfd(const struct mr_buf *small)
{
	struct mr_spool s = { .memfd = -1 };

	open_memfd(&s);
	write_out(&s, mr_buf_slice(small));
	if (s.error && s.memfd >= 0)
		close(s.memfd);
	return s.error ? s.error : s.memfd;
}

void mr_spool_done(struct mr_spool *s)
{
	mr_buf_done(&s->buf);
	if (s->memfd >= 0)
		close(s->memfd);
	s->memfd = -1;
}
