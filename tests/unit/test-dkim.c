/* dkim: the example of RFC 8463 (section A.3), whole and damaged, in threads and in a sandbox. dkim-interop.py compares with python3-dkim.
 */
/* system */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* libraries */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* ours */
#include "base/buf.h"
#include "base/text.h"
#include "mail/dkim.h"
#include "support/zone.h"
#include "unit.h"

#define ED_TAGS                                                                                                                            \
	"a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n q=dns/txt; s=brisbane; "            \
	"t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n "                                        \
	"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n "                                                                            \
	"b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
#define ED "DKIM-Signature: v=1; " ED_TAGS
#define RSA                                                                                                                                \
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n q=dns/txt; "       \
	"s=test; t=1528637909; h=from : to : subject :\r\n date : message-id : from : subject : date;\r\n "                                \
	"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n "                                                                            \
	"b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n "                                                                  \
	"DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
#define HEAD                                                                                                                               \
	"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\n"        \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
#define BODY "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

#define ED_KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA_KEY                                                                                                                            \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/" \
	"e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define ED_NAME "brisbane._domainkey.football.example.com"

static const char zone[] = ED_NAME " TXT v=DKIM1; k=ed25519; p=" ED_KEY "\n"
				   "test._domainkey.football.example.com TXT v=DKIM1; k=rsa; p=" RSA_KEY "\n";

/* Returns how many questions were asked. */
static size_t verify(struct mr_slice message, const char *records, struct mr_arena *arena, struct mr_dkim_answer *out)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_message m;
	size_t asked = 0;
	int rounds = 0;

	mr_message_parse(message, arena, &m);
	while (mr_dkim_verify(&m, 1700000000, view, arena, out) == -EAGAIN) {
		assert_true(++rounds < 3);
		asked += zone_open(view);
		zone_answer(records, view);
	}
	mr_dns_view_free(view);
	return asked;
}

