/* test-lookup-changes: following the change log: out of order, in pages, after a loss, on another database. G03. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "changes.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "support/fakesource.h"
#include "unit.h"

#define INTERVAL 1000
#define OVERLAP  10000
#define LATE     5000

static struct mr_loop *loop;
static struct rowtext *text;
static struct fakesource source;
static struct mr_rows *rows;
static struct mr_changes *changes;
static unsigned applied;
static uint64_t silent_ms; /* before the last of them */

static void on_change(enum mr_row_kind kind, const struct mr_change *change, void *arg)
{
	applied++;
	silent_ms = mr_changes_silent_ms(changes);
}

static int setup(void **state)
{
	const struct mr_rows_config c = {
		.max = 1000, .age_ms = 3600000, .negative_age_ms = 3600000, .stale_ms = 3600000, .late_ms = LATE
	};
	const struct mr_changes_config l = { .interval_ms = INTERVAL, .overlap_ms = OVERLAP, .late_ms = LATE };

	mr_clock_fake(1000000, 1800000000);
	loop = mr_loop_new();
	text = rowtext_new(MR_LIT("mailbox a@e.test\nmailbox b@e.test\nmailbox c@e.test\n"));
	fakesource_init(&source, text);
	rows = mr_rows_new(&c, &source.source);
	changes = mr_changes_new(loop, &l, rows, &source.source, on_change, NULL);
	applied = 0;
	return 0;
}

static int teardown(void **state)
{
	fakesource_done(&source);
	mr_changes_free(changes);
	mr_rows_free(rows);
	rowtext_free(text);
	mr_loop_free(loop);
	mr_clock_real();
	return 0;
}

static void pass(uint64_t ms)
{
	mr_clock_advance(ms);
	mr_loop_once(loop);
}

static void on_row(struct mr_row_wait *w, int err, struct mr_row *row)
{
}

static void cache(const char *address)
{
	struct mr_row_wait w = { .done = on_row };

	assert_int_equal(mr_rows_fetch(rows, MR_ROW_MAILBOX, mr_slice_of(address), &w), 0);
	fake_arrive_all(&source, 0);
}

static bool cached(const char *address)
{
	struct mr_row *row;

	return mr_rows_get(rows, MR_ROW_MAILBOX, mr_slice_of(address), false, NULL, &row) != MR_ROW_UNKNOWN;
}

static struct mr_change change(uint64_t id, const char *kind, const char *key)
{
	static char kinds[8][16], keys[8][64];
	static unsigned i;

	i = (i + 1) % 8;
	snprintf(kinds[i], sizeof(kinds[i]), "%s", kind);
	snprintf(keys[i], sizeof(keys[i]), "%s", key);
	return (struct mr_change){ .id = id, .kind = kinds[i], .key = keys[i] };
}

/* The first poll: where the log ends, then what lies close before. */
static void start_at(uint64_t newest)
{
	mr_loop_once(loop);
	assert_true(source.changes_open);
	fake_changes(&source, 0, NULL, 0, newest);
	assert_true(source.changes_open);
	fake_changes(&source, 0, NULL, 0, newest);
	assert_false(source.changes_open);
}

static void begins_near_the_end(void **state)
{
	cache("a@e.test"); /* read before it was known where the log stood */
	mr_loop_once(loop);
	assert_true(source.changes.after == UINT64_MAX);
	fake_changes(&source, 0, NULL, 0, 5000);
	assert_false(cached("a@e.test"));
	assert_int_equal(source.changes.after, 4000);
	fake_changes(&source, 0, NULL, 0, 5000);
	assert_false(source.changes_open);
	pass(INTERVAL);
	assert_true(source.changes_open);
}

static void drops_what_changed(void **state)
{
	struct mr_change v[2];

	start_at(10);
	cache("a@e.test");
	cache("b@e.test");
	pass(INTERVAL);
	v[0] = change(11, "mailbox", "a@e.test");
	v[1] = change(12, "alias", "b@e.test");
	fake_changes(&source, 0, v, 2, 12);
	assert_false(cached("a@e.test"));
	assert_true(cached("b@e.test"));
	assert_int_equal(applied, 2);
}

/* 21 commits before 20 does, and both are seen again with each poll of the overlap. */
static void out_of_order(void **state)
{
	struct mr_change v[2];

	start_at(10);
	pass(INTERVAL);
	v[0] = change(21, "mailbox", "a@e.test");
	fake_changes(&source, 0, v, 1, 21);
	cache("a@e.test");
	cache("b@e.test");
	for (uint64_t ms = 0; ms < OVERLAP; ms += INTERVAL) {
		pass(INTERVAL);
		assert_true(source.changes.after < 20);
		v[0] = change(20, "mailbox", "b@e.test");
		v[1] = change(21, "mailbox", "a@e.test");
		fake_changes(&source, 0, v, ms < 3 * INTERVAL ? 0 : 2, 21);
		assert_true(cached("a@e.test"));
		assert_int_equal(cached("b@e.test"), ms < 3 * INTERVAL);
	}
	assert_int_equal(applied, 2);
	pass(2 * INTERVAL);
	fake_changes(&source, 0, v, 0, 21);
	pass(INTERVAL);
	assert_int_equal(source.changes.after, 21); /* settled: the rest of the overlap is over for it */
}

