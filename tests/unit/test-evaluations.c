/* test-evaluations: what a report will say was done, and the files of the days: one line a message, bounded, forgotten in time. */

/* system */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "evaluations.h"
#include "milter-stats.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/log.h"
#include "unit.h"

#define NOW  INT64_C(1795910400) /* 2026-11-29 00:00:00 UTC */
#define DAY  (24 * 60 * 60)
#define MEGA (1024 * 1024)
#define ROW  "\"header_from\":\"x.test\""

static char dir[64];

static const struct {
	const char *why;
	bool passed, overridden;
	enum mr_dmarc_policy published, policy;
	enum mr_action action;
	enum mr_disposition site;
	const char *disposition, *reason;
} cases[] = {
	{ "passes", true, false, MR_DMARC_REJECT, MR_DMARC_REJECT, MR_ACTION_ACCEPT, MR_ACCEPT, "pass", NULL },
	{ "passes and is refused for its content", true, false, MR_DMARC_ACCEPT, MR_DMARC_ACCEPT, MR_ACTION_REJECT, MR_ACCEPT, "pass",
	  NULL },
	{ "p=none", false, false, MR_DMARC_ACCEPT, MR_DMARC_ACCEPT, MR_ACTION_ACCEPT, MR_ACCEPT, "none", NULL },
	{ "p=none, refused for its content", false, false, MR_DMARC_ACCEPT, MR_DMARC_ACCEPT, MR_ACTION_REJECT, MR_ACCEPT, "none", NULL },
	{ "p=quarantine, done", false, false, MR_DMARC_QUARANTINE, MR_DMARC_QUARANTINE, MR_ACTION_JUNK, MR_JUNK, "quarantine", NULL },
	{ "p=quarantine, refused", false, false, MR_DMARC_QUARANTINE, MR_DMARC_QUARANTINE, MR_ACTION_REJECT, MR_JUNK, "quarantine", NULL },
	{ "p=quarantine, not done", false, false, MR_DMARC_QUARANTINE, MR_DMARC_QUARANTINE, MR_ACTION_ACCEPT, MR_ACCEPT, "none",
	  "local_policy" },
	{ "p=reject, done", false, false, MR_DMARC_REJECT, MR_DMARC_REJECT, MR_ACTION_REJECT, MR_REJECT, "reject", NULL },
	{ "p=reject, in Junk", false, false, MR_DMARC_REJECT, MR_DMARC_REJECT, MR_ACTION_JUNK, MR_JUNK, "quarantine", "local_policy" },
	{ "p=reject, held", false, false, MR_DMARC_REJECT, MR_DMARC_REJECT, MR_ACTION_HOLD, MR_ACCEPT, "quarantine", "local_policy" },
	{ "recipients differ", false, false, MR_DMARC_REJECT, MR_DMARC_REJECT, MR_ACTION_SPLIT, MR_JUNK, "quarantine", "local_policy" },
	{ "p=reject, t=y", false, false, MR_DMARC_REJECT, MR_DMARC_QUARANTINE, MR_ACTION_JUNK, MR_JUNK, "quarantine", "policy_test_mode" },
	{ "p=quarantine, t=y", false, false, MR_DMARC_QUARANTINE, MR_DMARC_ACCEPT, MR_ACTION_ACCEPT, MR_ACCEPT, "none",
	  "policy_test_mode" },
	{ "p=reject, t=y, not done", false, false, MR_DMARC_REJECT, MR_DMARC_QUARANTINE, MR_ACTION_ACCEPT, MR_ACCEPT, "none",
	  "local_policy" },
	{ "a trusted chain", false, true, MR_DMARC_REJECT, MR_DMARC_REJECT, MR_ACTION_ACCEPT, MR_ACCEPT, "none", "trusted_forwarder" },
};

static void test_disposition(void **state)
{
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_scan_dmarc d = { cases[i].passed, cases[i].overridden, cases[i].published, cases[i].policy, MR_LIT(ROW) };
		struct mr_verdict v = { .action = cases[i].action, .site = cases[i].site };
		const char *reason, *got = mr_evaluation_disposition(&d, &v, &reason);

		if (strcmp(got, cases[i].disposition) != 0 || strcmp(reason ? reason : "", cases[i].reason ? cases[i].reason : "") != 0)
			fail_msg("%s: %s %s", cases[i].why, got, reason ? reason : "-");
	}
}

static int setup(void **state)
{
	mr_log_set_level(MR_LOG_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/mr-test-evaluations-XXXXXX");
	assert_non_null(mkdtemp(dir));
	mr_clock_fake(1000, NOW);
	mr_milter_counters.evaluations_lost = 0;
	return 0;
}

static int teardown(void **state)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	mr_evaluations_close();
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	mr_clock_real();
	return rmdir(dir);
}

