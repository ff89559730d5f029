/* key-record: which records publish a key, and what is said of those that do not. */
/* libraries */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* ours */
#include "base/text.h"
#include "mail/key-record.h"
#include "unit.h"

#define ED    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define OTHER "AAAAAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct {
	const char *records[2];
	const char *problem; /* NULL: published */
} cases[] = {
	{ { "v=DKIM1; k=ed25519; p=" ED }, NULL },
	{ { "v=DKIM1;k=ed25519;p=" ED ";" }, NULL },
	{ { "p=" ED "; k=ed25519" }, NULL },
	{ { " k = ed25519 ;\t v = DKIM1 ; p = 11qYAYKxCrfVS/7TyWQHOg7h cvPapiMlrwIaaPcHURo= " }, NULL },
	{ { "v=DKIM1; k=ed25519; h=sha1:sha256; s=email; t=s; n=our key; x_new=1; p=" ED }, NULL },
	{ { "v=DKIM1; k=ed25519; s=*; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo" }, NULL },
	{ { NULL }, "there is no record" },
	{ { "v=DKIM1; k=ed25519; p=" ED, "v=DKIM1; k=ed25519; p=" ED }, "there are several records" },
	{ { "v=DKIM1; k=ed25519; p=" OTHER }, "it is another key" },
	{ { "v=DKIM1; k=ed25519; p=AAAA" }, "it is another key" },
	{ { "v=DKIM1; k=ed25519; p=" }, "key is empty" },
	{ { "v=DKIM1; k=ed25519; p=*" }, "key is not base64" },
	{ { "v=DKIM1; k=ed25519" }, "key record has no p=" },
	{ { "v=DKIM1; p=" ED }, "key is of another type" },
	{ { "v=DKIM1; k=dsa; p=" ED }, "key has an unknown type" },
	{ { "v=DKIM2; k=ed25519; p=" ED }, "key record has another version" },
	{ { "v=DKIM1; h=sha1; k=ed25519; p=" ED }, "key is not for sha256" },
	{ { "v=DKIM1; s=tlsrpt; k=ed25519; p=" ED }, "key is not for e-mail" },
	{ { "v=DKIM1\\; k=ed25519\\; p=" ED }, "record contains a backslash, as zone files write it before a semicolon" },
	{ { "v=DKIM1; v=DKIM1; k=ed25519; p=" ED }, "key record is broken" },
	{ { "something else" }, "key record is broken" },
};

static void test_published(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_dns_rr rrs[2] = { { .data = mr_slice_of(cases[i].records[0]) }, { .data = mr_slice_of(cases[i].records[1]) } };
		struct mr_dns_answer a = { .status = cases[i].records[0] ? MR_DNS_OK : MR_DNS_NXDOMAIN,
					   .rrs = rrs,
					   .n_rrs = !!cases[i].records[0] + !!cases[i].records[1] };
		const char *problem = mr_key_published(&a, true, MR_LIT(ED), arena);

		if (!mr_slice_eq(mr_slice_of(problem), mr_slice_of(cases[i].problem)))
			fail_msg("case %zu: %s", i, problem);
	}
	assert_string_equal(mr_key_published(&(struct mr_dns_answer){ .status = MR_DNS_TEMP }, true, MR_LIT(ED), arena),
			    "DNS cannot be asked now");
}

/* What is said of a key in DER; *bits as the record's reader tells. */
static const char *read_der(const unsigned char *der, size_t n, bool ed25519, unsigned *bits)
{
	struct mr_buf text = MR_BUF(10000);
	struct mr_public_key *key = NULL;
	const char *problem;

	*bits = 0;
	mr_base64_add(&text, (struct mr_slice){ (const char *)der, n });
	problem = mr_public_key_new(&(struct mr_key_record){ .ed25519 = ed25519, .key = mr_buf_slice(&text) }, &key, bits);
	assert_int_equal(!problem, !!key);
	mr_public_key_free(key);
	mr_buf_done(&text);
	return problem;
}

/* Both ways of writing an RSA key (errata 3017 of RFC 6376), cut off anywhere, and what is none. */
static void test_der(void **state)
{
	EVP_PKEY *rsa = EVP_RSA_gen(1024), *weak = EVP_RSA_gen(768), *ec = EVP_EC_gen("P-256");
	unsigned char *info = NULL, *bare = NULL, *other = NULL, *short_ = NULL;
	int n_info = i2d_PUBKEY(rsa, &info), n_bare = i2d_PublicKey(rsa, &bare), n_other = i2d_PUBKEY(ec, &other);
	int n_short = i2d_PUBKEY(weak, &short_);
	unsigned bits;

	assert_null(read_der(info, (size_t)n_info, false, &bits));
	assert_int_equal(bits, 1024);
	assert_null(read_der(bare, (size_t)n_bare, false, &bits));
	assert_int_equal(bits, 1024);
	assert_string_equal(read_der(short_, (size_t)n_short, false, &bits), "key is too short");
	assert_int_equal(bits, 768);
	assert_string_equal(read_der(other, (size_t)n_other, false, &bits), "key cannot be read");
	assert_string_equal(read_der(info, (size_t)n_info, true, &bits), "key cannot be read");
	for (int i = 1; i < n_info; i++)
		assert_non_null(read_der(info, (size_t)i, false, &bits));
	for (int i = 1; i < n_bare; i++)
		assert_non_null(read_der(bare, (size_t)i, false, &bits));
	info[8] ^= 1; /* of the algorithm's name */
	assert_string_equal(read_der(info, (size_t)n_info, false, &bits), "key cannot be read");
	OPENSSL_free(info);
	OPENSSL_free(bare);
	OPENSSL_free(other);
	OPENSSL_free(short_);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(ec);
}

/* An RSA key of so many bits as bare DER: what it costs depends on that alone. */
static const char *read_size(size_t want, unsigned *bits)
{
	unsigned char der[2000] = { 0x30, 0x82, 0, 0, 0x02, 0x82, 0, 0 };
	size_t n = want / 8 + 1, all = n + 9; /* the number has a zero byte first */

	der[2] = (unsigned char)(all >> 8);
	der[3] = (unsigned char)all;
	der[6] = (unsigned char)(n >> 8);
	der[7] = (unsigned char)n;
	memset(der + 9, 0xff, n - 1);
	memcpy(der + 8 + n, "\x02\x03\x01\x00\x01", 5);
	return read_der(der, 8 + n + 5, false, bits);
}

static void test_large(void **state)
{
	unsigned bits;

	assert_null(read_size(4096, &bits));
	assert_int_equal(bits, 4096);
	assert_null(read_size(8192, &bits));
	assert_int_equal(bits, 8192);
	assert_string_equal(read_size(8200, &bits), "key is too long");
	assert_string_equal(read_size(15000, &bits), "key is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_published), cmocka_unit_test(test_der), cmocka_unit_test(test_large) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
