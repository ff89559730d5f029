/* test-server: what clients of a server may do to it: garbage, half requests, no end, no reading, too many, going away. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/loop.h"
#include "rt/server.h"
#include "rt/sock.h"
#include "unit.h"

#define REQUEST_MAX 100
#define CLIENTS_MAX 3
#define PENDING_MAX 4
#define REQUEST_MS  1000
#define BIG         65536

/* The protocol of these tests: a request is a line. "later" is held and answered by answer_held(), "big" gets BIG bytes, "bad" breaks a
 * rule, "bye" is the last one, anything else is sent back. */
static struct mr_loop *loop;
static struct mr_server *server;
static char path[64];
static struct mr_conn *held[16];
static size_t n_held, n_closed, n_taken;

static ssize_t on_data(struct mr_conn *c, struct mr_slice in)
{
	static char big[BIG];
	ptrdiff_t end = mr_slice_chr(in, '\n');
	struct mr_slice line = { in.p, end < 0 ? 0 : (size_t)end };

	if (end < 0)
		return 0;
	assert_ptr_equal(mr_conn_arg(c), &loop);
	n_taken++;
	if (mr_slice_eq(line, MR_LIT("bad")))
		return -EPROTO;
	if (mr_slice_eq(line, MR_LIT("later"))) {
		mr_conn_hold(c);
		held[n_held++] = c;
	} else if (mr_slice_eq(line, MR_LIT("big"))) {
		mr_conn_send(c, (struct mr_slice){ big, BIG });
	} else {
		mr_conn_send(c, (struct mr_slice){ in.p, line.n + 1 });
	}
	if (mr_slice_eq(line, MR_LIT("bye")))
		mr_conn_close(c);
	return end + 1;
}

static void on_closed(struct mr_conn *c)
{
	n_closed++;
}

static void run(void)
{
	for (int i = 0; i < 20; i++)
		mr_loop_once(loop);
}

static int setup(void **state)
{
	static const struct mr_server_ops ops = { .name = "test",
						  .request_max = REQUEST_MAX,
						  .clients_max = CLIENTS_MAX,
						  .request_ms = REQUEST_MS,
						  .pending_max = PENDING_MAX,
						  .data = on_data,
						  .closed = on_closed };
	int fd;

	n_held = n_closed = n_taken = 0;
	mr_log_set_level(MR_LOG_ERROR);
	mr_clock_fake(1000, 0);
	loop = mr_loop_new();
	server = mr_server_new(loop, &ops, &loop);
	snprintf(path, sizeof(path), "/tmp/mr-test-server-%d", (int)getpid());
	fd = mr_listen_unix(path, 0600, NULL);
	assert_true(fd >= 0);
	return mr_server_listen(server, fd);
}

static int teardown(void **state)
{
	mr_server_free(server);
	mr_loop_free(loop);
	unlink(path);
	mr_clock_real();
	return 0;
}

static int connect_client(void)
{
	int fd = mr_connect_unix(path);

	assert_true(fd >= 0);
	run();
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	run();
}

/* Asserts what has arrived; "-" is the end of the connection. */
static void expect(int fd, const char *text)
{
	char got[4096];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno == ECONNRESET)) {
		assert_string_equal("-", text);
		return;
	}
	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, text);
}

static void answer_held(size_t i)
{
	mr_conn_send(held[i], MR_LIT("done\n"));
	mr_conn_release(held[i]);
	run();
}

static void test_requests(void **state)
{
	int fd = connect_client();

	say(fd, "one\n");
	expect(fd, "one\n");
	say(fd, "two\nthree\nfo");
	expect(fd, "two\nthree\n");
	say(fd, "ur\n");
	expect(fd, "four\n");
	assert_int_equal(mr_server_clients(server), 1);
	close(fd);
	run();
	assert_int_equal(mr_server_clients(server), 0);
	assert_int_equal(n_closed, 1);
}

