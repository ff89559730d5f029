/* test-lookup-interleave: every order, up to a depth, of commits at a primary, their arrival at a replica, reads and polls that begin, look
 * and end, fail-over and back, the end of the overlap, snapshots, restarts and kill -9: no row is given out that is older than what was
 * applied, to nobody who asked after it was applied, and every question is answered once; and who keeps a row does not find the generation
 * that he got it with any more, once a change of it was applied. The real rows.c, changes.c and snapshot.c over a
 * database of one row whose value is the number of the last change. G03, G04. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "changes.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/generation.h"
#include "rt/log.h"
#include "snapshot.h"
#include "unit.h"

#define DEPTH_MAX   11
#define COMMITS_MAX 2
#define READS_MAX   2
#define OVERLAP     10000
#define SNAPSHOT_MS 1000

/* How much of each there is in one set of orders. */
struct bounds {
	unsigned depth, commits, questions, switches, waits, snapshots, restarts;
	bool whole_polls; /* begin, look and end in one step */
};

static const struct mr_slice key = MR_LIT("a@e.test");

struct question {
	struct mr_row_wait wait; /* first */
	uint64_t applied;        /* when it was asked */
	unsigned answers;
};

/* Of the source: a read of the row, or of the change log. */
struct read {
	bool open, looked;
	int err;
	uint64_t value;
	struct mr_source_row row;
	struct mr_source_changes log;
	uint64_t newest;
	struct mr_db_origin origin;
};

static struct world {
	struct mr_source source; /* first */
	struct mr_rows *rows;
	struct mr_changes *changes;
	uint64_t primary, replica; /* changes that each has */
	bool at_replica;
	unsigned switches, waits, snapshots, restarts;
	uint64_t applied, expected;
	struct read reads[READS_MAX], poll;
	struct question questions[READS_MAX];
	size_t n_questions;
	struct {
		uint64_t value, generation; /* 0: nothing */
	} kept;                             /* by somebody, of what he was told last */
} w;
static struct mr_loop *loop;
static const char *broken;
static struct bounds bounds;
static struct mr_snapshot *snapshot; /* NULL where there is none */
static char folder[64], path[128], journal[160], page[128];
static struct mr_generation *writer, *reader;

static uint64_t server_has(void)
{
	return w.at_replica ? w.replica : w.primary;
}

static struct mr_row *row_of(uint64_t value)
{
	char address[] = "a@e.test", none[] = "";
	const struct mr_row_mailbox m = { .address = address, .password = none, .enabled = true, .quota_bytes = value, .limits = none };

	return mr_row_of_mailbox(&m);
}

static int read_row(struct mr_source *s, const struct mr_source_row *r)
{
	for (size_t i = 0; i < READS_MAX; i++) {
		if (!w.reads[i].open) {
			w.reads[i] = (struct read){ .open = true, .row = *r };
			return 0;
		}
	}
	return -EAGAIN;
}

static int read_changes(struct mr_source *s, const struct mr_source_changes *r)
{
	w.poll = (struct read){ .open = true, .log = *r };
	return 0;
}

static void expect(struct mr_source *s, const struct mr_db_expect *e)
{
	w.expected = e->last;
}

static int read_owners(struct mr_source *s, const struct mr_source_owners *r)
{
	return -EAGAIN;
}

/* What store's pool does: a server that does not show what is expected is not read from. */
static void look(struct read *r)
{
	r->looked = true;
	r->err = server_has() >= w.expected ? 0 : -EAGAIN;
	r->value = r->newest = server_has();
	r->origin.server = w.at_replica;
}

static void row_arrives(struct read *r)
{
	struct read was = *r;

	r->open = false;
	was.row.done(was.row.arg, was.err, was.err ? NULL : row_of(was.value));
}

static void log_arrives(void)
{
	struct read was = w.poll;
	struct mr_change v[COMMITS_MAX];
	char kind[] = "mailbox", name[] = "a@e.test";
	size_t n = 0;

	w.poll.open = false;
	for (uint64_t id = 1; id <= was.newest; id++)
		if (id > was.log.after)
			v[n++] = (struct mr_change){ .id = id, .kind = kind, .key = name, .what = name };
	was.log.done(was.log.arg, was.err, &(struct mr_change_list){ v, n, was.newest, was.origin });
}

static void on_change(enum mr_row_kind kind, const struct mr_change *change, void *arg)
{
	if (change->id > w.applied)
		w.applied = change->id;
}

static void answered(struct mr_row_wait *wait, int err, struct mr_row *row)
{
	struct question *q = (struct question *)wait;

	q->answers++;
	if (err == 0 && row->mailbox.quota_bytes < q->applied)
		broken = "a question got a row from before a change that had been applied when it was asked";
}

static void ask(void)
{
	struct question *q = &w.questions[w.n_questions++];

	q->wait.done = answered;
	q->applied = w.applied;
	if (mr_rows_fetch(w.rows, MR_ROW_MAILBOX, key, &q->wait) != 0)
		q->answers++;
}

