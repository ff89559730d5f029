/* test-hostd: what the part that runs as root takes for a request, and how it reads what programs say. G14. */

/* system */
#include <errno.h>

/* ours */
#include "hostd.h"
#include "unit.h"

static void requests(void **state)
{
	static const struct {
		const char *line, *address, *ids; /* both NULL: refused */
		const char *from;
	} cases[] = {
		{ "kick anna@example.org", "anna@example.org", "" },
		{ "kick Anna@Example.org", "anna@example.org", "" },
		{ "hold-sender a.b-c_d@example.org", "a.b-c_d@example.org", "" },
		{ "release-sender anna@example.org", "anna@example.org", "" },
		{ "list", NULL, "" },
		{ "list anna@example.org", "anna@example.org", "" },
		{ "list-held", NULL, "" },
		{ "list-held anna@example.org", "anna@example.org", "" },
		{ "hold-sender Anna@example.org 4ZXcR51bmRz2", "anna@example.org", "", "4ZXcR51bmRz2" },
		{ "release-sender anna@example.org ABCDEF", "anna@example.org", "", "ABCDEF" },
		{ "list anna@example.org ABCDEF", "anna@example.org", "", "ABCDEF" },
		{ "hold 4ZXcR51bmRz2", NULL, "4ZXcR51bmRz2\n" },
		{ "release 0A1B2C3D4E 4ZXcR51bmRz2", NULL, "0A1B2C3D4E\n4ZXcR51bmRz2\n" },
		{ "delete ABCDEF", NULL, "ABCDEF\n" },
		{ "sessions", NULL, "" },
		{ "sessions anna@example.org" },
		{ "kick" },
		{ "kick *" },
		{ "kick *@example.org" },
		{ "kick a?b@example.org" },
		{ "kick 192.0.2.1" },
		{ "kick 192.0.2.0/24" },
		{ "kick anna@example.org ben@example.org" },
		{ "kick anna@example.org/24" },
		{ "kick anna@example.org ABCDEF" },
		{ "hold-sender anna@example.org ALL" },
		{ "hold-sender anna@example.org ABCDEF ABCDEF" },
		{ "hold-sender ABCDEF anna@example.org" },
		{ "list ABCDEF" },
		{ "list anna@example.org ../active" },
		{ "kick \"a b\"@example.org" },
		{ "kick ../etc@example.org" },
		{ "hold-sender <>" },
		{ "list all" },
		{ "list *" },
		{ "hold" },
		{ "hold ALL" },
		{ "hold ALL deferred" },
		{ "delete -" },
		{ "delete -d123456" },
		{ "delete ../../etc/passwd" },
		{ "delete ABCDEF  ABCDEF" },
		{ "delete ABCDEF ALL" },
		{ "delete ABCDEFABCDEFABCDEFABCDEFABCDEFABC" },
		{ "release ABCDE" },
		{ "release ABCDE\xc3\xa9" },
		{ "reload" },
		{ "KICK anna@example.org" },
		{ "kick-all" },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_hostd_request q = { 0 };
		struct mr_control_request r;
		struct mr_diag diag = { 0 };
		struct mr_buf line = MR_BUF(1000);
		size_t used;

		mr_buf_printf(&line, "%s\n", cases[i].line);
		assert_int_equal(mr_control_next(mr_buf_slice(&line), &r, &used), 1);
		if (!cases[i].ids) {
			assert_int_equal(mr_hostd_parse(&r, arena, &q, &diag), -EINVAL);
			assert_true(diag.text[0] != '\0');
		} else {
			assert_int_equal(mr_hostd_parse(&r, arena, &q, &diag), 0);
			assert_slice(mr_buf_slice(&q.ids), cases[i].ids);
			if (cases[i].address)
				assert_string_equal(q.address, cases[i].address);
			assert_int_equal(q.from != NULL, cases[i].from != NULL);
			if (cases[i].from)
				assert_string_equal(q.from, cases[i].from);
		}
		mr_buf_done(&q.ids);
		mr_buf_done(&line);
	}
}

#define MESSAGE(queue, id, sender)                                                                                                         \
	"{\"queue_name\": \"" queue "\", \"queue_id\": \"" id "\", \"arrival_time\": 1, \"sender\": \"" sender                             \
	"\", \"recipients\": [{\"address\": \"b@c\"}]}\n"