static void test_bad_harms_only_itself(void **state)
{
	int good = connect_client(), bad = connect_client();

	say(bad, "x\nbad\ny\n");
	expect(bad, "x\n");
	expect(bad, "-");
	say(good, "still\n");
	expect(good, "still\n");
	close(bad);
	close(good);
}

static void test_half_request(void **state)
{
	int half = connect_client(), idle = connect_client();

	say(half, "whole\nhal");
	expect(half, "whole\n");
	mr_clock_advance(REQUEST_MS - 1);
	run();
	assert_int_equal(mr_server_clients(server), 2);
	mr_clock_advance(1);
	run();
	expect(half, "-");
	expect(idle, ""); /* an idle one may stay: Postfix keeps its connections */
	assert_int_equal(mr_server_clients(server), 1);
	close(half);
	close(idle);
}

static void test_slow_but_steady(void **state)
{
	int fd = connect_client();

	for (int i = 0; i < 5; i++) {
		say(fd, "a\nb");
		expect(fd, i ? "ba\n" : "a\n");
		mr_clock_advance(REQUEST_MS - 1); /* each request within its time, all together not */
		run();
	}
	assert_int_equal(mr_server_clients(server), 1);
	close(fd);
}

static void test_no_end(void **state)
{
	static char much[1 << 20];
	int fd = connect_client();
	size_t sent = 0;

	memset(much, 'a', sizeof(much));
	while (sent < sizeof(much)) {
		ssize_t n = send(fd, much + sent, sizeof(much) - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
		run();
	}
	assert_true(sent < sizeof(much));
	expect(fd, "-");
	assert_int_equal(mr_server_clients(server), 0);
	close(fd);
}

static void test_too_many(void **state)
{
	int fds[CLIENTS_MAX + 1];

	for (size_t i = 0; i < MR_COUNT(fds); i++)
		fds[i] = connect_client();
	assert_int_equal(mr_server_clients(server), CLIENTS_MAX);
	expect(fds[CLIENTS_MAX], "-");
	close(fds[0]);
	close(fds[CLIENTS_MAX]);
	run();
	fds[0] = connect_client();
	say(fds[0], "room\n");
	expect(fds[0], "room\n");
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		close(fds[i]);
}

/* Lines of the log since it was turned into a file. */
static size_t log_lines(FILE *log)
{
	char text[16384];
	ssize_t n = pread(fileno(log), text, sizeof(text), 0);
	size_t lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

/* A client waits until there are descriptors again; that is logged once, not five times a second. */
static void test_out_of_descriptors(void **state)
{
	int fd = mr_connect_unix(path), keep = dup(STDERR_FILENO);
	struct rlimit all, none = { .rlim_cur = 0 };
	FILE *log = tmpfile();

	assert_true(fd >= 0 && keep >= 0 && log && dup2(fileno(log), STDERR_FILENO) >= 0 && getrlimit(RLIMIT_NOFILE, &all) == 0);
	none.rlim_max = all.rlim_max;
	mr_log_set_level(MR_LOG_WARNING);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 50; i++) {
		mr_clock_advance(100);
		mr_loop_once(loop);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_true(dup2(keep, STDERR_FILENO) >= 0);
	mr_log_set_level(MR_LOG_ERROR);
	assert_int_equal(mr_server_clients(server), 0);
	assert_int_equal(log_lines(log), 1);
	mr_clock_advance(1000);
	run();
	say(fd, "there\n");
	expect(fd, "there\n");
	fclose(log);
	close(keep);
	close(fd);
}

static void test_held(void **state)
{
	int fd = connect_client();

	say(fd, "later\nnow\n");
	expect(fd, "now\n"); /* the protocol decides about order, not the server */
	assert_int_equal(mr_server_pending(server), 1);
	answer_held(0);
	expect(fd, "done\n");
	assert_int_equal(mr_server_pending(server), 0);
	close(fd);
}

static void test_pending_max(void **state)
{
	int fd = connect_client();

	say(fd, "later\nlater\nlater\nlater\nlater\nlater\n");
	assert_int_equal(n_held, PENDING_MAX);
	answer_held(0);
	assert_int_equal(n_held, PENDING_MAX + 1);
	for (size_t i = 1; i < n_held; i++)
		answer_held(i);
	assert_int_equal(n_held, 6);
	expect(fd, "done\ndone\ndone\ndone\ndone\ndone\n");
	close(fd);
}

static void test_gone_while_held(void **state)
{
	int fd = connect_client();

	say(fd, "later\nlater\n");
	close(fd);
	run();
	answer_held(0); /* the peer does not read it */
	assert_true(mr_conn_gone(held[1]));
	assert_int_equal(n_closed, 0);
	answer_held(1);
	assert_int_equal(n_closed, 1);
	assert_int_equal(mr_server_clients(server), 0);
}

static void test_half_close_gets_its_answers(void **state)
{
	int fd = connect_client();

	say(fd, "later\nlater\nlater\nlater\nx\ny\n");
	shutdown(fd, SHUT_WR);
	run();
	for (size_t i = 0; i < 4; i++)
		answer_held(i);
	expect(fd, "done\nx\ny\ndone\ndone\ndone\n");
	expect(fd, "-");
	close(fd);
}

static void test_close_after_answer(void **state)
{
	int fd = connect_client();

	say(fd, "bye\nmore\n");
	expect(fd, "bye\n");
	expect(fd, "-");
	assert_int_equal(n_taken, 1);
	close(fd);
}

static void test_reader_that_does_not_read(void **state)
{
	int fd = connect_client();
	size_t before;

	for (int i = 0; i < 25; i++)
		send(fd, "big\nbig\n", 8, MSG_NOSIGNAL | MSG_DONTWAIT);
	run();
	before = n_taken;
	assert_true(before < 20); /* taking stops when so much is unsent */
	run();
	assert_int_equal(n_taken, before);
	mr_clock_advance(REQUEST_MS);
	run();
	assert_int_equal(mr_server_clients(server), 0);
	close(fd);
}

static void test_reader_that_reads_late(void **state)
{
	static char got[BIG];
	int fd = connect_client();
	size_t all = 0;

	for (int i = 0; i < 25; i++)
		send(fd, "big\nbig\n", 8, MSG_NOSIGNAL | MSG_DONTWAIT);
	for (int i = 0; i < 10000 && all < (size_t)50 * BIG; i++) {
		ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

		all += n > 0 ? (size_t)n : 0;
		mr_loop_once(loop);
	}
	assert_int_equal(all, (size_t)50 * BIG);
	close(fd);
}

static void test_drain(void **state)
{
	int idle = connect_client(), busy = connect_client();

	say(busy, "later\n");
	mr_server_stop_accepting(server);
	run();
	expect(idle, "-");
	expect(busy, "");
	assert_int_equal(mr_server_pending(server), 1);
	assert_int_equal(mr_connect_unix(path), -ECONNREFUSED);
	answer_held(0);
	expect(busy, "done\n");
	expect(busy, "-");
	assert_int_equal(mr_server_clients(server), 0);
	close(idle);
	close(busy);
}

static void test_free_while_held(void **state)
{
	int fd = connect_client();

	say(fd, "later\n");
	mr_server_free(server);
	server = NULL;
	expect(fd, "-");
	assert_true(mr_conn_gone(held[0]));
	assert_int_equal(n_closed, 0);
	answer_held(0);
	assert_int_equal(n_closed, 1);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests),
		TEST(test_bad_harms_only_itself),
		TEST(test_half_request),
		TEST(test_slow_but_steady),
		TEST(test_no_end),
		TEST(test_too_many),
		TEST(test_out_of_descriptors),
		TEST(test_held),
		TEST(test_pending_max),
		TEST(test_gone_while_held),
		TEST(test_half_close_gets_its_answers),
		TEST(test_close_after_answer),
		TEST(test_reader_that_does_not_read),
		TEST(test_reader_that_reads_late),
		TEST(test_drain),
		TEST(test_free_while_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
