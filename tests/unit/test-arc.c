/* arc: chains that we seal and verify ourselves: grown to 50 sets, damaged in each part, hostile. arc-suite.py runs the public suite, its
 * substance is here; tests/e2e/test_auth.py compares with python3-dkim. */
/* system */
#include <errno.h>

/* libraries */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* ours */
#include "base/text.h"
#include "mail/arc.h"
#include "support/zone.h"
#include "unit.h"

#define HOST  "mx.example"
#define NAMES "from:to:subject:date"
#define MAIL  "From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\nDate: Thu, 14 Jan 2015 15:00:01 -0800\r\n\r\nHello.\r\n"

struct site {
	const char *domain;
	struct mr_sign_key *key;
};
static struct site sites[3] = { { .domain = "one.example" }, { .domain = "two.example" }, { .domain = "large.example" } };
static struct mr_buf zone = { .max = 10000 };

/* The site signs with the key, and the zone says so. */
static void equip(struct site *s, EVP_PKEY *key, const char *type)
{
	struct mr_buf public = MR_BUF(2000);
	BIO *out = BIO_new(BIO_s_mem());
	unsigned char raw[32], *der = NULL;
	size_t n_raw = sizeof(raw);
	char *pem;
	long n;
	int len;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(out, &pem);
	assert_int_equal(mr_sign_key_new((struct mr_slice){ pem, (size_t)n }, &s->key, NULL), 0);
	if (EVP_PKEY_get_raw_public_key(key, raw, &n_raw) == 1) {
		mr_base64_add(&public, (struct mr_slice){ (char *)raw, n_raw });
	} else {
		len = i2d_PUBKEY(key, &der);
		assert_true(len > 0);
		mr_base64_add(&public, (struct mr_slice){ (char *)der, (size_t)len });
	}
	mr_buf_printf(&zone, "s._domainkey.%s TXT v=DKIM1; k=%s; p=%s\n", s->domain, type, public.p);
	OPENSSL_free(der);
	BIO_free(out);
	EVP_PKEY_free(key);
	mr_buf_done(&public);
}

static int set_up(void **state)
{
	equip(&sites[0], EVP_RSA_gen(1024), "rsa");
	equip(&sites[1], EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "ed25519");
	equip(&sites[2], EVP_RSA_gen(4096), "rsa");
	return 0;
}

static int tear_down(void **state)
{
	mr_sign_key_unref(sites[0].key);
	mr_sign_key_unref(sites[1].key);
	mr_sign_key_unref(sites[2].key);
	mr_buf_done(&zone);
	return 0;
}

/* Returns how many questions were asked. */
static size_t verify(struct mr_slice text, const char *records, struct mr_arena *arena, struct mr_arc_answer *out)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_message m;
	size_t asked = 0;
	int rounds = 0;

	mr_message_parse(text, arena, &m);
	while (mr_arc_verify(&m, 1700000000, view, arena, out) == -EAGAIN) {
		assert_true(++rounds < 3);
		asked += zone_open(view);
		zone_answer(records, view);
	}
	mr_dns_view_free(view);
	return asked;
}

/* Puts a set of this site on top of the message, whose chain was found to be `cv`. */
static int seal(struct mr_buf *message, const struct site *site, const char *cv)
{
	struct mr_buf received = MR_BUF(1 << 20);
	struct mr_arc_set set = MR_ARC_SET;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_arc_seal s = { .domain = mr_slice_of(site->domain),
				 .selector = MR_LIT("s"),
				 .key = site->key,
				 .authserv_id = MR_LIT(HOST),
				 .names = MR_LIT(NAMES),
				 .now = 1700000000 };
	struct mr_message m;
	int r;

	mr_buf_printf(&received, "Authentication-Results: " HOST ";\r\n\tarc=%s;\r\n\tspf=pass smtp.mailfrom=a@example.org\r\n%s", cv,
		      message->p);
	mr_message_parse(mr_buf_slice(&received), arena, &m);
	r = mr_arc_seal(&m, &s, &set, NULL);
	if (r == 0) {
		struct mr_buf old = *message;

		*message = MR_BUF(1 << 20);
		mr_buf_printf(message, "ARC-Seal: %s\nARC-Message-Signature: %s\nARC-Authentication-Results: %s\n%s", set.seal.p,
			      set.signature.p, set.results.p, old.p);
		mr_buf_done(&old);
	}
	mr_arc_set_done(&set);
	mr_buf_done(&received);
	return r;
}