static void listing(void **state)
{
	static const char text[] = MESSAGE("deferred", "AAAAAA", "anna@example.org") MESSAGE("active", "BBBBBB", "Anna+list@Example.org")
	    MESSAGE("hold", "CCCCCC", "anna@example.org") MESSAGE("deferred", "DDDDDD", "annabel@example.org")
		MESSAGE("deferred", "EEEEEE", "anna@example.org.test") MESSAGE("incoming", "FFFFFF", "anna-x@example.org") MESSAGE(
		    "deferred", "GGGGGG", "") "no json\n{}\n[]\n{\"sender\": 3}\n" MESSAGE("maildrop", "HHHHHH", "x\\\"anna@example.org");
	static const struct {
		struct mr_hostd_pick pick;
		const char *out;
	} cases[] = {
		{ { "anna@example.org", '+', MR_HOSTD_NOT_ON_HOLD, false }, "AAAAAA\nBBBBBB\n" },
		{ { "anna@example.org", '-', MR_HOSTD_NOT_ON_HOLD, false }, "AAAAAA\nBBBBBB\nFFFFFF\n" },
		{ { "anna@example.org", '+', MR_HOSTD_ON_HOLD, false }, "CCCCCC\n" },
		{ { "anna@example.org", '+', MR_HOSTD_ANY_QUEUE, false }, "AAAAAA\nBBBBBB\nCCCCCC\n" },
		{ { "annabel@example.org", '+', MR_HOSTD_ANY_QUEUE, true }, MESSAGE("deferred", "DDDDDD", "annabel@example.org") },
		{ { NULL, '+', MR_HOSTD_ON_HOLD, false }, "CCCCCC\n" },
		{ { NULL, '+', MR_HOSTD_ANY_QUEUE, false }, "AAAAAA\nBBBBBB\nCCCCCC\nDDDDDD\nEEEEEE\nFFFFFF\nGGGGGG\nHHHHHH\n" },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_hostd_pick pick = cases[i].pick;
		struct mr_slice rest = MR_LIT(text), line;
		struct mr_buf out = MR_BUF(10000);

		pick.out = &out;
		while (mr_slice_next(&rest, '\n', &line))
			mr_hostd_pick(line, &pick);
		assert_slice(mr_buf_slice(&out), cases[i].out);
		mr_buf_done(&out);
	}
}

/* The next turn goes on in the order of ids, whatever the order of the listing. */
static void turns(void **state)
{
	static const char ids[] = "CCCCCC\nAAAAAA\nDDDDDD\naaaaaa\nBBBBBB\n";
	mr_autoarena arena = mr_arena_new(0);

	assert_slice(mr_hostd_from(MR_LIT(ids), NULL, arena), "AAAAAA\nBBBBBB\nCCCCCC\nDDDDDD\naaaaaa\n");
	assert_slice(mr_hostd_from(MR_LIT(ids), "CCCCCC", arena), "CCCCCC\nDDDDDD\naaaaaa\n");
	assert_slice(mr_hostd_from(MR_LIT(ids), "CCCCCD", arena), "DDDDDD\naaaaaa\n"); /* it has left the queue meanwhile */
	assert_slice(mr_hostd_from(MR_LIT(ids), "zzzzzz", arena), "");
	assert_slice(mr_hostd_from(MR_LIT(""), NULL, arena), "");
}

/* Another sender's are candidates; a line that is asked for by its id is found by that alone. */
static void others(void **state)
{
	static const char text[] = MESSAGE("deferred", "AAAAAA", "anna@example.org") MESSAGE("hold", "BBBBBB", "info@example.org")
	    MESSAGE("active", "CCCCCC", "") MESSAGE("incoming", "DDDDDD", "ben@example.org");
	struct mr_buf own = MR_BUF(1000), rest = MR_BUF(15), lines = MR_BUF(1000); /* others: two ids, and no half of one */
	struct mr_hostd_pick pick = { "anna@example.org", '+', MR_HOSTD_ANY_QUEUE, false, &own, &rest }, found = { .out = &lines };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice all = MR_LIT(text), line;

	found.whole_lines = true;
	found.only = mr_hostd_set(MR_LIT("DDDDDD\nAAAAAA\nAAAAA\n"), arena);
	while (mr_slice_next(&all, '\n', &line)) {
		mr_hostd_pick(line, &pick);
		mr_hostd_pick(line, &found);
	}
	assert_slice(mr_buf_slice(&own), "AAAAAA\n");
	pick.out = pick.others = NULL; /* neither is wanted */
	mr_hostd_pick(MR_LIT(MESSAGE("deferred", "EEEEEE", "anna@example.org")), &pick);
	mr_hostd_pick(MR_LIT(MESSAGE("deferred", "FFFFFF", "")), &pick);
	assert_slice(mr_buf_slice(&own), "AAAAAA\n");
	assert_slice(mr_buf_slice(&rest), "BBBBBB\nCCCCCC\n");
	assert_true(rest.full);
	assert_slice(mr_buf_slice(&lines),
		     MESSAGE("deferred", "AAAAAA", "anna@example.org") MESSAGE("incoming", "DDDDDD", "ben@example.org"));
	mr_buf_done(&own);
	mr_buf_done(&rest);
	mr_buf_done(&lines);
}

