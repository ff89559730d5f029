/* arc-seal: one more set for the chain of a message (RFC 8617 section 5.1). */
/* system */
#include <errno.h>
#include <inttypes.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/arc-internal.h"
#include "mail/authres.h"

void mr_arc_set_done(struct mr_arc_set *s)
{
	mr_buf_done(&s->seal);
	mr_buf_done(&s->signature);
	mr_buf_done(&s->results);
}

/* The instance to add, or 0: none may be. A chain that failed before can be numbered on only where its sets can be counted. */
static unsigned next_instance(const struct arc_chain *c)
{
	if (!c)
		return 1;
	if (c->n == 0 || c->n == MR_ARC_SETS_MAX || mr_slice_eq(c->sets[c->n - 1].fields[ARC_SEAL].tags[ARC_CV], MR_LIT("fail")))
		return 0;
	return c->n + 1;
}

/* Our fields of results become one. Control characters would not get through as they are: each becomes a space, line breaks are folds. */
static void write_results(const struct mr_message *m, const struct mr_arc_seal *s, unsigned instance, struct mr_buf *out)
{
	struct mr_slice one;

	mr_buf_printf(out, "i=%u; %.*s", instance, (int)s->authserv_id.n, s->authserv_id.p);
	for (size_t i = 0; i < m->n_headers; i++) {
		if (!mr_slice_ieq(m->headers[i].name, MR_LIT("Authentication-Results")) ||
		    !mr_authres_results(m->headers[i].value, s->authserv_id, &one) || !one.n)
			continue;
		mr_buf_puts(out, "; ");
		for (size_t j = 0; j < one.n; j++) {
			unsigned char c = (unsigned char)one.p[j];

			if (c != '\r')
				mr_buf_putc(out, (c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? ' ' : (char)c);
		}
	}
}

/* What we found on receipt. False: nothing. */
static bool read_chain(struct mr_slice results, enum mr_arc_result *out)
{
	static const enum mr_arc_result known[] = { MR_ARC_NONE, MR_ARC_PASS, MR_ARC_FAIL };
	struct mr_slice word, instance;

	mr_slice_next(&results, ';', &instance);
	mr_slice_next(&results, ';', &instance);
	if (!mr_authres_get(results, "arc", &word))
		return false;
	for (size_t i = 0; i < MR_COUNT(known); i++) {
		*out = known[i];
		if (mr_slice_ieq(word, mr_slice_of(mr_arc_str(known[i]))))
			return true;
	}
	return false;
}

/* Tags stand in alphabetical order, as other sealers write them; a space goes before i=, since python3-dkim looks for that. */
static int write_signature(const struct mr_message *m, const struct mr_arc_seal *s, unsigned instance, struct mr_slice names,
			   struct mr_buf *out)
{
	struct mr_buf text = MR_BUF(2 * MR_HEADER_BYTES_MAX), tail = MR_BUF(MR_ARC_VALUE_MAX);
	uint8_t hash[MR_SHA256_LEN];
	uint64_t length;
	int r = mr_canon_body(m->body, MR_CANON_RELAXED, UINT64_MAX, hash, &length);

	mr_buf_printf(out, "a=%s;\n\tb=", mr_sign_key_algorithm(s->key));
	mr_buf_puts(&tail, ";\n\tbh=");
	mr_base64_add(&tail, (struct mr_slice){ (const char *)hash, sizeof(hash) });
	mr_buf_printf(&tail, "; c=relaxed/relaxed; d=%.*s;\n\th=", (int)s->domain.n, s->domain.p);
	mr_sig_fold_names(&tail, names);
	mr_buf_printf(&tail, "; i=%u; s=%.*s;\n\tt=%" PRId64, instance, (int)s->selector.n, s->selector.p, s->now);
	if (r == 0)
		r = mr_sig_add_signed(&text, m, names, MR_CANON_RELAXED, NULL);
	if (r == 0)
		r = mr_sig_sign(s->key, &text, mr_arc_names[ARC_SIGNATURE], out, mr_buf_slice(&tail));
	mr_buf_done(&text);
	mr_buf_done(&tail);
	return r;
}

/* The fields of h= where the caller names none. Not once more than they occur: who comes next may well add to the message. */
static int list_names(const struct mr_message *m, struct mr_buf *out)
{
	int r = mr_sig_list_names(m, false, out);
	size_t signatures = 0;

	for (size_t i = 0; i < m->n_headers && signatures < MR_DKIM_SIGNATURES_MAX; i++) {
		if (!mr_slice_ieq(m->headers[i].name, MR_LIT("DKIM-Signature")))
			continue;
		mr_buf_puts(out, out->n ? ":dkim-signature" : "dkim-signature");
		signatures++;
	}
	return r < 0 || out->full ? -EINVAL : 0;
}

/* The whole chain, or where it does not hold this set alone (section 5.1.2). */
static int write_seal(const struct arc_chain *c, enum mr_arc_result cv, const struct mr_arc_seal *s, unsigned instance,
		      struct mr_arc_set *set)
{
	struct mr_buf text = MR_BUF(4 * MR_HEADER_BYTES_MAX), tail = MR_BUF(2000);
	int r = 0;

	for (unsigned i = 0; c && i < c->n && cv == MR_ARC_PASS && r == 0; i++)
		r = mr_arc_add_set(&text, &c->sets[i]);
	mr_sig_add_own(&text, mr_arc_names[ARC_RESULTS], mr_buf_slice(&set->results));
	mr_buf_puts(&text, "\r\n");
	mr_sig_add_own(&text, mr_arc_names[ARC_SIGNATURE], mr_buf_slice(&set->signature));
	mr_buf_puts(&text, "\r\n");
	mr_buf_printf(&set->seal, "a=%s;\n\tb=", mr_sign_key_algorithm(s->key));
	mr_buf_printf(&tail, ";\n\tcv=%s; d=%.*s; i=%u; s=%.*s; t=%" PRId64, mr_arc_str(cv), (int)s->domain.n, s->domain.p, instance,
		      (int)s->selector.n, s->selector.p, s->now);
	if (r == 0)
		r = mr_sig_sign(s->key, &text, mr_arc_names[ARC_SEAL], &set->seal, mr_buf_slice(&tail));
	mr_buf_done(&text);
	mr_buf_done(&tail);
	return r;
}

/* What was found on receipt must fit the sets that are there. */
static bool fits(enum mr_arc_result cv, const struct arc_chain *c)
{
	if (cv == MR_ARC_PASS)
		return c && !c->problem;
	return (cv == MR_ARC_FAIL) == !!c;
}

int mr_arc_seal(const struct mr_message *m, const struct mr_arc_seal *s, struct mr_arc_set *out, struct mr_diag *diag)
{
	struct mr_buf names = MR_BUF(MR_ARC_VALUE_MAX);
	mr_autoarena arena = mr_arena_new(0);
	struct arc_chain *c = mr_arc_collect(m, arena);
	unsigned instance = next_instance(c);
	enum mr_arc_result cv;
	int r;

	if (instance == 0)
		return 1;
	write_results(m, s, instance, &out->results);
	if (!read_chain(mr_buf_slice(&out->results), &cv))
		return 1;
	if (m->cut || !fits(cv, c))
		return mr_diag_set(diag, -EINVAL, "cannot seal: %s",
				   m->cut ? "the header is too long" : "the chain is not the one that was checked");
	mr_buf_add(&names, s->names);
	r = s->names.n ? 0 : list_names(m, &names);
	if (r == 0)
		r = out->results.full ? -ENOBUFS : write_signature(m, s, instance, mr_buf_slice(&names), &out->signature);
	if (r == 0)
		r = write_seal(c, cv, s, instance, out);
	mr_buf_done(&names);
	return r < 0 ? mr_diag_set(diag, r, "cannot seal: %s", strerror(-r)) : 0;
}
