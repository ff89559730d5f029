/* sa-header: fields, pseudo-fields, addresses and relays as rules see them. What is expected is what SpamAssassin 4.0.1 gives. */
/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "mail/view.h"
#include "support/sa.h"
#include "unit.h"

static const struct {
	const char *header, *request, *value; /* value: as a rule sees it; NULL: no such field */
} fields[] = {
	{ "Subject: a\n", "Subject", "a\n" },
	{ "Subject: a\n", "subject", "a\n" },
	{ "To: x\n", "Subject", NULL },
	{ "Subject:  a \n\t b  \n", "Subject", "a  b\n" },
	{ "Subject:  a \n\t b  \n", "Subject:raw", "  a \n\t b  \n" },
	{ "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n", "Subject",
	  "Gr\xc3\xbc\xc3\x9f"
	  "e\n" },
	{ "Subject: =?iso-8859-1?Q?Gr=FC=DFe_x?=\n", "Subject",
	  "Gr\xc3\xbc\xc3\x9f"
	  "e x\n" },
	{ "Subject: =?utf-8?B?YQ==?= =?utf-8?B?Yg==?=\n", "Subject", "ab\n" },
	{ "Subject: =?utf-8?B?YQ==?= b\n", "Subject", "a b\n" },
	{ "Subject: =?utf-8?B?w4?= =?utf-8?B?Q==?=\n", "Subject", "\xef\xbf\xbd\n" },
	{ "Subject: Gr\xfc\xdf"
	  "e\n",
	  "Subject",
	  "Gr\xc3\xbc\xc3\x9f"
	  "e\n" },
	{ "Message-ID: =?utf-8?Q?a?=\n", "Message-ID", "=?utf-8?Q?a?=\n" },
	{ "To: a\nTo: b\n", "To", "a\nb\n" },
	{ "To: a\nTo: b\n", "To:first", "a\n" },
	{ "To: a\nTo: b\n", "To:last", "b\n" },
	{ "To: a@b.example\nCc: c@d.example\n", "ToCc", "a@b.example\nc@d.example\n" },
	{ "To: a@b.example\nCc: c@d.example\n", "ToCc:addr", "a@b.example\nc@d.example" },
	{ "X-A : b\nTo: c\n", "ALL", "X-A: b\nTo: c\n" },
	{ "X-A : b\nTo: c\n d\n", "ALL:raw", "X-A : b\nTo: c\n d\n" },
	{ "X-Mailreeve-PDF: [ forged ]\n", "X-Mailreeve-PDF", NULL },
	{ "X-A: b\nContent-Type: application/pdf\n\n%PDF-1.4\n1 0 obj <</Type/Page/A<</S/URI/URI(http://a.example/)>>>> stream\nBT (hi) Tj "
	  "ET\nendstream\n",
	  "X-Mailreeve-PDF", "[ pages=1 images=0 files=0 links=1 text=3 ]\nlink=http://a.example/\n" },
	{ "Content-Type: a/b; name=a.PDF\n\n%PDF-1.4\n1 0 obj <</OpenAction<</S/JavaScript>>/B<</S/Launch>>>>\ntrailer <</Encrypt 1 0 "
	  "R>>\n",
	  "X-Mailreeve-PDF", "[ pages=0 images=0 files=0 links=0 text=0 encrypted script open-script launch ]\n" },
	{ "Content-Type: application/pdf\n\n%PDF-1.4\n1 0 obj <<>> stream\nBT (hi) Tj ET\nendstream\n", "X-Mailreeve-PDF-Text", "hi\n" },
	{ "Content-Type: application/pdf\n\n%PDF-1.4\n", "X-Mailreeve-PDF-Text", NULL },
	{ "X-Mailreeve-SVG: <svg/>\n", "X-Mailreeve-SVG", NULL },
	{ "Content-Type: image/svg+xml\nContent-Transfer-Encoding: quoted-printable\n\n<svg/=3E", "X-Mailreeve-SVG", "<svg/>\nbody\n" },
	{ "Content-Type: a/b; name=\"a.SVG\"\n\n<svg>\n</svg>\n", "X-Mailreeve-SVG", "<svg>\n</svg>\n\nbody\n" },
	{ "Content-Type: image/png; name=a.png\n\n<svg/>\n", "X-Mailreeve-SVG", NULL },
	{ "X-Message-Id: <1>\nMessage-Id: <2>\n", "MESSAGEID", "<1>\n<2>\n" },
	{ "Return-Path: <a@b.example>\n", "EnvelopeFrom", "a@b.example" },
	{ "Received: by x\nReturn-Path: <a@b.example>\n", "EnvelopeFrom", NULL },
	{ "From: \"A B\" <a@b.example>\n", "From:addr", "a@b.example" },
	{ "From: \"A B\" <a@b.example>\n", "From:name", "A B" },
	{ "From: A B <a@b.example>\n", "From:name", "A B" },
	{ "From: \"'A B'\" <a@b.example>\n", "From:name", "A B" },
	{ "From: a@b.example (A B)\n", "From:name", "A B" },
	{ "From: a@b.example (A B)\n", "From:addr", "a@b.example" },
	{ "From: =?utf-8?Q?A=20B?= <a@b.example>\n", "From:name", "A B" },
	{ "From: a@b.example, \"C\" <c@d.example>\n", "From:addr", "a@b.example\nc@d.example" },
	{ "From: friends: a@b.example;\n", "From:addr", "a@b.example" },
	{ "From: \"a@b.example\" <>\n", "From:addr", NULL },
	{ "From: <a@b.example> x\n", "From:addr", "a@b.example" },
	{ "From: \"peter\"x@b.example\n", "From:addr", "\"peter\"x@b.example" },
	{ "From: nobody\n", "From:addr", NULL },
	{ "From: nobody\n", "From:name", "nobody" },
	{ "From: <a@www.b.co.uk>\n", "From:addr:domain", "b.co.uk" },
	{ "From: <a@www.b.co.uk>\n", "From:addr:host", "www.b.co.uk" },
	{ "X-A: at [192.0.2.7]\n", "X-A:ip", "192.0.2.7" },
	{ "X-A: at [192.0.2.7]\n", "X-A:revip", "7.2.0.192" },
	{ "nonsense\nmore\nSubject: a\n", "Subject", "a\n" },
	{ "one\ntwo\nthree\nfour\nSubject: a\n", "Subject", NULL },
	{ " folded first\nSubject: a\n", "Subject", "a\n" },
	{ "Subject: a\r\nTo: b\r\n", "Subject", "a\n" },
};

