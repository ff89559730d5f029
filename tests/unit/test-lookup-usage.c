/* test-lookup-usage: the table of reported usage and its state file. */

/* system */
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/buf.h"
#include "proto/directory.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/log.h"
#include "unit.h"
#include "usage.h"

#define INTERVAL 10000

static struct mr_loop *loop;
static char path[] = "/tmp/mr-lookup-usage-XXXXXX";

static int setup(void **state)
{
	mr_clock_fake(1000000, 1800000000);
	loop = mr_loop_new();
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	close(mkstemp(path));
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	mr_loop_free(loop);
	mr_clock_real();
	return 0;
}

static struct mr_usage *open_usage(void)
{
	return mr_usage_new(loop, &(struct mr_usage_config){ .path = path, .interval_ms = INTERVAL, .redis_prefix = "" });
}

static void file_is(const char *text)
{
	struct mr_buf b = MR_BUF(10000);

	assert_int_equal(mr_file_read(path, &b, NULL), 0);
	assert_string_equal(b.n ? b.p : "", text);
	mr_buf_done(&b);
}

static void pass(uint64_t ms)
{
	mr_clock_advance(ms);
	mr_loop_once(loop);
}

static void written_after_a_while(void **state)
{
	struct mr_usage *u = open_usage();

	mr_usage_set(u, MR_LIT("a@e.test"), 1, 1);
	pass(INTERVAL - 1);
	mr_usage_set(u, MR_LIT("a@e.test"), 2, 1);
	file_is("");
	pass(1);
	file_is("a@e.test 2 1\n");
	mr_usage_set(u, MR_LIT("b@e.test"), 3, 1);
	mr_usage_forget(u, MR_LIT("a@e.test"));
	assert_true(mr_usage_get(u, MR_LIT("a@e.test")) == MR_DIR_UNKNOWN);
	mr_usage_free(u); /* at the end at once */
	file_is("b@e.test 3 1\n");
	u = open_usage();
	assert_true(mr_usage_get(u, MR_LIT("b@e.test")) == 3);
	mr_usage_free(u);
}

static void broken_lines_are_left_out(void **state)
{
	struct mr_slice text =
	    MR_LIT("a@e.test 1 1\nb@e.test\nc@e.test x 1\nd@e.test 18446744073709551615 1\ne@e.test 5 1\nf@e.test 99999999999999999999 1\n"
		   " 1 1\ng@e.test 7 1");

	assert_int_equal(mr_file_write(path, 0600, text, NULL), 0);
	struct mr_usage *u = open_usage();
	assert_true(mr_usage_get(u, MR_LIT("a@e.test")) == 1);
	assert_true(mr_usage_get(u, MR_LIT("e@e.test")) == 5);
	assert_true(mr_usage_get(u, MR_LIT("g@e.test")) == 7);
	const char *const broken[] = { "b@e.test", "c@e.test", "d@e.test", "f@e.test", "" };
	for (size_t i = 0; i < MR_COUNT(broken); i++)
		assert_true(mr_usage_get(u, mr_slice_of(broken[i])) == MR_DIR_UNKNOWN);
	mr_usage_free(u);
}

/* A folder that is gone: tried again, and lookup goes on. */
static void unwritable(void **state)
{
	struct mr_usage *u =
	    mr_usage_new(loop, &(struct mr_usage_config){ .path = "/nonexistent/usage", .interval_ms = INTERVAL, .redis_prefix = "" });

	mr_usage_set(u, MR_LIT("a@e.test"), 1, 1);
	pass(INTERVAL);
	pass(INTERVAL);
	assert_true(mr_usage_get(u, MR_LIT("a@e.test")) == 1);
	mr_usage_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(written_after_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_lines_are_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(unwritable, setup, teardown),
	};

	mr_log_open("test", 0, MR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
