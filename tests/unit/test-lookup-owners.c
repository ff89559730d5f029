/* test-lookup-owners: what is known of those who have an alias, patterns or limits saves reads, and never hides one that was made: in every
 * order of reads, a write and its drop. G03. */

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "base/mem.h"
#include "owners.h"
#include "rows.h"
#include "rt/clock.h"
#include "support/fakesource.h"
#include "unit.h"

#define NEGATIVE 10000
#define MISSES   16 /* after which owners are read */

static struct rowtext *text;
static struct fakesource source;
static struct mr_rows *rows;
static char john[] = "john@e.test", mary[] = "mary@e.test", list[] = "list@e.test";

static void begin(const char *content)
{
	const struct mr_rows_config c = { .max = 1000, .age_ms = 60000, .negative_age_ms = NEGATIVE, .stale_ms = 600000, .late_ms = 5000 };

	mr_clock_fake(1000000, 1800000000);
	text = rowtext_new(mr_slice_of(content));
	fakesource_init(&source, text);
	source.owner_addresses[0] = john;
	source.owner_addresses[1] = mary;
	source.owner_addresses[2] = list;
	source.n_owners = 3;
	rows = mr_rows_new(&c, &source.source);
	mr_rows_verified(rows, mr_now_ms());
}

static void end(void)
{
	fakesource_done(&source);
	mr_rows_free(rows);
	rowtext_free(text);
	mr_clock_real();
}

static void ignore(struct mr_row_wait *w, int err, struct mr_row *row)
{
}

/* So many addresses are asked for that are not in memory. */
static void miss(unsigned n)
{
	static unsigned number;
	char address[32];

	while (n-- > 0) {
		struct mr_row_wait w = { .done = ignore };
		snprintf(address, sizeof(address), "x%u@e.test", number++);
		mr_rows_fetch(rows, MR_ROW_MAILBOX, mr_slice_of(address), &w);
		fake_arrive_all(&source, 0);
	}
}

static void learn(void)
{
	miss(MISSES);
	assert_true(source.owners_open);
	fake_owners_arrive(&source, 0);
}

static enum mr_row_state get(enum mr_row_kind kind, const char *address)
{
	struct mr_row *row;

	return mr_rows_get(rows, kind, mr_slice_of(address), false, NULL, &row);
}

/* Is its mailbox read alone? */
static bool plainly(const char *address)
{
	struct mr_row_wait w = { .done = ignore };
	bool plain;

	assert_int_equal(mr_rows_fetch(rows, MR_ROW_MAILBOX, mr_slice_of(address), &w), 0);
	plain = source.reads[source.n_reads - 1].ask.plain;
	fake_arrive_all(&source, 0);
	return plain;
}

static void saves_reads(void **state)
{
	begin("mailbox john@e.test deny x.test\nmailbox mary@e.test limits user_messages_5/1h\nmailbox ann@e.test\nalias list@e.test "
	      "john@e.test\n");
	miss(MISSES - 1);
	assert_false(source.owners_open); /* it would not pay yet */
	assert_int_equal(get(MR_ROW_ALIAS, "ann@e.test"), MR_ROW_UNKNOWN);
	learn();
	assert_int_equal(get(MR_ROW_ALIAS, "ann@e.test"), MR_ROW_NONE);
	assert_int_equal(get(MR_ROW_ALIAS, "list@e.test"), MR_ROW_UNKNOWN);
	assert_true(plainly("ann@e.test"));
	assert_false(plainly("john@e.test"));
	assert_false(plainly("mary@e.test"));
	mr_rows_drop(rows, MR_ROW_ALIAS, MR_LIT("ben@e.test"));
	mr_rows_drop(rows, MR_ROW_MAILBOX, MR_LIT("ann@e.test"));
	assert_int_equal(get(MR_ROW_ALIAS, "ben@e.test"), MR_ROW_UNKNOWN);
	assert_int_equal(get(MR_ROW_ALIAS, "carl@e.test"), MR_ROW_NONE);
	assert_false(plainly("ann@e.test"));
	mr_rows_drop_all(rows);
	assert_int_equal(get(MR_ROW_ALIAS, "carl@e.test"), MR_ROW_UNKNOWN);
	end();
}

