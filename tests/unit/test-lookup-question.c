/* test-lookup-question: questions over the cache: rounds of fetching, deadlines, a database that is away, slow or back again. G01, G02. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "question.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "support/fakesource.h"
#include "unit.h"

#define DEADLINE   10000
#define STALE_WAIT 500
#define OPEN_MAX   20

static struct mr_loop *loop;
static struct rowtext *text;
static struct fakesource source;
static struct mr_rows *rows;
static struct mr_questions *questions;
static struct mr_site site;
static struct mr_resolved last; /* of the last answer */
static unsigned answers, waits;

static int setup(void **state)
{
	const struct mr_rows_config c = { .max = 1000, .age_ms = 60000, .negative_age_ms = 60000, .stale_ms = 600000, .late_ms = 5000 };
	const struct mr_questions_config q = { .deadline_ms = DEADLINE, .stale_wait_ms = STALE_WAIT, .open_max = OPEN_MAX };

	mr_clock_fake(1000000, 1800000000);
	loop = mr_loop_new();
	text = rowtext_new(MR_LIT("domain e.test\nmailbox john@e.test\nmailbox jane@e.test\nalias all@e.test mid@e.test jane@e.test\n"
				  "alias mid@e.test john@e.test\n"));
	fakesource_init(&source, text);
	rows = mr_rows_new(&c, &source.source);
	mr_rows_verified(rows, mr_now_ms());
	site = (struct mr_site){ .delimiter = '+' };
	questions = mr_questions_new(loop, &q, rows, &site);
	answers = waits = 0;
	return 0;
}

static int teardown(void **state)
{
	mr_questions_free(questions);
	fakesource_done(&source);
	mr_rows_free(rows);
	rowtext_free(text);
	mr_loop_free(loop);
	mr_clock_real();
	return 0;
}

static bool run(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	struct mr_resolved r;

	mr_resolve(w, ask->key, MR_RESOLVE_DELIVER, &r);
	if (r.waiting)
		return false;
	last = r;
	last.finals = NULL; /* gone with the question */
	mr_buf_puts(out, mr_dir_status_str(r.status));
	return true;
}

static void answer(const struct mr_ask *ask, struct mr_slice bytes)
{
	answers++;
	assert_slice(bytes, mr_dir_status_str(last.status));
}

static void on_wait(const struct mr_ask *ask)
{
	waits++;
}

static void ask(const char *address)
{
	mr_autofree char *copy = mr_strdup(address); /* freed before the answer: a question that waits has its own */

	mr_question_start(questions, &(struct mr_ask){ .run = run, .answer = answer, .waits = on_wait, .key = mr_slice_of(copy) });
}

static void pass(uint64_t ms)
{
	mr_clock_advance(ms);
	mr_rows_verified(rows, mr_now_ms());
	mr_loop_once(loop);
}

static void fetches_in_rounds(void **state)
{
	ask("all@e.test");
	assert_int_equal(answers, 0);
	assert_true(fake_arrive_all(&source, 0) > 3); /* with those that the first ones led to */
	assert_int_equal(answers, 1);
	assert_int_equal(last.status, MR_DIR_OK);
	assert_int_equal(last.n_finals, 2);
	assert_int_equal(mr_questions_open(questions), 0);
	ask("all@e.test"); /* from memory, at once */
	assert_int_equal(answers, 2);
	assert_int_equal(waits, 1);
	assert_int_equal(source.n_reads, 0);
}

static void equal_questions_read_once(void **state)
{
	for (int i = 0; i < 10; i++)
		ask("john@e.test");
	assert_int_equal(fake_arrive_all(&source, 0), 3); /* domain, alias, mailbox */
	assert_int_equal(answers, 10);
}

static void database_away(void **state)
{
	ask("john@e.test");
	fake_arrive_all(&source, -EAGAIN);
	assert_int_equal(last.status, MR_DIR_TEMP);
	source.refuse = true;
	ask("nobody@e.test");
	assert_int_equal(answers, 2);
	assert_int_equal(last.status, MR_DIR_TEMP);
	source.refuse = false;
	ask("nobody@e.test");
	while (fake_arrive_all(&source, 0) > 0)
		continue;
	assert_int_equal(answers, 3);
	assert_int_equal(last.status, MR_DIR_NOTFOUND);
}

