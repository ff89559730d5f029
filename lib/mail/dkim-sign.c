/* dkim-sign: signatures of ours: relaxed/relaxed, SHA-256, the fields of RFC 6376 section 5.4.1 that stand in the message, and the ones
 * that must not be added later once more than they occur. */
/* system */
#include <errno.h>
#include <inttypes.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/dkim.h"
#include "mail/sig.h"

#define NAME      "DKIM-Signature"
#define NAMES_MAX 8192 /* bytes of h= */

/* What stands in DNS cannot break out of its tag. */
static bool names_ok(const struct mr_dkim_sign *s)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice name, out;

	if (s->selector.n > MR_DNS_NAME_MAX || s->domain.n > MR_DNS_NAME_MAX)
		return false;
	name =
	    mr_slice_of(mr_arena_printf(arena, "%.*s._domainkey.%.*s", (int)s->selector.n, s->selector.p, (int)s->domain.n, s->domain.p));
	return mr_domain_check(name, true, arena, &out, NULL) == 0;
}

/* All tags, "b=" as the last one. */
static int write_tags(const struct mr_dkim_sign *s, struct mr_slice names, struct mr_slice body_hash, struct mr_buf *out)
{
	mr_buf_printf(out, "v=1; a=%s; c=relaxed/relaxed; d=%.*s;\n\ts=%.*s; t=%" PRId64 "; bh=", mr_sign_key_algorithm(s->key),
		      (int)s->domain.n, s->domain.p, (int)s->selector.n, s->selector.p, s->now);
	mr_base64_add(out, body_hash);
	mr_buf_puts(out, ";\n\th=");
	mr_sig_fold_names(out, names);
	mr_buf_puts(out, ";\n\tb=");
	return out->full ? -ENOBUFS : 0;
}

static int prepare(const struct mr_message *m, const struct mr_dkim_sign *s, struct mr_buf *names, struct mr_diag *diag)
{
	if (m->cut)
		return mr_diag_set(diag, -EINVAL, "cannot sign: the header is too long");
	if (!names_ok(s))
		return mr_diag_set(diag, -EINVAL, "cannot sign: domain or selector has odd characters");
	if (mr_sig_list_names(m, true, names) < 0)
		return mr_diag_set(diag, -EINVAL, "cannot sign: too many header fields");
	return 0;
}

int mr_dkim_sign(const struct mr_message *m, const struct mr_dkim_sign *s, struct mr_buf *out, struct mr_diag *diag)
{
	struct mr_buf names = MR_BUF(NAMES_MAX), text = MR_BUF(2 * MR_HEADER_BYTES_MAX), value = MR_BUF(2 * NAMES_MAX);
	uint8_t hash[MR_SHA256_LEN];
	uint64_t length;
	int r = prepare(m, s, &names, diag);

	if (r == 0)
		r = mr_canon_body(m->body, MR_CANON_RELAXED, UINT64_MAX, hash, &length);
	if (r == 0)
		r = write_tags(s, mr_buf_slice(&names), (struct mr_slice){ (const char *)hash, sizeof(hash) }, &value);
	if (r == 0)
		r = mr_sig_add_signed(&text, m, mr_buf_slice(&names), MR_CANON_RELAXED, NULL);
	if (r == 0)
		r = mr_sig_sign(s->key, &text, NAME, &value, MR_LIT(""));
	if (r == 0)
		r = mr_buf_add(out, mr_buf_slice(&value));
	if (r < 0)
		mr_diag_set(diag, r, "cannot sign: %s", strerror(-r));
	mr_buf_done(&names);
	mr_buf_done(&text);
	mr_buf_done(&value);
	return r;
}
