/* test-lookup-table: what is added is found and what is deleted is not, whatever the order and however the hashes meet. */

/* ours */
#include "row-table.h"
#include "unit.h"

#define ITEMS 2000

static struct item {
	uint64_t hash;
	unsigned number;
	bool in;
} items[ITEMS];

static bool is_number(const void *item, const void *key)
{
	return ((const struct item *)item)->number == *(const unsigned *)key;
}

static uint64_t draw(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

static void check(const struct mr_row_table *t, size_t n)
{
	assert_int_equal(t->n, n);
	for (unsigned i = 0; i < ITEMS; i++)
		assert_ptr_equal(mr_row_table_find(t, items[i].hash, is_number, &i), items[i].in ? &items[i] : NULL);
}

/* hashes: so many different ones, at the end of the table's numbers, so that what stands close goes round. */
static void run(uint64_t hashes)
{
	struct mr_row_table t = { 0 };
	uint64_t state = hashes;
	size_t n = 0;

	for (unsigned i = 0; i < ITEMS; i++)
		items[i] = (struct item){ .hash = UINT64_MAX - draw(&state) % hashes, .number = i };
	check(&t, 0);
	mr_row_table_del(&t, 1, &items[0]);
	for (unsigned step = 0; step < 8 * ITEMS; step++) {
		struct item *it = &items[draw(&state) % ITEMS];

		if (it->in)
			mr_row_table_del(&t, it->hash, it);
		else
			mr_row_table_add(&t, it->hash, it);
		n += it->in ? (size_t)-1 : 1;
		it->in = !it->in;
		if (step % 500 == 0)
			check(&t, n);
	}
	check(&t, n);
	mr_row_table_done(&t);
}

static void test_all_orders(void **state)
{
	run(UINT64_C(1) << 31);
	run(700);
	run(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_orders) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