static void test_fields(void **state)
{
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	mr_view_init();
	for (size_t i = 0; i < MR_COUNT(fields); i++) {
		mr_autoarena arena = mr_arena_new(0);
		bool crlf = mr_slice_iends(mr_slice_of(fields[i].header), MR_LIT("\r\n"));
		const char *message = mr_arena_printf(arena, "%s%sbody\n", fields[i].header, crlf ? "\r\n" : "\n");
		struct mr_sa *sa = mr_sa_read(mr_slice_of(message), conf, NULL, arena);
		struct mr_slice value = MR_LIT("?");
		bool there = mr_sa_header(sa, mr_slice_of(fields[i].request), &value);

		if (there != (fields[i].value != NULL))
			fail_msg("%zu: %s", i, fields[i].header);
		if (there)
			assert_slice(value, fields[i].value);
	}
	mr_sa_conf_free(conf);
}

#define RELAY(ip, rdns, helo, by, ident, from, id, auth)                                                                                   \
	"[ ip=" ip " rdns=" rdns " helo=" helo " by=" by " ident=" ident " envfrom=" from " intl=0 id=" id " auth=" auth " msa=0 ]"

/* Forms of several servers; what the first relay that is not trusted is. */
static const struct {
	const char *received, *untrusted;
} relays[] = {
	{ "from a.example (b.example [192.0.2.1]) by c.example (Postfix) with ESMTP id 12AB; Sat, 1 Jan 2022 00:00:00 +0000",
	  RELAY("192.0.2.1", "b.example", "a.example", "c.example", "", "", "12AB", "") },
	{ "from a.example (unknown [192.0.2.1]) by c.example (Postfix) with ESMTPSA id 12AB", "" },
	{ "from a.example (unknown [192.0.2.1]) by c.example (Postfix) with ESMTP id 12AB",
	  RELAY("192.0.2.1", "", "a.example", "c.example", "", "", "12AB", "") },
	{ "from a.example (IDENT:joe@b.example [192.0.2.1] (may be forged)) by c.example (8.11.6/8.11.6) with SMTP id xyz",
	  RELAY("192.0.2.1", "b.example", "a.example", "c.example", "joe", "", "xyz", "") },
	{ "from [192.0.2.1] (helo=a.example ident=joe) by c.example with smtp (Exim 3.35 #1 (Debian)) id 1-2-3 for <x@y.example>",
	  RELAY("192.0.2.1", "", "a.example", "c.example", "joe", "", "1-2-3", "") },
	{ "from b.example ([192.0.2.1] helo=a.example) by c.example with esmtp (Exim 3.35 #1 (Debian)) id 1-2-3",
	  RELAY("192.0.2.1", "b.example", "a.example", "c.example", "", "", "1-2-3", "") },
	{ "from unknown (HELO a.example) (joe@192.0.2.1) by c.example with SMTP; 14 Nov 2003 08:05:50 -0000",
	  RELAY("192.0.2.1", "", "a.example", "c.example", "joe", "", "", "") },
	{ "from a.example ([192.0.2.1]) by c.example with Microsoft SMTPSVC(5.0.2195.6713); Tue, 21 Sep 2004 08:59:06 +0300",
	  RELAY("192.0.2.1", "", "a.example", "c.example", "", "", "", "") },
	{ "from a.example ([192.0.2.1]) by c.example (envelope-sender <x@y.example>) with smtp",
	  RELAY("192.0.2.1", "", "a.example", "c.example", "", "x@y.example", "", "") },
	{ "from [192.0.2.1] by c.example via HTTP; Wed, 12 Feb 2003 14:22:21 PST",
	  RELAY("192.0.2.1", "", "", "c.example", "", "", "", "") },
	{ "from 192.0.2.1 (SquirrelMail authenticated user joe) by c.example with HTTP; Sat, 3 Apr 2004 10:33:43 -0500", "" },
	{ "from a.example (b.example [2001:db8::1]) by c.example (Postfix) with ESMTP id 12AB",
	  RELAY("2001:db8::1", "b.example", "a.example", "c.example", "", "", "12AB", "") },
	{ "from localhost (localhost [127.0.0.1]) by c.example (Postfix) with ESMTP id 12AB", "" },
	{ "from a.example by c.example; Thu, 20 Feb 2003 23:32:58 +0100", "" },
	{ "(qmail 27981 invoked by uid 225); 14 Mar 2003 07:24:34 -0000", "" },
	{ "by c.example (Postfix, from userid 1002) id DABBD1BED3", "" },
};

