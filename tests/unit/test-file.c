/* test-file: whole files: bounded, secret, replaced at once. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "rt/file.h"
#include "unit.h"

static char folder[64], path[128];

static int setup(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/mr-test-file-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/f", folder);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(folder); /* fails when a temporary file was left behind */
}

static void test_read(void **state)
{
	static char big[100000];
	struct mr_buf b = MR_BUF(sizeof(big));
	struct mr_diag diag = { 0 };

	assert_int_equal(mr_file_read(path, &b, &diag), -ENOENT);
	assert_non_null(strstr(diag.text, path));
	memset(big, 'x', sizeof(big));
	assert_int_equal(mr_file_write(path, 0640, (struct mr_slice){ big, sizeof(big) }, &diag), 0);
	assert_int_equal(mr_file_read(path, &b, &diag), 0); /* exactly the maximum fits */
	assert_int_equal(b.n, sizeof(big));
	assert_memory_equal(b.p, big, sizeof(big));
	mr_buf_done(&b);
	b = MR_BUF(sizeof(big) - 1);
	diag = (struct mr_diag){ 0 };
	assert_int_equal(mr_file_read(path, &b, &diag), -EFBIG);
	assert_non_null(strstr(diag.text, "larger than 99999 bytes"));
	mr_buf_done(&b);
	b = MR_BUF(10);
	assert_int_equal(mr_file_read(folder, &b, NULL), -EISDIR);
	mr_buf_done(&b);
}

static void test_write(void **state)
{
	struct mr_buf b = MR_BUF(100);
	struct mr_diag diag = { 0 };
	struct stat st;
	char none[160];

	assert_int_equal(mr_file_write(path, 0600, MR_LIT("old"), NULL), 0);
	assert_int_equal(mr_file_write(path, 0644, MR_LIT("new\0er"), NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(mr_file_read(path, &b, NULL), 0);
	assert_int_equal(b.n, 6);
	mr_buf_done(&b);
	snprintf(none, sizeof(none), "%s/none/f", folder);
	assert_int_equal(mr_file_write(none, 0600, MR_LIT("x"), &diag), -ENOENT);
	assert_non_null(strstr(diag.text, none));
}

static void test_secret(void **state)
{
	static const struct {
		const char *content;
		unsigned mode;
		int err;
		const char *secret;
	} cases[] = {
		{ "secret\n", 0600, 0, "secret" }, { "secret\r\n\n", 0640, 0, "secret" }, { " sec ret", 0400, 0, " sec ret" },
		{ "secret", 0604, -EPERM, NULL },  { "secret", 0602, -EPERM, NULL },      { "", 0600, -EINVAL, NULL },
		{ "\n", 0600, -EINVAL, NULL },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_buf b = MR_BUF(100);
		struct mr_diag diag = { 0 };

		assert_int_equal(mr_file_write(path, cases[i].mode, mr_slice_of(cases[i].content), NULL), 0);
		assert_int_equal(mr_file_secret(path, &b, &diag), cases[i].err);
		if (cases[i].secret)
			assert_string_equal(b.p, cases[i].secret);
		else
			assert_non_null(strstr(diag.text, path));
		mr_buf_done(&b);
	}
}

static void test_keyring(void **state)
{
	struct mr_keyring ring = { 0 };
	struct mr_diag diag = { 0 };

	assert_int_equal(mr_file_write(path, 0600, MR_LIT("# keys\na AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), NULL), 0);
	assert_int_equal(mr_keyring_load(path, &ring, &diag), 0);
	assert_int_equal(ring.n, 1);
	assert_string_equal(ring.keys[0].id, "a");
	assert_int_equal(mr_file_write(path, 0600, MR_LIT("# keys\na short\n"), NULL), 0);
	assert_int_equal(mr_keyring_load(path, &ring, &diag), -EINVAL);
	assert_non_null(strstr(diag.text, "/f:2: not a key"));
	mr_keyring_wipe(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keyring, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
