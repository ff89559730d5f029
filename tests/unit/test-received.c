/* test-received: what is read of a trace field. */

/* ours */
#include "mail/received.h"
#include "unit.h"

static const struct {
	const char *value, *client, *by, *program, *with;
} cases[] = {
	/* Postfix */
	{ " from mail.a.example (mx.a.example [192.0.2.1])\r\n\t(using TLSv1.3 with cipher X by Y (256/256 bits)\r\n\t key-exchange "
	  "X25519)\r\n"
	  "\t(No client certificate requested)\r\n\tby mx.test (Postfix) with ESMTPS id 4A\r\n\tfor <a@b>; Mon, 30 Nov 2026 10:00:00 +0000 "
	  "(UTC)",
	  "mx.a.example [192.0.2.1]", "mx.test", "Postfix", "ESMTPS" },
	{ "from [IPv6:2001:db8::1] (unknown [IPv6:2001:db8::1])\n\tby mx.test (Postfix) with SMTP id 4A; Mon, 30 Nov 2026 10:00:00 +0000",
	  "unknown [IPv6:2001:db8::1]", "mx.test", "Postfix", "SMTP" },
	{ "by mx.test (Postfix, from userid 0)\n\tid 4A; Mon, 30 Nov 2026 10:00:00 +0000", "", "mx.test", "Postfix, from userid 0", "" },
	/* Dovecot */
	{ "from mx.test ([127.0.0.1])\n\tby mx.test with LMTP\n\tid 4A\n\t(envelope-from <a@b>)\n\tfor <c@d>; Mon, 30 Nov 2026 10:00:00 "
	  "+0000",
	  "[127.0.0.1]", "mx.test", "", "LMTP" },
	/* the first of each clause, in their order */
	{ "from by (x [192.0.2.1]) by from (y) with by", "x [192.0.2.1]", "from", "y", "by" },
	{ "from a (x) from b (y) by c by d with e with f", "x", "c", "", "e" },
	{ "with a by b with c", "", "b", "", "c" },
	{ "by a from b (c) with d", "", "a", "", "d" },
	{ "FROM a (x) BY b (y) WITH c", "x", "b", "y", "c" },
	{ "from a by b (c)(d) with e", "", "b", "c", "e" },
	{ "from a(b)by c(d)with e", "b", "c", "d", "e" },
	{ "from (comment first) by a", "", "a", "", "" },
	/* comments that do not match */
	{ "from a (b by c (d) with e", "", "", "", "" },
	{ "from a ) by c", "", "c", "", "" },
	{ "from a (b) by", "b", "", "", "" },
	{ "from a ((b) by c) by d", "(b) by c", "d", "", "" },
	{ "from", "", "", "", "" },
	{ ";;", "", "", "", "" },
	{ "(", "", "", "", "" },
	{ "", "", "", "", "" },
};

static void test_read(void **state)
{
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_received r;

		mr_received_read(mr_slice_of(cases[i].value), &r);
		assert_slice(r.client, cases[i].client);
		assert_slice(r.by, cases[i].by);
		assert_slice(r.program, cases[i].program);
		assert_slice(r.with, cases[i].with);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_read) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
