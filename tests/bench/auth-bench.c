/* auth-bench: CPU time of our signatures and seals and of checking them, against what OpenSSL alone needs for the same: the same hashing of
 * the body and RSA-2048 over as much text. usage: auth-bench; one line "NAME MICROSECONDS" a job. */

/* system */
#include <errno.h>
#include <time.h>

/* libraries */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/arc.h"
#include "mail/dkim.h"

#define BODY   10000 /* bytes */
#define TEXT   700   /* bytes of header that a signature covers */
#define ROUNDS 41
#define TIMES  20 /* a job in a round */

static struct {
	EVP_PKEY *openssl;
	struct mr_sign_key *ours;
	struct mr_dns_view *view; /* knows the key */
	struct mr_buf plain, with_results, signed_, sealed;
} site;

static void fail(const char *what)
{
	fprintf(stderr, "auth-bench: %s\n", what);
	exit(1);
}

static void bare_sign(void)
{
	unsigned char text[TEXT] = "x", signature[512];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = sizeof(signature);
	uint8_t hash[MR_SHA256_LEN];

	mr_sha256((struct mr_slice){ site.plain.p, BODY }, hash);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, site.openssl) != 1 || EVP_DigestSign(ctx, signature, &n, text, TEXT) != 1)
		fail("bare signing");
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

	if (n_known == sizeof(known) &&
	    (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, site.openssl) != 1 || EVP_DigestSign(ctx, known, &n_known, text, TEXT) != 1))
		fail("bare signing");
	EVP_MD_CTX_reset(ctx);
	mr_sha256((struct mr_slice){ site.plain.p, BODY }, hash);
	if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, site.openssl) != 1 ||
	    EVP_DigestVerify(ctx, known, n_known, text, TEXT) != 1)
		fail("bare verifying");
	EVP_MD_CTX_free(ctx);
}

static void bare_verify_chain(void)
{
	bare_verify();
	bare_verify();
}

static int sign_into(struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;

	mr_message_parse(mr_buf_slice(&site.plain), arena, &m);
	return mr_dkim_sign(&m, &(struct mr_dkim_sign){ MR_LIT("example.org"), MR_LIT("s"), site.ours, 1700000000 }, out, NULL);
}

static void sign(void)
{
	struct mr_buf value = MR_BUF(10000);

	if (sign_into(&value) < 0)
		fail("signing");
	mr_buf_done(&value);
}

static int seal_into(struct mr_arc_set *out)
{
	struct mr_arc_seal s = { MR_LIT("example.org"), MR_LIT("s"), site.ours, MR_LIT("mx.example.org"), { 0 }, 1700000000 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;

	mr_message_parse(mr_buf_slice(&site.with_results), arena, &m);
	return mr_arc_seal(&m, &s, out, NULL);
}

static void seal(void)
{
	struct mr_arc_set set = MR_ARC_SET;

	if (seal_into(&set) != 0)
		fail("sealing");
	mr_arc_set_done(&set);
}

static void verify(void)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;
	struct mr_message m;

	mr_message_parse(mr_buf_slice(&site.signed_), arena, &m);
	if (mr_dkim_verify(&m, site.view, arena, &a) < 0 || a.signatures[0].result != MR_DKIM_PASS)
		fail("verifying");
}

static void verify_chain(void)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_arc_answer a;
	struct mr_message m;

	mr_message_parse(mr_buf_slice(&site.sealed), arena, &m);
	if (mr_arc_verify(&m, 1700000000, site.view, arena, &a) < 0 || a.result != MR_ARC_PASS)
		fail("verifying a chain");
}

static void make_key(void)
{
	struct mr_buf record = MR_BUF(2000);
	char name[] = "s._domainkey.example.org", *pem;
	struct mr_dns_rr rr;
	struct mr_dns_answer a = { .name = name, .type = MR_DNS_TXT, .status = MR_DNS_OK, .rrs = &rr, .n_rrs = 1 };
	BIO *out = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	long n;
	int len;

	site.openssl = EVP_RSA_gen(2048);
	PEM_write_bio_PKCS8PrivateKey(out, site.openssl, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(out, &pem);
	if (mr_sign_key_new((struct mr_slice){ pem, (size_t)n }, &site.ours, NULL) < 0)
		fail("no key");
	len = i2d_PUBKEY(site.openssl, &der);
	mr_buf_puts(&record, "v=DKIM1; p=");
	mr_base64_add(&record, (struct mr_slice){ (char *)der, (size_t)len });
	rr = (struct mr_dns_rr){ .data = mr_buf_slice(&record) };
	site.view = mr_dns_view_new();
	mr_dns_view_add(site.view, &a);
	OPENSSL_free(der);
	BIO_free(out);
	mr_buf_done(&record);
}

static void make_messages(void)
{
	struct mr_buf value = MR_BUF(10000);
	struct mr_arc_set set = MR_ARC_SET;

	site.plain = site.with_results = site.signed_ = site.sealed = MR_BUF(1 << 20);
	mr_buf_puts(&site.plain,
		    "Received: from a.example by b.example\r\nFrom: Anna <anna@example.org>\r\nTo: b@example.net, c@example.net\r\n"
		    "Subject: about what we said\r\nDate: Thu, 14 Jan 2015 15:00:01 -0800\r\nMessage-ID: <1@example.org>\r\n"
		    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nReferences: <0@example.org>\r\n\r\n");
	while (site.plain.n < BODY)
		mr_buf_puts(&site.plain, "The quick brown fox jumps over the lazy dog, and  does it again.\r\n");
	mr_buf_printf(&site.with_results, "Authentication-Results: mx.example.org; arc=none; spf=pass\r\n%s", site.plain.p);
	if (sign_into(&value) < 0 || seal_into(&set) != 0)
		fail("no signature");
	mr_buf_printf(&site.signed_, "DKIM-Signature: %s\n%s", value.p, site.plain.p);
	mr_buf_printf(&site.sealed, "ARC-Seal: %s\nARC-Message-Signature: %s\nARC-Authentication-Results: %s\n%s", set.seal.p,
		      set.signature.p, set.results.p, site.with_results.p);
	mr_buf_done(&value);
	mr_arc_set_done(&set);
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
		{ "sign", sign },
		{ "openssl-seal", bare_seal },
		{ "seal", seal },
		{ "openssl-verify", bare_verify },
		{ "verify", verify },
		{ "openssl-verify-chain", bare_verify_chain },
		{ "verify-chain", verify_chain },
	};
	static double times[MR_COUNT(jobs)][ROUNDS];

	make_key();
	make_messages();
	for (int round = 0; round < ROUNDS; round++)
		for (size_t j = 0; j < MR_COUNT(jobs); j++)
			times[j][round] = microseconds(jobs[j].job);
	for (size_t j = 0; j < MR_COUNT(jobs); j++) {
		qsort(times[j], ROUNDS, sizeof(double), by_size);
		printf("%s %.1f\n", jobs[j].name, times[j][ROUNDS / 2]);
	}
	mr_sign_key_unref(site.ours);
	mr_dns_view_free(site.view);
	EVP_PKEY_free(site.openssl);
	mr_buf_done(&site.plain);
	mr_buf_done(&site.with_results);
	mr_buf_done(&site.signed_);
	mr_buf_done(&site.sealed);
	return 0;
}
