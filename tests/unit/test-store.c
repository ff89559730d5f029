/* store: what may be stored, and key pairs; no database. F131 F132 F137 F139 F142 F144 F145 F146. */
/* system */
#include <errno.h>

/* libraries */
#include <openssl/evp.h>

/* ours */
#include "base/text.h"
#include "store/change.h"
#include "store/keygen.h"
#include "store/validate.h"
#include "store/write.h"
#include "unit.h"

#define PURPOSE "dkim:example.org:r20260101"

struct text_case {
	const char *in, *out; /* out NULL: refused */
	const char *why;      /* stands in the diagnosis */
};

static const struct text_case domains[] = {
	{ "example.org", "example.org", NULL },
	{ "Mail.Example.ORG", "mail.example.org", NULL },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example", NULL },
	{ "B\xc3\xbc"
	  "cher.example",
	  "xn--bcher-kva.example", NULL },
	{ "b\xe2\x81\x84"
	  "cher.example",
	  NULL, "punycode" },
	{ "example", NULL, "two labels" },
	{ "", NULL, "empty" },
	{ "exa mple.org", NULL, "a-z" },
	{ "example..org", NULL, "empty part" },
	{ "-example.org", NULL, "hyphen" },
	{ "192.0.2.1", NULL, "number" },
};

static const struct text_case aliases[] = {
	{ "info@example.org", "info@example.org", NULL },
	{ "Info@Example.org", "info@example.org", NULL },
	{ "@Example.org", "@example.org", NULL },
	{ "@", NULL, "empty" },
	{ "@example", NULL, "two labels" },
	{ "a+b@example.org", NULL, "local part" },
	{ "info", NULL, "@" },
};

static const struct text_case destinations[] = {
	{ "info@example.org", "info@example.org", NULL },
	{ "Some.One+x@Example.org", "Some.One+x@example.org", NULL },
	{ "example.org", NULL, "address" },
	{ "a@b", NULL, "two" },
	{ "a b@example.org", NULL, "address" },
	{ "", NULL, "address" },
};

static const struct text_case patterns[] = {
	{ "*", "*", NULL },
	{ "Someone@Example.org", "someone@example.org", NULL },
	{ "Example.org", "example.org", NULL },
	{ ".Example.org", ".example.org", NULL },
	{ "_dmarc.example.org", "_dmarc.example.org", NULL },
	{ "**", NULL, "a-z" },
	{ "*.example.org", NULL, "a-z" },
	{ "@example.org", NULL, "a-z" },
	{ ".", NULL, "empty" },
	{ "", NULL, "empty" },
};

static void check_case(const struct text_case *c, int r, const char *got, const struct mr_diag *why)
{
	assert_int_equal(r, c->out ? 0 : -EINVAL);
	if (c->out)
		assert_string_equal(got, c->out);
	else if (!strstr(why->text, c->why))
		fail_msg("\"%s\": diagnosis \"%s\" lacks \"%s\"", c->in, why->text, c->why);
}

static void test_texts(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_account a;
	const char *out;
	int r;

	for (size_t i = 0; i < MR_COUNT(domains); i++) {
		struct mr_diag why = { 0 };

		r = mr_validate_domain(domains[i].in, arena, &out, &why);
		check_case(&domains[i], r, out, &why);
	}
	for (size_t i = 0; i < MR_COUNT(patterns); i++) {
		struct mr_diag why = { 0 };

		r = mr_validate_pattern(patterns[i].in, arena, &out, &why);
		check_case(&patterns[i], r, out, &why);
	}
	for (size_t i = 0; i < MR_COUNT(aliases); i++) {
		struct mr_diag why = { 0 };

		r = mr_validate_alias(aliases[i].in, arena, &a, &why);
		check_case(&aliases[i], r, a.address, &why);
	}
	for (size_t i = 0; i < MR_COUNT(destinations); i++) {
		struct mr_diag why = { 0 };

		r = mr_validate_destination(destinations[i].in, arena, &a, &why);
		check_case(&destinations[i], r, a.address, &why);
	}
}

static void test_account_domain(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_account a;

	assert_int_equal(mr_validate_account("John.Doe@Example.ORG", arena, &a, NULL), 0);
	assert_string_equal(a.address, "john.doe@example.org");
	assert_string_equal(a.domain, "example.org");
	assert_int_equal(mr_validate_account("@example.org", arena, &a, NULL), -EINVAL);
	assert_int_equal(mr_validate_account("x@example", arena, &a, NULL), -EINVAL);
}

static void test_scores(void **state)
{
	const char *texts[MR_THRESHOLDS] = { [MR_AT_JUNK] = "4.5", [MR_AT_OUTBOUND] = "default" };
	static const char *const bad[] = { "nan", "10000.1", "", "x" };
	struct mr_thresholds_change c = { 0 };
	struct mr_diag diag = { 0 };

	assert_int_equal(mr_thresholds_parse(texts, &c, NULL), 0);
	for (unsigned t = 0; t < MR_THRESHOLDS; t++)
		assert_int_equal(c.of[t].set, t == MR_AT_JUNK || t == MR_AT_OUTBOUND);
	assert_string_equal(c.of[MR_AT_JUNK].value, "4.50");
	assert_string_equal(c.of[MR_AT_OUTBOUND].value, "");
	for (size_t i = 0; i < MR_COUNT(bad); i++) {
		texts[MR_AT_OUTBOUND_REJECT] = bad[i];
		assert_int_equal(mr_thresholds_parse(texts, &c, &diag), -EINVAL);
		assert_non_null(strstr(diag.text, "outbound_reject_score"));
	}
}

