/* test-explain: the line that the history keeps of a message is one JSON object, whatever stands in the message. */

/* ours */
#include "explain.h"
#include "history.h"
#include "unit.h"

/* Behind the time, which is the first member. */
static void shows(const struct explain *x, const char *expected)
{
	struct mr_buf out = MR_BUF(1 << 20);
	ptrdiff_t comma;

	explain_keep(x);
	mr_history_print(1, (struct mr_slice){ 0 }, &out);
	assert_true(mr_slice_starts(mr_buf_slice(&out), MR_LIT("{\"time\":")));
	comma = mr_slice_chr(mr_buf_slice(&out), ',');
	assert_slice(mr_slice_from(mr_buf_slice(&out), (size_t)comma + 1), expected);
	mr_buf_done(&out);
}

static void unscanned(void **state)
{
	struct mr_settings settings = { 0 };
	struct mr_job job = { .settings = &settings, .role = MR_ROLE_LOCAL };
	struct mr_verdict verdict = { .action = MR_ACTION_TEMPFAIL, .reason = "spool" };

	(void)state;
	mr_history_configure(1);
	shows(&(struct explain){ .queue_id = "", .quarantine_id = "", .job = &job, .verdict = &verdict },
	      "\"id\":\"\",\"role\":\"LOCAL\",\"client\":\"\",\"login\":null,\"sender\":null,\"from\":null,\"n_recipients\":0,"
	      "\"recipients\":[],"
	      "\"size\":0,\"action\":\"tempfail\",\"reason\":\"spool\",\"signed\":0,\"quarantine\":null,\"withheld\":[],\"ms\":{"
	      "\"receive\":0,"
	      "\"recipients\":0,\"scan\":0,\"dns\":0,\"clamd\":0,\"fuzzy\":0,\"greylist\":0,\"total\":0}}\n");
	mr_history_configure(0);
}

static void scanned(void **state)
{
	struct mr_settings settings = { 0 };
	struct mr_job_recipient anna = { .address = "anna@d.test" }, odd = { .address = "\"o\\\"\x01"
											"dd\"@d.test" };
	struct mr_job_recipient *recipients[] = { &anna, &odd };
	struct mr_verdict_withheld withheld[] = { { .address = MR_LIT("anna@d.test") }, { .address = MR_LIT("odd@d.test") } };
	struct mr_job job = { .settings = &settings,
			      .login = "l",
			      .sender = "\xc3\xa4@d.test",
			      .from = "\xff\"@d.test",
			      .client = { .family = AF_INET, .bytes = { 192, 0, 2, 1 } },
			      .recipients = recipients,
			      .n_recipients = 2,
			      .message = MR_LIT("12345"),
			      .scanned = true,
			      .virus_name = "Eicar",
			      .scan_ms = 7 };
	struct mr_verdict verdict = { .action = MR_ACTION_SPLIT, .withheld = withheld, .n_withheld = 2, .n_unproven = 3 };

	(void)state;
	job.scan.score = 1.85;
	job.scan.complete = true;
	job.scan.n_symbols = 3;
	job.scan.symbols[0] = (struct mr_symbol){ .name = MR_LIT("SPF_FAIL"), .group = MR_LIT("spf"), .score = 2 };
	job.scan.symbols[1] = (struct mr_symbol){ .name = MR_LIT("A"), .group = MR_LIT("rules"), .score = -0.0500004 };
	job.scan.symbols[2] = (struct mr_symbol){ .name = MR_LIT("B"), .group = MR_LIT("rules"), .score = -0.1 };
	mr_history_configure(1);
	shows(&(struct explain){ .queue_id = "Q",
				 .quarantine_id = "x-1",
				 .job = &job,
				 .known = true,
				 .verdict = &verdict,
				 .n_signatures = 1,
				 .receive_ms = 9 },
	      "\"id\":\"Q\",\"role\":\"MX\",\"client\":\"192.0.2.1\",\"login\":\"l\",\"sender\":\"\xc3\xa4@d.test\",\"from\":"
	      "\"\\\\xff\\\\x22@d.test\","
	      "\"n_recipients\":2,\"recipients\":[\"anna@d.test\",\"\\\"o\\\\\\\"\\u0001dd\\\"@d.test\"],\"size\":5,\"action\":\"split\","
	      "\"reason\":null,\"signed\":1,\"quarantine\":\"x-1\",\"withheld\":[\"anna@d.test\",\"odd@d.test\"],\"ms\":{\"receive\":9,"
	      "\"recipients\":0,\"scan\":7,\"dns\":0,\"clamd\":0,\"fuzzy\":0,\"greylist\":0,\"total\":0},\"allowed_unproven\":3,"
	      "\"virus\":\"Eicar\",\"score\":1.85,\"symbols\":{\"SPF_FAIL\":2.0,\"A\":-0.0500004,\"B\":-0.1},"
	      "\"groups\":{\"spf\":2.0,\"rules\":-0.15},\"complete\":true}\n");
	mr_history_configure(0);
}

/* What has no room in a line is not kept, be it cut short. */
static void too_long(void **state)
{
	mr_autofree char *sender = mr_alloc(MR_HISTORY_LINE_MAX + 1);
	struct mr_settings settings = { 0 };
	struct mr_job job = { .settings = &settings, .sender = sender };
	struct mr_verdict verdict = { .action = MR_ACTION_ACCEPT };
	struct mr_buf out = MR_BUF(1 << 20);

	(void)state;
	memset(sender, 's', MR_HISTORY_LINE_MAX);
	sender[MR_HISTORY_LINE_MAX] = '\0';
	mr_history_configure(1);
	explain_keep(&(struct explain){ .queue_id = "Q", .quarantine_id = "", .job = &job, .verdict = &verdict });
	mr_history_print(1, (struct mr_slice){ 0 }, &out);
	assert_int_equal(out.n, 0);
	mr_buf_done(&out);
	mr_history_configure(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(unscanned), cmocka_unit_test(scanned), cmocka_unit_test(too_long) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