static struct read *find_read(bool looked)
{
	for (size_t i = 0; i < READS_MAX; i++)
		if (w.reads[i].open && w.reads[i].looked == looked)
			return &w.reads[i];
	return NULL;
}

enum action { COMMIT, REPLICATE, ASK, LOOK, ARRIVE, POLL, POLL_LOOK, POLL_ARRIVE, FAIL_OVER, SETTLE, SNAPSHOT, RESTART, KILL, ACTIONS };

static bool enabled(enum action a)
{
	switch (a) {
	case COMMIT:
		return !w.at_replica && w.primary < bounds.commits; /* while it is away nobody writes */
	case REPLICATE:
		return w.replica < w.primary;
	case ASK:
		return w.n_questions < bounds.questions;
	case LOOK:
		return find_read(false) != NULL;
	case ARRIVE:
		return find_read(true) != NULL;
	case POLL:
		return !w.poll.open;
	case POLL_LOOK:
		return w.poll.open && !w.poll.looked;
	case POLL_ARRIVE:
		return w.poll.open && w.poll.looked;
	case FAIL_OVER:
		return w.switches < bounds.switches;
	case SETTLE:
		return w.waits < bounds.waits;
	case SNAPSHOT:
		return w.snapshots < bounds.snapshots;
	case RESTART:
	case KILL:
		return w.restarts < bounds.restarts;
	case ACTIONS:
		break;
	}
	return false;
}

static void begin_life(void)
{
	const struct mr_rows_config r = {
		.max = 10, .age_ms = 3600000, .negative_age_ms = 3600000, .stale_ms = 86400000, .late_ms = 60000, .generation = writer
	};
	const struct mr_changes_config c = { .interval_ms = 86400000, .overlap_ms = OVERLAP, .late_ms = 86400000 };

	w.expected = 0;
	w.kept.generation = 0; /* another lookup: its connection was lost */
	w.rows = mr_rows_new(&r, &w.source);
	w.changes = mr_changes_new(loop, &c, w.rows, &w.source, on_change, NULL);
	if (bounds.restarts > 0)
		snapshot = mr_snapshot_new(loop, &(struct mr_snapshot_config){ .path = path,
									       .database = "d",
									       .interval_ms = SNAPSHOT_MS,
									       .age_ms = 86400000,
									       .rows = w.rows,
									       .changes = w.changes });
}

static void write_snapshot(void)
{
	mr_clock_advance(SNAPSHOT_MS);
	for (unsigned i = 0; i < 3; i++)
		mr_loop_once(loop);
}

/* All reads under way are given back first, as the pool does it at its end. */
static void end_life(void)
{
	for (size_t i = 0; i < READS_MAX; i++) {
		struct read was = w.reads[i];

		w.reads[i].open = false;
		if (was.open)
			was.row.done(was.row.arg, -ECANCELED, NULL);
	}
	if (w.poll.open) {
		w.poll.open = false;
		w.poll.log.done(w.poll.log.arg, -ECANCELED, &(struct mr_change_list){ 0 });
	}
	mr_snapshot_free(snapshot);
	snapshot = NULL;
	mr_changes_free(w.changes);
	mr_rows_free(w.rows);
}

/* kill -9: the files are afterwards as they were before. */
static void end_suddenly(void)
{
	struct mr_buf a = MR_BUF(1u << 24), b = MR_BUF(1u << 24);

	mr_file_read(path, &a, NULL);
	mr_file_read(journal, &b, NULL);
	end_life();
	unlink(path);
	if (a.n > 0)
		assert_int_equal(mr_file_write(path, 0600, mr_buf_slice(&a), NULL), 0);
	assert_int_equal(mr_file_write(journal, 0600, mr_buf_slice(&b), NULL), 0);
	mr_buf_done(&a);
	mr_buf_done(&b);
}

static void act(enum action a)
{
	switch (a) {
	case COMMIT:
		w.primary++;
		break;
	case REPLICATE:
		w.replica++;
		break;
	case ASK:
		ask();
		break;
	case LOOK:
		look(find_read(false));
		break;
	case ARRIVE:
		row_arrives(find_read(true));
		break;
	case POLL:
		mr_changes_wake(w.changes);
		mr_loop_once(loop);
		for (unsigned i = 0; i < 2 && bounds.whole_polls && w.poll.open; i++) { /* another server is asked twice */
			look(&w.poll);
			log_arrives();
		}
		break;
	case POLL_LOOK:
		look(&w.poll);
		break;
	case POLL_ARRIVE:
		log_arrives();
		break;
	case FAIL_OVER:
		w.at_replica = !w.at_replica;
		w.switches++;
		break;
	case SETTLE:
		mr_clock_advance(OVERLAP + 1000);
		w.waits++;
		break;
	case SNAPSHOT:
		write_snapshot();
		w.snapshots++;
		break;
	case RESTART:
	case KILL:
		if (a == RESTART)
			end_life();
		else
			end_suddenly();
		begin_life();
		w.restarts++;
		break;
	case ACTIONS:
		break;
	}
}

