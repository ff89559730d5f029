/* test-lookup-sweep: whose open sessions are dropped although no change of theirs said so, and when who has any is asked. G14. */

/* system */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/sock.h"
#include "support/fakesource.h"
#include "sweep.h"
#include "unit.h"

#define INTERVAL 300000

static struct mr_loop *loop;
static struct rowtext *text;
static struct fakesource source;
static struct mr_rows *rows;
static struct mr_questions *questions;
static struct mr_revoke *revoker;
static struct mr_sweep *sweep;
static const struct mr_site site = { .delimiter = '+' };
static struct mr_directory_context context;
static char path[64];
static int listener, open_fd;
static struct mr_buf asked;

static int setup(void **state)
{
	const struct mr_rows_config c = {
		.max = 1000, .age_ms = 3600000, .negative_age_ms = 3600000, .stale_ms = 36000000, .late_ms = 5000
	};
	const struct mr_questions_config q = { .deadline_ms = 10000, .stale_wait_ms = 500, .open_max = 100 };

	mr_clock_fake(1000000, 1800000000);
	mr_log_set_level(MR_LOG_ERROR);
	loop = mr_loop_new();
	text = rowtext_new(MR_LIT("domain e.test\ndomain off.test off\nmailbox on@e.test\nmailbox off@e.test off\n"
				  "mailbox past@e.test expires 1700000000\nmailbox soon@e.test expires 1800000400\nmailbox a@off.test\n"
				  "mailbox send@e.test send-only\n"));
	fakesource_init(&source, text);
	rows = mr_rows_new(&c, &source.source);
	mr_rows_verified(rows, mr_now_ms());
	questions = mr_questions_new(loop, &q, rows, &site);
	snprintf(path, sizeof(path), "/tmp/mr-test-sweep-%d", (int)getpid());
	listener = mr_listen_unix(path, 0600, NULL);
	assert_true(listener >= 0);
	context.usage = mr_usage_new(NULL, &(struct mr_usage_config){ .path = "", .redis_prefix = "" });
	revoker = mr_revoke_new(loop, path);
	sweep = mr_sweep_new(loop, &(struct mr_sweep_config){ INTERVAL, path, questions, &context, revoker });
	asked = MR_BUF(100000);
	open_fd = -1;
	return 0;
}

static int teardown(void **state)
{
	mr_sweep_free(sweep);
	mr_questions_free(questions);
	mr_revoke_free(revoker);
	mr_usage_free(context.usage);
	if (open_fd >= 0)
		close(open_fd);
	close(listener);
	unlink(path);
	fakesource_done(&source);
	mr_rows_free(rows);
	rowtext_free(text);
	mr_loop_free(loop);
	mr_buf_done(&asked);
	mr_clock_real();
	return 0;
}

static void pass(uint64_t ms)
{
	mr_clock_advance(ms);
	mr_rows_verified(rows, mr_now_ms());
	for (unsigned i = 0; i < 8; i++)
		mr_loop_once(loop);
}

/* What the root helper was asked. Sessions: the question stays open in open_fd; anything else is answered. */
static const char *take(void)
{
	char line[400];
	ssize_t n;
	int fd;

	mr_buf_reset(&asked);
	mr_buf_puts(&asked, "");
	pass(0);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		n = recv(fd, line, sizeof(line), 0);
		assert_true(n > 0);
		mr_buf_add(&asked, (struct mr_slice){ line, (size_t)n });
		if (strncmp(line, "sessions\n", 9) == 0) {
			open_fd = fd;
		} else {
			assert_int_equal(send(fd, "kicked=1\nok\n", 12, 0), 12);
			close(fd);
		}
		pass(0);
	}
	return asked.p;
}

static void answer(const char *said)
{
	assert_true(open_fd >= 0);
	assert_int_equal(send(open_fd, said, strlen(said), 0), (ssize_t)strlen(said));
	close(open_fd);
	open_fd = -1;
	pass(0);
}

static void read_rows(void)
{
	while (fake_arrive_all(&source, 0) > 0)
		continue;
}