static void pages(void **state)
{
	struct mr_change v[1000];

	start_at(10);
	cache("c@e.test");
	pass(INTERVAL);
	for (unsigned i = 0; i < MR_COUNT(v); i++)
		v[i] = change(11 + i, "alias", "x@e.test");
	fake_changes(&source, 0, v, MR_COUNT(v), 1011);
	assert_true(source.changes_open); /* goes on at once */
	assert_int_equal(source.changes.after, 1010);
	v[0] = change(1011, "mailbox", "c@e.test");
	fake_changes(&source, 0, v, 1, 1011);
	assert_false(source.changes_open);
	assert_false(cached("c@e.test"));
}

/* Unread for too long: rows count as past their age, until it is read again to its end. */
static void late(void **state)
{
	start_at(10);
	cache("a@e.test");
	pass(INTERVAL);
	for (uint64_t ms = 0; ms < LATE; ms += INTERVAL) {
		fake_changes(&source, -EAGAIN, NULL, 0, 0);
		pass(INTERVAL);
	}
	fake_changes(&source, -EAGAIN, NULL, 0, 0);
	assert_true(mr_changes_late(changes));
	assert_false(cached("a@e.test"));
	pass(INTERVAL);
	fake_changes(&source, 0, NULL, 0, 10);
	assert_false(mr_changes_late(changes));
	assert_true(cached("a@e.test"));
}

/* Without a database each poll fails at once; when it is back, what came meanwhile is not waited for, and is news. */
static void database_away(void **state)
{
	struct mr_change v[1];

	start_at(10);
	pass(INTERVAL);
	for (unsigned i = 0; i < 20000; i++) {
		assert_true(source.changes_open);
		fake_changes(&source, -EAGAIN, NULL, 0, 0);
		pass(50);
	}
	v[0] = change(11, "mailbox", "a@e.test");
	fake_changes(&source, 0, v, 1, 11);
	assert_int_equal(silent_ms, INTERVAL + 20000 * 50);
	pass(49);
	assert_false(source.changes_open);
	pass(INTERVAL - 49);
	v[0] = change(12, "mailbox", "a@e.test");
	fake_changes(&source, 0, v, 1, 12);
	assert_int_equal(silent_ms, INTERVAL);
}

/* Of a snapshot that is a day old everything since then is news. */
static void goes_on_after_a_day(void **state)
{
	static const struct mr_db_expect nothing;
	struct mr_change v[1];

	mr_changes_resume(changes, 10, &nothing, 86400000);
	mr_loop_once(loop);
	v[0] = change(11, "mailbox", "a@e.test");
	fake_changes(&source, 0, v, 1, 11);
	assert_int_equal(silent_ms, 86400000);
	pass(INTERVAL);
	v[0] = change(12, "mailbox", "a@e.test");
	fake_changes(&source, 0, v, 1, 12);
	assert_int_equal(silent_ms, INTERVAL);
}

static void another_database(void **state)
{
	start_at(100000);
	cache("a@e.test");
	pass(INTERVAL);
	fake_changes(&source, 0, NULL, 0, 7);
	assert_false(cached("a@e.test"));
	assert_int_equal(source.changes.after, 0);
	fake_changes(&source, 0, NULL, 0, 7);
	assert_false(source.changes_open);
}

static void unknown_kind(void **state)
{
	struct mr_change v[1];

	start_at(10);
	cache("a@e.test");
	pass(INTERVAL);
	v[0] = change(11, "novelty", "?");
	fake_changes(&source, 0, v, 1, 11);
	assert_false(cached("a@e.test"));
}

static void woken(void **state)
{
	start_at(10);
	assert_int_equal(source.n_changes_asked, 2);
	mr_changes_wake(changes);
	mr_loop_once(loop);
	assert_int_equal(source.n_changes_asked, 3);
	mr_changes_wake(changes); /* during a poll: once more after it, since it may have looked too early */
	mr_changes_wake(changes);
	fake_changes(&source, 0, NULL, 0, 10);
	mr_loop_once(loop);
	assert_int_equal(source.n_changes_asked, 4);
	fake_changes(&source, 0, NULL, 0, 10);
	mr_loop_once(loop);
	assert_int_equal(source.n_changes_asked, 4);
	source.refuse = true;
	pass(INTERVAL);
	source.refuse = false;
	pass(INTERVAL);
	assert_int_equal(source.n_changes_asked, 5);
}