/* What anybody would be told now, stale or not. */
static void look_into_cache(void)
{
	struct mr_row *row;

	if (mr_rows_get(w.rows, MR_ROW_MAILBOX, key, true, NULL, &row) == MR_ROW_FOUND && row->mailbox.quota_bytes < w.applied)
		broken = "the cache holds a row from before a change that was applied";
}

/* And by what he keeps; each time he asks again, and keeps that. */
static void look_at_kept(void)
{
	struct mr_row *row;

	if (w.kept.generation == mr_generation_now(reader) && w.kept.value < w.applied)
		broken = "what was kept holds, but is from before a change that was applied";
	if (mr_rows_get(w.rows, MR_ROW_MAILBOX, key, false, NULL, &row) != MR_ROW_FOUND)
		return;
	w.kept.value = row->mailbox.quota_bytes;
	w.kept.generation = mr_generation_now(reader);
}

static void begin(void)
{
	w = (struct world){ .source = {
				.read_row = read_row, .read_changes = read_changes, .expect = expect, .read_owners = read_owners } };
	mr_clock_fake(1000000, 1800000000);
	unlink(path);
	unlink(journal);
	begin_life();
	mr_loop_once(loop); /* the first poll has been made */
	for (unsigned i = 0; i < 2; i++) {
		look(&w.poll);
		log_arrives();
	}
	if (bounds.restarts > 0) { /* and the row is known, also on disk */
		ask();
		look(find_read(false));
		row_arrives(find_read(true));
		w.questions[0] = (struct question){ 0 };
		w.n_questions = 0;
		write_snapshot();
	}
	broken = NULL;
}

static void end(void)
{
	struct read *r;

	while ((r = find_read(false)) != NULL)
		look(r);
	while ((r = find_read(true)) != NULL)
		row_arrives(r);
	for (size_t i = 0; i < w.n_questions; i++)
		if (w.questions[i].answers != 1)
			broken = "a question was not answered exactly once";
	look_into_cache();
	end_life();
}

/* One order: at each step the choice[step]-th of what is possible. How many there were goes to possible[]. */
static unsigned run(const unsigned *choice, unsigned *possible, enum action *done)
{
	unsigned step;

	begin();
	for (step = 0; step < bounds.depth && broken == NULL; step++) {
		possible[step] = 0;
		done[step] = ACTIONS;
		for (enum action a = COMMIT; a < ACTIONS; a++)
			if (enabled(a) && possible[step]++ == choice[step])
				done[step] = a;
		act(done[step]);
		look_at_kept();
		look_into_cache();
	}
	end();
	return step;
}

static void every_order_of(struct bounds b)
{
	static const char *const names[] = { "commit",      "replicate", "ask",    "look",     "arrive",  "poll", "poll-look",
					     "poll-arrive", "fail-over", "settle", "snapshot", "restart", "kill" };
	unsigned choice[DEPTH_MAX] = { 0 }, possible[DEPTH_MAX];
	enum action done[DEPTH_MAX];
	unsigned long orders = 0;
	unsigned steps, last;

	bounds = b;
	do {
		steps = run(choice, possible, done);
		orders++;
		for (unsigned i = 0; i < steps && broken; i++)
			print_message("%s ", names[done[i]]);
		if (broken)
			fail_msg("%s", broken);
		for (last = b.depth; last > 0 && choice[last - 1] + 1 >= possible[last - 1]; last--)
			choice[last - 1] = 0;
		if (last > 0)
			choice[last - 1]++;
	} while (last > 0);
	print_message("%lu orders\n", orders);
	assert_true(orders > 1000);
}

static void every_order(void **state)
{
	every_order_of((struct bounds){ .depth = 8, .commits = 2, .questions = 2, .switches = 2, .waits = 1 });
}

static void every_order_with_restarts(void **state)
{
	every_order_of(
	    (struct bounds){ .depth = 5, .commits = 1, .questions = 1, .switches = 1, .snapshots = 1, .restarts = 1, .whole_polls = true });
}

static int setup(void **state)
{
	loop = mr_loop_new();
	snprintf(folder, sizeof(folder), "/dev/shm/mr-test-interleave-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/rows", folder);
	snprintf(journal, sizeof(journal), "%s.dropped", path);
	snprintf(page, sizeof(page), "%s/generation", folder);
	assert_int_equal(mr_generation_new(page, &writer, NULL), 0);
	reader = mr_generation_open(page);
	assert_non_null(reader);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	unlink(journal);
	unlink(page);
	rmdir(folder);
	mr_generation_free(writer);
	mr_generation_free(reader);
	mr_loop_free(loop);
	mr_clock_real();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(every_order, setup, teardown),
					    cmocka_unit_test_setup_teardown(every_order_with_restarts, setup, teardown) };

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