/* A row that rests on what was known is as old as that. */
static void ages(void **state)
{
	struct mr_row *row;

	begin("mailbox john@e.test\n");
	miss(MISSES);
	mr_clock_advance(NEGATIVE - 1000); /* so long the read takes */
	fake_owners_arrive(&source, 0);
	mr_rows_verified(rows, mr_now_ms());
	assert_int_equal(get(MR_ROW_ALIAS, "john@e.test"), MR_ROW_NONE);
	assert_true(plainly("john@e.test"));
	mr_clock_advance(2000);
	mr_rows_verified(rows, mr_now_ms());
	assert_int_equal(get(MR_ROW_ALIAS, "john@e.test"), MR_ROW_UNKNOWN);
	assert_int_equal(get(MR_ROW_ALIAS, "mary@e.test"), MR_ROW_UNKNOWN);
	assert_int_equal(get(MR_ROW_MAILBOX, "john@e.test"), MR_ROW_FOUND);
	mr_clock_advance(60000 - NEGATIVE);
	mr_rows_verified(rows, mr_now_ms());
	assert_int_equal(get(MR_ROW_MAILBOX, "john@e.test"), MR_ROW_UNKNOWN);
	assert_int_equal(mr_rows_get(rows, MR_ROW_ALIAS, MR_LIT("mary@e.test"), true, NULL, &row),
			 MR_ROW_UNKNOWN); /* was never asked for */
	end();
}

/* The change log being away, nothing is known beyond what it may be late. */
static void unverified(void **state)
{
	begin("mailbox john@e.test\n");
	learn();
	mr_clock_advance(6000);
	assert_int_equal(get(MR_ROW_ALIAS, "john@e.test"), MR_ROW_UNKNOWN);
	assert_false(plainly("mary@e.test"));
	end();
}

static void read_again_when_it_pays(void **state)
{
	begin("");
	learn();
	miss(3 * MISSES);
	assert_int_equal(source.n_owners_asked, 1); /* what is known is young */
	mr_clock_advance(NEGATIVE + 1000);
	mr_rows_verified(rows, mr_now_ms());
	miss(1);
	assert_int_equal(source.n_owners_asked, 2);
	fake_owners_arrive(&source, -EAGAIN);
	miss(3 * MISSES);
	assert_int_equal(source.n_owners_asked, 2); /* it failed a moment ago */
	mr_clock_advance(61000);
	miss(1);
	assert_int_equal(source.n_owners_asked, 3);
	end();
}

/* Of more drops than are remembered it remains that everything may be different. */
static void many_drops(void **state)
{
	char address[32];

	begin("");
	learn();
	for (unsigned i = 0; i < 300; i++) {
		assert_true(i > 256 || get(MR_ROW_ALIAS, "john@e.test") == MR_ROW_NONE);
		snprintf(address, sizeof(address), "y%u@e.test", i);
		mr_rows_drop(rows, MR_ROW_ALIAS, mr_slice_of(address));
		assert_int_equal(get(MR_ROW_ALIAS, address), MR_ROW_UNKNOWN);
	}
	assert_int_equal(get(MR_ROW_ALIAS, "ann@e.test"), MR_ROW_UNKNOWN);
	end();
}

/* Everything was dropped while the owners were being read: what the read says is not used. */
static void overtaken(void **state)
{
	begin("");
	miss(MISSES);
	fake_owners_look(&source);
	mr_rows_drop_all(rows);
	fake_owners_arrive(&source, 0);
	assert_int_equal(get(MR_ROW_ALIAS, "ann@e.test"), MR_ROW_UNKNOWN);
	learn();
	assert_int_equal(get(MR_ROW_ALIAS, "ann@e.test"), MR_ROW_NONE);
	end();
}

static void too_many(void **state)
{
	struct mr_owners *o;
	uint64_t as_of = 0;

	begin("alias john@e.test a@e.test\nalias mary@e.test a@e.test\n");
	o = mr_owners_new(&source.source);
	for (unsigned i = 0; i < MISSES; i++)
		mr_owners_missed(o, NEGATIVE);
	source.owners.max = 1;
	fake_owners_arrive(&source, 0);
	assert_false(mr_owners_lacks(o, MR_OWNED_ALIAS, MR_LIT("ann@e.test"), &as_of));
	assert_true(mr_owners_lacks(o, MR_OWNED_LIMIT, MR_LIT("ann@e.test"), &as_of));
	mr_owners_free(o);
	end();
}

/* --- every order */

enum act { ACT_ASK, ACT_WRITE, ACT_DROP, ACT_MISS, ACT_OWNERS_LOOK, ACT_OWNERS_ARRIVE, ACT_LOOK, ACT_ARRIVE, ACTS };
#define ASKERS 2

struct asker {
	struct mr_row_wait wait; /* first */
	bool over, told, after_drop;
};
static struct world {
	enum mr_row_kind kind; /* an alias is made, or a mailbox gets a pattern */
	struct asker askers[ASKERS];
	unsigned n_asked, n_missed;
	bool written, dropped;
} w;

static bool shows_it(const struct mr_row *row)
{
	return w.kind == MR_ROW_ALIAS ? row->exists : row->mailbox.n_patterns > 0;
}

static void on_row(struct mr_row_wait *wait, int err, struct mr_row *row)
{
	struct asker *a = (struct asker *)wait;

	a->over = true;
	a->told = err == 0 && shows_it(row);
}

