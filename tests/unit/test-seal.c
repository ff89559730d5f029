/* test-seal: key rings, sealing and opening, and everything that must not open. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/seal.h"
#include "unit.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "//////////////////////////////////////////8="

static struct mr_keyring ring_of(const char *text)
{
	struct mr_keyring ring;
	unsigned line = 0;

	assert_int_equal(mr_keyring_parse(mr_slice_of(text), &ring, &line), 0);
	return ring;
}

static void test_keyring(void **state)
{
	static const struct {
		const char *text;
		unsigned line; /* 0: good */
		size_t n;
	} cases[] = {
		{ "a " KEY_A, 0, 1 },
		{ "# comment\n\n  2026-11  " KEY_A "\r\nold " KEY_B "\n", 0, 2 },
		{ "", 1, 0 },
		{ "# nothing\n", 2, 0 },
		{ "a " KEY_A "\na " KEY_B, 2, 0 },
		{ "a", 1, 0 },
		{ "a ", 1, 0 },
		{ "a AAAA", 1, 0 },
		{ "a " KEY_A "AAAA", 1, 0 },
		{ "A " KEY_A, 1, 0 },
		{ "a_b " KEY_A, 1, 0 },
		{ "\n\n1234567890123456789012345678901234 " KEY_A, 3, 0 },
		{ "a !" KEY_A, 1, 0 },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_keyring ring = { .n = 77 };
		unsigned line = 0;

		assert_int_equal(mr_keyring_parse(mr_slice_of(cases[i].text), &ring, &line), cases[i].line ? -EINVAL : 0);
		assert_int_equal(line, cases[i].line);
		assert_int_equal(ring.n, cases[i].line ? 77 : cases[i].n);
	}
}

static void test_keyring_full(void **state)
{
	struct mr_buf text = MR_BUF(10000);
	struct mr_keyring ring;
	unsigned line = 0;

	for (int i = 0; i < MR_SEAL_KEYS_MAX; i++)
		mr_buf_printf(&text, "k%d " KEY_A "\n", i);
	assert_int_equal(mr_keyring_parse(mr_buf_slice(&text), &ring, &line), 0);
	mr_buf_puts(&text, "more " KEY_A "\n");
	assert_int_equal(mr_keyring_parse(mr_buf_slice(&text), &ring, &line), -EINVAL);
	assert_int_equal(line, MR_SEAL_KEYS_MAX + 1);
	mr_buf_done(&text);
	mr_keyring_wipe(&ring);
	assert_int_equal(ring.n, 0);
}

static void test_round_trip(void **state)
{
	static const struct mr_slice plains[] = { MR_LIT(""), MR_LIT("a\0b"), MR_LIT("-----BEGIN PRIVATE KEY-----\n...") };
	struct mr_keyring old = ring_of("old " KEY_B), both = ring_of("new " KEY_A "\nold " KEY_B), other = ring_of("old " KEY_A);
	struct mr_slice purpose = MR_LIT("dkim:example.org:s1");

	for (size_t i = 0; i < MR_COUNT(plains); i++) {
		struct mr_buf sealed = MR_BUF(1000), again = MR_BUF(1000), plain = MR_BUF(1000);

		assert_int_equal(mr_seal(&old, purpose, plains[i], &sealed), 0);
		assert_int_equal(mr_seal(&old, purpose, plains[i], &again), 0);
		assert_memory_equal(sealed.p, "v1:old:", 7);
		assert_string_not_equal(sealed.p, again.p); /* a nonce of its own */
		assert_int_equal(mr_unseal(&both, purpose, mr_buf_slice(&sealed), &plain), 0);
		assert_true(mr_slice_eq(mr_buf_slice(&plain), plains[i]));
		assert_int_equal(mr_unseal(&both, MR_LIT("dkim:example.net:s1"), mr_buf_slice(&sealed), &plain), -EBADMSG);
		assert_int_equal(mr_unseal(&other, purpose, mr_buf_slice(&sealed), &plain), -EBADMSG);
		assert_int_equal(plain.n, plains[i].n);
		mr_buf_reset(&again);
		assert_int_equal(mr_seal(&both, purpose, plains[i], &again), 0);
		assert_memory_equal(again.p, "v1:new:", 7);
		assert_int_equal(mr_unseal(&old, purpose, mr_buf_slice(&again), &plain), -ENOKEY);
		mr_buf_done(&sealed);
		mr_buf_done(&again);
		mr_buf_done(&plain);
	}
}

/* Each byte of a sealed secret matters. */
static void test_changed(void **state)
{
	struct mr_keyring ring = ring_of("k " KEY_A);
	struct mr_buf sealed = MR_BUF(1000), plain = MR_BUF(1000);

	assert_int_equal(mr_seal(&ring, MR_LIT("p"), MR_LIT("secret"), &sealed), 0);
	for (size_t i = 0; i < sealed.n; i++) {
		char kept = sealed.p[i];

		if (i < sealed.n - 2) /* padding may be missing */
			assert_int_not_equal(mr_unseal(&ring, MR_LIT("p"), (struct mr_slice){ sealed.p, i }, &plain), 0);
		sealed.p[i] = kept == 'A' ? 'B' : 'A';
		if (i < sealed.n - 3) /* behind it the last digit's spare bits and padding */
			assert_int_not_equal(mr_unseal(&ring, MR_LIT("p"), mr_buf_slice(&sealed), &plain), 0);
		sealed.p[i] = kept;
	}
	assert_int_equal(plain.n, 0);
	assert_int_equal(mr_unseal(&ring, MR_LIT("p"), mr_buf_slice(&sealed), &plain), 0);
	mr_buf_done(&sealed);
	mr_buf_done(&plain);
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "",          "v1",          "v1:",        "v1:k",        "v1:k:",
					     "v1:k:AAAA", "v2:k:" KEY_A, "v1::" KEY_A, "v1:K:" KEY_A, "v1:k:!" };
	struct mr_keyring ring = ring_of("k " KEY_A), none = { 0 };
	struct mr_buf tiny = MR_BUF(5), plain = MR_BUF(100);
	size_t n = 4 << 20;
	mr_autofree char *large = mr_alloc(n);

	for (size_t i = 0; i < MR_COUNT(texts); i++)
		assert_int_equal(mr_unseal(&ring, MR_LIT("p"), mr_slice_of(texts[i]), &plain), -EINVAL);
	memset(large, 'A', n);
	memcpy(large, "v1:k:", 5);
	assert_int_equal(mr_unseal(&ring, MR_LIT("p"), (struct mr_slice){ large, n }, &plain), -EINVAL);
	assert_int_equal(mr_unseal(&ring, MR_LIT(""), MR_LIT("v1:k:" KEY_A), &plain), -EINVAL);
	assert_int_equal(mr_seal(&none, MR_LIT("p"), MR_LIT("x"), &plain), -ENOKEY);
	assert_int_equal(mr_seal(&ring, MR_LIT(""), MR_LIT("x"), &plain), -EINVAL);
	assert_int_equal(mr_seal(&ring, MR_LIT("p"), (struct mr_slice){ large, n }, &plain), -EINVAL);
	assert_int_equal(mr_seal(&ring, MR_LIT("p"), MR_LIT("x"), &tiny), -ENOBUFS);
	assert_int_equal(tiny.n, 0);
	mr_buf_done(&tiny);
	mr_buf_done(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keyring), cmocka_unit_test(test_keyring_full), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_changed), cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