static const struct {
	const char *message, *zone;
	const char *results; /* joined by a comma */
	const char *problem; /* part of the first one's */
} cases[] = {
	{ HEAD BODY, zone, "", NULL },
	{ ED RSA HEAD BODY, zone, "pass,pass", NULL },
	{ RSA ED HEAD BODY, zone, "pass,pass", NULL },
	{ ED HEAD BODY "more\r\n", zone, "fail", "body has been altered" },
	{ ED "From: <x@evil.example>\r\n" HEAD BODY, zone, "fail", "does not hold" },
	{ ED "X-New: not signed\r\n" HEAD BODY, zone, "pass", NULL },
	/* keys */
	{ ED HEAD BODY, "x.example A 192.0.2.1\n", "permerror", "key" },
	{ ED HEAD BODY, ED_NAME " A 192.0.2.1\n", "permerror", "key" },
	{ ED HEAD BODY, ED_NAME " TIMEOUT\n", "temperror", "key could not be fetched" },
	{ ED HEAD BODY, ED_NAME " TXT v=DKIM1; k=ed25519; p=\n", "permerror", "revoked" },
	{ ED HEAD BODY, ED_NAME " TXT v=DKIM2; k=ed25519; p=" ED_KEY "\n", "permerror", "version" },
	{ ED HEAD BODY, ED_NAME " TXT v=DKIM1; k=other; p=" ED_KEY "\n", "permerror", "unknown type" },
	{ ED HEAD BODY, ED_NAME " TXT v=DKIM1; k=ed25519; p=AAAA\n", "permerror", "key" },
	{ ED HEAD BODY, ED_NAME " TXT nonsense\n", "permerror", "" },
	{ ED HEAD BODY, ED_NAME " TXT v=DKIM1; k=ed25519; s=other; p=" ED_KEY "\n", "permerror", "not for e-mail" },
	{ ED HEAD BODY, ED_NAME " TXT google-verification\n" ED_NAME " TXT k=ed25519; p=" ED_KEY "\n", "pass", NULL },
	{ RSA HEAD BODY, "test._domainkey.football.example.com TXT p=" ED_KEY "\n", "permerror", "key" },
	/* signatures that are broken */
	{ "DKIM-Signature: nonsense\r\n" ED HEAD BODY, zone, "neutral,pass", "tag list" },
	{ "DKIM-Signature:\r\n" ED HEAD BODY, zone, "neutral,pass", "missing" },
	{ "DKIM-Signature: v=1; v=1; " ED_TAGS HEAD BODY, zone, "neutral", "twice" },
	{ "DKIM-Signature: " ED_TAGS HEAD BODY, zone, "neutral", "missing" },
	{ "DKIM-Signature: v=2; " ED_TAGS HEAD BODY, zone, "neutral", "version" },
	{ "DKIM-Signature: v=1; x=1528637910; " ED_TAGS HEAD BODY, zone, "fail", "expired" },
	{ "DKIM-Signature: v=1; l=-1; " ED_TAGS HEAD BODY, zone, "neutral", "length" },
	{ "DKIM-Signature: v=1; l=100000; " ED_TAGS HEAD BODY, zone, "fail", "" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=exa(mple.com; s=a; h=from; bh=AA==; b=AA==\r\n" HEAD BODY, zone, "neutral",
	  "odd characters" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=a b/c; h=from; bh=AA==; b=AA==\r\n" HEAD BODY, zone, "neutral",
	  "odd characters" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=.; s=a; h=from; bh=AA==; b=AA==\r\n" HEAD BODY, zone, "neutral", "odd characters" },
	{ "DKIM-Signature: v=1; a=rsa-md5; d=football.example.com; s=test; h=from; bh=AA==; b=AA==\r\n" HEAD BODY, zone, "permerror",
	  "algorithm" },
	{ "DKIM-Signature: v=1; a=rsa-sha1; d=football.example.com; s=test; h=from; bh=AA==; b=AA==\r\n" HEAD BODY, zone, "policy",
	  "rsa-sha1" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=football.example.com; s=test; h=to; bh=AA==; b=AA==\r\n" HEAD BODY, zone, "permerror", "" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=football.example.com; s=test; h=from; bh=AA==; b=AA==\r\n" HEAD BODY, zone, "fail", "" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=football.example.com; i=@other.example; s=test; h=from; bh=AA==; b=AA==\r\n" HEAD BODY,
	  zone, "neutral", "" },
	{ ED "To: x\r\n\r\n" BODY, zone, "fail", "" }, /* no From at all */
};

static void test_results(void **state)
{
	mr_autoarena arena = mr_arena_new(0);

	for (size_t i = 0; i < MR_COUNT(cases); i++) {
		struct mr_buf results = MR_BUF(1000);
		struct mr_dkim_answer a;

		verify(mr_slice_of(cases[i].message), cases[i].zone, arena, &a);
		for (size_t j = 0; j < a.n; j++)
			mr_buf_printf(&results, "%s%s", j ? "," : "", mr_dkim_str(a.signatures[j].result));
		assert_slice(mr_buf_slice(&results), cases[i].results);
		if (cases[i].problem) {
			mr_autofree char *problem = mr_slice_dup(a.signatures[0].problem);

			if (!strstr(problem, cases[i].problem))
				fail_msg("case %zu: problem is '%s'", i, problem);
		}
		for (size_t j = 0; j < a.n; j++)
			assert_int_equal(a.signatures[j].aligns, a.signatures[j].result == MR_DKIM_PASS);
		mr_buf_done(&results);
		mr_arena_reset(arena);
	}
}

static void test_facts(void **state)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_dkim_signature *s;
	struct mr_dkim_answer a;

	verify(MR_LIT(RSA ED HEAD BODY), zone, arena, &a);
	s = &a.signatures[0];
	assert_slice(s->domain, "football.example.com");
	assert_slice(s->selector, "test");
	assert_slice(s->identity, "@football.example.com");
	assert_slice(s->algorithm, "rsa-sha256");
	assert_slice(s->b, "F45dVWDf");
	assert_slice(s->problem, "");
	assert_int_equal(s->bits, 1024);
	assert_int_equal(a.signatures[1].bits, 256);
	assert_false(a.more);
}

/* Line ends of LF only mean the same. */
static void test_lf(void **state)
{
	const char *text = ED RSA HEAD BODY;
	struct mr_buf lf = MR_BUF(10000);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;

	for (const char *p = text; *p; p++) {
		if (*p != '\r')
			mr_buf_putc(&lf, *p);
	}
	verify(mr_buf_slice(&lf), zone, arena, &a);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.signatures[0].result, MR_DKIM_PASS);
	assert_int_equal(a.signatures[1].result, MR_DKIM_PASS);
	mr_buf_done(&lf);
}