static struct mr_buf two_sets(void)
{
	struct mr_buf b = MR_BUF(1 << 20);

	mr_buf_puts(&b, MAIL);
	assert_int_equal(seal(&b, &sites[0], "none"), 0);
	assert_int_equal(seal(&b, &sites[1], "pass"), 0);
	return b;
}

/* RSA and Ed25519 by turns up to the last set that there may be, which has a large key. */
static void test_grow(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf b = MR_BUF(1 << 20);
	struct mr_arc_answer a;

	mr_buf_puts(&b, MAIL);
	verify(mr_buf_slice(&b), zone.p, arena, &a);
	assert_int_equal(a.result, MR_ARC_NONE);
	for (unsigned i = 1; i <= MR_ARC_SETS_MAX; i++) {
		const struct site *site = &sites[i == MR_ARC_SETS_MAX ? 2 : i % 2];

		assert_int_equal(seal(&b, site, i == 1 ? "none" : "pass"), 0);
		verify(mr_buf_slice(&b), zone.p, arena, &a);
		assert_int_equal(a.result, MR_ARC_PASS);
		assert_int_equal(a.n, i);
		assert_slice(a.sets[i - 1].domain, site->domain);
		mr_arena_reset(arena);
	}
	assert_non_null(memmem(a.sets[0].results.p, a.sets[0].results.n, "arc=none", 8));
	assert_int_equal(seal(&b, &sites[0], "pass"), 1);
	mr_buf_done(&b);
}

