/* test-hash: digests against published values, seeded hashing with uthash, comparison of secrets. */

/* system */
#include <string.h>

/* ours */
#include "base/hash.h"
#include "base/text.h"
#include "unit.h"

/* libraries */
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

static void assert_hex(const uint8_t *bytes, size_t n, const char *hex)
{
	struct mr_buf out = MR_BUF(200);

	assert_int_equal(mr_hex_add(&out, (struct mr_slice){ (const char *)bytes, n }), 0);
	assert_slice(mr_buf_slice(&out), hex);
	mr_buf_done(&out);
}

static void test_sha256(void **state)
{
	uint8_t out[MR_SHA256_LEN];

	assert_int_equal(mr_sha256(MR_LIT("abc"), out), 0); /* FIPS 180-2 B.1 */
	assert_hex(out, sizeof(out), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(mr_sha256((struct mr_slice){ 0 }, out), 0);
	assert_hex(out, sizeof(out), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_hmac_sha1(void **state)
{
	uint8_t out[MR_SHA1_LEN];

	assert_int_equal(mr_hmac_sha1(MR_LIT("Jefe"), MR_LIT("what do ya want for nothing?"), out), 0); /* RFC 2202, case 2 */
	assert_hex(out, sizeof(out), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	assert_int_equal(mr_hmac_sha1((struct mr_slice){ 0 }, (struct mr_slice){ 0 }, out), 0);
	assert_hex(out, sizeof(out), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
}

static void test_random(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	assert_int_equal(mr_random(a, sizeof(a)), 0);
	assert_int_equal(mr_random(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(mr_random(NULL, 0), 0);
}

struct entry {
	char key[16];
	int value;
	UT_hash_handle hh;
};

static void test_uthash(void **state)
{
	struct entry *table = NULL, *e, *next;

	assert_true(mr_hash("abc", 3) == mr_hash("abc", 3));
	assert_true(mr_hash("abc", 3) != mr_hash("abd", 3));
	assert_true(mr_hash(NULL, 0) == mr_hash("", 0));
	for (int i = 0; i < 1000; i++) {
		e = mr_new(struct entry, 1);
		snprintf(e->key, sizeof(e->key), "key%d", i);
		e->value = i;
		HASH_ADD_STR(table, key, e);
	}
	HASH_FIND_STR(table, "key77", e);
	assert_non_null(e);
	assert_int_equal(e->value, 77);
	HASH_FIND_STR(table, "key1000", e);
	assert_null(e);
	HASH_ITER (hh, table, e, next) {
		HASH_DEL(table, e);
		free(e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac_sha1),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_uthash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
