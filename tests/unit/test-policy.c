/* test-policy: requests of Postfix's policy delegation, replies to it. */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "proto/policy.h"
#include "unit.h"

/* What Postfix 3.7 sends at RCPT. */
static const char at_rcpt[] =
    "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.7\n"
    "client_name=mx.example.net\nclient_port=4321\nreverse_client_name=mx.example.net\nserver_address=192.0.2.1\n"
    "server_port=25\nhelo_name=mx.example.net\nsender=a=b@example.net\nrecipient=john@example.org\nrecipient_count=0\n"
    "queue_id=\ninstance=1f.5f0c.1.0\nsize=1234\netrn_domain=\nstress=\nsasl_method=\nsasl_username=\nsasl_sender=\n"
    "ccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\n"
    "encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\npolicy_context=mx\ncompatibility_level=3.6\n"
    "mail_version=3.7.11\n\n";

static void test_whole(void **state)
{
	struct mr_policy_request r;
	size_t used = 0;

	assert_int_equal(mr_policy_next(mr_slice_of(at_rcpt), &r, &used), 1);
	assert_int_equal(used, sizeof(at_rcpt) - 1);
	assert_slice(r.request, "smtpd_access_policy");
	assert_slice(r.protocol_state, "RCPT");
	assert_slice(r.sender, "a=b@example.net");
	assert_slice(r.recipient, "john@example.org");
	assert_slice(r.queue_id, "");
	assert_slice(r.instance, "1f.5f0c.1.0");
	assert_slice(r.encryption_keysize, "256");
	assert_slice(r.policy_context, "mx");
}

/* Every front part of a request wants more. */
static void test_parts(void **state)
{
	struct mr_policy_request r;
	size_t used;

	for (size_t n = 0; n < sizeof(at_rcpt) - 1; n++)
		assert_int_equal(mr_policy_next((struct mr_slice){ at_rcpt, n }, &r, &used), 0);
}

static void test_next(void **state)
{
	static const struct {
		struct mr_slice in;
		int got;
		size_t used;
		const char *sender;
	} cases[] = {
		{ MR_LIT("sender=a\n\nsender=b\n\n"), 1, 10, "a" },
		{ MR_LIT("sender=a\nsender=b\n\n"), 1, 19, "a" },
		{ MR_LIT("sender=\nsender=b\n\n"), 1, 18, "" },
		{ MR_LIT("x=1\n\n"), 1, 5, "" },
		{ MR_LIT("\n"), -EPROTO, 0, NULL },
		{ MR_LIT("\n\n"), -EPROTO, 0, NULL },
		{ MR_LIT("sender\n\n"), -EPROTO, 0, NULL },
		{ MR_LIT("=a\n\n"), -EPROTO, 0, NULL },
		{ MR_LIT("sender=a\0\n\n"), -EPROTO, 0, NULL },
		{ MR_LIT("sender=\0"), -EPROTO, 0, NULL },
	};
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_policy_request r = { .request = MR_LIT("untouched") };
		size_t used = 0;

		assert_int_equal(mr_policy_next(cases[i].in, &r, &used), cases[i].got);
		if (cases[i].sender) {
			assert_int_equal(used, cases[i].used);
			assert_slice(r.sender, cases[i].sender);
			assert_slice(r.request, "");
		} else {
			assert_slice(r.request, "untouched");
		}
	}
}

static void test_endless(void **state)
{
	size_t n = 1 << 20, used;
	mr_autofree char *bytes = mr_alloc(n);
	struct mr_policy_request r;

	memset(bytes, 'a', n);
	assert_int_equal(mr_policy_next((struct mr_slice){ bytes, MR_POLICY_REQUEST_MAX - 1 }, &r, &used), 0);
	assert_int_equal(mr_policy_next((struct mr_slice){ bytes, MR_POLICY_REQUEST_MAX }, &r, &used), -EMSGSIZE);
	assert_int_equal(mr_policy_next((struct mr_slice){ bytes, n }, &r, &used), -EMSGSIZE);
	bytes[1] = '=';
	memcpy(bytes + MR_POLICY_REQUEST_MAX - 2, "\n\n", 2);
	assert_int_equal(mr_policy_next((struct mr_slice){ bytes, n }, &r, &used), 1);
	assert_int_equal(used, MR_POLICY_REQUEST_MAX);
}

static void test_reply(void **state)
{
	static const struct {
		const char *action;
		struct mr_slice text;
		const char *reply;
	} cases[] = {
		{ "DUNNO", MR_LIT(""), "action=DUNNO\n\n" },
		{ "REJECT", MR_LIT("5.2.2 mailbox full"), "action=REJECT 5.2.2 mailbox full\n\n" },
		{ "DEFER", MR_LIT("a\n\naction=OK\r\0\x7f"), "action=DEFER a??action=OK???\n\n" },
	};
	struct mr_buf tiny = MR_BUF(10);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_buf out = MR_BUF(100);

		assert_int_equal(mr_policy_reply(&out, cases[i].action, cases[i].text), 0);
		assert_slice(mr_buf_slice(&out), cases[i].reply);
		mr_buf_done(&out);
	}
	assert_int_equal(mr_policy_reply(&tiny, "OK", MR_LIT("abc")), -ENOBUFS);
	assert_int_equal(tiny.n, 0);
	mr_buf_done(&tiny);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),   cmocka_unit_test(test_parts), cmocka_unit_test(test_next),
		cmocka_unit_test(test_endless), cmocka_unit_test(test_reply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