/* A word of the two-set message is replaced, the first time or the second that it stands there. */
static const struct {
	const char *from, *to;
	int times; /* 2: the second one */
	const char *problem;
} damages[] = {
	{ "Subject: x", "Subject:  X", 1, "a signature does not hold" },
	{ "Hello.", "Hallo.", 1, "body has been altered" },
	{ "spf=pass", "spf=fail", 1, "a signature does not hold" },
	{ "spf=pass", "spf=fail", 2, "a signature does not hold" },
	{ "cv=pass", "cv=none", 1, "cv= is missing or wrong" },
	{ "cv=pass", "cv=fail", 1, "chain failed before" },
	{ "cv=none", "cv=pass", 1, "cv= is missing or wrong" },
	{ "cv=none", "cx=none", 1, "cv= is missing or wrong" },
	{ "cv=none", "CV=none", 1, "cv= is missing or wrong" },
	{ "cv=none", "cv=none; h=from", 1, "seal has h=" },
	{ "cv=none", "cv=none; cv=none", 1, "a tag list is broken" },
	{ "cv=none", "cv=none;; z=1", 1, "a tag list is broken" },
	{ "ARC-Seal", "X-Seal", 1, "a set is incomplete" },
	{ "ARC-Seal", "X-Seal", 2, "a set is incomplete" },
	{ "ARC-Message-Signature", "X-Signature", 1, "a set is incomplete" },
	{ "ARC-Authentication-Results", "X-Results", 2, "a set is incomplete" },
	{ "ARC-Seal: ", "ARC-Seal: x\nARC-Seal: ", 1, "a tag list is broken" },
	{ "ARC-Seal: ", "ARC-Seal:\nARC-Seal: ", 1, "an instance is no number from 1 to 50" },
	{ "ARC-Seal: ", "ARC-Seal: i=1\nARC-Seal: ", 1, "a field stands twice" },
	{ "ARC-Seal: ", "ARC-Seal: i=4\nARC-Seal: ", 1, "a set is incomplete" },
	{ "Results: i=2;", "Results: i=3;", 1, "a set is incomplete" },
	{ "Results: i=2;", "Results: i=02;", 1, "a signature does not hold" },
	{ "Results: i=2;", "Results: i=2", 1, "an instance is no number from 1 to 50" },
	{ "Results: i=2;", "Results: I=2;", 1, "results without instance" },
	{ "Results: i=2;", "Results: x; i=2;", 1, "results without instance" },
	{ "Results: i=2;", "Results: i=0;", 1, "an instance is no number from 1 to 50" },
	{ "Results: i=2;", "Results: i=51;", 1, "an instance is no number from 1 to 50" },
	{ "Results: i=2;", "Results: i=-1;", 1, "an instance is no number from 1 to 50" },
	{ "Results: i=2;", "Results: i=99999999999999999999;", 1, "an instance is no number from 1 to 50" },
	{ "a=rsa-sha256", "a=rsa-sha1", 1, "algorithm is missing or unknown" },
	{ "a=rsa-sha256", "a=RSA-sha256", 1, "algorithm is missing or unknown" },
	{ "a=rsa-sha256", "a=ed25519-sha256", 1, "key is of another type" },
	{ "d=one.example", "d=one..example", 1, "domain or selector has odd characters" },
	{ "d=one.example", "d=", 1, "a required tag is missing or empty" },
	{ "d=one.example", "d=three.example", 1, "there is no key" },
	{ "t=1700000000", "t=now", 1, "time is no number" },
	{ "h=from", "h=arc-seal:from", 1, "signature covers seals" },
	{ "h=from", "l=0; h=from", 1, "signature covers a part of the body only" },
	{ "h=from", "x=1699999999; h=from", 1, "signature has expired" },
	{ "h=from", "q=from", 1, "a required tag is missing or empty" },
	{ "bh=", "bh=AAAA", 1, "body hash has another length" },
	{ "c=relaxed/relaxed", "c=relaxed/other", 1, "canonical form is unknown" },
	{ "c=relaxed/relaxed", "c=", 1, "canonical form is unknown" },
	{ "c=relaxed/relaxed", "c=simple", 1, "a signature does not hold" },
};

static void test_damage(void **state)
{
	struct mr_buf good = two_sets();
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(damages); i++) {
		struct mr_buf bad = MR_BUF(1 << 20);
		struct mr_arc_answer a;
		const char *at = strstr(good.p, damages[i].from);

		assert_non_null(at);
		if (damages[i].times == 2)
			at = strstr(at + 1, damages[i].from);
		assert_non_null(at);
		mr_buf_printf(&bad, "%.*s%s%s", (int)(at - good.p), good.p, damages[i].to, at + strlen(damages[i].from));
		verify(mr_buf_slice(&bad), zone.p, arena, &a);
		if (!mr_slice_eq(a.problem, mr_slice_of(damages[i].problem)))
			fail_msg("case %zu: %.*s", i, (int)a.problem.n, a.problem.p);
		assert_int_equal(a.result, MR_ARC_FAIL);
		mr_buf_done(&bad);
	}
	mr_buf_done(&good);
}

/* What relays may do: more fields above, other folds, other case of names. The older signature need not hold. */
static const struct {
	const char *from, *to;
} harmless[] = {
	{ "ARC-Seal: ", "Received: from x\r\nX-Y: z\r\nARC-Seal: " },
	{ "ARC-Seal: ", "arc-SEAL:\t" },
	{ "; i=2", ";\r\n\t i=2" },
	{ "Hello.", "Hello. \t" },
	{ "Subject: x", "subject :\r\n x " },
};

static void test_harmless(void **state)
{
	struct mr_buf good = two_sets();
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(harmless); i++) {
		struct mr_buf same = MR_BUF(1 << 20);
		const char *at = strstr(good.p, harmless[i].from);
		struct mr_arc_answer a;

		assert_non_null(at);
		mr_buf_printf(&same, "%.*s%s%s", (int)(at - good.p), good.p, harmless[i].to, at + strlen(harmless[i].from));
		verify(mr_buf_slice(&same), zone.p, arena, &a);
		assert_slice(a.problem, "");
		assert_int_equal(a.result, MR_ARC_PASS);
		mr_buf_done(&same);
	}
	mr_buf_done(&good);
}

