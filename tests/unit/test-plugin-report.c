/* The usage datagram: what is in it, and that nobody waits when lookup is away or slow. */

/* system */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ours */
#include "dovecot-plugin/report.h"
#include "proto/wire.h"
#include "unit.h"

static char folder[] = "/tmp/mr-report-XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/usage", folder);
	return 0;
}

static int teardown(void **state)
{
	unlink(address.sun_path);
	return rmdir(folder);
}

static int listen_here(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	unlink(address.sun_path);
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof address), errno);
	return fd;
}

static void contents(void **state)
{
	int fd = listen_here();
	char in[4096];
	mr_autoarena arena = mr_arena_new(0);
	struct mr_wire w;
	uint64_t bytes, messages;
	size_t used;

	assert_int_equal(mr_report_usage(address.sun_path, "john@example.test", UINT64_MAX, 0), 0);
	ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
	assert_true(n > 0);
	assert_int_equal(mr_wire_next((struct mr_slice){ in, (size_t)n }, arena, &w, &used), 1);
	assert_int_equal(used, n);
	assert_true(mr_slice_eq(mr_wire_get(&w, "cmd"), MR_LIT("usage")));
	assert_true(mr_slice_eq(mr_wire_get(&w, "address"), MR_LIT("john@example.test")));
	assert_int_equal(mr_wire_u64(&w, "bytes", UINT64_MAX, &bytes), 0);
	assert_int_equal(mr_wire_u64(&w, "messages", UINT64_MAX, &messages), 0);
	assert_true(bytes == UINT64_MAX && messages == 0);
	close(fd);
}

static void away(void **state)
{
	char longer[200];

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	unlink(address.sun_path);
	assert_int_equal(mr_report_usage(address.sun_path, "a@b", 1, 1), -ENOENT);
	close(listen_here());
	assert_int_equal(mr_report_usage(address.sun_path, "a@b", 1, 1), -ECONNREFUSED);
	assert_int_equal(mr_report_usage(longer, "a@b", 1, 1), -ENAMETOOLONG);
}

static void backlog(void **state)
{
	int fd = listen_here(), r = 0, sent = 0;

	while (r == 0 && sent < 100000) {
		r = mr_report_usage(address.sun_path, "a@b", 1, 1);
		sent += r == 0;
	}
	assert_int_equal(r, -EAGAIN);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(contents), cmocka_unit_test(away), cmocka_unit_test(backlog) };

	alarm(20); /* a send that waits would hang here */
	return cmocka_run_group_tests(tests, setup, teardown);
}
