/* dkim-verify: signatures checked by libopendkim, with keys out of a DNS view and results in the words of RFC 8601 section 2.7.1. */
/* system */
#include <errno.h>
#include <pthread.h>

/* libraries */
#include <openssl/crypto.h>

/* ours */
#include "base/mem.h"
#include "mail/dkim-internal.h"

#define MIN_BITS 1024 /* of an RSA key, RFC 8301 section 3.2 */

static const char *const names[] = {
	[MR_DKIM_NONE] = "none",           [MR_DKIM_PASS] = "pass",           [MR_DKIM_FAIL] = "fail",     [MR_DKIM_NEUTRAL] = "neutral",
	[MR_DKIM_TEMPERROR] = "temperror", [MR_DKIM_PERMERROR] = "permerror", [MR_DKIM_POLICY] = "policy",
};

const char *mr_dkim_str(enum mr_dkim_result r)
{
	return names[r];
}

/* Of one verification, for the key lookup inside of it. */
struct run {
	struct mr_dns_view *dns;
	bool waiting; /* the library asked for a key that we had not foreseen */
};

static DKIM_LIB *library; /* set once, read only afterwards */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The record that looks like a key where several stand at the name (RFC 6376 section 3.6.2.2 leaves it open). */
static const struct mr_slice *find_key(const struct mr_dns_answer *a)
{
	for (size_t i = 0; i < a->n_rrs; i++) {
		if (a->n_rrs == 1 || memmem(a->rrs[i].data.p, a->rrs[i].data.n, "p=", 2))
			return &a->rrs[i].data;
	}
	return NULL;
}

static DKIM_CBSTAT look_up_key(DKIM *dkim, DKIM_SIGINFO *sig, u_char *buf, size_t len)
{
	struct run *run = dkim_get_user_context(dkim);
	char name[2 * MR_DNS_NAME_MAX + 16];
	const struct mr_dns_answer *a;
	const struct mr_slice *key;

	snprintf(name, sizeof(name), "%s._domainkey.%s", dkim_sig_getselector(sig), dkim_sig_getdomain(sig));
	a = mr_dns_view_get(run->dns, mr_slice_of(name), MR_DNS_TXT);
	if (!a) {
		run->waiting = true;
		return DKIM_CBSTAT_TRYAGAIN;
	}
	if (a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS)
		return DKIM_CBSTAT_TRYAGAIN;
	key = find_key(a);
	if (!key)
		return DKIM_CBSTAT_NOTFOUND;
	if (key->n >= len)
		return DKIM_CBSTAT_ERROR;
	memcpy(buf, key->p, key->n);
	buf[key->n] = 0;
	return DKIM_CBSTAT_CONTINUE;
}

static void set_up(void)
{
	u_int flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES, bits = MIN_BITS;

	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
	library = dkim_init(NULL, NULL);
	if (!library)
		return;
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags));
	dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof(bits));
	dkim_set_key_lookup(library, look_up_key);
}

void mr_dkim_prepare(void)
{
	pthread_once(&once, set_up);
}

/* Errors of the library that are more than its "neutral" rest: syntax of the signature that could not be processed. */
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
	case DKIM_SIGERROR_UNKNOWN:
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

static bool is_ed25519(const struct dkim_field *f)
{
	return mr_slice_eq(f->algorithm, MR_LIT("ed25519-sha256"));
}

/* What the library found about one signature. */
static void judge(DKIM *d, DKIM_SIGINFO *sig, const struct dkim_field *f, struct mr_dkim_signature *out)
{
	DKIM_STAT status = dkim_sig_process(d, sig);
	int error = dkim_sig_geterror(sig);
	unsigned bits = 0;

	if (dkim_sig_getkeysize(sig, &bits) == DKIM_STAT_OK)
		out->bits = is_ed25519(f) ? 256 : bits;
	out->result = result_of(error);
	if (error == DKIM_SIGERROR_OK && !is_ed25519(f) && out->bits < MIN_BITS)
		out->result = MR_DKIM_POLICY;
	if (error == DKIM_SIGERROR_UNKNOWN && status == DKIM_STAT_CBERROR)
		out->result = MR_DKIM_PERMERROR;
	if (out->result == MR_DKIM_TEMPERROR)
		out->problem = MR_LIT("key could not be fetched");
	else if (error == DKIM_SIGERROR_UNKNOWN)
		out->problem = MR_LIT("key record is too long");
	else if (out->result == MR_DKIM_POLICY)
		out->problem = MR_LIT("key is too short");
	else if (error == DKIM_SIGERROR_BADSIG && dkim_sig_getbh(sig) == DKIM_SIGBH_MISMATCH)
		out->problem = MR_LIT("body has been altered");
	else if (error != DKIM_SIGERROR_OK)
		out->problem = mr_slice_of(dkim_sig_geterrorstr(error)); /* a constant of the library */
	out->aligns = out->result == MR_DKIM_PASS && !f->has_length;
}