static void database_slow(void **state)
{
	ask("john@e.test");
	pass(DEADLINE - 1);
	assert_int_equal(answers, 0);
	pass(1);
	assert_int_equal(answers, 1);
	assert_int_equal(last.status, MR_DIR_TEMP);
	fake_arrive_all(&source, 0); /* too late for that one, but kept */
	ask("john@e.test");
	assert_int_equal(answers, 2);
	assert_int_equal(last.status, MR_DIR_OK);
}

/* The deadline is the question's, not each round's. */
static void slow_rounds(void **state)
{
	ask("all@e.test");
	pass(DEADLINE - 10);
	for (size_t i = 0; i < 3; i++)
		fake_arrive(&source, i, 0);
	assert_true(source.n_reads > 3);
	assert_int_equal(answers, 0);
	pass(10);
	assert_int_equal(answers, 1);
	assert_int_equal(last.status, MR_DIR_TEMP);
}

static void stale_rows_answer_soon(void **state)
{
	ask("john@e.test");
	ask("nobody@e.test");
	while (fake_arrive_all(&source, 0) > 0)
		continue;
	assert_int_equal(answers, 2);
	mr_clock_advance(100000);
	ask("john@e.test"); /* a database that hangs */
	assert_int_equal(answers, 2);
	pass(STALE_WAIT);
	assert_int_equal(answers, 3);
	assert_int_equal(last.status, MR_DIR_OK);
	fake_arrive_all(&source, -EAGAIN);
	ask("john@e.test"); /* has just failed: at once */
	assert_int_equal(answers, 4);
	assert_int_equal(last.status, MR_DIR_OK);
	ask("nobody@e.test"); /* nobody is refused for good by what may be out of date */
	fake_arrive_all(&source, -EAGAIN);
	assert_int_equal(answers, 5);
	assert_int_equal(last.status, MR_DIR_TEMP);
	mr_rows_drop(rows, MR_ROW_MAILBOX, MR_LIT("john@e.test"));
	ask("john@e.test"); /* revoked: never from memory */
	fake_arrive_all(&source, -EAGAIN);
	assert_int_equal(answers, 6);
	assert_int_equal(last.status, MR_DIR_TEMP);
}

/* A row that was dropped while it was read answers the question that had asked before, which goes on with it. */
static void dropped_while_read(void **state)
{
	ask("john@e.test");
	fake_look(&source, 0);
	mr_rows_drop_all(rows);
	fake_arrive_all(&source, 0);
	assert_int_equal(answers, 1);
	assert_int_equal(last.status, MR_DIR_OK);
	assert_int_equal(mr_rows_count(rows), 0);
}

static void bounded(void **state)
{
	char address[64];

	for (int i = 0; i < OPEN_MAX; i++) {
		snprintf(address, sizeof(address), "x%d@e.test", i);
		ask(address);
	}
	assert_int_equal(answers, 0);
	ask("one-more@e.test");
	assert_int_equal(answers, 1);
	assert_int_equal(last.status, MR_DIR_TEMP);
	assert_int_equal(mr_questions_open(questions), OPEN_MAX);
}

static void ends_with_answers(void **state)
{
	ask("john@e.test");
	mr_questions_free(questions);
	questions = NULL;
	assert_int_equal(answers, 1);
	assert_int_equal(last.status, MR_DIR_TEMP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fetches_in_rounds, setup, teardown),
		cmocka_unit_test_setup_teardown(equal_questions_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(database_away, setup, teardown),
		cmocka_unit_test_setup_teardown(database_slow, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_rounds, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_rows_answer_soon, setup, teardown),
		cmocka_unit_test_setup_teardown(dropped_while_read, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_with_answers, setup, teardown),
	};

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
