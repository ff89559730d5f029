/* key-record: see key-record.h. */
/* libraries */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/key-record.h"
#include "mail/tags.h"

#define MIN_BITS    1024
#define MAX_BITS    8192 /* what a longer one costs is not ours to pay */
#define DER_MAX     2048 /* bytes of a key, or of a signature */
#define ED25519_LEN 32

struct mr_public_key {
	EVP_PKEY *key;
	bool ed25519;
};

enum { TAG_V, TAG_H, TAG_K, TAG_P, TAG_S, TAG_T, TAGS };
static const char *const names[TAGS] = { "v", "h", "k", "p", "s", "t" };

const struct mr_slice *mr_key_record_next(const struct mr_dns_answer *a, size_t *at)
{
	while (*at < a->n_rrs) {
		const struct mr_slice *text = &a->rrs[(*at)++].data;

		if (a->n_rrs == 1 || memmem(text->p, text->n, "p=", 2))
			return text;
	}
	return NULL;
}

/* Is the word, or "*", in a list with colons? */
static bool lists(struct mr_slice list, struct mr_slice word, bool any)
{
	struct mr_slice part;

	while (mr_slice_next(&list, ':', &part)) {
		part = mr_slice_trim(part);
		if (mr_slice_ieq(part, word) || (any && mr_slice_eq(part, MR_LIT("*"))))
			return true;
	}
	return false;
}

const char *mr_key_record_parse(struct mr_slice text, struct mr_arena *arena, struct mr_key_record *out)
{
	struct mr_slice tags[TAGS];
	struct mr_key_record r = { 0 };

	if (mr_tags_read(text, names, TAGS, tags) < 0)
		return "key record is broken";
	if (tags[TAG_V].p && !mr_slice_eq(tags[TAG_V], MR_LIT("DKIM1")))
		return "key record has another version";
	if (tags[TAG_H].p && !lists(tags[TAG_H], MR_LIT("sha256"), false))
		return "key is not for sha256";
	if (tags[TAG_S].p && !lists(tags[TAG_S], MR_LIT("email"), true))
		return "key is not for e-mail";
	if (!tags[TAG_P].p)
		return "key record has no p=";
	r.ed25519 = tags[TAG_K].p && mr_slice_ieq(tags[TAG_K], MR_LIT("ed25519"));
	if (tags[TAG_K].p && !r.ed25519 && !mr_slice_ieq(tags[TAG_K], MR_LIT("rsa")))
		return "key has an unknown type";
	r.testing = tags[TAG_T].p && lists(tags[TAG_T], MR_LIT("y"), false);
	r.strict = tags[TAG_T].p && lists(tags[TAG_T], MR_LIT("s"), false);
	r.key = mr_tag_compact(tags[TAG_P], arena);
	*out = r;
	return NULL;
}

static const char *compare(struct mr_slice text, bool ed25519, struct mr_slice public_key, struct mr_arena *arena)
{
	unsigned char wanted[DER_MAX], found[DER_MAX];
	struct mr_key_record r;
	const char *problem;
	ssize_t n;

	if (mr_slice_chr(text, '\\') >= 0)
		return "record contains a backslash, as zone files write it before a semicolon";
	problem = mr_key_record_parse(text, arena, &r);
	if (problem)
		return problem;
	if (!r.key.n)
		return "key is empty";
	if (r.ed25519 != ed25519)
		return "key is of another type";
	n = mr_base64_decode(r.key, found, sizeof(found));
	if (n < 0)
		return "key is not base64";
	if (n != mr_base64_decode(public_key, wanted, sizeof(wanted)) || memcmp(found, wanted, (size_t)n) != 0)
		return "it is another key";
	return NULL;
}

const char *mr_key_published(const struct mr_dns_answer *a, bool ed25519, struct mr_slice public_key, struct mr_arena *arena)
{
	if (a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS)
		return "DNS cannot be asked now";
	if (a->n_rrs == 0)
		return "there is no record";
	if (a->n_rrs > 1)
		return "there are several records";
	return compare(a->rrs[0].data, ed25519, public_key, arena);
}

