/* test-origin: which client brought a forwarded message? Its Received fields from the top; those of the sender stand below ours and never
 * count. */

/* ours */
#include "origin.h"
#include "unit.h"

#define DATE          "; Mon, 30 Nov 2026 10:00:00 +0000"
#define OF(client)    "from helo (" client ") by mx.test (Postfix) with ESMTP id 4A" DATE
#define THERE         OF("a.example [192.0.2.1]")
#define ELSEWHERE     OF("b.example [198.51.100.1]")
#define AT_REDIRECT   "from mx.test (localhost [127.0.0.1])\n\tby mx.test (Mailreeve-redirect) with ESMTP id 4B" DATE
#define AT_LMTP       "from mx.test ([127.0.0.1])\n\tby mx.test with LMTP\n\tid 4C\n\t(envelope-from <a@b>)\n\tfor <c@d>" DATE
#define OF_QUARANTINE "by mx.test (Mailreeve quarantine) id 4D;\r\n\tMon, 30 Nov 2026 10:00:00 +0000"

static const struct {
	const char *fields[6];
	const char *client; /* NULL: none */
} cases[] = {
	{ { THERE }, "192.0.2.1" },
	{ { OF("unknown [IPv6:2001:db8::1]") }, "2001:db8::1" },
	{ { "from helo (a.example [192.0.2.1]) (using TLSv1.3 with cipher A (256/256 bits)) by MX.test (Postfix) with ESMTPS id 4A" DATE },
	  "192.0.2.1" },
	{ { "from [198.51.100.1] (a.example [192.0.2.1]) by mx.test (Postfix) with SMTP id 4A" DATE }, "192.0.2.1" },
	{ { OF("localhost [127.0.0.1]"), THERE }, "127.0.0.1" }, /* a program of this host: it is the client */
	/* what the sender brought stands below */
	{ { ELSEWHERE, THERE }, "198.51.100.1" },
	{ { ELSEWHERE, AT_REDIRECT, AT_LMTP, THERE }, "198.51.100.1" },
	/* a script redirects, also what another one did, and what came from elsewhere */
	{ { AT_REDIRECT, AT_LMTP, THERE, ELSEWHERE }, "192.0.2.1" },
	{ { AT_REDIRECT, AT_LMTP, AT_REDIRECT, AT_LMTP, THERE, ELSEWHERE }, "192.0.2.1" },
	{ { AT_REDIRECT, AT_LMTP, ELSEWHERE, THERE }, "198.51.100.1" },
	{ { AT_REDIRECT, AT_LMTP, "by mx.test (Postfix, from userid 1000) id 4A" DATE, THERE }, NULL },
	/* that port has only what Dovecot delivers, but for the quarantine, whose messages begin with their sender's fields */
	{ { AT_REDIRECT, THERE }, NULL },
	{ { AT_REDIRECT, OF_QUARANTINE, AT_LMTP, THERE }, NULL },
	{ { AT_REDIRECT, AT_LMTP, AT_REDIRECT, OF_QUARANTINE, AT_LMTP, THERE }, NULL },
	{ { AT_REDIRECT }, NULL },
	{ { AT_REDIRECT, AT_LMTP }, NULL },
	{ { AT_LMTP, THERE }, NULL },
	/* who says in a certificate that he comes by that port comes from elsewhere all the same */
	{ { "from helo (b.example [198.51.100.1]) (Client CN \"x) by mx.test (Mailreeve-redirect) with ESMTP (\") by mx.test (Postfix) "
	    "with ESMTPS id 4A",
	    AT_LMTP, THERE },
	  "198.51.100.1" },
	{ { "from helo (b.example [IPv6:2001:db8::1]) by mx.test (Mailreeve-redirect) with ESMTP id 4A", AT_LMTP, THERE }, "2001:db8::1" },
	/* no client */
	{ { "by mx.test (Postfix, from userid 1000)\n\tid 4A" DATE, THERE }, NULL },
	{ { "by mx.test (Postfix)\n\tid 4A" DATE, THERE }, NULL }, /* put into the queue once more */
	{ { OF("a.example") }, NULL },
	{ { OF("a.example [192.0.2.1") }, NULL },
	{ { OF("a.example [192.0.2.1]x") }, NULL },
	{ { OF("a.example [192.0.2.256]") }, NULL },
	{ { OF("[192.0.2.1]") }, NULL },
	{ { OF("a.example [IPv6:]") }, NULL },
	{ { OF("") }, NULL },
	/* of another host, or none */
	{ { "from helo (a.example [192.0.2.1]) by other.test (Postfix) with ESMTP id 4A" DATE, THERE }, NULL },
	{ { "from helo (a.example [192.0.2.1])", THERE }, NULL },
	{ { "", THERE }, NULL },
	{ { NULL }, NULL },
};

static void test_client(void **state)
{
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_origin o = { 0 };
		char text[MR_IP_STRLEN] = "none";

		for (size_t k = 0; k < MR_COUNT(cases[i].fields) && cases[i].fields[k] != NULL; k++)
			mr_origin_received(&o, mr_slice_of(cases[i].fields[k]), MR_LIT("mx.test"));
		if (o.client.family)
			mr_ip_str(&o.client, text);
		assert_string_equal(text, cases[i].client ? cases[i].client : "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_client) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