/* Which of four came with the log-in; a fifth had left the queue. */
static void log_ins(void **state)
{
	static const char *const said[] = {
		"*** ENVELOPE RECORDS deferred/A/AAAAAA ***",
		"sender: anna@example.org",
		"*** MESSAGE FILE END deferred/A/AAAAAA ***",
		"named_attribute: sasl_username=anna@example.org",
		"*** ENVELOPE RECORDS hold/BBBBBB ***",
		"named_attribute: sasl_username=Anna@example.org",
		"sender: ",
		"*** ENVELOPE RECORDS active/CCCCCC ***",
		"named_attribute: sasl_username=anna@example.org.test",
		"recipient: x@named_attribute: sasl_username=anna@example.org",
		"*** ENVELOPE RECORDS incoming/DDDDDD ***",
		"named_attribute: sasl_username=anna@example.org",
		"*** MESSAGE FILE END incoming/DDDDDD ***",
		"postcat: fatal: open queue file EEEEEE: No such file or directory",
	};
	struct mr_buf out = MR_BUF(100);
	struct mr_hostd_logins l = { .login = "anna@example.org", .rest = MR_LIT("AAAAAA\nBBBBBB\nCCCCCC\nDDDDDD\nEEEEEE\n"), .out = &out };

	for (size_t i = 0; i < MR_COUNT(said); i++)
		mr_hostd_logins(mr_slice_of(said[i]), &l);
	assert_slice(mr_buf_slice(&out), "BBBBBB\nDDDDDD\n");
	assert_slice(l.rest, "EEEEEE\n");
	assert_true(!l.within);
	mr_hostd_logins(MR_LIT("*** ENVELOPE RECORDS hold/EEEEEE ***"), &l);
	assert_true(l.within && l.rest.n == 0);
	mr_hostd_logins(MR_LIT("*** ENVELOPE RECORDS hold/FFFFFF ***"), &l); /* nobody asked for it */
	mr_hostd_logins(MR_LIT("named_attribute: sasl_username=anna@example.org"), &l);
	assert_slice(mr_buf_slice(&out), "BBBBBB\nDDDDDD\n");
	mr_buf_done(&out);
}

/* As Dovecot 2.3 and 2.4 list them. */
static void who(void **state)
{
	static const char *const said[] = {
		"username\t#\tproto\t(pids)\t(ips)",
		"anna@example.org\t2\timap\t(4 5)\t(192.0.2.1)",
		"Ben@Example.org\t1\tsieve\t(6)\t(192.0.2.1)",
		"root\t1\timap\t(7)\t(127.0.0.1)",
		"a b@example.org\t1\timap\t(7)\t(127.0.0.1)",
		"eve@example.org",
		"",
		"\t",
	};
	struct mr_buf out = MR_BUF(100);

	for (size_t i = 0; i < MR_COUNT(said); i++)
		mr_hostd_session(mr_slice_of(said[i]), &out);
	assert_slice(mr_buf_slice(&out), "anna@example.org\nben@example.org\neve@example.org\n");
	mr_buf_done(&out);
}

/* A message to very many is held like any other, also when its line was cut off in the midst of them. */
static void long_line(void **state)
{
	static const char line[] = "{\"queue_name\": \"active\", \"queue_id\": \"ABCDEF\", \"sender\": \"a@b\", \"recipients\": [{\"addr";
	struct mr_buf out = MR_BUF(100);
	struct mr_hostd_pick pick = { "a@b", '+', MR_HOSTD_NOT_ON_HOLD, false, &out };

	mr_hostd_pick(MR_LIT(line), &pick);
	assert_slice(mr_buf_slice(&out), "ABCDEF\n");
	mr_buf_done(&out);
}

static void reports(void **state)
{
	static const struct {
		const char *said;
		unsigned n;
	} cases[] = {
		{ "postsuper: 4ZXcR51bmRz2: placed on hold\npostsuper: Placed on hold: 1 message\n", 1 },
		{ "postsuper: Deleted: 12 messages\n", 12 },
		{ "postsuper: Released from hold: 3 messages", 3 },
		{ "postsuper: 17 messages\n", 17 },
		{ "", 0 },
		{ "postsuper: warning: something: else\n", 0 },
		{ "x: 99999999999999999999999 messages\n", 0 },
	};

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_slice rest = mr_slice_of(cases[i].said), line;
		uint64_t n = 0;

		while (mr_slice_next(&rest, '\n', &line))
			mr_hostd_changed(line, &n);
		assert_int_equal(n, cases[i].n);
	}
	struct mr_hostd_kicked k = { 0 };

	mr_hostd_kicked(MR_LIT("kicked connections from the following users:"), &k);
	mr_hostd_kicked(MR_LIT("a@example.org a@example.org "), &k);
	assert_true(k.sessions == 2 && !k.nobody);
	mr_hostd_kicked(MR_LIT("no users kicked"), &k);
	assert_true(k.sessions == 2 && k.nobody);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(requests),  cmocka_unit_test(listing), cmocka_unit_test(turns),
					    cmocka_unit_test(others),    cmocka_unit_test(log_ins), cmocka_unit_test(who),
					    cmocka_unit_test(long_line), cmocka_unit_test(reports) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
