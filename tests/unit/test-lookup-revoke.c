/* test-lookup-revoke: which changes end sessions, when the root helper is asked, and how often at once. F062, G14. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "revoke.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/sock.h"
#include "unit.h"

static struct mr_loop *loop;
static struct mr_revoke *revoker;
static char path[64];
static int listener, open_fds[16];
static size_t n_open;
static struct mr_buf asked;

static int setup(void **state)
{
	mr_clock_fake(1000000, 1800000000);
	mr_log_set_level(MR_LOG_ERROR);
	loop = mr_loop_new();
	snprintf(path, sizeof(path), "/tmp/mr-test-revoke-%d", (int)getpid());
	listener = mr_listen_unix(path, 0600, NULL);
	assert_true(listener >= 0);
	revoker = mr_revoke_new(loop, path);
	asked = MR_BUF(100000);
	n_open = 0;
	return 0;
}

static int teardown(void **state)
{
	mr_revoke_free(revoker);
	for (size_t i = 0; i < n_open; i++)
		close(open_fds[i]);
	close(listener);
	unlink(path);
	mr_loop_free(loop);
	mr_buf_done(&asked);
	mr_clock_real();
	return 0;
}

/* Takes what was asked up to now; the questions stay open. */
static const char *take(void)
{
	char line[400];
	ssize_t n;
	int fd;

	mr_buf_reset(&asked);
	mr_buf_puts(&asked, "");
	for (unsigned i = 0; i < 8; i++)
		mr_loop_once(loop);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		n = recv(fd, line, sizeof(line), 0);
		assert_true(n > 0 && n_open < MR_COUNT(open_fds));
		mr_buf_add(&asked, (struct mr_slice){ line, (size_t)n });
		open_fds[n_open++] = fd;
	}
	return asked.n ? asked.p : "";
}

static void answer_with(const char *text)
{
	while (n_open > 0) {
		assert_int_equal(send(open_fds[--n_open], text, strlen(text), 0), (ssize_t)strlen(text));
		close(open_fds[n_open]);
	}
}

static void answer_all(void)
{
	answer_with("kicked=1\nok\n");
}

static void change_after(const char *what, const char *key, uint64_t age, uint64_t silent_ms)
{
	char w[16], k[400], kind[] = "mailbox";

	snprintf(w, sizeof(w), "%s", what);
	snprintf(k, sizeof(k), "%s", key);
	mr_revoke_change(revoker, &(struct mr_change){ .id = 1, .kind = kind, .key = k, .what = w, .age = age }, silent_ms);
}

static void change(const char *what, const char *key, uint64_t age)
{
	change_after(what, key, age, 0);
}

static void which_changes(void **state)
{
	static const struct {
		const char *what;
		uint64_t age;
		const char *asked;
	} cases[] = {
		{ "password", 0, "kick a@e.test\n" },
		{ "disable", 3, "kick a@e.test\n" },
		{ "del", MR_REVOKE_AGE_MAX, "kick a@e.test\n" },
		{ "lock", 0, "kick a@e.test\nhold-sender a@e.test\n" },
		{ "lock", MR_REVOKE_AGE_MAX + 1, "" },
		{ "send-only", 0, "kick a@e.test\n" },
		{ "add", 0, "" },
		{ "set", 0, "" },
		{ "unlock", 0, "" },
		{ "", 0, "" },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		change(cases[i].what, "a@e.test", cases[i].age);
		assert_string_equal(take(), cases[i].asked);
		answer_all();
		mr_clock_advance(999);
		assert_string_equal(take(), "");
		mr_clock_advance(1);
		assert_string_equal(take(), cases[i].asked);
		answer_all();
		mr_clock_advance(60000);
		assert_string_equal(take(), "");
	}
}

/* It was locked while this host could not read the log, be it for an hour: what it has here ends now. */
static void late_news(void **state)
{
	change_after("lock", "a@e.test", 3600, 3000 * 1000);
	assert_string_equal(take(), "kick a@e.test\nhold-sender a@e.test\n");
	answer_all();
	change_after("lock", "b@e.test", 3600, 2999 * 1000);
	assert_string_equal(take(), "");
}

/* A queue that is too long for one turn is gone on with, after the second time; a turn that comes to nothing is the last one. */
static void turns(void **state)
{
	change("lock", "a@e.test", 0);
	assert_string_equal(take(), "kick a@e.test\nhold-sender a@e.test\n");
	answer_with("changed=3\nmore=4ZXcR51bmRz2\nok\n");
	assert_string_equal(take(), "");
	mr_clock_advance(1000);
	assert_string_equal(take(), "kick a@e.test\nhold-sender a@e.test\n");
	answer_with("changed=3\nmore=4ZXcR51bmRz2\nok\n");
	assert_string_equal(take(), "hold-sender a@e.test 4ZXcR51bmRz2\n");
	answer_with("changed=0\nmore=5ZXcR51bmRz2\nok\n");
	assert_string_equal(take(), "hold-sender a@e.test 5ZXcR51bmRz2\n");
	answer_with("changed=1\nok\n");
	assert_string_equal(take(), "");
	change("lock", "b@e.test", 0);
	take();
	answer_all();
	mr_clock_advance(1000);
	take();
	answer_with("changed=0\nmore=ABCDEF\nok\n");
	assert_string_equal(take(), "hold-sender b@e.test ABCDEF\n");
	answer_with("changed=0\nmore=ABCDEF\nok\n");
	assert_string_equal(take(), "");
	mr_clock_advance(60000);
	assert_string_equal(take(), "");
}

/* Many users at once come one after the other, none is forgotten. */
static void bounded(void **state)
{
	char name[32];
	unsigned kicked = 0;

	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "u%u@e.test", i);
		change("password", name, 0);
	}
	assert_string_equal(take(), "kick u0@e.test\nkick u1@e.test\nkick u2@e.test\nkick u3@e.test\n");
	assert_string_equal(take(), "");
	for (kicked = 4; kicked < 40 && n_open > 0;) {
		answer_all();
		mr_clock_advance(500);
		for (const char *p = take(); (p = strchr(p, '\n')); p++)
			kicked++;
	}
	assert_int_equal(kicked, 40);
}

/* Nobody there: nothing waits, and what comes later is asked again. */
static void away(void **state)
{
	close(listener);
	change("password", "a@e.test", 0);
	for (unsigned i = 0; i < 8; i++)
		mr_loop_once(loop);
	listener = mr_listen_unix(path, 0600, NULL);
	assert_string_equal(take(), "");
	mr_clock_advance(1000);
	assert_string_equal(take(), "kick a@e.test\n");
}

static void dropped(void **state)
{
	for (unsigned i = 0; i < 6; i++)
		change("lock", "a@e.test", 0);
	assert_string_not_equal(take(), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(which_changes), TEST(turns), TEST(late_news), TEST(bounded), TEST(away), TEST(dropped) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