/* Takes an element of this tag off the front of DER. */
static bool take(struct mr_slice *der, uint8_t tag, struct mr_slice *out)
{
	const uint8_t *p = (const uint8_t *)der->p;
	size_t head = 2, length;

	if (der->n < head || p[0] != tag)
		return false;
	length = p[1];
	if (length > 0x80) { /* then so many bytes say it; two are enough for what we take */
		head += length & 0x7f;
		if (head > 4 || der->n < head)
			return false;
		length = head == 3 ? p[2] : (size_t)p[2] << 8 | p[3];
	} else if (length == 0x80) {
		return false;
	}
	if (length > der->n - head)
		return false;
	*out = (struct mr_slice){ der->p + head, length };
	*der = mr_slice_from(*der, head + length);
	return true;
}

/* RFC 6376 says RSAPublicKey, everybody publishes SubjectPublicKeyInfo: both are read (errata 3017). The latter is taken apart here, since
 * OpenSSL 3 needs five times as long for that as for checking a signature. The empty slice where it is neither. */
static struct mr_slice unwrap(struct mr_slice der)
{
	static const char rsa[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"; /* 1.2.840.113549.1.1.1 */
	struct mr_slice rest = der, all, algorithm, oid, bits;

	if (!take(&rest, V_ASN1_CONSTRUCTED | V_ASN1_SEQUENCE, &all) || !take(&all, V_ASN1_CONSTRUCTED | V_ASN1_SEQUENCE, &algorithm))
		return der;
	if (!take(&algorithm, V_ASN1_OBJECT, &oid) || !mr_slice_eq(oid, MR_LIT(rsa)) || !take(&all, V_ASN1_BIT_STRING, &bits) ||
	    bits.n == 0 || bits.p[0] != 0)
		return (struct mr_slice){ 0 };
	return mr_slice_from(bits, 1);
}

static EVP_PKEY *read_rsa(struct mr_slice der)
{
	struct mr_slice inner = unwrap(der);
	const unsigned char *at = (const unsigned char *)inner.p;
	EVP_PKEY *key = inner.n ? d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)inner.n) : NULL;

	ERR_clear_error();
	return key;
}

const char *mr_public_key_new(const struct mr_key_record *r, struct mr_public_key **out, unsigned *bits)
{
	unsigned char der[DER_MAX];
	ssize_t n = mr_base64_decode(r->key, der, sizeof(der));
	EVP_PKEY *key = NULL;

	if (!r->key.n)
		return "key is revoked";
	if (n < 0)
		return "key is not base64, or too long";
	if (!r->ed25519)
		key = read_rsa((struct mr_slice){ (const char *)der, (size_t)n });
	else if (n == ED25519_LEN)
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, der, ED25519_LEN);
	if (!key)
		return "key cannot be read";
	*bits = r->ed25519 ? 256 : (unsigned)EVP_PKEY_get_bits(key);
	if (!r->ed25519 && (*bits < MIN_BITS || *bits > MAX_BITS)) {
		EVP_PKEY_free(key);
		return *bits < MIN_BITS ? "key is too short" : "key is too long";
	}
	*out = mr_new(struct mr_public_key, 1);
	**out = (struct mr_public_key){ key, r->ed25519 };
	return NULL;
}

void mr_public_key_free(struct mr_public_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

bool mr_public_key_verify(const struct mr_public_key *k, struct mr_slice text, struct mr_slice signature)
{
	const EVP_MD *md = k->ed25519 ? NULL : EVP_sha256();
	unsigned char bytes[DER_MAX], hash[MR_SHA256_LEN];
	ssize_t n = mr_base64_decode(signature, bytes, sizeof(bytes));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = false;

	if (k->ed25519 && mr_sha256(text, hash) == 0) /* RFC 8463 section 3 */
		text = (struct mr_slice){ (const char *)hash, sizeof(hash) };
	if (n > 0 && ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, k->key) == 1)
		good = EVP_DigestVerify(ctx, bytes, (size_t)n, (const unsigned char *)text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}
