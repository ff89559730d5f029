/* test-loop: timers under the tests' clock, posted work, descriptors. */

/* system */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "rt/clock.h"
#include "rt/loop.h"
#include "unit.h"

static struct mr_loop *loop;
static struct mr_buf seen;
static struct mr_timer *victim;

static int setup(void **state)
{
	mr_clock_fake(1000, 1700000000);
	loop = mr_loop_new();
	seen = MR_BUF(1000);
	mr_buf_puts(&seen, "");
	return 0;
}

static int teardown(void **state)
{
	mr_loop_free(loop);
	mr_buf_done(&seen);
	mr_clock_real();
	return 0;
}

static void note(void *arg)
{
	mr_buf_puts(&seen, arg);
}

static void step(uint64_t ms)
{
	mr_clock_advance(ms);
	mr_loop_once(loop);
}

static void test_clock(void **state)
{
	assert_int_equal(mr_now_ms(), 1000);
	mr_clock_advance(1999);
	assert_int_equal(mr_now_ms(), 2999);
	assert_int_equal(mr_wall(), 1700000001);
}

static void test_timer_order(void **state)
{
	mr_timer_start(loop, 30, note, "c");
	mr_timer_start(loop, 10, note, "a");
	mr_timer_start(loop, 20, note, "b");
	mr_timer_start(loop, 10, note, "A"); /* equal: as started */
	step(9);
	assert_string_equal(seen.p, "");
	step(1);
	assert_string_equal(seen.p, "aA");
	step(100);
	assert_string_equal(seen.p, "aAbc");
}

static void test_timer_cancel(void **state)
{
	struct mr_timer *timers[100] = { 0 };

	for (size_t i = 0; i < MR_COUNT(timers); i++)
		timers[i] = mr_timer_start(loop, (i * 37) % 100, note, i % 3 ? "x" : ".");
	for (size_t i = 0; i < MR_COUNT(timers); i++)
		if (i % 3)
			mr_timer_cancel(&timers[i]);
	mr_timer_cancel(&timers[1]); /* NULL now */
	assert_null(timers[1]);
	step(1000);
	assert_string_equal(seen.p, "..................................");
}

static uint64_t due[500];
static size_t n_ran;

static void check_due(void *arg)
{
	uint64_t *when = arg;

	assert_int_equal(mr_now_ms(), *when); /* neither late nor early */
	n_ran++;
}

/* Timers in no order, cancelled from the middle of the heap. */
static void test_timer_many(void **state)
{
	struct mr_timer *timers[MR_COUNT(due)];
	uint64_t random = 1;
	size_t cancelled = 0;

	for (size_t round = 0; round < 20; round++) {
		n_ran = cancelled = 0;
		for (size_t i = 0; i < MR_COUNT(due); i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			due[i] = mr_now_ms() + 1 + (random >> 33) % 300;
			timers[i] = mr_timer_start(loop, due[i] - mr_now_ms(), check_due, &due[i]);
		}
		for (size_t i = 0; i < MR_COUNT(due); i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			if ((random >> 33) % 2) {
				mr_timer_cancel(&timers[i]);
				cancelled++;
			}
		}
		for (size_t ms = 0; ms < 300; ms++)
			step(1);
		assert_int_equal(n_ran + cancelled, MR_COUNT(due));
	}
}

static void cancel_victim(void *arg)
{
	note(arg);
	mr_timer_cancel(&victim);
}

static void test_timer_cancel_inside(void **state)
{
	mr_timer_start(loop, 1, cancel_victim, "1");
	victim = mr_timer_start(loop, 2, note, "2");
	step(5);
	assert_string_equal(seen.p, "1");
	victim = mr_timer_start(loop, 1, cancel_victim, "3"); /* cancels itself while it runs */
	step(5);
	assert_string_equal(seen.p, "13");
}

static void again(void *arg)
{
	note("r");
	mr_timer_start(loop, 0, again, NULL);
}

static void test_timer_restart_leaves_turns(void **state)
{
	mr_timer_start(loop, 0, again, NULL);
	step(0);
	assert_string_equal(seen.p, "r");
	step(0);
	assert_string_equal(seen.p, "rr");
}