static void ask(void)
{
	struct asker *a = &w.askers[w.n_asked++];
	struct mr_row *row;
	enum mr_row_state s = mr_rows_get(rows, w.kind, mr_slice_of(john), false, NULL, &row);

	*a = (struct asker){ .wait.done = on_row, .after_drop = w.dropped };
	a->over = s != MR_ROW_UNKNOWN;
	a->told = s == MR_ROW_FOUND && shows_it(row);
	if (!a->over)
		assert_int_equal(mr_rows_fetch(rows, w.kind, mr_slice_of(john), &a->wait), 0);
}

/* The first read that is not over. */
static struct fake_read *first_read(void)
{
	for (size_t i = 0; i < source.n_reads; i++)
		if (!source.reads[i].over)
			return &source.reads[i];
	return NULL;
}

static bool possible(int act)
{
	const struct fake_read *read = first_read();

	switch ((enum act)act) {
	case ACT_ASK:
		return w.n_asked < ASKERS;
	case ACT_WRITE:
		return !w.written;
	case ACT_DROP:
		return w.written && !w.dropped;
	case ACT_MISS:
		return w.n_missed < (w.kind == MR_ROW_ALIAS ? 2 : 1) && !source.owners_open;
	case ACT_OWNERS_LOOK:
		return source.owners_open && !source.owners_looked;
	case ACT_OWNERS_ARRIVE:
		return source.owners_open && source.owners_looked;
	case ACT_LOOK:
		return read && !read->looked;
	case ACT_ARRIVE:
		return read && read->looked;
	case ACTS:
		break;
	}
	return false;
}

static void perform(int act)
{
	static const char *const made[] = {
		[MR_ROW_MAILBOX] = "mailbox john@e.test deny x.test", [MR_ROW_ALIAS] = "alias john@e.test a@e.test"
	};

	switch ((enum act)act) {
	case ACT_ASK:
		ask();
		break;
	case ACT_WRITE:
		rowtext_set(text, mr_slice_of(made[w.kind]));
		w.written = true;
		break;
	case ACT_DROP:
		mr_rows_drop(rows, w.kind, mr_slice_of(john));
		w.dropped = true;
		break;
	case ACT_MISS: /* so many that the owners are read, again, too */
		mr_clock_advance(NEGATIVE + 1);
		mr_rows_verified(rows, mr_now_ms());
		for (unsigned i = 0; i < MISSES; i++) {
			struct mr_row_wait wait = { .done = ignore };
			char address[32];
			snprintf(address, sizeof(address), "z%u-%u@e.test", w.n_missed, i);
			mr_rows_fetch(rows, MR_ROW_MAILBOX, mr_slice_of(address), &wait);
			fake_arrive(&source, source.n_reads - 1, 0);
		}
		w.n_missed++;
		break;
	case ACT_OWNERS_LOOK:
		fake_owners_look(&source);
		break;
	case ACT_OWNERS_ARRIVE:
		fake_owners_arrive(&source, 0);
		break;
	case ACT_LOOK:
		fake_look(&source, (size_t)(first_read() - source.reads));
		break;
	case ACT_ARRIVE:
		fake_arrive(&source, (size_t)(first_read() - source.reads), 0);
		break;
	case ACTS:
		break;
	}
}

/* Whoever asks after the drop is told. */
static void check(void)
{
	struct mr_row *row;

	for (unsigned i = 0; i < w.n_asked; i++)
		if (w.askers[i].after_drop && w.askers[i].over)
			assert_true(w.askers[i].told);
	if (w.dropped && mr_rows_get(rows, w.kind, mr_slice_of(john), true, NULL, &row) != MR_ROW_UNKNOWN)
		assert_true(shows_it(row));
}

static unsigned long orders;

static void explore(unsigned char *script, unsigned n, enum mr_row_kind kind)
{
	bool can[ACTS], any = false;

	w = (struct world){ .kind = kind };
	begin("mailbox john@e.test\n");
	for (unsigned i = 0; i < n; i++) {
		perform(script[i]);
		check();
	}
	for (int act = 0; act < ACTS; act++)
		any |= can[act] = possible(act);
	orders += !any;
	end();
	for (int act = 0; act < ACTS; act++) {
		if (!can[act])
			continue;
		script[n] = (unsigned char)act;
		explore(script, n + 1, kind);
	}
}

/* G03 */
static void every_order(void **state)
{
	static const enum mr_row_kind kinds[] = { MR_ROW_ALIAS, MR_ROW_MAILBOX };
	unsigned char script[64];

	for (size_t i = 0; i < MR_COUNT(kinds); i++) {
		orders = 0;
		explore(script, 0, kinds[i]);
		print_message("%lu orders\n", orders);
		assert_true(orders > 5000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saves_reads), cmocka_unit_test(ages),
		cmocka_unit_test(unverified),  cmocka_unit_test(read_again_when_it_pays),
		cmocka_unit_test(many_drops),  cmocka_unit_test(too_many),
		cmocka_unit_test(overtaken),   cmocka_unit_test(every_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