/* The message without the signatures that have a problem or stand beyond the first ten. */
static int feed(DKIM *d, const struct mr_message *m, const struct dkim_field *fields, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < m->n_headers && r == 0; i++) {
		bool wanted = !mr_slice_ieq(m->headers[i].name, MR_LIT(DKIM_SIGNHEADER));

		for (size_t j = 0; j < n && !wanted; j++)
			wanted = fields[j].header == &m->headers[i] && !fields[j].problem;
		if (wanted)
			r = mr_dkim_feed_header(d, &m->headers[i]);
	}
	if (r == 0 && dkim_eoh(d) == DKIM_STAT_OK) {
		r = mr_dkim_feed_body(d, m->body);
		dkim_eom(d, NULL); /* its own verdict is about one signature only */
	}
	return r;
}

static int run_library(const struct mr_message *m, struct run *run, const struct dkim_field *fields, struct mr_dkim_answer *out)
{
	DKIM_SIGINFO **sigs = NULL;
	int n_sigs = 0, at = 0, r;
	DKIM_STAT status;
	DKIM *d;

	mr_dkim_prepare();
	d = library ? dkim_verify(library, (const u_char *)"", NULL, &status) : NULL;
	if (!d)
		return -ENOMEM;
	dkim_set_user_context(d, run);
	r = feed(d, m, fields, out->n);
	if (r == 0)
		dkim_getsiglist(d, &sigs, &n_sigs);
	for (size_t i = 0; i < out->n && at < n_sigs; i++) {
		if (!fields[i].problem)
			judge(d, sigs[at++], &fields[i], &out->signatures[i]);
	}
	dkim_free(d);
	if (r == 0 && run->waiting)
		r = -EAGAIN;
	return r;
}

/* Reads the first ten signatures and notes the questions of all of them. Returns how many are worth a run, or -EAGAIN. */
static int collect(const struct mr_message *m, struct mr_dns_view *dns, struct mr_arena *arena, struct dkim_field *fields,
		   struct mr_dkim_answer *out)
{
	bool waiting = false;
	int usable = 0;

	for (size_t i = 0; i < m->n_headers; i++) {
		struct dkim_field *f = &fields[out->n];

		if (!mr_slice_ieq(m->headers[i].name, MR_LIT(DKIM_SIGNHEADER)))
			continue;
		if (out->n == MR_DKIM_SIGNATURES_MAX) {
			out->more = true;
			break;
		}
		mr_dkim_field_parse(&m->headers[i], arena, f);
		out->signatures[out->n++] = (struct mr_dkim_signature){
			.result = f->problem ? MR_DKIM_NEUTRAL : MR_DKIM_TEMPERROR,
			.domain = f->domain,
			.selector = f->selector,
			.identity = f->identity,
			.algorithm = f->algorithm,
			.b = { f->b.p, f->b.n < 8 ? f->b.n : 8 },
			.problem = mr_slice_of(f->problem ? f->problem : "library did not look at it"),
		};
		if (f->problem)
			continue;
		usable++;
		if (!mr_dns_view_get(dns, f->key_name, MR_DNS_TXT))
			waiting = true;
	}
	return waiting ? -EAGAIN : usable;
}

int mr_dkim_verify(const struct mr_message *m, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_dkim_answer *out)
{
	struct dkim_field fields[MR_DKIM_SIGNATURES_MAX + 1];
	struct run run = { .dns = dns };
	struct mr_dkim_answer answer = { 0 };
	int r = collect(m, dns, arena, fields, &answer);

	if (r > 0)
		r = run_library(m, &run, fields, &answer);
	if (r == -EAGAIN)
		return r;
	for (size_t i = 0; i < answer.n; i++) {
		struct mr_dkim_signature *s = &answer.signatures[i];

		if (s->result == MR_DKIM_PASS)
			s->problem = (struct mr_slice){ 0 };
		if (!fields[i].problem && mr_slice_eq(s->algorithm, MR_LIT("rsa-sha1"))) { /* RFC 8301 section 3.1 */
			s->result = MR_DKIM_POLICY;
			s->problem = MR_LIT("rsa-sha1 is not accepted");
			s->aligns = false;
		}
	}
	*out = answer;
	return 0;
}
