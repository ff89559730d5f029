/* test-lookup-rows: the row cache: ages, bounds, coalescing, and every order in which reads, a write and its drop can meet. G01, G02, G03.
 */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "rows.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "stats.h"
#include "support/fakesource.h"
#include "unit.h"

#define AGE      60000
#define NEGATIVE 10000
#define STALE    600000
#define LATE     5000

static struct rowtext *text;
static struct fakesource source;
static struct mr_rows *rows;

static void begin_ahead(size_t max, unsigned ahead)
{
	const struct mr_rows_config c = {
		.max = max, .ahead = ahead, .age_ms = AGE, .negative_age_ms = NEGATIVE, .stale_ms = STALE, .late_ms = LATE
	};

	mr_clock_fake(1000000, 1800000000);
	text = rowtext_new(MR_LIT("domain e.test\nmailbox john@e.test quota 1\n"));
	fakesource_init(&source, text);
	rows = mr_rows_new(&c, &source.source);
	mr_rows_verified(rows, mr_now_ms());
}

static void begin(size_t max)
{
	begin_ahead(max, 0);
}

static void end(void)
{
	fakesource_done(&source);
	mr_rows_free(rows);
	rowtext_free(text);
	mr_clock_real();
}

/* A question for john@e.test: how it ended, and the quota that it saw (its version). */
struct asker {
	struct mr_row_wait wait; /* first */
	bool over;
	int err;
	uint64_t version; /* 0 = no row */
};

static void on_row(struct mr_row_wait *w, int err, struct mr_row *row)
{
	struct asker *a = (struct asker *)w;

	assert_false(a->over);
	a->over = true;
	a->err = err;
	if (err == 0)
		a->version = row->exists ? row->mailbox.quota_bytes : 0;
}

static void ask_key(struct asker *a, const char *address, bool any)
{
	struct mr_row *row;

	*a = (struct asker){ .wait.done = on_row };
	switch (mr_rows_get(rows, MR_ROW_MAILBOX, mr_slice_of(address), any, NULL, &row)) {
	case MR_ROW_FOUND:
		a->over = true;
		a->version = row->mailbox.quota_bytes;
		break;
	case MR_ROW_NONE:
		a->over = true;
		break;
	case MR_ROW_UNKNOWN:
	case MR_ROW_TEMP:
		a->err = mr_rows_fetch(rows, MR_ROW_MAILBOX, mr_slice_of(address), &a->wait);
		a->over = a->err != 0;
		break;
	}
}

static void ask(struct asker *a)
{
	ask_key(a, "john@e.test", false);
}

static void ages(void **state)
{
	struct asker a, nobody;

	begin(100);
	ask(&a);
	ask_key(&nobody, "nobody@e.test", false);
	assert_false(a.over);
	assert_int_equal(fake_arrive_all(&source, 0), 2);
	assert_int_equal(a.version, 1);
	assert_int_equal(nobody.version, 0);
	for (uint64_t ms = 0; ms <= NEGATIVE; ms += 1000) { /* the log is followed, so rows last to their age */
		ask(&a);
		assert_true(a.over);
		ask_key(&nobody, "nobody@e.test", false);
		assert_true(nobody.over);
		mr_clock_advance(1000);
		mr_rows_verified(rows, mr_now_ms());
	}
	ask_key(&nobody, "nobody@e.test", false);
	assert_false(nobody.over);
	ask(&a);
	assert_true(a.over);
	mr_clock_advance(AGE);
	mr_rows_verified(rows, mr_now_ms());
	ask(&a);
	assert_false(a.over);
	end();
}

/* While the change log is not followed a row is no better than its own age. */
static void unverified(void **state)
{
	struct asker a;

	begin(100);
	ask(&a);
	fake_arrive_all(&source, 0);
	mr_clock_advance(LATE);
	ask(&a);
	assert_true(a.over);
	mr_clock_advance(1);
	ask(&a);
	assert_false(a.over);
	assert_int_equal(fake_arrive_all(&source, 0), 1);
	ask(&a); /* just read */
	assert_true(a.over);
	end();
}

