/* test-shelf: what is found again, what goes when there is no room, and that the memory stays what it was. */

/* system */
#include <malloc.h>
#include <string.h>

/* ours */
#include "base/hash.h"
#include "base/shelf.h"
#include "unit.h"

#define PLACES 1024

struct item {
	uint8_t key[MR_SHA1_LEN];
	uint32_t value;
};

static struct mr_shelf *shelf;

static int setup(void **state)
{
	(void)state;
	shelf = mr_shelf_new(PLACES, sizeof(struct item), MR_SHA1_LEN);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mr_shelf_free(shelf);
	return 0;
}

static const uint8_t *key(uint32_t n)
{
	static uint8_t digest[MR_SHA1_LEN];

	assert_int_equal(mr_sha1((struct mr_slice){ (const char *)&n, sizeof(n) }, digest), 0);
	return digest;
}

static void put(uint32_t n, uint64_t stamp)
{
	struct item *i = mr_shelf_put(shelf, key(n), stamp);

	assert_memory_equal(i->key, key(n), MR_SHA1_LEN);
	i->value = n;
}

static bool has(uint32_t n, uint64_t since)
{
	const struct item *i = mr_shelf_find(shelf, key(n), since);

	assert_true(!i || i->value == n);
	return i != NULL;
}

static void test_found_again(void **state)
{
	struct item *i;

	(void)state;
	assert_false(has(1, 0));
	put(1, 5);
	put(2, 6);
	assert_true(has(1, 0) && has(1, 5) && has(2, 6));
	assert_false(has(1, 6));
	put(1, 7);
	assert_true(has(1, 7));
	mr_shelf_drop(shelf, key(1));
	mr_shelf_drop(shelf, key(3));
	assert_true(!has(1, 0) && has(2, 0));
	i = mr_shelf_put(shelf, key(1), 8);
	assert_int_equal(i->value, 0); /* nothing of what stood there */
}

/* The oldest go; hardly any of a quarter, and most of a half as many again as there are places. */
static void test_bound(void **state)
{
	unsigned there = 0, young = 0;

	(void)state;
	for (uint32_t n = 0; n < PLACES / 4; n++)
		put(n, 1 + n);
	for (uint32_t n = 0; n < PLACES / 4; n++)
		there += has(n, 0);
	assert_in_range(there, PLACES / 4 - 8, PLACES / 4);
	for (uint32_t n = 0; n < 10 * PLACES; n++)
		put(n, 1 + n);
	there = 0;
	for (uint32_t n = 0; n < 10 * PLACES; n++) {
		there += has(n, 0);
		young += n >= 10 * PLACES - PLACES / 2 && has(n, 0);
	}
	assert_in_range(there, PLACES * 9 / 10, PLACES);
	assert_in_range(young, PLACES * 4 / 10, PLACES / 2);
}

static void test_memory_stays(void **state)
{
	size_t before = mallinfo2().uordblks, mapped = mallinfo2().hblkhd;

	(void)state;
	for (uint32_t n = 0; n < 100 * PLACES; n++)
		put(n, 1 + n);
	assert_int_equal(mallinfo2().uordblks, before);
	assert_int_equal(mallinfo2().hblkhd, mapped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_stays, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
