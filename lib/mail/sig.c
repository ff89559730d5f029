/* sig: see sig.h. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/sig.h"

#define LINE_WIDTH     72   /* columns of a folded line, its tab not counted */
#define SIGNATURE_LINE 900  /* columns of base64 */
#define SIGNATURE_MAX  4096 /* bytes in base64 */

/* RFC 6376 section 5.4.1, and RFC 8058 for the last two. */
static const struct {
	const char *name;
	bool once_more; /* than it occurs: none may be added later */
} signed_fields[] = {
	{ "from", true },
	{ "sender", false },
	{ "reply-to", true },
	{ "subject", true },
	{ "date", true },
	{ "to", true },
	{ "cc", false },
	{ "message-id", false },
	{ "in-reply-to", false },
	{ "references", false },
	{ "mime-version", true },
	{ "content-type", true },
	{ "content-transfer-encoding", false },
	{ "content-id", false },
	{ "content-description", false },
	{ "list-unsubscribe", false },
	{ "list-unsubscribe-post", false },
};

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

int mr_sig_add_signed(struct mr_buf *out, const struct mr_message *m, struct mr_slice names, enum mr_canon c,
		      const struct mr_header *itself)
{
	mr_autofree bool *taken = mr_new(bool, m->n_headers + 1);
	struct mr_slice name;

	if (itself)
		taken[itself - m->headers] = true;
	for (size_t n = 0; mr_slice_next(&names, ':', &name); n++) {
		if (n == MR_SIG_NAMES_MAX)
			return -EINVAL;
		take(out, m, mr_slice_trim(name), c, taken);
	}
	return out->full ? -ENOBUFS : 0;
}

/* From the "=" to the ";", white space included (RFC 6376 section 3.5, b=). */
static struct mr_slice whole_value(struct mr_slice field, struct mr_slice b)
{
	const char *from = b.p, *to = b.p + b.n;

	while (from > field.p && from[-1] != '=')
		from--;
	while (to < field.p + field.n && *to != ';')
		to++;
	return (struct mr_slice){ from, (size_t)(to - from) };
}

int mr_sig_add_bare(struct mr_buf *out, const struct mr_header *h, struct mr_slice b, enum mr_canon c)
{
	struct mr_slice field = { h->raw.p, (size_t)(h->value.p + h->value.n - h->raw.p) }, gone = whole_value(field, b);
	mr_autofree char *copy = mr_slice_dup(field);
	size_t at = (size_t)(gone.p - field.p), value = (size_t)(h->value.p - field.p);
	struct mr_header bare = { .name = h->name, .raw = { copy, field.n - gone.n }, .value = { copy + value, h->value.n - gone.n } };
	int r;

	memmove(copy + at, copy + at + gone.n, field.n - at - gone.n);
	r = mr_canon_field(out, &bare, c);
	if (r == 0)
		mr_buf_truncate(out, out->n - 2);
	return r;
}

int mr_sig_add_own(struct mr_buf *out, const char *name, struct mr_slice value)
{
	struct mr_header h = { .name = mr_slice_of(name), .value = value };
	int r = mr_canon_field(out, &h, MR_CANON_RELAXED);

	if (r == 0)
		mr_buf_truncate(out, out->n - 2);
	return r;
}

void mr_sig_fold_names(struct mr_buf *out, struct mr_slice names)
{
	struct mr_slice name;
	size_t column = 0;

	while (mr_slice_next(&names, ':', &name)) {
		if (column && column + name.n > LINE_WIDTH) {
			mr_buf_puts(out, "\n\t");
			column = 0;
		}
		mr_buf_add(out, name);
		if (names.p)
			mr_buf_putc(out, ':');
		column += name.n + 1;
	}
}

int mr_sig_list_names(const struct mr_message *m, bool once_more, struct mr_buf *out)
{
	size_t n = 0;

	for (size_t f = 0; f < MR_COUNT(signed_fields); f++) {
		size_t times = once_more && signed_fields[f].once_more;

		for (size_t i = 0; i < m->n_headers; i++)
			times += mr_slice_ieq(m->headers[i].name, mr_slice_of(signed_fields[f].name));
		for (; times && n <= MR_SIG_NAMES_MAX; times--, n++)
			mr_buf_printf(out, "%s%s", out->n ? ":" : "", signed_fields[f].name);
	}
	return n > MR_SIG_NAMES_MAX || out->full ? -EINVAL : 0;
}

/* In one line as far as lines may go (RFC 5322 section 2.1.1): where this field is signed or sealed in turn, a fold inside counts as a
 * space, and relays that fold anew would break that. */
static void add_signature(struct mr_buf *out, struct mr_slice b)
{
	for (; b.n > SIGNATURE_LINE; b = mr_slice_from(b, SIGNATURE_LINE)) {
		mr_buf_add(out, (struct mr_slice){ b.p, SIGNATURE_LINE });
		mr_buf_puts(out, "\n\t");
	}
	mr_buf_add(out, b);
}

int mr_sig_sign(const struct mr_sign_key *key, struct mr_buf *text, const char *name, struct mr_buf *value, struct mr_slice tail)
{
	struct mr_buf b = MR_BUF(SIGNATURE_MAX);
	size_t at = value->n;
	int r = mr_buf_add(value, tail);

	if (r == 0)
		r = mr_sig_add_own(text, name, mr_buf_slice(value));
	if (r == 0)
		r = mr_sign_key_sign(key, mr_buf_slice(text), &b);
	if (r == 0) {
		mr_buf_truncate(value, at);
		add_signature(value, mr_buf_slice(&b));
		r = mr_buf_add(value, tail);
	}
	mr_buf_done(&b);
	return r == 0 && value->full ? -ENOBUFS : r;
}
