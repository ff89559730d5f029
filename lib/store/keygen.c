/* A new DKIM key pair, by OpenSSL. */
#include "store/keygen.h"

/* system */
#include <errno.h>
#include <time.h>

/* libraries */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "rt/clock.h"

#define RSA_BITS 2048
#define PEM_MAX  8192
#define RAW_MAX  64

static EVP_PKEY *generate(const char *algorithm)
{
	if (mr_slice_eq(mr_slice_of(algorithm), MR_LIT("rsa")))
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

/* RSA publishes the whole SubjectPublicKeyInfo, Ed25519 the bare 32 bytes. */
static int public_text(EVP_PKEY *key, struct mr_buf *out)
{
	unsigned char raw[RAW_MAX], *der = NULL;
	size_t n = sizeof raw;
	int r = -EIO, len;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
		if (EVP_PKEY_get_raw_public_key(key, raw, &n) == 1)
			r = mr_base64_add(out, (struct mr_slice){ (const char *)raw, n });
		return r;
	}
	len = i2d_PUBKEY(key, &der);
	if (len > 0)
		r = mr_base64_add(out, (struct mr_slice){ (const char *)der, (size_t)len });
	OPENSSL_free(der);
	return r;
}

static int seal_private(EVP_PKEY *key, const char *purpose, const struct mr_keyring *ring, struct mr_buf *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;
	long n;
	int r = -EIO;

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		n = BIO_get_mem_data(bio, &pem);
		r = mr_seal(ring, mr_slice_of(purpose), (struct mr_slice){ pem, (size_t)n }, out);
	}
	BIO_free(bio);
	return r;
}

static bool is_taken(const char *selector, const char *const *taken, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (mr_slice_ieq(mr_slice_of(taken[i]), mr_slice_of(selector)))
			return true;
	}
	return false;
}

const char *mr_dkim_selector(const char *algorithm, const char *const *taken, size_t n, struct mr_arena *arena)
{
	time_t now = (time_t)mr_wall();
	const char *selector;
	char date[9];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%Y%m%d", &tm);
	selector = mr_arena_printf(arena, "%c%s", *algorithm, date);
	for (char letter = 'b'; letter <= 'z' && is_taken(selector, taken, n); letter++)
		selector = mr_arena_printf(arena, "%c%s%c", *algorithm, date, letter);
	return selector;
}

int mr_dkim_generate(const char *domain, const struct mr_keyring *ring, struct mr_arena *arena, struct mr_dkim_pair *pair,
		     struct mr_diag *diag)
{
	struct mr_buf public = MR_BUF(PEM_MAX), sealed = MR_BUF(2 * PEM_MAX);
	EVP_PKEY *key = generate(pair->algorithm);
	int r = key ? 0 : -EIO;

	if (r == 0)
		r = public_text(key, &public);
	if (r == 0)
		r = seal_private(key, mr_arena_printf(arena, "dkim:%s:%s", domain, pair->selector), ring, &sealed);
	if (r == 0) {
		pair->public_key = mr_arena_strdup(arena, public.p);
		pair->sealed_key = mr_arena_strdup(arena, sealed.p);
	} else {
		mr_diag_set(diag, r, "the %s key of %s could not be made", pair->algorithm, domain);
	}
	EVP_PKEY_free(key);
	mr_buf_done(&public);
	mr_buf_done(&sealed);
	return r;
}
