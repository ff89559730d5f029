/* dkim-verify: do the signatures hold (RFC 6376 section 6, RFC 8301, RFC 8463)? Results are in the words of RFC 8601 section 2.7.1. */
/* system */
#include <errno.h>

/* libraries */
#include <openssl/crypto.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/dkim-internal.h"
#include "mail/key-record.h"
#include "mail/sig.h"
#include "mail/tags.h"

#define MIN_BITS 1024 /* of an RSA key, RFC 8301 section 3.2 */

static const char *const names[] = {
	[MR_DKIM_NONE] = "none",           [MR_DKIM_PASS] = "pass",           [MR_DKIM_FAIL] = "fail",     [MR_DKIM_NEUTRAL] = "neutral",
	[MR_DKIM_TEMPERROR] = "temperror", [MR_DKIM_PERMERROR] = "permerror", [MR_DKIM_POLICY] = "policy",
};

const char *mr_dkim_str(enum mr_dkim_result r)
{
	return names[r];
}

void mr_dkim_prepare(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
}

/* A hash of the body, which signatures mostly have in common. */
struct body_hash {
	enum mr_canon canon;
	uint64_t limit, length;
	uint8_t hash[MR_SHA256_LEN];
};

struct run {
	const struct mr_message *m;
	struct mr_dns_view *dns;
	struct mr_arena *arena;
	struct body_hash hashes[MR_DKIM_SIGNATURES_MAX];
	size_t n_hashes;
};

static const struct body_hash *hash_body(struct run *run, const struct dkim_field *f)
{
	struct body_hash *h = run->hashes;

	for (; h < run->hashes + run->n_hashes; h++) {
		if (h->canon == f->body && h->limit == f->length)
			return h;
	}
	*h = (struct body_hash){ .canon = f->body, .limit = f->length };
	if (mr_canon_body(run->m->body, h->canon, h->limit, h->hash, &h->length) < 0)
		return NULL;
	run->n_hashes++;
	return h;
}

static const char *check_body(struct run *run, const struct dkim_field *f)
{
	const struct body_hash *h = hash_body(run, f);
	uint8_t said[MR_SHA256_LEN];

	if (!h || mr_base64_decode(f->body_hash, said, sizeof(said)) != sizeof(said) || memcmp(h->hash, said, sizeof(said)) != 0)
		return "body has been altered";
	return f->length != UINT64_MAX && h->length < f->length ? "body is shorter than l=" : NULL;
}

/* The header first: who has no key cannot make us hash a large body many times. */
static const char *check_hashes(struct run *run, const struct dkim_field *f, const struct mr_public_key *key)
{
	struct mr_buf text = MR_BUF(2 * MR_HEADER_BYTES_MAX);
	const char *problem = NULL;

	if (mr_sig_add_signed(&text, run->m, f->names, f->head, f->header) < 0 || mr_sig_add_bare(&text, f->header, f->b, f->head) < 0)
		problem = "too much is signed";
	else if (!mr_public_key_verify(key, mr_buf_slice(&text), f->b))
		problem = "signature does not hold";
	mr_buf_done(&text);
	return problem ? problem : check_body(run, f);
}

/* The public key of a record, or NULL with the result and the problem set. */
static struct mr_public_key *get_key(struct run *run, const struct dkim_field *f, struct mr_slice text, struct mr_dkim_signature *out,
				     const char **problem)
{
	struct mr_public_key *key = NULL;
	struct mr_key_record record;

	out->result = MR_DKIM_PERMERROR;
	*problem = mr_key_record_parse(text, run->arena, &record);
	if (!*problem && record.key.n && record.ed25519 != f->ed25519)
		*problem = "key is of another type";
	if (!*problem && record.strict && f->below)
		*problem = "key forbids a domain below d= in i=";
	if (!*problem)
		*problem = mr_public_key_new(&record, &key, &out->bits);
	if (*problem && out->bits && out->bits < MIN_BITS && !f->ed25519)
		out->result = MR_DKIM_POLICY;
	return key;
}