/* What a poll found new is expected of all who are read from: everything between its first and its last entry counts. */
static void expects_what_it_has_seen(void **state)
{
	struct mr_change v[4];

	start_at(10);
	assert_int_equal(source.n_expected, 0);
	pass(INTERVAL);
	v[0] = change(11, "mailbox", "a@e.test");
	v[1] = change(13, "alias", "b@e.test");
	fake_changes(&source, 0, v, 2, 13);
	assert_int_equal(source.n_expected, 1);
	assert_true(source.expected.first == 11 && source.expected.last == 13 && source.expected.n == 2);
	assert_string_equal(source.expected.kind, "alias");
	assert_string_equal(source.expected.key, "b@e.test");
	pass(INTERVAL);
	fake_changes(&source, 0, v, 2, 13);
	assert_int_equal(source.n_expected, 1); /* nothing new */
	pass(INTERVAL);
	v[3] = v[1];
	v[0] = change(11, "mailbox", "a@e.test");
	v[1] = change(12, "mailbox", "c@e.test");
	v[2] = v[3];
	v[3] = change(14, "mailbox", "d@e.test");
	fake_changes(&source, 0, v, 4, 14);
	assert_true(source.expected.first == 12 && source.expected.last == 14 && source.expected.n == 3);
	assert_string_equal(source.expected.key, "d@e.test");
}

static void expects_all_pages_of_a_round(void **state)
{
	struct mr_change v[1000];

	start_at(10);
	pass(INTERVAL);
	for (unsigned i = 0; i < MR_COUNT(v); i++)
		v[i] = change(11 + i, "alias", "x@e.test");
	fake_changes(&source, 0, v, MR_COUNT(v), 1011);
	assert_true(source.expected.first == 11 && source.expected.last == 1010 && source.expected.n == 1000);
	v[0] = change(1011, "mailbox", "c@e.test");
	fake_changes(&source, 0, v, 1, 1011);
	assert_true(source.expected.first == 11 && source.expected.last == 1011 && source.expected.n == 1001);
}

/* A promoted server gives the id of a change that it lost to another one: the last entries are applied again, the rest stays. */
static void another_server(void **state)
{
	struct mr_change v[1];

	start_at(10);
	pass(INTERVAL);
	v[0] = change(11, "mailbox", "a@e.test");
	fake_changes(&source, 0, v, 1, 11);
	cache("a@e.test");
	cache("b@e.test");
	pass(INTERVAL);
	source.origin.server = 1;
	fake_changes(&source, 0, v, 1, 11);
	assert_true(source.changes_open); /* asks again, from further back */
	assert_int_equal(source.changes.after, 0);
	fake_changes(&source, 0, v, 1, 11);
	assert_false(cached("a@e.test"));
	assert_true(cached("b@e.test"));
	cache("a@e.test");
	pass(INTERVAL);
	source.origin.lost = 1; /* changes were lost: nothing is known to be current */
	fake_changes(&source, 0, v, 1, 11);
	assert_false(cached("b@e.test"));
	fake_changes(&source, 0, v, 1, 11);
	assert_false(source.changes_open);
}

/* A commit that became visible only after the overlap: the poll would never see it, but whoever committed it asks. */
static void asked_for(void **state)
{
	struct mr_change v[2];

	start_at(10);
	pass(INTERVAL);
	v[0] = change(21, "mailbox", "a@e.test");
	fake_changes(&source, 0, v, 1, 21);
	assert_true(mr_changes_applied(changes, 21));
	assert_false(mr_changes_applied(changes, 22));
	for (uint64_t ms = 0; ms < OVERLAP + 2 * INTERVAL; ms += INTERVAL) {
		pass(INTERVAL);
		fake_changes(&source, 0, v, 0, 21);
	}
	cache("b@e.test");
	pass(INTERVAL);
	assert_int_equal(source.changes.after, 21);
	fake_changes(&source, 0, v, 0, 21);
	assert_false(mr_changes_applied(changes, 20));
	assert_true(cached("b@e.test"));
	mr_changes_wake(changes);
	mr_loop_once(loop);
	assert_int_equal(source.changes.after, 19);
	v[0] = change(20, "mailbox", "b@e.test");
	v[1] = change(21, "mailbox", "a@e.test");
	fake_changes(&source, 0, v, 2, 21);
	assert_true(mr_changes_applied(changes, 20));
	assert_false(cached("b@e.test"));
}

static void sync_reads_all_anew(void **state)
{
	uint64_t round;

	start_at(10);
	cache("a@e.test");
	pass(INTERVAL);
	assert_true(source.changes_open); /* a poll under way does not count: it may have looked too early */
	round = mr_changes_sync(changes);
	assert_false(cached("a@e.test"));
	fake_changes(&source, 0, NULL, 0, 10);
	fake_changes(&source, 0, NULL, 0, 10);
	assert_true(mr_changes_rounds(changes) < round);
	mr_loop_once(loop);
	fake_changes(&source, 0, NULL, 0, 10);
	assert_true(mr_changes_rounds(changes) >= round);
	assert_false(source.changes_open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(begins_near_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(drops_what_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(out_of_order, setup, teardown),
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(late, setup, teardown),
		cmocka_unit_test_setup_teardown(database_away, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_on_after_a_day, setup, teardown),
		cmocka_unit_test_setup_teardown(another_database, setup, teardown),
		cmocka_unit_test_setup_teardown(expects_what_it_has_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(expects_all_pages_of_a_round, setup, teardown),
		cmocka_unit_test_setup_teardown(another_server, setup, teardown),
		cmocka_unit_test_setup_teardown(asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(sync_reads_all_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(woken, setup, teardown),
	};

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
