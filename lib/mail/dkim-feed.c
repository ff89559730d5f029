/* dkim-feed: hands a message to libopendkim, which wants CRLF line ends everywhere. */
/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/dkim-internal.h"

#define CHUNK 65536 /* bytes of a converted body handed over at once */

static bool has_bare_lf(struct mr_slice s)
{
	for (const char *p = s.p, *end = s.p + s.n; p < end; p++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return false;
		if (p == s.p || p[-1] != '\r')
			return true;
	}
	return false;
}

/* One line that may end in LF or CRLF, to CRLF; a last line without an end stays so. */
static int add_line(struct mr_buf *out, struct mr_slice line)
{
	if (!line.n || line.p[line.n - 1] != '\n' || (line.n > 1 && line.p[line.n - 2] == '\r'))
		return mr_buf_add(out, line);
	line.n--;
	return mr_buf_add(out, line) < 0 ? -ENOBUFS : mr_buf_puts(out, "\r\n");
}

static struct mr_slice take_line(struct mr_slice *rest)
{
	ptrdiff_t lf = mr_slice_chr(*rest, '\n');
	struct mr_slice line = { rest->p, lf < 0 ? rest->n : (size_t)lf + 1 };

	*rest = mr_slice_from(*rest, line.n);
	return line;
}

int mr_dkim_feed_header(DKIM *d, const struct mr_header *h)
{
	struct mr_slice text = { h->raw.p, (size_t)(h->value.p + h->value.n - h->raw.p) };
	struct mr_buf converted = MR_BUF(2 * text.n + 2);
	struct mr_slice rest = text;
	DKIM_STAT status;

	if (memchr(text.p, 0, text.n))
		return 0;
	if (has_bare_lf(text)) {
		while (rest.n)
			add_line(&converted, take_line(&rest));
		text = mr_buf_slice(&converted);
	}
	/* not changed by the library, whose API knows no const */
	status = dkim_header(d, (u_char *)text.p, text.n);
	mr_buf_done(&converted);
	return status == DKIM_STAT_NORESOURCE ? -ENOMEM : 0;
}

static int feed(DKIM *d, struct mr_slice part)
{
	if (!part.n)
		return 0;
	return dkim_body(d, (u_char *)part.p, part.n) == DKIM_STAT_OK ? 0 : -ENOMEM;
}

int mr_dkim_feed_body(DKIM *d, struct mr_slice body)
{
	struct mr_buf chunk = MR_BUF(CHUNK);
	int r = 0;

	if (!has_bare_lf(body))
		return feed(d, body);
	while (body.n && r == 0) {
		struct mr_slice line = take_line(&body);

		if (line.n + 1 > CHUNK - chunk.n) {
			r = feed(d, mr_buf_slice(&chunk));
			mr_buf_reset(&chunk);
		}
		if (r == 0 && line.n + 1 > CHUNK) { /* longer than a chunk */
			bool ends = line.p[line.n - 1] == '\n';

			line.n -= ends;
			line.n -= ends && line.p[line.n - 1] == '\r';
			r = feed(d, line);
			line = ends ? MR_LIT("\r\n") : (struct mr_slice){ 0 };
		}
		if (r == 0)
			r = add_line(&chunk, line);
	}
	if (r == 0)
		r = feed(d, mr_buf_slice(&chunk));
	mr_buf_done(&chunk);
	return r;
}