static void test_relays(void **state)
{
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	for (size_t i = 0; i < MR_COUNT(relays); i++) {
		mr_autoarena arena = mr_arena_new(0);
		struct mr_sa *sa =
		    mr_sa_read(mr_slice_of(mr_arena_printf(arena, "Received: %s\n\n", relays[i].received)), conf, NULL, arena);

		assert_slice(mr_sa_scalar(sa, MR_LIT("X-Spam-Relays-Untrusted")), relays[i].untrusted);
	}
	mr_sa_conf_free(conf);
}

static void test_trust(void **state)
{
	static const char message[] = "X-A: 1\n"
				      "Received: from a.example (b.example [10.0.0.1]) by c.example (Postfix) with ESMTP id 1\n"
				      "X-B: 2\n"
				      "Received: from d.example (e.example [192.0.2.1]) by f.example (Postfix) with ESMTP id 2\n"
				      "X-Originating-IP: [192.0.2.9]\n\n";
	static const struct mr_sa_client client = {
		.ip = MR_LIT("192.0.2.77"), .rdns = MR_LIT("r.example"), .helo = MR_LIT("h"), .by = MR_LIT("us"), .from = MR_LIT("")
	};
	struct mr_sa_conf *conf = test_sa_conf();
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sa *sa = mr_sa_read(mr_slice_of(message), conf, NULL, arena);
	size_t n;

	(void)state;
	mr_sa_relays(sa, MR_SA_TRUSTED, &n);
	assert_int_equal(n, 1);
	assert_slice(mr_sa_relays(sa, MR_SA_UNTRUSTED, &n)[0]->ip, "192.0.2.1");
	assert_int_equal(n, 2);
	assert_slice(mr_sa_relays(sa, MR_SA_EXTERNAL, &n)[1]->ip, "192.0.2.9");
	assert_slice(mr_sa_scalar(sa, MR_LIT("ALL-TRUSTED")),
		     "X-A: 1\nReceived: from a.example (b.example [10.0.0.1]) by c.example (Postfix) with ESMTP id 1\n"
		     "X-B: 2\nReceived: from d.example (e.example [192.0.2.1]) by f.example (Postfix) with ESMTP id 2\n");
	/* The connection is newer than any field. */
	sa = mr_sa_read(mr_slice_of(message), conf, &client, arena);
	assert_slice(mr_sa_relays(sa, MR_SA_UNTRUSTED, &n)[0]->ip, "192.0.2.77");
	assert_slice(mr_sa_scalar(sa, MR_LIT("EnvelopeFrom")), "");
	mr_sa_conf_free(conf);
}