static const struct {
	const char *records;
	enum mr_arc_result result;
	const char *problem;
} keys[] = {
	{ "s._domainkey.one.example TIMEOUT\n", MR_ARC_TEMPERROR, "a key could not be fetched" },
	{ "x.example A 192.0.2.1\n", MR_ARC_FAIL, "there is no key" },
	{ "s._domainkey.one.example TXT v=DKIM1; p=\n", MR_ARC_FAIL, "key is revoked" },
	{ "s._domainkey.one.example TXT v=DKIM1; h=sha1; p=AAAA\n", MR_ARC_FAIL, "key is not for sha256" },
	{ "s._domainkey.one.example TXT v=DKIM1; s=other; p=AAAA\n", MR_ARC_FAIL, "key is not for e-mail" },
	{ "s._domainkey.one.example TXT v=DKIM2; p=AAAA\n", MR_ARC_FAIL, "key record has another version" },
	{ "s._domainkey.one.example TXT p=AAAA\n", MR_ARC_FAIL, "key cannot be read" },
	{ "s._domainkey.one.example TXT p=A*\n", MR_ARC_FAIL, "key is not base64, or too long" },
	/* 512 bits */
	{ "s._domainkey.one.example TXT v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMbklJx6a4hjwiz6tNuScwt0KDwZ+zfHc9WoKUyFPMNAZAKX"
	  "ITBkZDCZVf8SWjsVQs2IQfeMha7l2trVdA8cQzsCAwEAAQ==\n",
	  MR_ARC_FAIL, "key is too short" },
};

static void test_keys(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf b = MR_BUF(100000);
	struct mr_arc_answer a;

	mr_buf_puts(&b, MAIL);
	assert_int_equal(seal(&b, &sites[0], "none"), 0);
	for (size_t i = 0; i < MR_COUNT(keys); i++) {
		verify(mr_buf_slice(&b), keys[i].records, arena, &a);
		assert_slice(a.problem, keys[i].problem);
		assert_int_equal(a.result, keys[i].result);
	}
	for (size_t i = 0; i < MR_COUNT(keys); i++) { /* the right one stands there, too; in no order */
		char *records = mr_arena_printf(arena, "%s%s", keys[i].records, zone.p);

		verify(mr_buf_slice(&b), records, arena, &a);
		assert_slice(a.problem, "");
	}
	mr_buf_done(&b);
}

/* RFC 8617 section 4.1.4: U-labels may stand in d= and s=. What is told of them is in A-labels. */
static void test_other_scripts(void **state)
{
	struct site green = { .domain = "gr\xc3\xbcn.example", .key = sites[0].key };
	struct mr_buf b = MR_BUF(100000), records = MR_BUF(10000);
	mr_autoarena arena = mr_arena_new(0);
	const char *record = strchr(zone.p, ' ');
	struct mr_arc_answer a;

	mr_buf_printf(&records, "s._domainkey.xn--grn-ioa.example%.*s\n", (int)strcspn(record, "\n"), record);
	mr_buf_puts(&b, MAIL);
	assert_int_equal(seal(&b, &green, "none"), 0);
	assert_non_null(strstr(b.p, "d=gr\xc3\xbcn.example"));
	verify(mr_buf_slice(&b), records.p, arena, &a);
	assert_slice(a.problem, "");
	assert_int_equal(a.result, MR_ARC_PASS);
	assert_slice(a.sets[0].domain, "xn--grn-ioa.example");
	mr_buf_done(&b);
	mr_buf_done(&records);
}

