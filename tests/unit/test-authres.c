/* authres: what is written for every kind of result and of hostile value, and whom a field claims to be from. */
/* system */
#include <errno.h>

/* ours */
#include "mail/authres.h"
#include "unit.h"

static const struct mr_dkim_answer no_signature;
static const struct mr_dkim_answer two_signatures = {
	.signatures = { { .result = MR_DKIM_PASS,
			  .domain = MR_LIT("example.org"),
			  .selector = MR_LIT("s1"),
			  .algorithm = MR_LIT("rsa-sha256"),
			  .b = MR_LIT("F45dVWDf") },
			{ .result = MR_DKIM_FAIL,
			  .domain = MR_LIT("example.net"),
			  .selector = MR_LIT("s2"),
			  .algorithm = MR_LIT("ed25519-sha256"),
			  .b = MR_LIT("/gCr+/=="),
			  .problem = MR_LIT("body has been altered") } },
	.n = 2,
};
static const struct mr_dkim_answer hostile_signature = {
	.signatures = { { .result = MR_DKIM_NEUTRAL, .domain = MR_LIT("a;\r\n b\"c\\d\xff"), .problem = MR_LIT("say \"no\"") } },
	.n = 1,
};

static const struct {
	const char *sender; /* NULL: no SPF */
	enum mr_spf_result spf;
	const char *problem;
	const struct mr_dkim_answer *dkim;
	const char *user;
	const char *text;
} cases[] = {
	{ NULL, 0, "", NULL, "", "mx.example; none" },
	{ "a@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=a@example.org" },
	{ "", MR_SPF_SOFTFAIL, "", NULL, "", "mx.example;\n\tspf=softfail smtp.helo=helo.example" },
	{ "a@example.org", MR_SPF_PERMERROR, "more than one SPF record: example.org", &no_signature, "",
	  "mx.example;\n\tspf=permerror reason=\"more than one SPF record: example.org\" smtp.mailfrom=a@example.org;\n\tdkim=none" },
	{ "a@example.org", MR_SPF_NONE, "", &two_signatures, "",
	  "mx.example;\n\tspf=none smtp.mailfrom=a@example.org;\n\t"
	  "dkim=pass header.d=example.org header.s=s1 header.a=rsa-sha256 header.b=F45dVWDf;\n\t"
	  "dkim=fail reason=\"body has been altered\" header.d=example.net header.s=s2 header.a=ed25519-sha256 header.b=\"/gCr+/==\"" },
	{ NULL, 0, "", &hostile_signature, "", "mx.example;\n\tdkim=neutral reason=\"say \\\"no\\\"\" header.d=\"a;?? b\\\"c\\\\d?\"" },
	{ NULL, 0, "", NULL, "john@example.org", "mx.example;\n\tauth=pass" },
	{ "a b@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"a b@example.org\"" },
	{ "\"a b\"@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"a b\"@example.org" },
	{ "a=b@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"a=b\"@example.org" },
	{ "a;dkim=pass\n x@evil", MR_SPF_FAIL, "", NULL, "", "mx.example;\n\tspf=fail smtp.mailfrom=\"a;dkim=pass? x@evil\"" },
	{ "@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"@example.org\"" },
	{ "\"a\\\"b\"@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"a\\\"b\"@example.org" },
	/* SMTPUTF8, and what is none */
	{ "j\xc3\xb6rg@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=j\xc3\xb6rg@example.org" },
	{ "j\xc3\xb6rg@gr\xc3\xbcn.example", MR_SPF_PASS, "", NULL, "",
	  "mx.example;\n\tspf=pass smtp.mailfrom=j\xc3\xb6rg@gr\xc3\xbcn.example" },
	{ "j\xc2\x9brg@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"j?\?rg\"@example.org" },
	{ "j\xf6rg@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"j?rg\"@example.org" },
	{ "j\xc3\xb6=rg@example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"j?\?=rg\"@example.org" },
	{ "a@b\xfcr.example", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=\"a@b?r.example\"" },
	{ "example.org", MR_SPF_PASS, "", NULL, "", "mx.example;\n\tspf=pass smtp.mailfrom=example.org" },
};

