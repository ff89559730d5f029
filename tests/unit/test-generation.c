/* test-generation: what a reader sees of a writer, also of one that starts anew or is gone. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "rt/generation.h"
#include "unit.h"

static char folder[64], path[128];

static int setup(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/mr-test-generation-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/generation", folder);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(folder);
}

static void test_read(void **state)
{
	struct mr_generation *writer = NULL, *reader;
	struct stat st;
	uint64_t before;

	assert_null(mr_generation_open(path));
	assert_int_equal(mr_generation_new(path, &writer, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	reader = mr_generation_open(path);
	assert_non_null(reader);
	before = mr_generation_now(reader);
	assert_true(before != 0);
	assert_int_equal(mr_generation_now(writer), before);
	mr_generation_raise(writer);
	assert_int_equal(mr_generation_now(reader), before + 1);
	mr_generation_raise(NULL);
	mr_generation_free(writer);
	assert_int_equal(mr_generation_now(reader), before + 1);
	mr_generation_free(reader);
	mr_generation_free(NULL);
}

static void test_next_life(void **state)
{
	struct mr_generation *writer = NULL, *old, *reader;
	uint64_t before;

	assert_int_equal(mr_generation_new(path, &writer, NULL), 0);
	old = mr_generation_open(path);
	before = mr_generation_now(old);
	mr_generation_free(writer);
	assert_int_equal(mr_generation_new(path, &writer, NULL), 0);
	reader = mr_generation_open(path);
	assert_true(mr_generation_now(reader) != before);
	mr_generation_raise(writer);
	assert_int_equal(mr_generation_now(old), before); /* who looks at the old one sees nothing of the new one */
	mr_generation_free(writer);
	mr_generation_free(reader);
	mr_generation_free(old);
}

/* What was raised before a word was sent is seen by who has got the word. */
static void test_other_process(void **state)
{
	struct mr_generation *writer = NULL, *reader;
	int said[2], heard[2];
	uint64_t expected;
	char c = 0;
	pid_t pid;

	assert_int_equal(mr_generation_new(path, &writer, NULL), 0);
	expected = mr_generation_now(writer);
	assert_int_equal(pipe(said), 0);
	assert_int_equal(pipe(heard), 0);
	pid = fork();
	if (pid == 0) {
		close(said[0]);
		close(heard[1]);
		for (int i = 0; i < 1000; i++) {
			mr_generation_raise(writer);
			if (write(said[1], &c, 1) != 1 || read(heard[0], &c, 1) != 1)
				break;
		}
		_exit(0);
	}
	close(said[1]);
	close(heard[0]);
	reader = mr_generation_open(path);
	while (read(said[0], &c, 1) == 1) {
		assert_int_equal(mr_generation_now(reader), ++expected);
		assert_int_equal(write(heard[1], &c, 1), 1);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(mr_generation_now(reader), expected);
	close(said[0]);
	close(heard[1]);
	mr_generation_free(reader);
	mr_generation_free(writer);
}

static void test_bad_files(void **state)
{
	struct mr_generation *writer = NULL;
	struct mr_diag diag = { 0 };
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_null(mr_generation_open(path)); /* too short */
	close(fd);
	assert_null(mr_generation_open(folder));
	assert_int_equal(mr_generation_new("/nowhere/at/all", &writer, &diag), -ENOENT);
	assert_non_null(strstr(diag.text, "/nowhere/at/all"));
	assert_null(writer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_read), TEST(test_next_life), TEST(test_other_process), TEST(test_bad_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
