/* dmarc-row: one message for the aggregate reports (RFC 9990). */
/* system */
#include <errno.h>

/* ours */
#include "base/text.h"
#include "mail/dmarc.h"

#define VALUE_MAX 320 /* bytes of one value: an address */
#define URIS_MAX  2048

static void add_char(struct mr_buf *out, char c, bool utf8)
{
	unsigned char u = (unsigned char)c;

	if (c == '"' || c == '\\')
		mr_buf_printf(out, "\\%c", c);
	else if (u < ' ' || u == 0x7f || (u > 0x7f && !utf8))
		mr_buf_printf(out, "\\u%04x", u); /* what is no UTF-8 is shown as Latin-1 */
	else
		mr_buf_putc(out, c);
}

static void add_string(struct mr_buf *out, struct mr_slice s, size_t max)
{
	bool utf8;

	if (s.n > max)
		s.n = max;
	utf8 = mr_utf8_valid(s);
	mr_buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++)
		add_char(out, s.p[i], utf8);
	mr_buf_putc(out, '"');
}

/* Each but the first of an object is led in by a comma. */
static void add_member(struct mr_buf *out, bool first, const char *name, struct mr_slice value)
{
	mr_buf_printf(out, "%s\"%s\":", first ? "" : ",", name);
	add_string(out, value, VALUE_MAX);
}

static void add_word(struct mr_buf *out, bool first, const char *name, const char *value)
{
	add_member(out, first, name, mr_slice_of(value));
}

static struct mr_slice domain_of(struct mr_slice address)
{
	ptrdiff_t at = mr_slice_rchr(address, '@');

	return at < 0 ? (struct mr_slice){ "", 0 } : mr_slice_from(address, (size_t)at + 1);
}

static void add_policy(struct mr_buf *out, const struct mr_dmarc_answer *a)
{
	const struct mr_dmarc_record *r = &a->record;

	mr_buf_puts(out, ",\"policy_published\":{");
	add_member(out, true, "domain", a->record_domain);
	add_word(out, false, "discovery_method", "treewalk");
	add_word(out, false, "p", mr_dmarc_policy_str(r->p));
	add_word(out, false, "sp", mr_dmarc_policy_str(r->sp));
	add_word(out, false, "np", mr_dmarc_policy_str(r->np));
	add_word(out, false, "adkim", r->strict_dkim ? "s" : "r");
	add_word(out, false, "aspf", r->strict_spf ? "s" : "r");
	add_word(out, false, "testing", r->testing ? "y" : "n");
	add_member(out, false, "fo", r->fo.n ? r->fo : MR_LIT("0"));
	mr_buf_puts(out, "},\"rua\":");
	add_string(out, r->rua, URIS_MAX);
}

static void add_dkim(struct mr_buf *out, const struct mr_dkim_answer *a)
{
	mr_buf_puts(out, ",\"dkim\":[");
	for (size_t i = 0; a && i < a->n; i++) {
		const struct mr_dkim_signature *s = &a->signatures[i];

		mr_buf_puts(out, i ? ",{" : "{");
		add_member(out, true, "domain", s->domain);
		add_member(out, false, "selector", s->selector);
		add_word(out, false, "result", mr_dkim_str(s->result));
		if (s->problem.n)
			add_member(out, false, "human_result", s->problem);
		mr_buf_putc(out, '}');
	}
	mr_buf_putc(out, ']');
}

static void add_spf(struct mr_buf *out, const struct mr_spf_answer *a)
{
	mr_buf_puts(out, ",\"spf\":{");
	add_member(out, true, "domain", a->domain);
	add_word(out, false, "scope", "mfrom"); /* the null sender's is postmaster@HELO, RFC 7208 section 2.4 */
	add_word(out, false, "result", mr_spf_str(a->result));
	if (a->problem.n)
		add_member(out, false, "human_result", a->problem);
	mr_buf_putc(out, '}');
}

int mr_dmarc_row_write(const struct mr_dmarc_row *row, struct mr_buf *out)
{
	const struct mr_dmarc_answer *a = row->dmarc;
	size_t before = out->n;

	if ((a->result != MR_DMARC_PASS && a->result != MR_DMARC_FAIL) || !a->record.rua.n)
		return 0;
	add_member(out, true, "header_from", a->author);
	if (row->spf_request)
		add_member(out, false, "envelope_from", domain_of(row->spf_request->sender));
	add_word(out, false, "aligned_dkim", a->dkim_aligned ? "pass" : "fail");
	add_word(out, false, "aligned_spf", a->spf_aligned ? "pass" : "fail");
	add_policy(out, a);
	add_dkim(out, row->dkim);
	if (row->spf)
		add_spf(out, row->spf);
	if (out->full)
		mr_buf_truncate(out, before);
	return out->full ? -ENOBUFS : 0;
}
