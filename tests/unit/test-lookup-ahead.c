/* test-lookup-ahead: runs grow where they are used, and end where they are not. */

/* ours */
#include "ahead.h"
#include "base/mem.h"
#include "unit.h"

#define MAX 256

static struct mr_ahead a;

static void begin(void)
{
	mr_ahead_init(&a);
}

static struct mr_ahead_run *miss(const char *address)
{
	return mr_ahead_miss(&a, mr_slice_of(address), MAX);
}

/* So many rows of the run are used; the run, if it is to go on. */
static struct mr_ahead_run *used(uint16_t id, unsigned n)
{
	struct mr_ahead_run *on = NULL;

	while (n-- > 0 && on == NULL)
		on = mr_ahead_used(&a, id, MAX);
	return on;
}

static void grows(void **state)
{
	static const unsigned steps[] = { 32, 64, 128, 256, 256 };
	struct mr_ahead_run *run, *on;
	uint16_t id;

	begin();
	run = miss("a@e.test");
	assert_non_null(run);
	assert_string_equal(run->end, "a@e.test");
	assert_int_equal(run->step, MR_AHEAD_FIRST);
	for (size_t i = 0; i < MR_COUNT(steps); i++) {
		mr_ahead_read(&a, run, 40, "b@e.test");
		assert_null(used(run->id, 19));
		on = used(run->id, 1);
		assert_ptr_equal(on, run);
		assert_string_equal(run->end, "b@e.test");
		assert_int_equal(run->step, steps[i]);
		assert_null(used(run->id, 40)); /* while it is being read */
	}
	id = run->id;
	mr_ahead_read(&a, run, 40, NULL); /* the end */
	assert_null(used(id, 40));
	assert_int_equal(a.reading, 0);
}

static void ends_without_new_rows(void **state)
{
	struct mr_ahead_run *run;
	uint16_t id;

	begin();
	run = miss("a@e.test");
	id = run->id;
	mr_ahead_read(&a, run, 0, "b@e.test");
	assert_null(used(id, 10));
	assert_null(mr_ahead_miss(&a, MR_LIT("a@e.test"), 0)); /* switched off, or no room */
}

/* Addresses in no order: at first some runs, then one in many misses; as soon as they are used, one with each again. */
static void costs(void **state)
{
	struct mr_ahead_run *run = NULL;
	unsigned begun = 0;

	begin();
	for (unsigned i = 0; i < 1000; i++) {
		struct mr_ahead_run *next = miss("a@e.test");
		if (next == NULL)
			continue;
		begun++;
		run = next;
		mr_ahead_read(&a, run, 32, "b@e.test");
	}
	assert_in_range(begun, MR_AHEAD_CREDIT / MR_AHEAD_COST + 10, MR_AHEAD_CREDIT / MR_AHEAD_COST + 1000 / MR_AHEAD_PROBE);
	assert_null(used(run->id, MR_AHEAD_COST));
	assert_non_null(miss("a@e.test"));
}

static void few_at_once(void **state)
{
	struct mr_ahead_run *first = NULL, *run;

	begin();
	for (unsigned i = 0; i < MR_AHEAD_READING; i++) {
		run = miss("a@e.test");
		assert_non_null(run);
		first = first ? first : run;
	}
	assert_null(miss("b@e.test"));
	mr_ahead_read(&a, first, 32, "c@e.test");
	assert_non_null(miss("b@e.test"));
}

/* The run not used for longest gives way; rows that it brought mean nothing any more. */
static void give_way(void **state)
{
	struct mr_ahead_run *run;
	uint16_t ids[MR_AHEAD_RUNS + 1];

	begin();
	for (unsigned i = 0; i < MR_AHEAD_RUNS + 1; i++) {
		a.credit = MR_AHEAD_CREDIT;
		run = miss("a@e.test");
		ids[i] = run->id;
		mr_ahead_read(&a, run, 100, "b@e.test");
		if (i > 0)
			assert_null(used(ids[0], 1));
	}
	assert_null(used(ids[1], 100));
	assert_non_null(used(ids[0], 100));
	assert_non_null(used(ids[MR_AHEAD_RUNS], 100));
}

/* Ids come round, and are never 0. */
static void many(void **state)
{
	begin();
	for (unsigned i = 0; i < 200000; i++) {
		a.credit = MR_AHEAD_CREDIT;
		struct mr_ahead_run *run = miss("a@e.test");
		assert_int_not_equal(run->id, 0);
		assert_ptr_equal(&a.runs[run->id % MR_AHEAD_RUNS], run);
		mr_ahead_read(&a, run, 32, "b@e.test");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),    cmocka_unit_test(ends_without_new_rows),
		cmocka_unit_test(costs),    cmocka_unit_test(few_at_once),
		cmocka_unit_test(give_way), cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
