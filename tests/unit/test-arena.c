/* test-arena: memory of one request, and allocation that ends the process instead of failing. */

/* system */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "base/arena.h"
#include "unit.h"

static void test_alloc(void **state)
{
	mr_autoarena a = mr_arena_new(0);
	char *last = NULL;

	for (size_t n = 0; n < 3000; n += 7) {
		char *p = mr_arena_alloc(a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_ptr_not_equal(p, last);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, n);
		last = p;
	}
	memset(mr_arena_alloc(a, 1 << 20), 1, 1 << 20); /* larger than a chunk */
	assert_true(mr_arena_used(a) >= 1 << 20);
	mr_arena_free(NULL);
}

static void test_maximum(void **state)
{
	mr_autoarena a = mr_arena_new(1000);

	assert_null(mr_arena_try(a, 1001));
	assert_null(mr_arena_try(a, SIZE_MAX));
	assert_null(mr_arena_try(a, SIZE_MAX - 40));
	assert_non_null(mr_arena_try(a, 900));
	assert_null(mr_arena_try(a, 100));
	assert_non_null(mr_arena_try(a, 80));
	assert_int_equal(mr_arena_used(a), 912 + 80);
	assert_null(mr_arena_try(a, 10));
	mr_arena_reset(a);
	assert_int_equal(mr_arena_used(a), 0);
	assert_non_null(mr_arena_try(a, 900));
}

static void test_reset(void **state)
{
	mr_autoarena a = mr_arena_new(0);

	mr_arena_reset(a);
	for (int round = 0; round < 3; round++) {
		char *p = mr_arena_alloc(a, 4000);

		for (size_t i = 0; i < 4000; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0x55, 4000);
		mr_arena_alloc(a, 5000);
		if (round == 1)
			mr_arena_alloc(a, 100000);
		mr_arena_reset(a);
	}
}

static void test_text(void **state)
{
	mr_autoarena a = mr_arena_new(0);

	assert_string_equal(mr_arena_strdup(a, "abc"), "abc");
	assert_string_equal(mr_arena_strdup(a, NULL), "");
	assert_string_equal(mr_arena_slice(a, (struct mr_slice){ "abcdef", 3 }), "abc");
	assert_string_equal(mr_arena_slice(a, (struct mr_slice){ 0 }), "");
	assert_string_equal(mr_arena_printf(a, "%s-%d", "x", 12), "x-12");
	assert_string_equal(mr_arena_printf(a, "%s", ""), "");
}

static void test_mem(void **state)
{
	mr_autofree char *grown = mr_realloc(NULL, 0);
	mr_autofree int *array = mr_new(int, 100);
	mr_autofree char *copy = mr_slice_dup((struct mr_slice){ "abcdef", 3 });
	mr_autofree char *empty = mr_strdup(NULL);
	mr_autofree int *none = mr_new(int, 0);
	char secret[] = "secret";

	assert_non_null(none);
	grown = mr_realloc_array(grown, 10, 10);
	memset(grown, 1, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(array[i], 0);
	assert_string_equal(copy, "abc");
	assert_string_equal(empty, "");
	mr_wipe(secret, sizeof(secret));
	assert_int_equal(secret[0] | secret[5], 0);
	mr_wipe(NULL, 0);
}

/* Exit status of a child that does it, its words on stderr into the void. */
static int status_of(void (*what)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void overflow(void)
{
	volatile size_t count = SIZE_MAX / 2;

	free(mr_realloc_array(NULL, count, 3));
}

static void arena_over(void)
{
	mr_autoarena a = mr_arena_new(100);

	mr_arena_alloc(a, 101);
}

static void test_ends_the_process(void **state)
{
	assert_int_equal(status_of(overflow), 71);
	assert_int_not_equal(status_of(arena_over), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc), cmocka_unit_test(test_maximum), cmocka_unit_test(test_reset),
		cmocka_unit_test(test_text),  cmocka_unit_test(test_mem),     cmocka_unit_test(test_ends_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
