/* authres: Authentication-Results. What a message says about itself is written as a token where it is one, else quoted, never raw. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/authres.h"

#define VALUE_MAX 1000 /* bytes of one value of a message that are written */

static bool is_token(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!mr_authres_token_char(s.p[i]))
			return false;
	}
	return s.n > 0;
}

/* What is no printable ASCII becomes a question mark. */
static void add_printable(struct mr_buf *out, char c)
{
	mr_buf_putc(out, c >= ' ' && c <= '~' ? c : '?');
}

static void add_quoted(struct mr_buf *out, struct mr_slice s)
{
	mr_buf_putc(out, '"');
	for (size_t i = 0; i < s.n && i < VALUE_MAX; i++) {
		char c = s.p[i];

		if (c == '"' || c == '\\')
			mr_buf_putc(out, '\\');
		add_printable(out, c);
	}
	mr_buf_putc(out, '"');
}

static void add_value(struct mr_buf *out, struct mr_slice s)
{
	if (is_token(s) && s.n <= VALUE_MAX)
		mr_buf_add(out, s);
	else
		add_quoted(out, s);
}

/* UTF-8 with letters of other scripts, and for the rest a token: who has it in the envelope's sender has sent a message of SMTPUTF8, where
 * it may stand in local parts and domains (RFC 8601 section 2.2, RFC 6532 section 3.2). */
static bool is_utf8_token(struct mr_slice s)
{
	bool other = false;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		other = other || c > 127;
		if (c <= 127 && !mr_authres_token_char(s.p[i]))
			return false;
		if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0) /* a control character */
			return false;
	}
	return other && mr_utf8_valid(s);
}

/* A local part: as it is where it is a token or quoted already. */
static void add_local(struct mr_buf *out, struct mr_slice local)
{
	if (is_utf8_token(local)) {
		mr_buf_add(out, local);
		return;
	}
	if (!local.n || local.p[0] != '"') {
		add_value(out, local);
		return;
	}
	for (size_t i = 0; i < local.n; i++)
		add_printable(out, local.p[i]);
}

/* pvalue: [[local-part] "@"] domain, else as any value. */
static void add_address(struct mr_buf *out, struct mr_slice s)
{
	struct mr_address a;

	if (mr_address_split(s, &a) == 0 && (is_token(a.domain) || is_utf8_token(a.domain))) {
		add_local(out, a.local);
		mr_buf_putc(out, '@');
		mr_buf_add(out, a.domain);
	} else {
		add_value(out, s);
	}
}

static void add_property(struct mr_buf *out, const char *name, struct mr_slice value)
{
	if (!value.n)
		return;
	mr_buf_printf(out, " %s=", name);
	add_value(out, value);
}

static void add_method(struct mr_buf *out, const char *method, const char *result)
{
	mr_buf_printf(out, ";\n\t%s=%s", method, result);
}

static void add_reason(struct mr_buf *out, struct mr_slice problem)
{
	if (!problem.n)
		return;
	mr_buf_puts(out, " reason=");
	add_quoted(out, problem);
}

static void add_spf(struct mr_buf *out, const struct mr_spf_request *rq, const struct mr_spf_answer *a)
{
	add_method(out, "spf", mr_spf_str(a->result));
	add_reason(out, a->problem);
	if (rq->sender.n) {
		mr_buf_puts(out, " smtp.mailfrom=");
		add_address(out, rq->sender);
	} else {
		add_property(out, "smtp.helo", rq->helo);
	}
}

static void add_dkim(struct mr_buf *out, const struct mr_dkim_answer *a)
{
	if (!a->n)
		add_method(out, "dkim", mr_dkim_str(MR_DKIM_NONE));
	for (size_t i = 0; i < a->n; i++) {
		const struct mr_dkim_signature *s = &a->signatures[i];

		add_method(out, "dkim", mr_dkim_str(s->result));
		add_reason(out, s->problem);
		add_property(out, "header.d", s->domain);
		add_property(out, "header.s", s->selector);
		add_property(out, "header.a", s->algorithm);
		add_property(out, "header.b", s->b);
	}
}

/* RFC 8617 section 10.1; who sealed last is for readers. */
static void add_arc(struct mr_buf *out, const struct mr_arc_answer *a)
{
	add_method(out, "arc", mr_arc_str(a->result));
	add_reason(out, a->problem);
	if (a->n)
		mr_buf_printf(out, " (i=%u, d=%.*s)", a->n, (int)a->sets[a->n - 1].domain.n, a->sets[a->n - 1].domain.p);
}

/* policy.dmarc is what the domain asks for with this message. */
static void add_dmarc(struct mr_buf *out, const struct mr_dmarc_answer *a)
{
	add_method(out, "dmarc", mr_dmarc_str(a->result));
	add_reason(out, a->overridden ? MR_LIT("overridden by a trusted ARC chain") : a->problem);
	add_property(out, "header.from", a->author);
	if (a->result == MR_DMARC_PASS || a->result == MR_DMARC_FAIL)
		add_property(out, "policy.dmarc", mr_slice_of(mr_dmarc_policy_str(a->policy)));
}

int mr_authres_write(const struct mr_authres *a, struct mr_buf *out)
{
	size_t start;

	add_value(out, a->authserv_id);
	start = out->n;
	if (a->spf_request && a->spf)
		add_spf(out, a->spf_request, a->spf);
	if (a->dkim)
		add_dkim(out, a->dkim);
	if (a->arc)
		add_arc(out, a->arc);
	if (a->dmarc)
		add_dmarc(out, a->dmarc);
	if (a->auth_user.n)
		add_method(out, "auth", "pass");
	if (out->n == start)
		mr_buf_puts(out, "; none");
	return out->full ? -ENOBUFS : 0;
}
