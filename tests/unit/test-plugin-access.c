/* The switches of an account, per Dovecot service (F013 F020 F021 F059 F060). */

/* ours */
#include "dovecot-plugin/access.h"
#include "unit.h"

static const struct {
	bool enabled, send_only, receive;
	const char *service;
	bool login, userdb;
	bool receive_only;
} cases[] = {
	{ true, false, true, "imap", true, true },       { true, false, true, "smtp", true, true },
	{ true, false, true, "lmtp", true, true },       { false, false, true, "imap", false, true },
	{ false, false, true, "pop3", false, true },     { false, false, true, "smtp", false, true },
	{ false, false, true, "lmtp", false, true },   /* a disabled mailbox still takes mail (F012) */
	{ false, false, false, "lmtp", false, false }, /* unless the site says otherwise */
	{ true, true, false, "imap", false, true },      { true, true, false, "pop3", false, true },
	{ true, true, false, "sieve", false, true },     { true, true, false, "smtp", true, true },
	{ true, true, false, "submission", true, true }, { true, true, false, "smtpx", false, true },
	{ true, true, false, "doveadm", false, true },   { true, true, false, "lmtp", false, false },
	{ true, true, true, "lmtp", false, false },      { true, true, true, "lda", false, false },
	{ false, true, false, "smtp", false, true },     { true, false, true, "smtp", false, true, true },
	{ true, false, true, "imap", true, true, true }, { true, false, true, "lmtp", true, true, true },
};

static void switches(void **state)
{
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_dir_account a = { .enabled = cases[i].enabled, .send_only = cases[i].send_only, .receive = cases[i].receive };
		a.receive_only = cases[i].receive_only;

		if (mr_access_login(&a, cases[i].service) != cases[i].login)
			fail_msg("case %zu: login", i);
		if (mr_access_userdb(&a, cases[i].service) != cases[i].userdb)
			fail_msg("case %zu: userdb", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(switches) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
