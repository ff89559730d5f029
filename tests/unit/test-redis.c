/* test-redis: against a real Redis: answers, errors, away, stuck, restarted; messages of a channel. */

/* system */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/log.h"
#include "rt/redis.h"
#include "spawn.h"
#include "unit.h"

static char folder[64], socket_path[128], password_path[128];
static pid_t server;
static struct mr_loop *loop;
static struct mr_redis *redis;
static struct mr_buf seen;

static void start_server(void)
{
	char *argv[] = { "redis-server", "--port", "0",       "--unixsocket", socket_path, "--save", "",  "--user",
			 "mr",           "on",     ">secret", "~*",           "&*",        "+@all",  NULL };

	server = spawn(folder, argv);
	assert_true(server > 0);
}

static int setup(void **state)
{
	struct mr_redis_config config = { socket_path, "", "mr", password_path };

	mr_log_set_level(MR_LOG_ERROR);
	snprintf(folder, sizeof(folder), "/tmp/mr-test-redis-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	snprintf(password_path, sizeof(password_path), "%s/password", folder);
	assert_int_equal(mr_file_write(password_path, 0600, MR_LIT("secret\n"), NULL), 0);
	seen = MR_BUF(10000);
	mr_buf_puts(&seen, "");
	loop = mr_loop_new();
	assert_int_equal(mr_redis_new(loop, &config, &redis, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	char name[160];

	mr_redis_free(redis);
	mr_loop_free(loop);
	mr_buf_done(&seen);
	spawn_kill(&server);
	unlink(socket_path);
	unlink(password_path);
	snprintf(name, sizeof(name), "%s/log", folder);
	unlink(name);
	return rmdir(folder);
}

static void stop(void *arg)
{
	mr_loop_stop(loop);
}

/* Runs the loop until `text` has been seen, 10 s at most. */
static void wait_for(const char *text)
{
	for (int i = 0; i < 500 && !strstr(seen.p, text); i++) {
		mr_timer_start(loop, 20, stop, NULL);
		mr_loop_run(loop);
	}
	if (!strstr(seen.p, text))
		assert_string_equal(seen.p, text);
}

static void wait_up(bool up)
{
	for (int i = 0; i < 500 && mr_redis_up(redis) != up; i++) {
		mr_timer_start(loop, 20, stop, NULL);
		mr_loop_run(loop);
	}
	assert_int_equal(mr_redis_up(redis), up);
}

static void note(const struct mr_redis_reply *r)
{
	if (!r->ok) {
		mr_buf_printf(&seen, "failed(%.*s)", (int)r->text.n, r->text.p);
		return;
	}
	switch (r->type) {
	case MR_REDIS_NIL:
		mr_buf_puts(&seen, "nil");
		break;
	case MR_REDIS_STR:
		mr_buf_putc(&seen, '\'');
		mr_buf_add(&seen, r->text);
		mr_buf_putc(&seen, '\'');
		break;
	case MR_REDIS_INT:
		mr_buf_printf(&seen, "%jd", (intmax_t)r->integer);
		break;
	case MR_REDIS_ARRAY:
		mr_buf_putc(&seen, '[');
		for (size_t i = 0; i < r->n_items; i++)
			note(&r->items[i]);
		mr_buf_putc(&seen, ']');
		break;
	}
}

static void on_reply(const struct mr_redis_reply *r, void *arg)
{
	mr_buf_printf(&seen, "%s=", (char *)arg);
	note(r);
	mr_buf_putc(&seen, ' ');
}

#define command(name, ms, ...)                                                                                                             \
	do {                                                                                                                               \
		struct mr_slice words_[] = { __VA_ARGS__ };                                                                                \
		size_t before_ = seen.n;                                                                                                   \
		mr_redis_command(redis, ms, on_reply, name, MR_COUNT(words_), words_);                                                     \
		assert_int_equal(seen.n, before_); /* never from inside */                                                                 \
	} while (0)

static void test_replies(void **state)
{
	start_server();
	wait_up(true);
	command("set", 5000, MR_LIT("SET"), MR_LIT("k"), MR_LIT("a\0b"));
	command("len", 5000, MR_LIT("STRLEN"), MR_LIT("k"));
	command("get", 5000, MR_LIT("GET"), MR_LIT("none"));
	command("error", 5000, MR_LIT("INCR"), MR_LIT("k"));
	command("eval", 5000, MR_LIT("EVAL"), MR_LIT("return {1,{'x',2},false}"), MR_LIT("0"));
	mr_redis_command(redis, 5000, NULL, NULL, 1, (struct mr_slice[]){ MR_LIT("PING") });
	wait_for("eval=");
	assert_string_equal(seen.p, "set='OK' len=3 get=nil error=failed(ERR value is not an integer or out of range) eval=[1['x'2]nil] ");
}

static void test_away(void **state)
{
	command("a", 5000, MR_LIT("PING"));
	wait_for("a=failed(not connected) ");
	start_server();
	wait_up(true);
	command("b", 5000, MR_LIT("PING"));
	wait_for("b='PONG' ");
	spawn_kill(&server);
	command("c", 5000, MR_LIT("PING"));
	wait_for("c=failed(connection lost) ");
	wait_up(false);
	start_server();
	wait_up(true);
	command("d", 5000, MR_LIT("PING"));
	wait_for("d='PONG' ");
}

static void test_stuck(void **state)
{
	struct mr_diag diag = { 0 };

	start_server();
	wait_up(true);
	kill(server, SIGSTOP);
	assert_int_equal(mr_redis_check(&(struct mr_redis_config){ socket_path, "", "", "" }, 200, &diag), -EAGAIN);
	assert_non_null(strstr(diag.text, socket_path));
	assert_non_null(strstr(diag.text, "no answer"));
	command("a", 100, MR_LIT("PING"));
	command("b", 10000, MR_LIT("PING"));
	wait_for("a=failed(time-out) b=failed(connection lost) ");
	wait_up(false);
	kill(server, SIGCONT);
	wait_up(true);
	command("c", 5000, MR_LIT("PING"));
	wait_for("c='PONG' ");
}

static void on_reply_ask_again(const struct mr_redis_reply *r, void *arg)
{
	on_reply(r, arg);
	mr_redis_command(redis, 5000, on_reply, (void *)(uintptr_t) "again", 1, (struct mr_slice[]){ MR_LIT("PING") });
}

/* Who is told that its command is lost may ask the next one at once. */
static void test_next_command_of_a_stuck_one(void **state)
{
	start_server();
	wait_up(true);
	kill(server, SIGSTOP);
	command("a", 100, MR_LIT("PING"));
	mr_redis_command(redis, 10000, on_reply_ask_again, (void *)(uintptr_t) "b", 1, (struct mr_slice[]){ MR_LIT("PING") });
	wait_for("a=failed(time-out) b=failed(connection lost) again=failed(not connected) ");
	kill(server, SIGCONT);
	wait_up(true);
}

static void test_one_slow_command(void **state)
{
	start_server();
	wait_up(true);
	command("slow", 50, MR_LIT("BLPOP"), MR_LIT("none"), MR_LIT("0.4"));
	wait_for("slow=failed(time-out) ");
	wait_up(true); /* nothing came back since: taken for stuck, and made again */
	command("a", 5000, MR_LIT("PING"));
	wait_for("a='PONG' ");
}

static void test_wrong_password(void **state)
{
	assert_int_equal(mr_file_write(password_path, 0600, MR_LIT("wrong\n"), NULL), 0);
	mr_redis_free(redis);
	assert_int_equal(mr_redis_new(loop, &(struct mr_redis_config){ socket_path, "", "mr", password_path }, &redis, NULL), 0);
	start_server();
	for (int i = 0; i < 50; i++) {
		mr_timer_start(loop, 20, stop, NULL);
		mr_loop_run(loop);
		assert_false(mr_redis_up(redis));
	}
}

/* As Debian's Redis is: on TCP, without a password. */
static void test_address(void **state)
{
	char port[8], address[32];
	char *argv[] = { "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", NULL };
	struct mr_redis_config config = { "", address, "", "" };
	struct mr_diag diag = { 0 };

	snprintf(port, sizeof(port), "%u", free_port());
	snprintf(address, sizeof(address), "127.0.0.1:%s", port);
	mr_redis_free(redis);
	assert_int_equal(mr_redis_new(loop, &config, &redis, NULL), 0);
	assert_int_equal(mr_redis_check(&config, 1000, &diag), -EAGAIN);
	assert_non_null(strstr(diag.text, address));
	server = spawn(folder, argv);
	assert_true(server > 0);
	wait_up(true);
	command("a", 5000, MR_LIT("PING"));
	wait_for("a='PONG' ");
	assert_int_equal(mr_redis_check(&config, 5000, NULL), 0);
}

static void test_wrong_address(void **state)
{
	static const char *const addresses[] = { "localhost:6379", "127.0.0.1", "127.0.0.1:0", "::1:6379", "" };

	for (size_t i = 0; i < MR_COUNT(addresses); i++) {
		struct mr_redis_config config = { "", addresses[i], "", "" };
		struct mr_redis *none = NULL;

		assert_int_equal(mr_redis_new(loop, &config, &none, NULL), -EINVAL);
		assert_null(none);
		assert_int_equal(mr_redis_check(&config, 1000, NULL), -EINVAL);
	}
}

static void test_password_file(void **state)
{
	struct mr_diag diag = { 0 };
	struct mr_redis *none = NULL;

	assert_int_equal(chmod(password_path, 0604), 0);
	assert_true(mr_redis_new(loop, &(struct mr_redis_config){ socket_path, "", "mr", password_path }, &none, &diag) < 0);
	assert_non_null(strstr(diag.text, password_path));
	assert_null(none);
}

static void on_message(struct mr_slice payload, void *arg)
{
	mr_buf_printf(&seen, "message(%.*s) ", (int)payload.n, payload.p);
}

static void on_lost(void *arg)
{
	mr_buf_puts(&seen, "lost ");
}

static void test_subscribe(void **state)
{
	start_server();
	assert_int_equal(mr_redis_subscribe(redis, "mr:changed", on_message, on_lost, NULL), 0);
	wait_up(true);
	wait_for("lost ");
	command("n", 5000, MR_LIT("PUBLISH"), MR_LIT("mr:changed"), MR_LIT("x y"));
	wait_for("message(x y)");
	wait_for("n=1");
	mr_buf_reset(&seen);
	spawn_kill(&server);
	wait_for("lost ");
	mr_buf_reset(&seen);
	start_server();
	wait_for("lost "); /* listening again */
	wait_up(true);
	command("n", 5000, MR_LIT("PUBLISH"), MR_LIT("mr:changed"), MR_LIT("z"));
	wait_for("message(z)");
}

static void test_free_drops(void **state)
{
	start_server();
	wait_up(true);
	command("a", 5000, MR_LIT("PING"));
	mr_redis_free(redis);
	redis = NULL;
	mr_loop_once(loop);
	assert_string_equal(seen.p, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_replies),          TEST(test_away),           TEST(test_stuck),      TEST(test_next_command_of_a_stuck_one),
		TEST(test_one_slow_command), TEST(test_wrong_password), TEST(test_address),    TEST(test_wrong_address),
		TEST(test_password_file),    TEST(test_subscribe),      TEST(test_free_drops),
	};

	signal(SIGPIPE, SIG_IGN); /* as every daemon does; hiredis writes with write() */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