static void configure(uint64_t days, uint64_t max)
{
	struct mr_evaluations_config c = { .dir = dir, .keep_ms = days * DAY * 1000, .day_max = max };

	assert_int_equal(mr_evaluations_configure(&c, NULL), 0);
}

static void add(const char *id, enum mr_action action)
{
	struct mr_scan_dmarc d = { .policy = MR_DMARC_REJECT, .published = MR_DMARC_REJECT, .row = MR_LIT(ROW) };
	struct mr_verdict v = { .action = action };

	mr_evaluations_add(&(struct mr_evaluation){ mr_slice_of(id), MR_LIT("192.0.2.1"), &d, &v });
}

static void expect(const char *day, const char *text)
{
	struct mr_buf got = MR_BUF(MEGA);
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.jsonl", dir, day);
	if (!text) {
		assert_int_equal(access(path, F_OK), -1);
		return;
	}
	assert_int_equal(mr_file_read(path, &got, NULL), 0);
	assert_slice(mr_buf_slice(&got), text);
	mr_buf_done(&got);
}

#define LINE(when, id, done) "{\"time\":" when ",\"id\":\"" id "\",\"source_ip\":\"192.0.2.1\",\"disposition\":" done "," ROW "}\n"

static void test_days(void **state)
{
	configure(2, MEGA);
	add("4A\"b", MR_ACTION_REJECT);
	add("4B", MR_ACTION_TEMPFAIL); /* it will come again */
	add("", MR_ACTION_ACCEPT);
	expect("2026-11-29", LINE("1795910400", "4Ab", "\"reject\"") LINE("1795910400", "", "\"none\",\"reason\":\"local_policy\""));
	mr_clock_fake(2000, NOW + DAY);
	add("4C", MR_ACTION_REJECT);
	expect("2026-11-30", LINE("1795996800", "4C", "\"reject\""));
	configure(2, MEGA); /* a reload appends */
	add("4D", MR_ACTION_REJECT);
	expect("2026-11-30", LINE("1795996800", "4C", "\"reject\"") LINE("1795996800", "4D", "\"reject\""));
	mr_clock_fake(3000, NOW + 3 * DAY);
	add("4E", MR_ACTION_REJECT);
	expect("2026-11-29", NULL);
	expect("2026-11-30", LINE("1795996800", "4C", "\"reject\"") LINE("1795996800", "4D", "\"reject\""));
	expect("2026-12-02", LINE("1796169600", "4E", "\"reject\""));
}

static void test_bound_and_off(void **state)
{
	size_t line = sizeof(LINE("1795910400", "4A", "\"reject\"")) - 1;

	configure(2, 2 * line);
	for (int i = 0; i < 5; i++)
		add("4A", MR_ACTION_REJECT);
	expect("2026-11-29", LINE("1795910400", "4A", "\"reject\"") LINE("1795910400", "4A", "\"reject\""));
	assert_int_equal(mr_milter_counters.evaluations_lost, 3);
	mr_clock_fake(2000, NOW + DAY); /* a new day has room */
	add("4A", MR_ACTION_REJECT);
	expect("2026-11-30", LINE("1795996800", "4A", "\"reject\""));
	configure(0, MEGA);
	add("4B", MR_ACTION_REJECT);
	expect("2026-11-30", LINE("1795996800", "4A", "\"reject\""));
}

static void *many(void *arg)
{
	for (int i = 0; i < 500; i++)
		add("4A", MR_ACTION_REJECT);
	return arg;
}

static void test_threads(void **state)
{
	struct mr_buf got = MR_BUF(MEGA);
	struct mr_slice rest, line;
	pthread_t threads[4];
	char path[128];
	size_t n = 0;

	configure(2, MEGA);
	for (size_t i = 0; i < MR_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many, NULL), 0);
	for (size_t i = 0; i < MR_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	snprintf(path, sizeof(path), "%s/2026-11-29.jsonl", dir);
	assert_int_equal(mr_file_read(path, &got, NULL), 0);
	rest = mr_buf_slice(&got);
	while (rest.n && mr_slice_next(&rest, '\n', &line)) {
		assert_int_equal(line.n + 1, sizeof(LINE("1795910400", "4A", "\"reject\"")) - 1);
		n++;
	}
	assert_int_equal(n, 2000);
	mr_buf_done(&got);
}

static void test_folder_that_cannot_be(void **state)
{
	struct mr_evaluations_config c = { .dir = "/proc/none/dmarc", .keep_ms = DAY, .day_max = MEGA };
	struct mr_diag diag = { 0 };

	assert_true(mr_evaluations_configure(&c, &diag) < 0);
	assert_non_null(strstr(diag.text, "/proc/none/dmarc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disposition),
		cmocka_unit_test_setup_teardown(test_days, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_and_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
		cmocka_unit_test(test_folder_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
