/* opendkim-peer: see opendkim-peer.h. */

/* libraries */
#include <opendkim/dkim.h>

/* ours */
#include "base/mem.h"
#include "support/opendkim-peer.h"

#define MIN_BITS 1024

/* Where a leak checker runs: it leaks on some ways out of an Ed25519 signature. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static DKIM_LIB *library;

static DKIM_CBSTAT look_up_key(DKIM *dkim, DKIM_SIGINFO *sig, u_char *buf, size_t len)
{
	struct mr_dns_view *dns = dkim_get_user_context(dkim);
	char name[2 * MR_DNS_NAME_MAX + 16];
	const struct mr_dns_answer *a;

	snprintf(name, sizeof(name), "%s._domainkey.%s", dkim_sig_getselector(sig), dkim_sig_getdomain(sig));
	a = mr_dns_view_get(dns, mr_slice_of(name), MR_DNS_TXT);
	if (!a || a->n_rrs != 1 || a->rrs[0].data.n >= len)
		return DKIM_CBSTAT_NOTFOUND;
	memcpy(buf, a->rrs[0].data.p, a->rrs[0].data.n);
	buf[a->rrs[0].data.n] = 0;
	return DKIM_CBSTAT_CONTINUE;
}

static void set_up(void)
{
	u_int flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES, bits = MIN_BITS;

	if (library)
		return;
	library = dkim_init(NULL, NULL);
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags));
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof(bits));
	dkim_set_key_lookup(library, look_up_key);
}

/* With CRLF, as the library wants it. */
static void add_crlf(struct mr_buf *out, struct mr_slice text)
{
	struct mr_slice line;

	while (mr_slice_next(&text, '\n', &line)) {
		mr_buf_add(out, line);
		if (text.p)
			mr_buf_puts(out, line.n && line.p[line.n - 1] == '\r' ? "\n" : "\r\n");
	}
}

static void feed(DKIM *d, const struct mr_message *m)
{
	struct mr_buf text = MR_BUF(1 << 26);

	for (size_t i = 0; i < m->n_headers; i++) {
		const struct mr_header *h = &m->headers[i];

		mr_buf_reset(&text);
		add_crlf(&text, (struct mr_slice){ h->raw.p, (size_t)(h->value.p + h->value.n - h->raw.p) });
		dkim_header(d, (u_char *)text.p, text.n);
	}
	if (dkim_eoh(d) == DKIM_STAT_OK) {
		mr_buf_reset(&text);
		add_crlf(&text, m->body);
		if (text.n)
			dkim_body(d, (u_char *)text.p, text.n);
		dkim_eom(d, NULL);
	}
	mr_buf_done(&text);
}

static enum mr_dkim_result result_of(int error)
{
	switch (error) {
	case DKIM_SIGERROR_OK:
		return MR_DKIM_PASS;
	case DKIM_SIGERROR_BADSIG:
	case DKIM_SIGERROR_EXPIRED:
	case DKIM_SIGERROR_FUTURE:
	case DKIM_SIGERROR_TIMESTAMPS:
	case DKIM_SIGERROR_TOOLARGE_L:
		return MR_DKIM_FAIL;
	case DKIM_SIGERROR_KEYTOOSMALL:
		return MR_DKIM_POLICY;
	case DKIM_SIGERROR_KEYFAIL:
		return MR_DKIM_TEMPERROR;
	case DKIM_SIGERROR_NOKEY:
	case DKIM_SIGERROR_DNSSYNTAX:
	case DKIM_SIGERROR_MULTIREPLY:
	case DKIM_SIGERROR_KEYVERSION:
	case DKIM_SIGERROR_KEYUNKNOWNHASH:
	case DKIM_SIGERROR_KEYHASHMISMATCH:
	case DKIM_SIGERROR_NOTEMAILKEY:
	case DKIM_SIGERROR_KEYTYPEMISSING:
	case DKIM_SIGERROR_KEYTYPEUNKNOWN:
	case DKIM_SIGERROR_KEYREVOKED:
	case DKIM_SIGERROR_KEYDECODE:
	case DKIM_SIGERROR_SUBDOMAIN:
	case DKIM_SIGERROR_INVALID_A:
	case DKIM_SIGERROR_INVALID_H:
		return MR_DKIM_PERMERROR;
	default: /* the error numbers are no enum */
		return MR_DKIM_NEUTRAL;
	}
}

static size_t signatures(const struct mr_message *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_headers; i++)
		n += mr_slice_ieq(m->headers[i].name, MR_LIT(DKIM_SIGNHEADER));
	return n;
}

int peer_verify(const struct mr_message *m, struct mr_dns_view *dns, enum mr_dkim_result results[MR_DKIM_SIGNATURES_MAX])
{
	DKIM_SIGINFO **sigs = NULL;
	DKIM_STAT status;
	int n = 0;
	DKIM *d;

	if (__lsan_disable)
		__lsan_disable();
	set_up();
	d = dkim_verify(library, (const u_char *)"", NULL, &status);
	dkim_set_user_context(d, dns);
	feed(d, m);
	dkim_getsiglist(d, &sigs, &n);
	/* It takes no body whose last line does not end. */
	if ((size_t)n != signatures(m) || n > MR_DKIM_SIGNATURES_MAX || (m->body.n && m->body.p[m->body.n - 1] != '\n'))
		n = -1;
	for (int i = 0; i < n; i++) {
		dkim_sig_process(d, sigs[i]);
		results[i] = result_of(dkim_sig_geterror(sigs[i]));
	}
	dkim_free(d);
	if (__lsan_enable)
		__lsan_enable();
	return n;
}

bool peer_sign(struct mr_slice message, const struct peer_how *how, const char *pem, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;
	u_char *value = NULL;
	DKIM_STAT status;
	size_t n;
	DKIM *d;
	bool good;

	set_up();
	mr_message_parse(message, arena, &m);
	d = dkim_sign(library, (const u_char *)"", NULL, (dkim_sigkey_t)pem, (const u_char *)"s", (const u_char *)"example.org",
		      how->relaxed_head ? DKIM_CANON_RELAXED : DKIM_CANON_SIMPLE,
		      how->relaxed_body ? DKIM_CANON_RELAXED : DKIM_CANON_SIMPLE, DKIM_SIGN_RSASHA256,
		      how->partial ? (ssize_t)m.body.n : -1, &status);
	if (!d)
		return false;
	if (how->partial)
		dkim_setpartial(d, true);
	feed(d, &m);
	good = dkim_getsighdr_d(d, sizeof(DKIM_SIGNHEADER ": ") - 1, &value, &n) == DKIM_STAT_OK;
	if (good) {
		mr_buf_puts(out, DKIM_SIGNHEADER ": ");
		add_crlf(out, (struct mr_slice){ (char *)value, n });
		mr_buf_puts(out, "\r\n");
	}
	dkim_free(d);
	return good;
}