static void *post_from_thread(void *arg)
{
	mr_loop_post(loop, note, "1");
	mr_loop_post(loop, note, "2");
	mr_loop_post(loop, (void (*)(void *))mr_loop_stop, loop);
	return NULL;
}

static void test_post(void **state)
{
	pthread_t thread;

	mr_clock_real();
	assert_int_equal(pthread_create(&thread, NULL, post_from_thread, NULL), 0);
	assert_int_equal(mr_loop_run(loop), 0);
	pthread_join(thread, NULL);
	assert_string_equal(seen.p, "12");
}

static void stop(void *arg)
{
	mr_loop_stop(loop);
}

static void test_real_time(void **state)
{
	uint64_t from;

	mr_clock_real();
	from = mr_now_ms();
	mr_timer_start(loop, 60000, note, "late");
	mr_timer_start(loop, 20, stop, NULL);
	assert_int_equal(mr_loop_run(loop), 0);
	assert_in_range(mr_now_ms() - from, 20, 5000);
	assert_string_equal(seen.p, "");
}

static void on_io(int fd, int what, void *arg)
{
	char c;

	mr_buf_printf(&seen, "%s%s", what & MR_READ ? "r" : "", what & MR_WRITE ? "w" : "");
	if (what & MR_READ)
		assert_int_equal(read(fd, &c, 1), 1);
}

static void test_io(void **state)
{
	struct mr_io *io;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	io = mr_io_start(loop, fds[0], MR_READ, on_io, NULL);
	step(0);
	assert_string_equal(seen.p, "");
	assert_int_equal(write(fds[1], "ab", 2), 2);
	step(0);
	assert_string_equal(seen.p, "r");
	mr_io_change(io, MR_WRITE);
	step(0);
	assert_string_equal(seen.p, "rw");
	mr_io_change(io, 0);
	step(0);
	assert_string_equal(seen.p, "rw");
	mr_io_change(io, MR_READ);
	step(0);
	assert_string_equal(seen.p, "rwr");
	mr_io_cancel(&io);
	assert_null(io);
	close(fds[0]);
	close(fds[1]);
}

static struct mr_later later[2];

static void on_later(void *arg)
{
	mr_buf_puts(&seen, arg);
	if (arg == later[0].arg)
		mr_later_start(loop, &later[1]);
}

static void start_later(void *arg)
{
	mr_later_start(loop, &later[0]);
	mr_later_start(loop, &later[0]);
	mr_buf_puts(&seen, arg);
}

/* At the end of the turn, once, and what is started there in the same turn; what was cancelled never. */
static void test_later(void **state)
{
	later[0] = (struct mr_later){ .fn = on_later, .arg = "1" };
	later[1] = (struct mr_later){ .fn = on_later, .arg = "2" };
	mr_timer_start(loop, 0, start_later, "a");
	mr_timer_start(loop, 0, start_later, "b");
	step(0);
	assert_string_equal(seen.p, "ab12");
	step(0);
	assert_string_equal(seen.p, "ab12");
	mr_later_start(loop, &later[0]);
	mr_later_cancel(loop, &later[0]);
	mr_later_cancel(loop, &later[0]);
	step(0);
	assert_string_equal(seen.p, "ab12");
}

static uint64_t times[3];

static void note_time_and_stop(void *arg)
{
	times[2] = mr_now_ms();
	mr_loop_stop(loop);
}

static void note_times(void *arg)
{
	times[0] = mr_now_ms();
	usleep(20000);
	times[1] = mr_now_ms();
	mr_timer_start(loop, 0, note_time_and_stop, NULL); /* in the next turn */
}

/* The clock of a loop's thread stands still within a turn, goes on between turns, and outside of the loop. */
static void test_clock_of_turn(void **state)
{
	mr_clock_real();
	uint64_t before = mr_now_ms();
	mr_timer_start(loop, 10, note_times, NULL);
	usleep(2000);
	mr_loop_run(loop);
	assert_true(times[0] >= before + 10);
	assert_int_equal(times[1], times[0]);
	assert_true(times[2] >= times[0] + 19);
	usleep(5000);
	assert_true(mr_now_ms() >= times[2] + 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_cancel_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_restart_leaves_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_post, setup, teardown),
		cmocka_unit_test_setup_teardown(test_real_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_io, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_of_turn, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
