/* test-quarantine: copies stand on disk whole, with their envelope, and what a crash left is cleared. */

/* system */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ours */
#include "quarantine.h"
#include "rt/file.h"
#include "unit.h"

static char dir[64];

static const struct mr_verdict_withheld recipients[] = { { .address = { "b@d.test", 8 } }, { .address = { "c\n@d.test", 9 } } };

static struct mr_quarantine_copy copy(void)
{
	return (struct mr_quarantine_copy){ .message = MR_LIT("Subject: x\r\n\r\nHello.\r\n"),
					    .time = 1700000000,
					    .queue_id = MR_LIT("4../X%yz1"),
					    .client = MR_LIT("192.0.2.1"),
					    .helo = MR_LIT("h"),
					    .sender = MR_LIT(""),
					    .from = MR_LIT("f@x.test"),
					    .reason = MR_LIT("why"),
					    .recipients = recipients,
					    .n_recipients = 2 };
}

static size_t entries(void)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void read_into(const char *id, const char *name, struct mr_buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", dir, id, name);
	assert_int_equal(mr_file_read(path, out, NULL), 0);
}

static void stored(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_scan_result scan = { .symbols = { { MR_LIT("SPF_FAIL"), 1 } }, .n_symbols = 1, .score = 1 };
	struct mr_quarantine_copy c = copy();
	struct mr_buf message = MR_BUF(4096), envelope = MR_BUF(4096);
	char id[MR_QUARANTINE_ID_MAX], other[MR_QUARANTINE_ID_MAX];
	struct mr_slice value;
	struct mr_wire w;
	size_t at = 0;

	(void)state;
	c.scan = &scan;
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, id, NULL), 0);
	assert_int_equal(mr_quarantine_store(dir, &c, other, NULL), 0);
	assert_string_not_equal(id, other);
	assert_int_equal(entries(), 2);
	assert_int_equal(strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"), strlen(id));
	assert_non_null(strstr(id, "-4Xyz1-"));
	read_into(id, "message", &message);
	assert_slice(mr_buf_slice(&message), "Subject: x\r\n\r\nHello.\r\n");
	read_into(id, "envelope", &envelope);
	assert_int_equal(mr_quarantine_envelope(mr_buf_slice(&envelope), arena, &w), 0);
	assert_slice(mr_wire_get(&w, "entry"), id);
	assert_slice(mr_wire_get(&w, "time"), "1700000000");
	assert_slice(mr_wire_get(&w, "from"), "f@x.test");
	assert_slice(mr_wire_get(&w, "score"), "1.00");
	assert_slice(mr_wire_get(&w, "symbols"), "SPF_FAIL(1.00)");
	for (size_t i = 0; i < 2; i++) {
		assert_true(mr_wire_each(&w, "recipient", &at, &value));
		assert_true(mr_slice_eq(value, recipients[i].address));
	}
	assert_false(mr_wire_each(&w, "recipient", &at, &value));
	mr_buf_done(&message);
	mr_buf_done(&envelope);
}

static void crashed(void **state)
{
	char path[256];
	size_t before;
	int fd;

	(void)state;
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	before = entries();
	snprintf(path, sizeof(path), "%s/.new-half", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/.new-half/message", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(entries(), before + 1);
	assert_int_equal(mr_quarantine_open(dir, NULL), 0);
	assert_int_equal(entries(), before);
}

static void refused(void **state)
{
	struct mr_quarantine_copy c = copy();
	char id[MR_QUARANTINE_ID_MAX];
	struct mr_diag diag = { 0 };

	(void)state;
	assert_int_equal(mr_quarantine_open("/nowhere/quarantine", &diag), -ENOENT);
	assert_non_null(strstr(diag.text, "/nowhere/quarantine"));
	assert_int_equal(mr_quarantine_store("/nowhere/quarantine", &c, id, NULL), -ENOENT);
}

static void bad_envelopes(void **state)
{
	static const char *const bad[] = { "", "x", "3:v=2,", "8:v=1\nid=0,", "999999999:", "12:v=1\nid=0\na=b\n,more" };

	(void)state;
	for (size_t i = 0; i < MR_COUNT(bad); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_wire w;

		assert_int_equal(mr_quarantine_envelope(mr_slice_of(bad[i]), arena, &w), -EPROTO);
	}
}

static int clear(void **state)
{
	const char *argv[] = { "rm", "-rf", dir, NULL };
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execvp(argv[0], (char *const *)argv);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stored), cmocka_unit_test(crashed), cmocka_unit_test(refused),
					    cmocka_unit_test(bad_envelopes) };

	snprintf(dir, sizeof(dir), "/tmp/mr-quarantine-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, clear);
}