/* G01 */
static void stale(void **state)
{
	struct asker a;
	struct mr_row *row;
	bool is_stale = false;

	begin(100);
	ask(&a);
	fake_arrive_all(&source, 0);
	mr_clock_advance(AGE + 1);
	assert_true(mr_rows_has(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test")));
	assert_int_equal(mr_rows_get(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test"), true, &is_stale, &row), MR_ROW_FOUND);
	assert_true(is_stale);
	assert_int_equal(mr_rows_get(rows, MR_ROW_MAILBOX, MR_LIT("new@e.test"), true, &is_stale, &row), MR_ROW_UNKNOWN);
	ask(&a); /* nobody takes it for fresh */
	assert_false(a.over);
	fake_arrive_all(&source, -EAGAIN);
	assert_int_equal(a.err, -EAGAIN);
	ask(&a); /* the database has just failed to say better */
	assert_true(a.over);
	assert_int_equal(a.version, 1);
	mr_rows_drop(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test"));
	assert_int_equal(mr_rows_get(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test"), true, &is_stale, &row), MR_ROW_UNKNOWN);
	ask(&a);
	fake_arrive_all(&source, 0);
	mr_clock_advance(STALE + 1);
	assert_int_equal(mr_rows_get(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test"), true, &is_stale, &row), MR_ROW_UNKNOWN);
	assert_false(mr_rows_has(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test")));
	end();
}

/* G02 */
static void coalesced(void **state)
{
	struct asker a[10];

	begin(100);
	for (size_t i = 0; i < MR_COUNT(a); i++)
		ask(&a[i]);
	mr_rows_cancel(&a[3].wait);
	mr_rows_cancel(&a[3].wait);
	assert_int_equal(fake_arrive_all(&source, 0), 1);
	for (size_t i = 0; i < MR_COUNT(a); i++)
		assert_int_equal(a[i].over, i != 3);
	end();
}

static void bounded(void **state)
{
	struct asker a;
	char address[64];

	begin(10);
	ask(&a);
	fake_arrive_all(&source, 0);
	for (int i = 0; i < AGE / 1000; i++) {
		snprintf(address, sizeof(address), "x%d@e.test", i);
		ask_key(&a, address, false);
		assert_false(a.over);
		fake_arrive_all(&source, 0);
		assert_true(mr_rows_count(rows) <= 10);
		mr_clock_advance(1000);
		mr_rows_verified(rows, mr_now_ms());
		ask(&a); /* in use, so it stays */
		assert_true(a.over);
	}
	mr_rows_drop_all(rows);
	assert_int_equal(mr_rows_count(rows), 0);
	end();
}

static void too_long(void **state)
{
	char address[400];
	struct mr_row *row;

	begin(10);
	memset(address, 'x', sizeof(address));
	assert_int_equal(mr_rows_get(rows, MR_ROW_MAILBOX, (struct mr_slice){ address, sizeof(address) }, false, NULL, &row), MR_ROW_NONE);
	end();
}

/* --- reading ahead */

static void near_is(const char *first, const char *second)
{
	source.near_addresses[0] = first;
	source.near_addresses[1] = second;
	source.n_near = 2;
}

static void ask_alias(struct asker *a, const char *address)
{
	struct mr_row *row;

	*a = (struct asker){ .wait.done = on_row };
	a->over = mr_rows_get(rows, MR_ROW_ALIAS, mr_slice_of(address), false, NULL, &row) == MR_ROW_NONE;
	if (!a->over)
		mr_rows_fetch(rows, MR_ROW_ALIAS, mr_slice_of(address), &a->wait);
}

/* What comes with a missing address is there when it is asked for: the rows, and that there are none. */
static void ahead(void **state)
{
	struct asker a, b;

	begin_ahead(100, 2);
	rowtext_set(text, MR_LIT("mailbox anna@e.test quota 7"));
	near_is("john@e.test", "mary@e.test");
	ask_key(&a, "anna@e.test", false);
	assert_true(source.near_open);
	assert_memory_equal(source.near.after.p, "anna@e.test", source.near.after.n);
	assert_int_equal(source.near.limit, 2);
	fake_arrive_all(&source, 0);
	assert_int_equal(a.version, 7);
	ask_key(&b, "john@e.test", false); /* not here yet: a read of its own, and no second one ahead */
	assert_false(b.over);
	fake_near_arrive(&source, 0);
	fake_arrive_all(&source, 0);
	assert_int_equal(b.version, 1);
	ask_key(&b, "mary@e.test", false);
	assert_true(b.over && b.version == 0);
	ask_alias(&b, "john@e.test");
	assert_true(b.over);
	assert_int_equal(source.n_reads, 0);
	end();
}

/* Whoever asks for what was read ahead has the next ones read, until nothing new comes. */
static void ahead_goes_on(void **state)
{
	struct asker a;

	begin_ahead(100, 2);
	near_is("john@e.test", "mary@e.test");
	ask_key(&a, "a@e.test", false);
	fake_arrive_all(&source, 0);
	fake_near_arrive(&source, 0);
	ask(&a);
	assert_false(source.near_open); /* one row of four */
	ask_alias(&a, "john@e.test");
	assert_true(source.near_open);
	assert_memory_equal(source.near.after.p, "mary@e.test", source.near.after.n);
	fake_near_arrive(&source, 0); /* the same once more */
	ask_alias(&a, "mary@e.test");
	ask_key(&a, "mary@e.test", false);
	assert_false(source.near_open);
	assert_int_equal(source.n_reads, 0);
	end();
}

/* It never pushes out what was asked for, and leaves the database alone when that is of no use. */
static void ahead_bounds(void **state)
{
	struct asker a;

	begin_ahead(7, 2);
	ask(&a);
	assert_false(source.near_open); /* two mailboxes and two aliases would not fit */
	fake_arrive_all(&source, 0);
	end();

	begin_ahead(100, 2);
	near_is("x@e.test", "y@e.test");
	ask_key(&a, "a@e.test", false);
	fake_arrive_all(&source, 0);
	fake_near_arrive(&source, -EAGAIN);
	assert_int_equal(mr_rows_count(rows), 1);
	ask_key(&a, "b@e.test", false);
	assert_false(source.near_open); /* it failed a moment ago */
	fake_arrive_all(&source, 0);
	mr_clock_advance(61000);
	ask_key(&a, "c@e.test", false);
	assert_true(source.near_open);
	fake_arrive_all(&source, 0);
	mr_clock_advance(300);
	fake_near_arrive(&source, 0); /* slow, but here it is */
	ask_key(&a, "x@e.test", false);
	assert_true(a.over);
	ask_alias(&a, "x@e.test");
	assert_false(source.near_open);
	end();

	begin_ahead(100, 2);
	ask_key(&a, "@e.test", false); /* a catch-all has no neighbours */
	assert_false(source.near_open);
	fake_arrive_all(&source, 0);
	end();
}

/* --- every order */

#define ASKERS 3

/* What can happen next. Reads are named by number, in the order in which they began. */
enum act {
	ACT_ASK,
	ACT_WRITE,
	ACT_DROP,
	ACT_AGE,
	ACT_MISS, /* another address is asked for, and john's rows are read ahead */
	ACT_NEAR_LOOK,
	ACT_NEAR_ARRIVE,
	ACT_LOOK /* + read */,
	ACT_ARRIVE = ACT_LOOK + ASKERS,
	ACT_FAIL = ACT_ARRIVE + ASKERS,
	ACTS = ACT_FAIL + ASKERS
};

struct world {
	struct asker askers[ASKERS];
	bool asked_after_drop[ASKERS];
	struct asker other;
	unsigned n_asked, n_max;
	bool written, dropped, aged, ahead, missed;
};

static bool possible(const struct world *w, int act)
{
	size_t read = (size_t)(act - ACT_LOOK) % ASKERS;

	switch (act) {
	case ACT_ASK:
		return w->n_asked < w->n_max;
	case ACT_WRITE:
		return !w->written;
	case ACT_DROP:
		return w->written && !w->dropped;
	case ACT_AGE:
		return !w->aged && !w->ahead;
	case ACT_MISS:
		return w->ahead && !w->missed;
	case ACT_NEAR_LOOK:
		return source.near_open && !source.near_looked;
	case ACT_NEAR_ARRIVE:
		return source.near_open && source.near_looked;
	default:
		if (read >= source.n_reads || source.reads[read].over)
			return false;
		if (act >= ACT_FAIL)
			return !w->ahead;
		return (act < ACT_ARRIVE) != source.reads[read].looked;
	}
}

static void perform(struct world *w, int act)
{
	switch (act) {
	case ACT_ASK:
		w->asked_after_drop[w->n_asked] = w->dropped;
		ask(&w->askers[w->n_asked++]);
		break;
	case ACT_WRITE:
		rowtext_set(text, MR_LIT("mailbox john@e.test quota 2"));
		w->written = true;
		break;
	case ACT_DROP:
		mr_rows_drop(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test"));
		w->dropped = true;
		break;
	case ACT_AGE:
		mr_clock_advance(AGE + 1);
		mr_rows_verified(rows, mr_now_ms());
		w->aged = true;
		break;
	case ACT_MISS:
		ask_key(&w->other, "anna@e.test", false);
		fake_arrive(&source, source.n_reads - 1, 0);
		w->missed = true;
		break;
	case ACT_NEAR_LOOK:
		fake_near_look(&source);
		break;
	case ACT_NEAR_ARRIVE:
		fake_near_arrive(&source, 0);
		break;
	default:
		if (act < ACT_ARRIVE)
			fake_look(&source, (size_t)(act - ACT_LOOK));
		else
			fake_arrive(&source, (size_t)(act - ACT_LOOK) % ASKERS, act >= ACT_FAIL ? -EAGAIN : 0);
	}
}

/* Whoever asks after the drop never sees what was before it: not from a read begun earlier, not from the cache, not as stale. */
static void check(const struct world *w)
{
	struct mr_row *row;

	for (unsigned i = 0; i < w->n_asked; i++) {
		if (w->asked_after_drop[i] && w->askers[i].over && w->askers[i].err == 0)
			assert_int_equal(w->askers[i].version, 2);
	}
	if (w->dropped && mr_rows_get(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test"), true, NULL, &row) == MR_ROW_FOUND)
		assert_int_equal(row->mailbox.quota_bytes, 2);
}

static unsigned long orders;

/* Plays the script from the start, then tries everything that can come next. */
static void explore(unsigned char *script, unsigned n, bool with_ahead)
{
	struct world w = { .n_max = with_ahead ? 2 : ASKERS, .ahead = with_ahead };
	bool can[ACTS];

	begin_ahead(100, with_ahead ? 2 : 0);
	near_is("john@e.test", "mary@e.test");
	for (unsigned i = 0; i < n; i++) {
		perform(&w, script[i]);
		check(&w); /* each time: who looks has more read ahead */
	}
	bool any = false;
	for (int act = 0; act < ACTS; act++)
		any |= can[act] = possible(&w, act);
	if (!any) {
		orders++;
		assert_true(w.dropped && w.n_asked == w.n_max);
		for (unsigned i = 0; i < w.n_max; i++)
			assert_true(w.askers[i].over); /* nobody is forgotten */
	}
	end();
	for (int act = 0; act < ACTS; act++) {
		if (can[act]) {
			script[n] = (unsigned char)act;
			explore(script, n + 1, with_ahead);
		}
	}
}

/* G03 */
static void every_order(void **state)
{
	unsigned char script[64];

	orders = 0;
	explore(script, 0, false);
	print_message("%lu orders\n", orders);
	assert_true(orders > 10000);
}

static void every_order_ahead(void **state)
{
	unsigned char script[64];

	orders = 0;
	explore(script, 0, true);
	print_message("%lu orders\n", orders);
	assert_true(orders > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages),        cmocka_unit_test(unverified),        cmocka_unit_test(stale),
		cmocka_unit_test(coalesced),   cmocka_unit_test(bounded),           cmocka_unit_test(too_long),
		cmocka_unit_test(ahead),       cmocka_unit_test(ahead_bounds),      cmocka_unit_test(ahead_goes_on),
		cmocka_unit_test(every_order), cmocka_unit_test(every_order_ahead),
	};

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