static void test_write(void **state)
{
	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_spf_request rq = { .sender = mr_slice_of(cases[i].sender), .helo = MR_LIT("helo.example") };
		struct mr_spf_answer spf = { .result = cases[i].spf, .problem = mr_slice_of(cases[i].problem) };
		struct mr_authres a = { .authserv_id = MR_LIT("mx.example"),
					.spf_request = cases[i].sender ? &rq : NULL,
					.spf = &spf,
					.dkim = cases[i].dkim,
					.auth_user = mr_slice_of(cases[i].user) };
		struct mr_buf out = MR_BUF(10000);

		assert_int_equal(mr_authres_write(&a, &out), 0);
		assert_slice(mr_buf_slice(&out), cases[i].text);
		mr_buf_done(&out);
	}
}

static void test_arc(void **state)
{
	static const struct mr_arc_answer answers[] = {
		{ .result = MR_ARC_NONE },
		{ .result = MR_ARC_FAIL, .problem = MR_LIT("a set is incomplete") },
		{ .result = MR_ARC_PASS, .n = 2, .sets[1] = { .domain = MR_LIT("example.net") } },
	};
	static const char *const texts[] = { "arc=none", "arc=fail reason=\"a set is incomplete\"", "arc=pass (i=2, d=example.net)" };

	for (size_t i = 0; i < MR_COUNT(answers); i++) {
		struct mr_authres a = { .authserv_id = MR_LIT("mx.example"), .arc = &answers[i] };
		struct mr_buf out = MR_BUF(1000), expected = MR_BUF(1000);

		mr_buf_printf(&expected, "mx.example;\n\t%s", texts[i]);
		assert_int_equal(mr_authres_write(&a, &out), 0);
		assert_string_equal(out.p, expected.p);
		mr_buf_done(&out);
		mr_buf_done(&expected);
	}
}

static void test_dmarc(void **state)
{
	static const struct mr_dmarc_answer answers[] = {
		{ .result = MR_DMARC_NONE, .author = MR_LIT("a.example") },
		{ .result = MR_DMARC_PASS, .author = MR_LIT("a.example"), .policy = MR_DMARC_REJECT },
		{ .result = MR_DMARC_FAIL, .author = MR_LIT("a.example"), .policy = MR_DMARC_QUARANTINE, .overridden = true },
		{ .result = MR_DMARC_PERMERROR, .problem = MR_LIT("no From") },
	};
	static const char *const texts[] = {
		"dmarc=none header.from=a.example",
		"dmarc=pass header.from=a.example policy.dmarc=reject",
		"dmarc=fail reason=\"overridden by a trusted ARC chain\" header.from=a.example policy.dmarc=quarantine",
		"dmarc=permerror reason=\"no From\"",
	};

	for (size_t i = 0; i < MR_COUNT(answers); i++) {
		struct mr_authres a = { .authserv_id = MR_LIT("mx.example"), .dmarc = &answers[i] };
		struct mr_buf out = MR_BUF(1000), expected = MR_BUF(1000);

		mr_buf_printf(&expected, "mx.example;\n\t%s", texts[i]);
		assert_int_equal(mr_authres_write(&a, &out), 0);
		assert_string_equal(out.p, expected.p);
		mr_buf_done(&out);
		mr_buf_done(&expected);
	}
}

static void test_bounds(void **state)
{
	struct mr_spf_answer spf = { .result = MR_SPF_PASS };
	struct mr_spf_request rq = { 0 };
	struct mr_authres a = { .authserv_id = MR_LIT("mx.example"), .spf_request = &rq, .spf = &spf };
	struct mr_buf out = MR_BUF(10000), small = MR_BUF(20);
	mr_autofree char *text = mr_alloc(1 << 20);

	memset(text, 'x', 1 << 20);
	rq.sender = (struct mr_slice){ text, 1 << 20 };
	assert_int_equal(mr_authres_write(&a, &out), 0);
	assert_true(out.n < 1200);
	assert_int_equal(mr_authres_write(&a, &small), -ENOBUFS);
	mr_buf_done(&out);
	mr_buf_done(&small);
}

