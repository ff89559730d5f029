/* auth-bench: CPU time of our signatures and seals and of checking them, against what OpenSSL alone needs for the same: the same hashing of
 * the body and RSA-2048 over as much text. usage: auth-bench; one line "NAME MICROSECONDS" a job. */

/* system */
#include <errno.h>
#include <time.h>

/* libraries */
#include <openssl/evp.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "mail/dkim.h"
#include "support/authsite.h"

#define TEXT   700 /* bytes of header that a signature covers */
#define ROUNDS 41
#define TIMES  20 /* a job in a round */

static void bare_sign(void)
{
	unsigned char text[TEXT] = "x", signature[512];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = sizeof(signature);
	uint8_t hash[MR_SHA256_LEN];

	mr_sha256((struct mr_slice){ authsite.plain.p, AUTHSITE_BODY }, hash);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, authsite.openssl) != 1 || EVP_DigestSign(ctx, signature, &n, text, TEXT) != 1)
		authsite_fail("bare signing");
	EVP_MD_CTX_free(ctx);
}

/* A seal is two signatures, one of which hashes the body. */
static void bare_seal(void)
{
	bare_sign();
	bare_sign();
}

static unsigned char known[512];
static size_t n_known = sizeof(known);

static void bare_verify(void)
{
	unsigned char text[TEXT] = "x";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[MR_SHA256_LEN];

	if (n_known == sizeof(known) && (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, authsite.openssl) != 1 ||
					 EVP_DigestSign(ctx, known, &n_known, text, TEXT) != 1))
		authsite_fail("bare signing");
	EVP_MD_CTX_reset(ctx);
	mr_sha256((struct mr_slice){ authsite.plain.p, AUTHSITE_BODY }, hash);
	if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, authsite.openssl) != 1 ||
	    EVP_DigestVerify(ctx, known, n_known, text, TEXT) != 1)
		authsite_fail("bare verifying");
	EVP_MD_CTX_free(ctx);
}

static void bare_verify_chain(void)
{
	bare_verify();
	bare_verify();
}

static double microseconds(void (*job)(void))
{
	struct timespec from, to;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int i = 0; i < TIMES; i++)
		job();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3) / TIMES;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static const struct {
		const char *name;
		void (*job)(void);
	} jobs[] = {
		{ "openssl-sign", bare_sign },
		{ "sign", authsite_sign },
		{ "openssl-seal", bare_seal },
		{ "seal", authsite_seal },
		{ "openssl-verify", bare_verify },
		{ "verify", authsite_verify },
		{ "openssl-verify-chain", bare_verify_chain },
		{ "verify-chain", authsite_verify_chain },
	};
	static double times[MR_COUNT(jobs)][ROUNDS];

	authsite_init();
	for (int round = 0; round < ROUNDS; round++)
		for (size_t j = 0; j < MR_COUNT(jobs); j++)
			times[j][round] = microseconds(jobs[j].job);
	for (size_t j = 0; j < MR_COUNT(jobs); j++) {
		qsort(times[j], ROUNDS, sizeof(double), by_size);
		printf("%s %.1f\n", jobs[j].name, times[j][ROUNDS / 2]);
	}
	authsite_done();
	return 0;
}
