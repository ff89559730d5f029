/* sig: see sig.h. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/sig.h"

#define LINE_MAX_WANTED 72   /* columns of a folded line, its tab not counted */
#define SIGNATURE_MAX   4096 /* bytes in base64 */

/* The lowest field of that name that is not taken yet. */
static void take(struct mr_buf *out, const struct mr_message *m, struct mr_slice name, enum mr_canon c, bool *taken)
{
	for (size_t i = m->n_headers; i-- > 0;) {
		if (taken[i] || !mr_slice_ieq(m->headers[i].name, name))
			continue;
		taken[i] = true;
		mr_canon_field(out, &m->headers[i], c);
		return;
	}
}

int mr_sig_add_signed(struct mr_buf *out, const struct mr_message *m, struct mr_slice names, enum mr_canon c)
{
	mr_autofree bool *taken = mr_new(bool, m->n_headers + 1);
	struct mr_slice name;

	for (size_t n = 0; mr_slice_next(&names, ':', &name); n++) {
		if (n == MR_SIG_NAMES_MAX)
			return -EINVAL;
		take(out, m, mr_slice_trim(name), c, taken);
	}
	return out->full ? -ENOBUFS : 0;
}

int mr_sig_add_own(struct mr_buf *out, const char *name, struct mr_slice value)
{
	struct mr_header h = { .name = mr_slice_of(name), .value = value };
	int r = mr_canon_field(out, &h, MR_CANON_RELAXED);

	if (r == 0)
		mr_buf_truncate(out, out->n - 2);
	return r;
}

void mr_sig_fold(struct mr_buf *out, struct mr_slice text)
{
	for (size_t at = 0; at < text.n; at += LINE_MAX_WANTED) {
		struct mr_slice rest = mr_slice_from(text, at);

		if (at)
			mr_buf_puts(out, "\n\t");
		mr_buf_add(out, (struct mr_slice){ rest.p, rest.n < LINE_MAX_WANTED ? rest.n : LINE_MAX_WANTED });
	}
}

void mr_sig_fold_names(struct mr_buf *out, struct mr_slice names)
{
	struct mr_slice name;
	size_t column = 0;

	while (mr_slice_next(&names, ':', &name)) {
		if (column && column + name.n > LINE_MAX_WANTED) {
			mr_buf_puts(out, "\n\t");
			column = 0;
		}
		mr_buf_add(out, name);
		if (names.p)
			mr_buf_putc(out, ':');
		column += name.n + 1;
	}
}

int mr_sig_sign(const struct mr_sign_key *key, struct mr_buf *text, const char *name, struct mr_buf *value)
{
	struct mr_buf b = MR_BUF(SIGNATURE_MAX);
	int r = mr_sig_add_own(text, name, mr_buf_slice(value));

	if (r == 0)
		r = mr_sign_key_sign(key, mr_buf_slice(text), &b);
	if (r == 0)
		mr_sig_fold(value, mr_buf_slice(&b));
	if (r == 0 && value->full)
		r = -ENOBUFS;
	mr_buf_done(&b);
	return r;
}