static void try_record(struct run *run, const struct dkim_field *f, struct mr_slice text, struct mr_dkim_signature *out)
{
	const char *problem;
	struct mr_public_key *key = get_key(run, f, text, out, &problem);

	if (key) {
		problem = check_hashes(run, f, key);
		out->result = problem ? MR_DKIM_FAIL : MR_DKIM_PASS;
	}
	mr_public_key_free(key);
	out->problem = mr_slice_of(problem);
	out->aligns = out->result == MR_DKIM_PASS && f->length == UINT64_MAX;
}

/* Is a result with one key record worth more than with another? */
static bool better(enum mr_dkim_result a, enum mr_dkim_result b)
{
	static const int order[] = { [MR_DKIM_PERMERROR] = 1, [MR_DKIM_POLICY] = 2, [MR_DKIM_FAIL] = 3, [MR_DKIM_PASS] = 4 };

	return order[a] > order[b];
}

/* Where several key records stand at the name, in no order, the one that the signature holds with is meant. */
static void judge(struct run *run, const struct dkim_field *f, struct mr_dkim_signature *out)
{
	const struct mr_dns_answer *a = mr_dns_view_get(run->dns, f->key_name, MR_DNS_TXT);
	bool temporary = a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS;
	struct mr_dkim_signature blank = *out;
	const struct mr_slice *text;
	size_t at = 0;

	out->result = temporary ? MR_DKIM_TEMPERROR : MR_DKIM_PERMERROR;
	out->problem = temporary ? MR_LIT("key could not be fetched") : MR_LIT("there is no key");
	for (int n = 0; n < MR_KEY_RECORDS_MAX && out->result != MR_DKIM_PASS && (text = mr_key_record_next(a, &at)); n++) {
		struct mr_dkim_signature one = blank;

		try_record(run, f, *text, &one);
		if (n == 0 || better(one.result, out->result))
			*out = one;
	}
}

/* Of b=, as Authentication-Results tells signatures apart (RFC 6008). */
static struct mr_slice first_letters(struct mr_slice b, struct mr_arena *arena)
{
	struct mr_slice compact = mr_tag_compact(b, arena);

	return (struct mr_slice){ compact.p, compact.n < 8 ? compact.n : 8 };
}

/* Reads the first ten signatures and notes the questions of all of them. 0, or -EAGAIN. */
static int collect(struct run *run, int64_t now, struct dkim_field *fields, struct mr_dkim_answer *out)
{
	int r = 0;

	for (size_t i = 0; i < run->m->n_headers; i++) {
		const struct mr_header *h = &run->m->headers[i];
		struct dkim_field *f = &fields[out->n];

		if (!mr_slice_ieq(h->name, MR_LIT("DKIM-Signature")))
			continue;
		if (out->n == MR_DKIM_SIGNATURES_MAX) {
			out->more = true;
			break;
		}
		mr_dkim_field_parse(h, now, run->arena, f);
		if (!f->problem && run->m->cut) { /* what was added to it may stand in the rest */
			f->result = MR_DKIM_NEUTRAL;
			f->problem = "header is too long";
		}
		out->signatures[out->n++] = (struct mr_dkim_signature){
			.result = f->result,
			.domain = f->domain,
			.selector = f->selector,
			.identity = f->identity,
			.algorithm = f->algorithm,
			.b = first_letters(f->b, run->arena),
			.problem = mr_slice_of(f->problem),
		};
		if (!f->problem && !mr_dns_view_get(run->dns, f->key_name, MR_DNS_TXT))
			r = -EAGAIN;
	}
	return r;
}

int mr_dkim_verify(const struct mr_message *m, int64_t now, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_dkim_answer *out)
{
	struct run run = { .m = m, .dns = dns, .arena = arena };
	struct dkim_field fields[MR_DKIM_SIGNATURES_MAX + 1];
	struct mr_dkim_answer answer = { 0 };
	int r = collect(&run, now, fields, &answer);

	for (size_t i = 0; i < answer.n && r == 0; i++) {
		if (!fields[i].problem)
			judge(&run, &fields[i], &answer.signatures[i]);
	}
	if (r == 0)
		*out = answer;
	return r;
}