static const struct {
	const char *value;
	bool ours;
} claims[] = {
	{ " mx.example; none", true },
	{ "mx.example;\r\n\tspf=pass", true },
	{ " MX.Example 1; spf=pass", true },
	{ " mx.example.; spf=pass", true },
	{ " (comment (nested \\)) x) mx.example (c) 1 (c) ; none", true },
	{ " \"mx.example\"; none", true },
	{ " \"m\\x.example\"; none", true },
	{ "\r\n mx.example\r\n ; none", true },
	{ " mx.example", true },
	{ " other.example; none", false },
	{ " other.example; spf=pass smtp.mailfrom=mx.example", false },
	{ " (mx.example) other.example; none", false },
	{ " xmx.example; none", false },
	{ " mx.example.org; none", false },
	{ " other.example", false },
	{ "", false },
	/* broken: ours when our name occurs */
	{ " (open mx.example; none", true },
	{ " \"mx.example; none", true },
	{ " mx.example/x; none", true },
	{ " a b c mx.example; none", true },
	{ " =mx.example; none", true },
	{ " mx.example spf=pass", true },
	{ " (open other.example; none", false },
};

static void test_claims(void **state)
{
	for (size_t i = 0; i < MR_COUNT(claims); i++) {
		if (mr_authres_claims(mr_slice_of(claims[i].value), MR_LIT("mx.example")) != claims[i].ours)
			fail_msg("'%s'", claims[i].value);
	}
}

/* A megabyte of comments, of words, of results: whose it is, and what it says, as with a short one. */
static void test_long(void **state)
{
	static const char *const fillers[] = { "(", "(c)", "mx.examplx ", "\"", "\\", ";", "arc;", " " };
	struct mr_buf b = MR_BUF(2 << 20);

	for (size_t i = 0; i < MR_COUNT(fillers); i++) {
		struct mr_slice word, results;

		mr_buf_reset(&b);
		while (b.n < 1 << 20)
			mr_buf_puts(&b, fillers[i]);
		mr_buf_puts(&b, "mx.example; arc=pass");
		assert_true(mr_authres_claims(mr_buf_slice(&b), MR_LIT("mx.example")) !=
			    !strcmp(fillers[i], "arc;")); /* that one is of a host named arc */
		mr_buf_reset(&b);
		mr_buf_puts(&b, "mx.example; spf=pass;");
		while (b.n < 1 << 20)
			mr_buf_puts(&b, fillers[i]);
		mr_buf_puts(&b, "; arc=fail");
		assert_true(mr_authres_results(mr_buf_slice(&b), MR_LIT("mx.example"), &results));
		assert_true(mr_authres_get(results, "spf", &word));
		assert_slice(word, "pass");
		if (mr_authres_get(results, "arc", &word))
			assert_slice(word, "fail");
	}
	mr_buf_done(&b);
}

/* What a method's first result is. */
static const struct {
	const char *results, *method, *word; /* word NULL: none */
} words[] = {
	{ "spf=pass smtp.mailfrom=a@b; arc=fail", "arc", "fail" },
	{ " arc = pass (i=1); arc=fail", "arc", "pass" },
	{ "ARC/1=Pass", "arc", "Pass" },
	{ "(c; arc=fail) arc (d) = (e) none", "arc", "none" },
	{ "dkim=fail reason=\"x; arc=pass\"; arc=none", "arc", "none" },
	{ "dkim=fail reason=\"x\\\"; arc=pass\"; arc=none", "arc", "none" },
	{ "arc", "arc", NULL },
	{ "arc=", "arc", NULL },
	{ "arc=;arc=pass", "arc", "pass" },
	{ "xarc=pass", "arc", NULL },
	{ "(arc=pass", "arc", NULL },
	{ "\"arc=pass", "arc", NULL },
	{ "none", "arc", NULL },
	{ "", "arc", NULL },
};

static void test_words(void **state)
{
	struct mr_slice results, word;

	for (size_t i = 0; i < MR_COUNT(words); i++) {
		bool found = mr_authres_get(mr_slice_of(words[i].results), words[i].method, &word);

		if (found != !!words[i].word)
			fail_msg("'%s'", words[i].results);
		if (found)
			assert_slice(word, words[i].word);
	}
	assert_true(mr_authres_results(MR_LIT(" mx.example 1;\r\n\tspf=pass "), MR_LIT("MX.example"), &results));
	assert_slice(results, "spf=pass");
	assert_false(mr_authres_results(MR_LIT("other.example; spf=pass"), MR_LIT("mx.example"), &results));
	assert_false(mr_authres_results(MR_LIT(" (open mx.example; spf=pass"), MR_LIT("mx.example"), &results));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),  cmocka_unit_test(test_arc),   cmocka_unit_test(test_dmarc), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_claims), cmocka_unit_test(test_words), cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