/* After a failure one set that says so, and none after that. Without a result of ours, or with one that cannot be true: none. */
static void test_seal_rules(void **state)
{
	struct mr_buf b = two_sets(), plain = MR_BUF(100000);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_arc_answer a;

	mr_buf_puts(&plain, MAIL);
	assert_int_equal(seal(&plain, &sites[0], "temperror"), 1);
	assert_int_equal(seal(&plain, &sites[0], "pass"), -EINVAL);
	assert_int_equal(seal(&plain, &sites[0], "fail"), -EINVAL);
	assert_int_equal(seal(&b, &sites[0], "none"), -EINVAL);
	assert_int_equal(seal(&b, &sites[0], "fail"), 0);
	assert_non_null(strstr(b.p, "cv=fail"));
	verify(mr_buf_slice(&b), zone.p, arena, &a);
	assert_slice(a.problem, "chain failed before");
	assert_int_equal(seal(&b, &sites[1], "fail"), 1);
	mr_buf_done(&b);
	mr_buf_done(&plain);
}

/* Thousands of fields, a megabyte in one, all 50 sets with large fields: an answer in bounded time. */
static void test_hostile(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_buf b = MR_BUF(8 << 20), good;
	struct mr_arc_answer a;

	for (int i = 0; i < 9000; i++)
		mr_buf_puts(&b, "ARC-Seal: x\r\n");
	mr_buf_puts(&b, MAIL);
	verify(mr_buf_slice(&b), zone.p, arena, &a);
	assert_int_equal(a.result, MR_ARC_FAIL);
	mr_buf_reset(&b);
	mr_buf_puts(&b, "ARC-Authentication-Results: i=1; ");
	for (int i = 0; i < 1 << 16; i++)
		mr_buf_puts(&b, "0123456789abcdef");
	mr_buf_puts(&b, "\r\n" MAIL);
	verify(mr_buf_slice(&b), zone.p, arena, &a);
	assert_slice(a.problem, "a field is too long");
	mr_buf_reset(&b);
	for (int i = 1; i <= MR_ARC_SETS_MAX; i++) {
		mr_buf_printf(&b, "ARC-Seal: i=%d; a=rsa-sha256; cv=%s; d=one.example; s=s%d; b=AAAA; z=", i, i == 1 ? "none" : "pass", i);
		for (int j = 0; j < 15000; j++)
			mr_buf_putc(&b, 'x');
		mr_buf_printf(&b, "\r\nARC-Message-Signature: i=%d; a=rsa-sha256; d=one.example; s=s; h=from; bh=AAAA; b=AAAA\r\n", i);
		mr_buf_printf(&b, "ARC-Authentication-Results: i=%d; x\r\n", i);
	}
	mr_buf_puts(&b, MAIL);
	assert_int_equal(verify(mr_buf_slice(&b), zone.p, arena, &a), MR_ARC_SETS_MAX + 1); /* a question for each key and none more */
	assert_int_equal(a.result, MR_ARC_FAIL);
	assert_slice(a.problem, "body hash has another length");
	mr_buf_reset(&b);
	for (int i = 1; i <= MR_ARC_SETS_MAX + 1; i++)
		mr_buf_printf(&b, "ARC-Seal: i=%d; a=rsa-sha256; cv=pass; d=x%d.example; s=s; b=AAAA\r\n", i, i);
	mr_buf_puts(&b, MAIL);
	assert_int_equal(verify(mr_buf_slice(&b), zone.p, arena, &a), 0);
	assert_slice(a.problem, "an instance is no number from 1 to 50");
	/* a megabyte of other fields above a good chain changes nothing */
	mr_buf_reset(&b);
	for (int i = 0; i < 9000; i++)
		mr_buf_printf(&b, "X-Field-%d: %0120d\r\n", i, i);
	assert_true(b.n > 1 << 20);
	good = two_sets();
	mr_buf_puts(&b, good.p);
	assert_int_equal(verify(mr_buf_slice(&b), zone.p, arena, &a), 2);
	assert_int_equal(a.result, MR_ARC_PASS);
	mr_buf_done(&good);
	mr_buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),          cmocka_unit_test(test_damage),     cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_keys),          cmocka_unit_test(test_seal_rules), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_other_scripts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
