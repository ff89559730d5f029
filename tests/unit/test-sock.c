/* test-sock: binding over what is there: nothing, a stale socket, a living one, something else, no folder. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "rt/log.h"
#include "rt/sock.h"
#include "unit.h"

static char folder[64], path[128];

static int setup(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/mr-test-sock-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.sock", folder);
	mr_log_set_level(MR_LOG_ERROR);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(folder);
}

static void test_fresh(void **state)
{
	struct stat st;
	int fd = mr_listen_unix(path, 0660, NULL), client;

	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	client = mr_connect_unix_wait(path, 1000);
	assert_true(client >= 0);
	close(client);
	close(fd);
}

static void test_stale(void **state)
{
	close(mr_listen_unix(path, 0660, NULL));
	assert_int_equal(mr_connect_unix(path), -ECONNREFUSED);
	close(mr_listen_unix(path, 0660, NULL));
	close(mr_listen_dgram(path, 0660, NULL)); /* of another type, as stale */
	close(mr_listen_unix(path, 0660, NULL));
}

static void test_living(void **state)
{
	struct mr_diag diag = { 0 };
	int fd = mr_listen_unix(path, 0660, NULL);

	assert_int_equal(mr_listen_unix(path, 0660, &diag), -EADDRINUSE);
	assert_non_null(strstr(diag.text, path));
	assert_non_null(strstr(diag.text, "in use by another process"));
	assert_int_equal(mr_listen_dgram(path, 0660, NULL), -EADDRINUSE);
	close(fd);
	fd = mr_listen_dgram(path, 0660, NULL);
	assert_true(fd >= 0);
	assert_int_equal(mr_listen_dgram(path, 0660, NULL), -EADDRINUSE);
	close(fd);
}

static void test_refused(void **state)
{
	char elsewhere[160], deep[300];
	struct mr_diag diag = { 0 };
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_int_equal(mr_listen_unix(path, 0660, &diag), -EEXIST);
	assert_non_null(strstr(diag.text, "something else"));
	assert_int_equal(access(path, F_OK), 0);
	close(fd);

	snprintf(elsewhere, sizeof(elsewhere), "%s/none/a.sock", folder);
	diag = (struct mr_diag){ 0 };
	assert_int_equal(mr_listen_unix(elsewhere, 0660, &diag), -ENOENT);
	assert_non_null(strstr(diag.text, "/none does not exist"));
	assert_int_equal(mr_connect_unix(elsewhere), -ENOENT);

	snprintf(deep, sizeof(deep), "/%0200d", 1);
	diag = (struct mr_diag){ 0 };
	assert_int_equal(mr_listen_unix(deep, 0660, &diag), -ENAMETOOLONG);
	assert_non_null(strstr(diag.text, "longer than 107 bytes"));
	assert_int_equal(mr_connect_unix(deep), -ENAMETOOLONG);
	assert_int_equal(mr_connect_unix_wait(deep, 10), -ENAMETOOLONG);
}

static void test_twice(void **state)
{
	char second[160];
	struct mr_diag diag = { 0 };
	int fds[2] = { -2, -2 };

	/* No folder of Postfix: one socket is enough. */
	assert_int_equal(mr_listen_twice(folder, folder, "a.sock", 0660, fds, &diag), 0);
	assert_true(fds[0] >= 0);
	assert_int_equal(fds[1], -1);
	close(fds[0]);
	assert_int_equal(mr_listen_twice(folder, "", "a.sock", 0660, fds, &diag), 0);
	assert_int_equal(fds[1], -1);
	close(fds[0]);

	snprintf(second, sizeof(second), "%s/run", folder);
	assert_int_equal(mkdir(second, 0700), 0);
	snprintf(second, sizeof(second), "%s/run/mailreeve", folder);
	assert_int_equal(mkdir(second, 0700), 0);
	assert_int_equal(mr_listen_twice(folder, folder, "a.sock", 0660, fds, &diag), 0);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	close(fds[0]);
	/* The second is taken by somebody else: an error, and the first is closed again. */
	assert_int_equal(mr_listen_twice(folder, folder, "a.sock", 0660, fds, &diag), -EADDRINUSE);
	assert_int_equal(mr_connect_unix(path), -ECONNREFUSED);
	close(fds[1]);
	/* Both names are one. */
	assert_int_equal(mr_listen_twice(second, folder, "a.sock", 0660, fds, &diag), 0);
	assert_int_equal(fds[1], -1);
	close(fds[0]);

	snprintf(second, sizeof(second), "%s/run/mailreeve/a.sock", folder);
	unlink(second);
	snprintf(second, sizeof(second), "%s/run/mailreeve", folder);
	rmdir(second);
	snprintf(second, sizeof(second), "%s/run", folder);
	rmdir(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fresh, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_living, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twice, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
