/* authsite: see authsite.h. */

/* libraries */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/arc.h"
#include "mail/dkim.h"
#include "support/authsite.h"

/* RFC 8463 section A.2 */
#define ED25519 "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"

struct authsite authsite;

void authsite_fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static int sign_into(const struct mr_sign_key *key, struct mr_buf *out)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;

	mr_message_parse(mr_buf_slice(&authsite.plain), arena, &m);
	return mr_dkim_sign(&m, &(struct mr_dkim_sign){ MR_LIT("example.org"), MR_LIT("s"), key, 1700000000 }, out, NULL);
}

void authsite_sign(void)
{
	struct mr_buf value = MR_BUF(10000);

	if (sign_into(authsite.ours, &value) < 0)
		authsite_fail("signing");
	mr_buf_done(&value);
}

void authsite_sign_ed25519(void)
{
	struct mr_buf value = MR_BUF(10000);

	if (sign_into(authsite.ed25519, &value) < 0)
		authsite_fail("signing with Ed25519");
	mr_buf_done(&value);
}

static int seal_into(struct mr_arc_set *out)
{
	struct mr_arc_seal s = { MR_LIT("example.org"), MR_LIT("s"), authsite.ours, MR_LIT("mx.example.org"), { 0 }, 1700000000 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;

	mr_message_parse(mr_buf_slice(&authsite.with_results), arena, &m);
	return mr_arc_seal(&m, &s, out, NULL);
}

void authsite_seal(void)
{
	struct mr_arc_set set = MR_ARC_SET;

	if (seal_into(&set) != 0)
		authsite_fail("sealing");
	mr_arc_set_done(&set);
}

void authsite_verify(void)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;
	struct mr_message m;

	mr_message_parse(mr_buf_slice(&authsite.signed_), arena, &m);
	if (mr_dkim_verify(&m, 1700000000, authsite.view, arena, &a) < 0 || a.signatures[0].result != MR_DKIM_PASS)
		authsite_fail("verifying");
}

void authsite_verify_chain(void)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_arc_answer a;
	struct mr_message m;

	mr_message_parse(mr_buf_slice(&authsite.sealed), arena, &m);
	if (mr_arc_verify(&m, 1700000000, authsite.view, arena, &a) < 0 || a.result != MR_ARC_PASS)
		authsite_fail("verifying a chain");
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

	authsite.openssl = EVP_RSA_gen(2048);
	PEM_write_bio_PKCS8PrivateKey(out, authsite.openssl, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(out, &pem);
	if (mr_sign_key_new((struct mr_slice){ pem, (size_t)n }, &authsite.ours, NULL) < 0)
		authsite_fail("no key");
	if (mr_sign_key_new(MR_LIT(ED25519), &authsite.ed25519, NULL) < 0)
		authsite_fail("no Ed25519 key");
	len = i2d_PUBKEY(authsite.openssl, &der);
	mr_buf_puts(&record, "v=DKIM1; p=");
	mr_base64_add(&record, (struct mr_slice){ (char *)der, (size_t)len });
	rr = (struct mr_dns_rr){ .data = mr_buf_slice(&record) };
	authsite.view = mr_dns_view_new();
	mr_dns_view_add(authsite.view, &a);
	OPENSSL_free(der);
	BIO_free(out);
	mr_buf_done(&record);
}

static void make_messages(void)
{
	struct mr_buf value = MR_BUF(10000);
	struct mr_arc_set set = MR_ARC_SET;

	authsite.plain = authsite.with_results = authsite.signed_ = authsite.sealed = MR_BUF(1 << 20);
	mr_buf_puts(&authsite.plain,
		    "Received: from a.example by b.example\r\nFrom: Anna <anna@example.org>\r\nTo: b@example.net, c@example.net\r\n"
		    "Subject: about what we said\r\nDate: Thu, 14 Jan 2015 15:00:01 -0800\r\nMessage-ID: <1@example.org>\r\n"
		    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nReferences: <0@example.org>\r\n\r\n");
	while (authsite.plain.n < AUTHSITE_BODY)
		mr_buf_puts(&authsite.plain, "The quick brown fox jumps over the lazy dog, and  does it again.\r\n");
	mr_buf_printf(&authsite.with_results, "Authentication-Results: mx.example.org; arc=none; spf=pass\r\n%s", authsite.plain.p);
	if (sign_into(authsite.ours, &value) < 0 || seal_into(&set) != 0)
		authsite_fail("no signature");
	mr_buf_printf(&authsite.signed_, "DKIM-Signature: %s\n%s", value.p, authsite.plain.p);
	mr_buf_printf(&authsite.sealed, "ARC-Seal: %s\nARC-Message-Signature: %s\nARC-Authentication-Results: %s\n%s", set.seal.p,
		      set.signature.p, set.results.p, authsite.with_results.p);
	mr_buf_done(&value);
	mr_arc_set_done(&set);
}

void authsite_init(void)
{
	make_key();
	make_messages();
}

void authsite_done(void)
{
	mr_sign_key_unref(authsite.ours);
	mr_sign_key_unref(authsite.ed25519);
	mr_dns_view_free(authsite.view);
	EVP_PKEY_free(authsite.openssl);
	mr_buf_done(&authsite.plain);
	mr_buf_done(&authsite.with_results);
	mr_buf_done(&authsite.signed_);
	mr_buf_done(&authsite.sealed);
}
