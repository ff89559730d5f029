/* test-ask: single questions to a socket: answered, refused, cut off, too long, silent, nobody there, too many. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "rt/ask.h"
#include "rt/clock.h"
#include "rt/sock.h"
#include "unit.h"

#define DEADLINE 1000

#define ANSWER_MAX 4096

static struct mr_loop *loop;
static struct mr_asker *asker;
static char path[64];
static int listener;
static unsigned told;
static int last_err;
static struct mr_buf last_text;

static void done(int err, struct mr_slice text, void *arg)
{
	assert_ptr_equal(arg, &loop);
	told++;
	last_err = err;
	mr_buf_reset(&last_text);
	mr_buf_add(&last_text, text);
}

static int setup(void **state)
{
	mr_clock_fake(1000000, 1800000000);
	loop = mr_loop_new();
	snprintf(path, sizeof(path), "/tmp/mr-test-ask-%d", (int)getpid());
	listener = mr_listen_unix(path, 0600, NULL);
	assert_true(listener >= 0);
	asker = mr_asker_new(loop, path, 2, ANSWER_MAX);
	told = 0;
	last_text = MR_BUF(2 * ANSWER_MAX);
	return 0;
}

static int teardown(void **state)
{
	mr_asker_free(asker);
	close(listener);
	unlink(path);
	mr_loop_free(loop);
	mr_buf_done(&last_text);
	mr_clock_real();
	return 0;
}

static void turn(void)
{
	for (unsigned i = 0; i < 8; i++)
		mr_loop_once(loop);
}

static void ask(void)
{
	mr_asker_ask(asker, "kick anna@example.org", DEADLINE, done, &loop);
	assert_int_equal(told, 0); /* never at once */
	turn();
}

/* The other side of the question asked. */
static int taken(void)
{
	char line[100] = "";
	int fd = accept(listener, NULL, NULL);

	assert_true(fd >= 0);
	assert_true(recv(fd, line, sizeof(line) - 1, 0) > 0);
	assert_string_equal(line, "kick anna@example.org\n");
	return fd;
}

static void answers(void **state)
{
	static const struct {
		const char *answer, *text;
		int err;
	} cases[] = {
		{ "kicked=2\nok\n", "kicked=2\n", 0 },
		{ "ok\n", "", 0 },
		{ "ok", "", 0 },
		{ "kicked=2\nerror not allowed\n", "not allowed", -EREMOTEIO },
		{ "kicked=2\n", "no whole answer", -EPROTO },
		{ "", "no whole answer", -EPROTO },
		{ "not ok\n", "no whole answer", -EPROTO },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		told = 0;
		ask();
		int fd = taken();
		size_t half = strlen(cases[i].answer) / 2;

		assert_int_equal(send(fd, cases[i].answer, half, 0), half);
		turn();
		assert_int_equal(told, 0);
		assert_int_equal(send(fd, cases[i].answer + half, strlen(cases[i].answer) - half, 0), strlen(cases[i].answer) - half);
		close(fd);
		turn();
		assert_int_equal(told, 1);
		assert_int_equal(last_err, cases[i].err);
		assert_slice(mr_buf_slice(&last_text), cases[i].text);
	}
}

static void silence(void **state)
{
	ask();
	int fd = taken();

	mr_clock_advance(DEADLINE - 1);
	turn();
	assert_int_equal(told, 0);
	mr_clock_advance(1);
	turn();
	assert_int_equal(told, 1);
	assert_int_equal(last_err, -ETIMEDOUT);
	close(fd);
}

static void flood(void **state)
{
	static const char much[2 * ANSWER_MAX];

	ask();
	int fd = taken();

	assert_int_equal(send(fd, much, sizeof(much), 0), sizeof(much));
	turn();
	assert_int_equal(last_err, -EMSGSIZE);
	close(fd);
}

static void nobody(void **state)
{
	close(listener);
	listener = -1;
	ask();
	assert_int_equal(told, 1);
	assert_int_equal(last_err, -ECONNREFUSED);
	unlink(path);
	told = 0;
	ask();
	assert_int_equal(last_err, -ENOENT);
}

static void too_many(void **state)
{
	ask();
	ask();
	assert_int_equal(told, 0);
	ask();
	assert_int_equal(told, 1);
	assert_int_equal(last_err, -EBUSY);
	int fd = taken();

	told = 0;
	assert_int_equal(send(fd, "ok\n", 3, 0), 3);
	close(fd);
	turn();
	assert_int_equal(told, 1);
	assert_int_equal(last_err, 0);
}

/* Two are open, one is refused but not told yet: all go with the asker, nobody is told. */
static void dropped(void **state)
{
	for (unsigned i = 0; i < 3; i++)
		mr_asker_ask(asker, "kick anna@example.org", DEADLINE, done, &loop);
	mr_asker_free(asker);
	asker = NULL;
	turn();
	assert_int_equal(told, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(answers), TEST(silence), TEST(flood), TEST(nobody), TEST(too_many), TEST(dropped) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