/* 10,000 signatures: ten are looked at. A megabyte in one, thousands of names in h=: refused at once. NUL bytes. */
static void test_hostile(void **state)
{
	struct mr_buf b = MR_BUF(16 << 20);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;

	for (int i = 0; i < 10000; i++)
		mr_buf_puts(&b, ED);
	mr_buf_puts(&b, HEAD BODY);
	verify(mr_buf_slice(&b), zone, arena, &a);
	assert_int_equal(a.n, MR_DKIM_SIGNATURES_MAX);
	assert_true(a.more);

	/* each with a key of its own: bounded is what is asked for, and of a header that is too long nothing */
	for (int n = 9000; n <= 10000; n += 1000) {
		mr_buf_reset(&b);
		for (int i = 0; i < n; i++)
			mr_buf_printf(&b, "DKIM-Signature: v=1; a=rsa-sha256; d=x%d.example; s=s; h=from; bh=AA==; b=AA==\r\n", i);
		mr_buf_puts(&b, ED HEAD BODY);
		assert_int_equal(verify(mr_buf_slice(&b), zone, arena, &a), n == 9000 ? MR_DKIM_SIGNATURES_MAX : 0);
		assert_int_equal(a.n, MR_DKIM_SIGNATURES_MAX);
		for (size_t i = 0; i < a.n; i++)
			assert_slice(a.signatures[i].problem, n == 9000 ? "there is no key" : "header is too long");
	}

	/* a megabyte of other fields changes nothing */
	mr_buf_reset(&b);
	for (int i = 0; i < 9000; i++)
		mr_buf_printf(&b, "X-Field-%d: %0120d\r\n", i, i);
	mr_buf_puts(&b, ED HEAD BODY);
	assert_true(b.n > 1 << 20);
	assert_int_equal(verify(mr_buf_slice(&b), zone, arena, &a), 1);
	assert_int_equal(a.signatures[0].result, MR_DKIM_PASS);

	mr_buf_reset(&b);
	mr_buf_puts(&b, "DKIM-Signature: v=1; a=rsa-sha256; d=football.example.com; s=test; bh=AA==; b=AA==; h=from");
	for (int i = 0; i < 600; i++)
		mr_buf_puts(&b, ":to");
	mr_buf_puts(&b, "\r\nDKIM-Signature: v=1; b=");
	for (int i = 0; i < 1 << 16; i++)
		mr_buf_puts(&b, "0123456789abcdef");
	mr_buf_puts(&b, "\r\n");
	mr_buf_add(&b, MR_LIT("X-Nul: a\0b\r\nDKIM-Signature: v=1; \0\r\n"));
	mr_buf_puts(&b, ED HEAD BODY);
	verify(mr_buf_slice(&b), zone, arena, &a);
	assert_int_equal(a.n, 4);
	assert_slice(a.signatures[0].problem, "too many names in h=");
	assert_slice(a.signatures[1].problem, "signature field is too long");
	assert_slice(a.signatures[2].problem, "tag list is broken");
	assert_int_equal(a.signatures[3].result, MR_DKIM_PASS);
	mr_buf_done(&b);
}

