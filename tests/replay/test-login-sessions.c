/* test-login-sessions: the hook for log-ins against clients and a Redis as they may be: it counts, it is away, it is slow; clients that
 * send garbage, wait, go. */

/* system */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "../unit/spawn.h"
#include "../unit/unit.h"
#include "policyd.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/log.h"
#include "rt/sock.h"

#define KEY  "0123456789abcdef"
#define PASS "{\"status\":0,\"msg\":\"\"}"

static char folder[64], key_path[128], redis_path[128], address[64];
static struct mr_policyd_conf conf;
static struct mr_app app;
static struct mr_redis *redis;
static struct mr_distinct_store *store;
static struct mr_policyd policyd;
static struct mr_login *login;
static int redis_listener, redis_fd;

static void turn(void)
{
	for (int i = 0; i < 20; i++)
		mr_loop_once(app.loop);
}

static void advance(uint64_t ms)
{
	for (; ms > 0; ms -= ms < 50 ? ms : 50) {
		mr_clock_advance(ms < 50 ? ms : 50);
		turn();
	}
}

static void start(bool with_redis)
{
	struct mr_redis_config config = { .socket = redis_path, .address = "", .user = "", .password_file = "" };
	struct mr_diag diag = { 0 };

	if (with_redis)
		assert_int_equal(mr_redis_new(app.loop, &config, &redis, &diag), 0);
	store = mr_distinct_new(app.loop, redis, "mr:");
	policyd = (struct mr_policyd){ .app = &app, .distinct = store };
	if (mr_login_new(&policyd, &login, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_non_null(login);
	turn();
}

static int setup(void **state)
{
	mr_log_set_level(MR_LOG_ERROR);
	mr_clock_fake(1000000, 1700000000);
	snprintf(folder, sizeof(folder), "/tmp/mr-test-login-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(key_path, sizeof(key_path), "%s/key", folder);
	snprintf(redis_path, sizeof(redis_path), "%s/redis", folder);
	snprintf(address, sizeof(address), "127.0.0.1:%u", free_port());
	assert_int_equal(mr_file_write(key_path, 0600, MR_LIT(KEY "\n"), NULL), 0);
	conf.shared.login_listen = address;
	conf.shared.login_key_file = key_path;
	conf.login = (struct mr_login_conf){ .mode = MR_MODE_ENFORCE,
					     .window = 60000,
					     .pair_max = 2,
					     .address_max = 100,
					     .network_max = 100,
					     .known_max = 2,
					     .known_for = 600000,
					     .networks_max = 100,
					     .delay_max = 0 };
	redis = NULL;
	redis_listener = redis_fd = -1;
	app = (struct mr_app){ .loop = mr_loop_new(), .conf = &conf };
	return 0;
}

static int teardown(void **state)
{
	mr_login_stop(login);
	mr_redis_free(redis);
	mr_distinct_free(store);
	mr_login_free(login);
	mr_loop_free(app.loop);
	mr_clock_real();
	if (redis_fd >= 0)
		close(redis_fd);
	if (redis_listener >= 0)
		close(redis_listener);
	unlink(key_path);
	unlink(redis_path);
	return rmdir(folder);
}

static int client(void)
{
	int fd = mr_connect_loopback_wait(address, 5000);

	assert_true(fd >= 0);
	turn();
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
	turn();
}

static const char *with_key(const char *command, const char *key, const char *body)
{
	static char text[2048];

	snprintf(text, sizeof(text), "POST /?command=%s HTTP/1.1\r\nHost: h\r\nX-API-Key: %s\r\nContent-Length: %zu\r\n\r\n%s", command,
		 key, strlen(body), body);
	return text;
}

static const char *try_of(const char *address_of, const char *pwhash, const char *more)
{
	static char body[512];

	snprintf(body, sizeof(body), "{\"login\":\"a@b\",\"remote\":\"%s\",\"pwhash\":\"%s\"%s}", address_of, pwhash, more);
	return body;
}

/* All that has come; "closed" follows it where the connection was closed. */
static const char *received(int fd)
{
	static char got[4096];
	size_t at = 0;
	ssize_t n;

	turn();
	while ((n = recv(fd, got + at, sizeof(got) - 10 - at, MSG_DONTWAIT)) > 0)
		at += (size_t)n;
	snprintf(got + at, 10, "%s", n == 0 || errno == ECONNRESET ? "closed" : "");
	return got;
}

static void assert_has(const char *got, const char *want)
{
	if (!got || !strstr(got, want))
		fail_msg("%s\nis not in\n%s", want, got ? got : "(nothing)");
}

static bool allowed(int fd, const char *from, const char *pwhash)
{
	const char *got;

	send_text(fd, with_key("allow", KEY, try_of(from, pwhash, "")));
	got = received(fd);
	assert_has(got, "HTTP/1.1 200 OK\r\n");
	return strstr(got, PASS);
}

static void report(int fd, const char *from, const char *pwhash, const char *more)
{
	send_text(fd, with_key("report", KEY, try_of(from, pwhash, more)));
	assert_has(received(fd), PASS);
}

/* What holds however it is counted. */
static void hit_and_miss(int fd)
{
	assert_true(allowed(fd, "192.0.2.1", "1"));
	report(fd, "192.0.2.1", "1", ",\"success\":false,\"policy_reject\":false");
	assert_true(allowed(fd, "192.0.2.1", "1"));
	assert_true(allowed(fd, "192.0.2.1", "2"));
	assert_false(allowed(fd, "192.0.2.1", "3"));
	report(fd, "192.0.2.1", "3", ",\"success\":false,\"policy_reject\":true");
	assert_true(allowed(fd, "192.0.2.2", "3"));
	report(fd, "192.0.2.2", "3", ",\"success\":true,\"policy_reject\":false");
	assert_true(allowed(fd, "192.0.2.1", "3")); /* now the network is known */
	assert_int_equal(mr_login_pending(login), 0);
}

static void test_alone(void **state)
{
	int fd;

	start(false);
	fd = client();
	hit_and_miss(fd);
	close(fd);
}

static void test_window_ends(void **state)
{
	int fd;

	start(false);
	fd = client();
	assert_true(allowed(fd, "192.0.2.1", "1"));
	advance(30000);
	close(fd);
	fd = client();
	assert_true(allowed(fd, "192.0.2.1", "2"));
	assert_false(allowed(fd, "192.0.2.1", "3"));
	advance(29950);
	close(fd);
	fd = client();
	assert_false(allowed(fd, "192.0.2.1", "3"));
	advance(50);
	assert_true(allowed(fd, "192.0.2.1", "3"));
	assert_false(allowed(fd, "192.0.2.1", "4"));
	close(fd);
}

static void test_redis_away(void **state)
{
	int fd;

	start(true);
	fd = client();
	hit_and_miss(fd);
	close(fd);
}

/* One that says that it is there, and then never again a word. */
static void start_with_mute_redis(void)
{
	redis_listener = mr_listen_unix(redis_path, 0600, NULL);
	assert_true(redis_listener >= 0);
	start(true);
	redis_fd = accept(redis_listener, NULL, NULL);
	assert_true(redis_fd >= 0);
	send_text(redis_fd, "+PONG\r\n");
	assert_true(mr_redis_up(redis));
}

static void test_redis_slow(void **state)
{
	int fd;

	start_with_mute_redis();
	fd = client();
	send_text(fd, with_key("allow", KEY, try_of("192.0.2.1", "1", "")));
	assert_string_equal(received(fd), "");
	assert_int_equal(mr_login_pending(login), 1);
	advance(1000); /* two questions, 500 ms each: before Dovecot gives up, after 2 s */
	assert_has(received(fd), PASS);
	assert_int_equal(mr_login_pending(login), 0);
	close(fd);
}

static void test_client_gone(void **state)
{
	int fd;

	start_with_mute_redis();
	fd = client();
	send_text(fd, with_key("allow", KEY, try_of("192.0.2.1", "1", "")));
	close(fd);
	turn();
	advance(1000);
	assert_int_equal(mr_login_pending(login), 0);
	fd = client(); /* and one that is under way at the end */
	send_text(fd, with_key("allow", KEY, try_of("192.0.2.1", "1", "")));
	close(fd);
}

static void test_refused(void **state)
{
	static const struct {
		const char *command, *key, *body, *status;
	} cases[] = {
		{ "allow", "0123456789abcdeF", "{}", "HTTP/1.1 401 " },
		{ "allow", "", "{}", "HTTP/1.1 401 " },
		{ "allow", KEY "0", "{}", "HTTP/1.1 401 " },
		{ "allow", KEY "\r\nX-API-Key: " KEY, "{}", "HTTP/1.1 401 " },
		{ "allow", KEY, "no json", "HTTP/1.1 400 " },
		{ "allow", KEY, "", "HTTP/1.1 400 " },
		{ "allow", KEY, "{\"login\":1}", "HTTP/1.1 400 " },
		{ "allow&command=report", KEY, "{}", "HTTP/1.1 404 " },
		{ "allow", KEY "\r\nTransfer-Encoding: chunked", "{}", "HTTP/1.1 501 " },
	};
	int fd;

	start(false);
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		const char *got;

		fd = client();
		send_text(fd, with_key(cases[i].command, cases[i].key, cases[i].body));
		got = received(fd);
		assert_has(got, cases[i].status);
		assert_has(got, "closed");
		close(fd);
	}
	fd = client();
	send_text(fd, "GET /?command=allow HTTP/1.1\r\nHost: h\r\nX-API-Key: " KEY "\r\n\r\n");
	assert_has(received(fd), "HTTP/1.1 405 ");
	close(fd);
	fd = client();
	send_text(fd, "\n");
	assert_has(received(fd), "HTTP/1.1 400 ");
	close(fd);
}

static void test_sessions(void **state)
{
	char two[4096];
	const char *got;
	int fd;

	start(false);
	/* half a request is waited for, not for ever */
	fd = client();
	send_text(fd, "POST /?command=allow HTTP/1.1\r\nHo");
	advance(9000);
	assert_string_equal(received(fd), "");
	advance(1000);
	assert_string_equal(received(fd), "closed");
	close(fd);
	/* two at once */
	fd = client();
	snprintf(two, sizeof(two), "%s", with_key("allow", KEY, try_of("192.0.2.1", "1", "")));
	snprintf(two + strlen(two), sizeof(two) - strlen(two), "%s", with_key("allow", KEY, "{}"));
	send_text(fd, two);
	got = received(fd);
	assert_has(got, PASS);
	assert_has(strstr(got, PASS) + 1, PASS);
	/* the last one of a connection, as the client or a drain says */
	send_text(fd,
		  "POST /?command=report HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-API-Key: " KEY "\r\nContent-Length: 2\r\n\r\n{}");
	got = received(fd);
	assert_has(got, "Connection: close");
	assert_has(got, PASS "closed");
	close(fd);
	fd = client();
	mr_login_drain(login);
	assert_string_equal(received(fd), "closed");
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_alone),       TEST(test_window_ends), TEST(test_redis_away), TEST(test_redis_slow),
					    TEST(test_client_gone), TEST(test_refused),     TEST(test_sessions) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