#define B53 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
#define B43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
static const struct {
	const char *hash;
	bool ok;
} hashes[] = {
	{ "{BLF-CRYPT}$2y$10$" B53, true },
	{ "{blf-crypt}$2b$05$" B53, true },
	{ "{SHA256-CRYPT}$5$saltsalt$" B43, true },
	{ "{SHA256-CRYPT}$5$rounds=5000$saltsalt$" B43, true },
	{ "{SHA512-CRYPT}$6$saltsalt$" B43 B43, true },
	{ "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$" B43, true },
	{ "{CRYPT}$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", true },
	{ "{PLAIN}secret", false },
	{ "$2y$10$" B53, false },
	{ "{BLF-CRYPT}$2y$10$short", false },
	{ "{BLF-CRYPT}$5$saltsalt$" B43, false },
	{ "{SHA256-CRYPT}$5$salt salt$" B43, false },
	{ "{ARGON2ID}$argon2id$m=1", false },
	{ "{CRYPT}$1$saltsalt$abcdefghijklmnopqrstuv", false },
	{ "{CRYPT}", false },
	{ "", false },
};

static void test_hashes(void **state)
{
	for (size_t i = 0; i < MR_COUNT(hashes); i++)
		if ((mr_password_hash_check(hashes[i].hash, NULL) == 0) != hashes[i].ok)
			fail_msg("%s", hashes[i].hash);
}

static void test_password(void **state)
{
	static const char *const refused[] = { "", "line\nbreak", "\xff\xfe" };
	struct mr_buf hash = MR_BUF(512), again = MR_BUF(512);
	char longer[257];

	assert_int_equal(mr_password_hash("correct horse", &hash, NULL), 0);
	assert_int_equal(mr_password_hash("correct horse", &again, NULL), 0);
	assert_string_not_equal(hash.p, again.p);
	assert_int_equal(mr_password_hash_check(hash.p, NULL), 0);
	for (size_t i = 0; i < MR_COUNT(refused); i++)
		assert_int_equal(mr_password_hash(refused[i], &hash, NULL), -EINVAL);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(mr_password_hash(longer, &hash, NULL), -EINVAL);
	mr_buf_done(&hash);
	mr_buf_done(&again);
}

static void test_keys(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_keyring ring = { .n = 1, .keys = { { .id = "k1", .key = { 7 } } } };
	struct mr_dkim_pair pair = { .selector = "r20260101", .algorithm = "rsa" };
	struct mr_buf pem = MR_BUF(8192);
	uint8_t raw[512];

	assert_int_equal(mr_dkim_generate("example.org", &ring, arena, &pair, NULL), 0);
	assert_int_equal(mr_unseal(&ring, MR_LIT(PURPOSE), mr_slice_of(pair.sealed_key), &pem), 0);
	assert_true(mr_slice_starts(mr_buf_slice(&pem), MR_LIT("-----BEGIN PRIVATE KEY-----\n")));
	assert_true(mr_base64_decode(mr_slice_of(pair.public_key), raw, sizeof(raw)) > 256);
	mr_buf_reset(&pem);
	assert_int_equal(mr_unseal(&ring, MR_LIT("dkim:example.org:other"), mr_slice_of(pair.sealed_key), &pem), -EBADMSG);

	pair = (struct mr_dkim_pair){ .selector = "e20260101", .algorithm = "ed25519" };
	assert_int_equal(mr_dkim_generate("example.org", &ring, arena, &pair, NULL), 0);
	assert_int_equal(mr_base64_decode(mr_slice_of(pair.public_key), raw, sizeof(raw)), 32);
	mr_buf_done(&pem);
}

static void test_patterns_order(void **state)
{
	static const char *const wanted[] = { "longest@x.example", "a@x.example",     "b@x.example", "mail.x.example",
					      "x.example",         ".mail.x.example", ".example",    "*" };
	struct mr_row_pattern v[MR_COUNT(wanted)];

	for (size_t rotation = 0; rotation < MR_COUNT(wanted); rotation++) {
		for (size_t i = 0; i < MR_COUNT(wanted); i++)
			v[i] = (struct mr_row_pattern){ .pattern = (char *)(uintptr_t)wanted[(5 * i + rotation) % MR_COUNT(wanted)] };
		mr_patterns_sort(v, MR_COUNT(wanted));
		for (size_t i = 0; i < MR_COUNT(wanted); i++)
			assert_string_equal(v[i].pattern, wanted[i]);
	}
	mr_patterns_sort(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),          cmocka_unit_test(test_account_domain), cmocka_unit_test(test_scores),
		cmocka_unit_test(test_hashes),         cmocka_unit_test(test_password),       cmocka_unit_test(test_keys),
		cmocka_unit_test(test_patterns_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
