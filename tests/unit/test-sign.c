/* sign: the example of RFC 8463 (section A.3) signed again, which keys and messages are refused, and many threads with one key.
 * dkim-interop.py compares with python3-dkim. */
/* system */
#include <errno.h>
#include <pthread.h>

/* libraries */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* ours */
#include "mail/dkim.h"
#include "mail/sig.h"
#include "unit.h"

/* RFC 8463 section A.2 */
#define ED_PEM "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
#define NAMES  "from : to :\r\n subject : date : message-id : from : subject : date"
#define TAGS                                                                                                                               \
	" v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n q=dns/txt; s=brisbane; "      \
	"t=1528637909; h=" NAMES ";\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
#define SIGNATURE "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
#define MESSAGE                                                                                                                            \
	"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\n"        \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"              \
	"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

static struct mr_sign_key *example_key(void)
{
	struct mr_sign_key *key = NULL;

	assert_int_equal(mr_sign_key_new(MR_LIT(ED_PEM), &key, NULL), 0);
	return key;
}

static void test_example(void **state)
{
	struct mr_buf text = MR_BUF(10000), value = MR_BUF(10000);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sign_key *key = example_key();
	struct mr_message m;

	assert_string_equal(mr_sign_key_algorithm(key), "ed25519-sha256");
	mr_message_parse(MR_LIT(MESSAGE), arena, &m);
	mr_buf_puts(&value, TAGS);
	assert_int_equal(mr_sig_add_signed(&text, &m, MR_LIT(NAMES), MR_CANON_RELAXED, NULL), 0);
	assert_int_equal(mr_sig_sign(key, &text, "DKIM-Signature", &value, MR_LIT("")), 0);
	assert_non_null(strstr(value.p, "b=" SIGNATURE));
	mr_sign_key_unref(key);
	mr_buf_done(&text);
	mr_buf_done(&value);
}

/* From the bottom up, each field once, absent ones nowhere. */
static void test_selection(void **state)
{
	struct mr_buf text = MR_BUF(1000), names = MR_BUF(10000);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;

	mr_message_parse(MR_LIT("A: 1\r\nB: 2\r\na: 3\r\nA: 4\r\n\r\n"), arena, &m);
	assert_int_equal(mr_sig_add_signed(&text, &m, MR_LIT("a: b\r\n :x:A:b::a:a"), MR_CANON_RELAXED, NULL), 0);
	assert_string_equal(text.p, "a:4\r\nb:2\r\na:3\r\na:1\r\n");
	for (int i = 0; i < MR_SIG_NAMES_MAX; i++)
		mr_buf_puts(&names, "x:");
	assert_int_equal(mr_sig_add_signed(&text, &m, mr_buf_slice(&names), MR_CANON_RELAXED, NULL), -EINVAL);
	mr_buf_done(&text);
	mr_buf_done(&names);
}

static void add_pem(EVP_PKEY *key, const char *passphrase, struct mr_buf *pem)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text;
	long n;

	assert_non_null(key);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, passphrase ? EVP_aes_128_cbc() : NULL, passphrase,
						       passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
			 1);
	n = BIO_get_mem_data(out, &text);
	mr_buf_add(pem, (struct mr_slice){ text, (size_t)n });
	BIO_free(out);
	EVP_PKEY_free(key);
}

static void expect_refused(struct mr_buf *pem, const char *why)
{
	struct mr_sign_key *key = NULL;
	struct mr_diag diag = { 0 };

	assert_int_equal(mr_sign_key_new(mr_buf_slice(pem), &key, &diag), -EINVAL);
	assert_null(key);
	assert_non_null(strstr(diag.text, why));
	mr_buf_reset(pem);
}

static void test_bad_keys(void **state)
{
	struct mr_buf pem = MR_BUF(100000);

	expect_refused(&pem, "cannot be read");
	mr_buf_puts(&pem, "no key");
	expect_refused(&pem, "cannot be read");
	mr_buf_puts(&pem, ED_PEM);
	pem.p[60] = '!';
	expect_refused(&pem, "cannot be read");
	add_pem(EVP_RSA_gen(2048), "secret", &pem);
	expect_refused(&pem, "cannot be read");
	add_pem(EVP_RSA_gen(768), NULL, &pem);
	expect_refused(&pem, "too short");
	add_pem(EVP_EC_gen("P-256"), NULL, &pem);
	expect_refused(&pem, "neither RSA nor Ed25519");
	mr_buf_done(&pem);
}

