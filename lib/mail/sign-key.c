/* sign-key: see sign-key.h. */
/* system */
#include <errno.h>
#include <stdatomic.h>

/* libraries */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/sign-key.h"

#define MIN_BITS      1024 /* of an RSA key, RFC 8301 section 3.2 */
#define SIGNATURE_MAX 2048 /* bytes: RSA of 16384 bits */

struct mr_sign_key {
	_Atomic unsigned refs;
	EVP_PKEY *key;
	bool ed25519;
};

/* Nobody is there who could be asked. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	return -1;
}

int mr_sign_key_new(struct mr_slice pem, struct mr_sign_key **out, struct mr_diag *diag)
{
	BIO *bio = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	const char *problem = NULL;

	if (!key)
		problem = "it cannot be read";
	else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < MIN_BITS)
		problem = "it is too short";
	else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_size(key) > SIGNATURE_MAX)
		problem = "it is too long";
	else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA && EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519)
		problem = "it is neither RSA nor Ed25519";
	ERR_clear_error();
	BIO_free(bio);
	if (problem) {
		EVP_PKEY_free(key);
		return mr_diag_set(diag, -EINVAL, "cannot sign with this key: %s", problem);
	}
	*out = mr_new(struct mr_sign_key, 1);
	**out = (struct mr_sign_key){ .refs = 1, .key = key, .ed25519 = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 };
	return 0;
}

struct mr_sign_key *mr_sign_key_ref(struct mr_sign_key *k)
{
	atomic_fetch_add(&k->refs, 1);
	return k;
}

void mr_sign_key_unref(struct mr_sign_key *k)
{
	if (!k || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

const char *mr_sign_key_algorithm(const struct mr_sign_key *k)
{
	return k->ed25519 ? "ed25519-sha256" : "rsa-sha256";
}

/* Ed25519 signs the hash and not the text (RFC 8463 section 3). */
static int sign(const struct mr_sign_key *k, EVP_MD_CTX *ctx, struct mr_slice text, unsigned char *signature, size_t *n)
{
	const EVP_MD *md = k->ed25519 ? NULL : EVP_sha256();
	uint8_t hash[MR_SHA256_LEN];

	if (k->ed25519) {
		if (mr_sha256(text, hash) < 0)
			return -EIO;
		text = (struct mr_slice){ (const char *)hash, sizeof(hash) };
	}
	if (EVP_DigestSignInit(ctx, NULL, md, NULL, k->key) != 1 ||
	    EVP_DigestSign(ctx, signature, n, (const unsigned char *)text.p, text.n) != 1)
		return -EIO;
	return 0;
}

int mr_sign_key_sign(const struct mr_sign_key *k, struct mr_slice text, struct mr_buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[SIGNATURE_MAX];
	size_t n = sizeof(signature);
	int r = ctx ? sign(k, ctx, text, signature, &n) : -EIO;

	if (r == 0)
		r = mr_base64_add(out, (struct mr_slice){ (const char *)signature, n });
	else
		ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	return r;
}