/* The administrator says whom to trust; of several networks that fit the first counts. */
static void test_networks(void **state)
{
	static const char message[] = "Received: from a.example (b.example [192.0.2.1]) by c.example (Postfix) with ESMTP id 1\n"
				      "Received: from d.example (e.example [192.0.2.9]) by f.example (Postfix) with ESMTP id 2\n"
				      "Received: from g.example (h.example [10.0.0.1]) by i.example (Postfix) with ESMTP id 3\n\n";
	static const struct {
		const char *settings;
		size_t trusted, internal;
		bool msa;
	} t[] = {
		{ "", 0, 0, false },
		{ "trusted_networks 192.0.2.1", 1, 1, false },
		{ "internal_networks 192.0.2.1", 1, 1, false },
		{ "trusted_networks 192.0.2.0/24", 2, 2, false }, /* what is private is no longer trusted by itself */
		{ "trusted_networks 192.0.2. 10.", 3, 3, false },
		{ "trusted_networks 192.0.2/24 10/8\ninternal_networks 192.0.2.0/29", 3, 1, false },
		{ "trusted_networks !192.0.2.9 192.0.2.0/24", 1, 1, false },
		{ "trusted_networks 192.0.2.0/24 !192.0.2.9", 2, 2, false },
		{ "trusted_networks 192.0.2.1\nmsa_networks 192.0.2.1", 3, 3, true },
		{ "trusted_networks 192.0.2.1\nmsa_networks 192.0.2.9", 1, 1, false },
		{ "trusted_networks 0/0\nclear_trusted_networks\ntrusted_networks 192.0.2.1", 1, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < MR_COUNT(t); i++) {
		struct mr_sa_conf *conf = test_sa_conf();
		mr_autoarena arena = mr_arena_new(0);
		struct mr_sa *sa = mr_sa_read(mr_slice_of(message), conf, NULL, arena);
		size_t trusted, internal;

		test_sa_set(conf, t[i].settings);
		mr_sa_relays(sa, MR_SA_TRUSTED, &trusted);
		mr_sa_relays(sa, MR_SA_INTERNAL, &internal);
		if (trusted != t[i].trusted || internal != t[i].internal)
			fail_msg("%s: %zu trusted, %zu internal", t[i].settings, trusted, internal);
		if (trusted)
			assert_int_equal(mr_sa_relays(sa, MR_SA_TRUSTED, &trusted)[0]->msa, t[i].msa);
		mr_sa_conf_free(conf);
	}
}

static void test_networks_in_error(void **state)
{
	static const char *const wrong[] = { "192.0.2.256", "192.0.2.0/33", "example", "1.2.3.4.5", "2001:db8::/129", "!", "/8", "." };
	struct mr_sa_conf *conf = test_sa_conf();

	(void)state;
	for (size_t i = 0; i < MR_COUNT(wrong); i++) {
		struct mr_diag diag = { 0 };

		assert_int_equal(mr_sa_conf_set(conf, MR_LIT("trusted_networks"), mr_slice_of(wrong[i]), &diag), -EINVAL);
		assert_non_null(strstr(diag.text, "is no network"));
	}
	mr_sa_conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fields), cmocka_unit_test(test_relays), cmocka_unit_test(test_trust),
					    cmocka_unit_test(test_networks), cmocka_unit_test(test_networks_in_error) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