static const struct {
	const char *domain, *selector, *message, *problem;
} refused[] = {
	{ "example.org; l=0", "s", MESSAGE, "odd characters" },
	{ "example.org", "a b", MESSAGE, "odd characters" },
	{ "example.org", "", MESSAGE, "odd characters" },
	{ "", "s", MESSAGE, "odd characters" },
};

static void test_refused(void **state)
{
	struct mr_buf value = MR_BUF(20000), many = MR_BUF(1 << 20), small = MR_BUF(100);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sign_key *key = example_key();
	struct mr_dkim_sign s = { .domain = MR_LIT("example.org"), .selector = MR_LIT("2023"), .key = key };
	struct mr_diag diag = { 0 };
	struct mr_message m;

	for (size_t i = 0; i < MR_COUNT(refused); i++) {
		struct mr_dkim_sign bad = { .domain = mr_slice_of(refused[i].domain),
					    .selector = mr_slice_of(refused[i].selector),
					    .key = key };

		diag = (struct mr_diag){ 0 };
		mr_message_parse(mr_slice_of(refused[i].message), arena, &m);
		assert_int_equal(mr_dkim_sign(&m, &bad, &value, &diag), -EINVAL);
		assert_non_null(strstr(diag.text, refused[i].problem));
	}
	assert_int_equal(mr_dkim_sign(&m, &s, &small, &diag), -ENOBUFS);
	assert_int_equal(small.n, 0);
	assert_int_equal(mr_dkim_sign(&m, &s, &value, &diag), 0);
	for (int i = 0; i < 600; i++)
		mr_buf_puts(&many, "To: a@example.net\r\n");
	mr_message_parse(mr_buf_slice(&many), arena, &m);
	diag = (struct mr_diag){ 0 };
	assert_int_equal(mr_dkim_sign(&m, &s, &value, &diag), -EINVAL);
	assert_non_null(strstr(diag.text, "too many"));
	mr_sign_key_unref(key);
	mr_buf_done(&value);
	mr_buf_done(&many);
	mr_buf_done(&small);
}

struct signer {
	struct mr_sign_key *key;
	unsigned same;
};

static void *sign_often(void *arg)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf first = MR_BUF(10000), next = MR_BUF(10000);
	struct signer *s = arg;
	struct mr_message m;

	mr_message_parse(MR_LIT(MESSAGE), arena, &m);
	for (int i = 0; i < 100; i++) {
		struct mr_buf *value = i ? &next : &first;

		mr_buf_reset(value);
		mr_dkim_sign(&m, &(struct mr_dkim_sign){ MR_LIT("example.org"), MR_LIT("s"), s->key, 1 }, value, NULL);
		s->same += value->n && mr_slice_eq(mr_buf_slice(&first), mr_buf_slice(value));
	}
	mr_buf_done(&first);
	mr_buf_done(&next);
	mr_sign_key_unref(s->key);
	return NULL;
}

static void test_threads(void **state)
{
	struct mr_buf pem = MR_BUF(10000);
	struct signer signers[4] = { 0 };
	struct mr_sign_key *key = NULL;
	pthread_t threads[4];

	add_pem(EVP_RSA_gen(1024), NULL, &pem);
	assert_int_equal(mr_sign_key_new(mr_buf_slice(&pem), &key, NULL), 0);
	assert_string_equal(mr_sign_key_algorithm(key), "rsa-sha256");
	for (int i = 0; i < 4; i++) {
		signers[i].key = mr_sign_key_ref(key);
		assert_int_equal(pthread_create(&threads[i], NULL, sign_often, &signers[i]), 0);
	}
	mr_sign_key_unref(key);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(signers[i].same, 100);
	}
	mr_buf_done(&pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example), cmocka_unit_test(test_selection), cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