/* A fresh key: its PEM, and the zone line that publishes it. */
static void make_key(struct mr_buf *pem, struct mr_buf *records)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *out = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	char *text;
	long n;
	int len;

	assert_non_null(key);
	assert_int_equal(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(out, &text);
	mr_buf_add(pem, (struct mr_slice){ text, (size_t)n });
	len = i2d_PUBKEY(key, &der);
	assert_true(len > 0);
	mr_buf_puts(records, "s1._domainkey.example.org TXT v=DKIM1; p=");
	mr_base64_add(records, (struct mr_slice){ (char *)der, (size_t)len });
	mr_buf_puts(records, "\n");
	OPENSSL_free(der);
	BIO_free(out);
	EVP_PKEY_free(key);
}

/* Lines longer than the chunks that a body is hashed in: signed with bare LFs, verified with CRLF. */
static void test_sign(void **state)
{
	struct mr_buf pem = MR_BUF(10000), records = MR_BUF(10000), lf = MR_BUF(1 << 20), crlf = MR_BUF(1 << 20), value = MR_BUF(10000);
	struct mr_dkim_sign s = { .domain = MR_LIT("example.org"), .selector = MR_LIT("s1"), .now = 1700000000 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_sign_key *key = NULL;
	struct mr_diag diag = { 0 };
	struct mr_dkim_answer a;
	struct mr_message m;

	make_key(&pem, &records);
	assert_int_equal(mr_sign_key_new(mr_buf_slice(&pem), &key, &diag), 0);
	s.key = key;
	mr_buf_puts(&lf, "From: a@example.org\nSubject: folded\n line\n\n");
	mr_buf_puts(&crlf, "From: a@example.org\r\nSubject: folded\r\n line\r\n\r\n");
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < (i < 3 ? 65533 + i : 200); j++) {
			mr_buf_putc(&lf, 'x');
			mr_buf_putc(&crlf, 'x');
		}
		mr_buf_puts(&lf, i == 1 ? "\r\n" : "\n");
		mr_buf_puts(&crlf, "\r\n");
	}
	mr_message_parse(mr_buf_slice(&lf), arena, &m);
	assert_int_equal(mr_dkim_sign(&m, &s, &value, &diag), 0);
	assert_null(memchr(value.p, '\r', value.n));
	assert_non_null(strstr(value.p, "t=1700000000;"));
	mr_buf_reset(&lf);
	mr_buf_printf(&lf, "DKIM-Signature: %s\r\n", value.p);
	mr_buf_add(&lf, mr_buf_slice(&crlf));
	verify(mr_buf_slice(&lf), records.p, arena, &a);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.signatures[0].result, MR_DKIM_PASS);
	mr_sign_key_unref(key);
	mr_buf_done(&pem);
	mr_buf_done(&records);
	mr_buf_done(&lf);
	mr_buf_done(&crlf);
	mr_buf_done(&value);
}

static void *verify_often(void *arg)
{
	mr_autoarena arena = mr_arena_new(0);
	unsigned *passed = arg;

	for (int i = 0; i < 50; i++) {
		struct mr_dkim_answer a;

		verify(MR_LIT(ED RSA HEAD BODY), zone, arena, &a);
		*passed += a.signatures[0].result == MR_DKIM_PASS && a.signatures[1].result == MR_DKIM_PASS;
		mr_arena_reset(arena);
	}
	return NULL;
}

static void test_threads(void **state)
{
	unsigned passed[4] = { 0 };
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &passed[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(passed[i], 50);
	}
}

/* From here on a process that opens a file or a socket dies. */
static int close_the_door(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { MR_COUNT(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -errno;
}

/* The parent only prepares, the child in its sandbox does the first verification. Runs first, before anything else has warmed up the
 * libraries. */
static void test_sandbox(void **state)
{
	int status;
	pid_t pid;

	mr_dkim_prepare();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		unsigned passed = 0;

		if (close_the_door() < 0)
			_exit(2);
		verify_often(&passed);
		_exit(passed == 50 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sandbox), cmocka_unit_test(test_results), cmocka_unit_test(test_facts), cmocka_unit_test(test_lf),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_threads), cmocka_unit_test(test_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