static void whom(void **state)
{
	assert_string_equal(take(), "");
	pass(INTERVAL - 1);
	assert_string_equal(take(), "");
	pass(1);
	assert_string_equal(take(), "sessions\n");
	answer("on@e.test\noff@e.test\npast@e.test\nsoon@e.test\na@off.test\nsend@e.test\nnobody@e.test\nroot@elsewhere.test\nok\n");
	read_rows();
	assert_string_equal(take(), "kick off@e.test\nkick past@e.test\nkick a@off.test\n");
	pass(INTERVAL); /* out of memory, and the time of another has come */
	assert_string_equal(take(), "sessions\n");
	answer("soon@e.test\non@e.test\nok\n");
	assert_string_equal(take(), "kick soon@e.test\n");
}

static void at_once(void **state)
{
	mr_sweep_soon(sweep);
	assert_string_equal(take(), "");
	pass(1000);
	assert_string_equal(take(), "sessions\n");
	mr_sweep_soon(sweep); /* while one is under way: what that has seen may be from before */
	pass(5000);
	assert_string_equal(take(), "");
	answer("ok\n");
	pass(1000);
	assert_string_equal(take(), "sessions\n");
	answer("ok\n");
	pass(INTERVAL - 1);
	assert_string_equal(take(), "");
	pass(1);
	assert_string_equal(take(), "sessions\n");
}

static void never(void **state)
{
	mr_sweep_configure(sweep, 0);
	pass(10 * INTERVAL);
	assert_string_equal(take(), "");
	mr_sweep_soon(sweep);
	pass(1000);
	assert_string_equal(take(), "sessions\n");
	answer("ok\n");
	pass(10 * INTERVAL);
	assert_string_equal(take(), "");
}

/* Rows that nobody could confirm drop nobody, nor does a database that is away. */
static void not_by_guess(void **state)
{
	pass(INTERVAL);
	assert_string_equal(take(), "sessions\n");
	answer("off@e.test\nok\n");
	read_rows();
	assert_string_equal(take(), "kick off@e.test\n");
	mr_sweep_soon(sweep);
	mr_clock_advance(4000000); /* past its age, and the database is away */
	mr_loop_once(loop);
	source.refuse = true;
	assert_string_equal(take(), "sessions\n");
	answer("off@e.test\npast@e.test\nok\n");
	assert_string_equal(take(), "");
}

static void look_that_says(const char *said)
{
	pass(INTERVAL);
	assert_string_equal(take(), "sessions\n");
	answer(said);
	assert_string_equal(take(), "");
}

/* The log says so once, not at every look: a host may have no Dovecot. */
static void fails(void **state)
{
	int log = memfd_create("log", 0), err = dup(2);
	char said[4096] = "";
	unsigned n = 0;

	dup2(log, 2);
	mr_log_set_level(MR_LOG_WARNING);
	for (unsigned i = 0; i < 3; i++)
		look_that_says("off@e.test\nerror no doveadm\n");
	look_that_says("ok\n");
	look_that_says("error no doveadm again\n");
	mr_log_set_level(MR_LOG_ERROR);
	dup2(err, 2);
	close(err);
	assert_true(pread(log, said, sizeof(said) - 1, 0) > 0);
	close(log);
	for (const char *at = said; (at = strstr(at, "sessions-not-looked-at")); at++)
		n++;
	assert_int_equal(n, 2);
	assert_non_null(strstr(said, "no doveadm again"));
}

/* More at once than are looked up at once; and it ends while they are. */
static void many(void **state)
{
	struct mr_buf list = MR_BUF(100000);

	for (unsigned i = 0; i < 100; i++)
		mr_buf_printf(&list, "nobody%u@e.test\n", i);
	mr_buf_puts(&list, "off@e.test\nok\n");
	pass(INTERVAL);
	assert_string_equal(take(), "sessions\n");
	answer(list.p);
	assert_true(mr_questions_open(questions) > 0 && mr_questions_open(questions) < 100);
	read_rows();
	assert_string_equal(take(), "kick off@e.test\n");
	pass(INTERVAL);
	mr_buf_reset(&list);
	for (unsigned i = 100; i < 200; i++)
		mr_buf_printf(&list, "nobody%u@e.test\n", i);
	mr_buf_puts(&list, "ok\n");
	assert_string_equal(take(), "sessions\n");
	answer(list.p);
	assert_true(mr_questions_open(questions) > 0);
	mr_buf_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whom, setup, teardown),  cmocka_unit_test_setup_teardown(at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(never, setup, teardown), cmocka_unit_test_setup_teardown(not_by_guess, setup, teardown),
		cmocka_unit_test_setup_teardown(fails, setup, teardown), cmocka_unit_test_setup_teardown(many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
