/* dkim-peer: our verifier of DKIM against libopendkim: what that signs, we accept, and of messages that were damaged at random both accept
 * the same ones. It takes more in two places, where RFC 6376 does not: base64 with other letters in between, and lines with a bare CR. */
/* system */
#include <errno.h>
#include <time.h>

/* libraries */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* ours */
#include "base/text.h"
#include "support/dkimmake.h"
#include "support/opendkim-peer.h"
#include "support/zone.h"
#include "unit.h"

#define DAMAGES 400 /* of each signed message */

#define ORDINARY                                                                                                                           \
	"From: Anna <anna@example.org>\r\nTo: b@example.net,\r\n\tc@example.net\r\nSubject: about\r\n  what we \tsaid\r\nDate: today\r\n"  \
	"Message-ID: <1@example.org>\r\nReceived: from a\r\nReceived: from b\r\n\r\nHello,\r\n\r\n  two  words \t\r\nthird\t\r\n\r\n\r\n"
#define QUOTED "from: \"a;b=c\" <a@example.org> \r\nsubject: =?utf-8?q?caf=C3=A9?=\r\nmime-version: 1.0\r\n\r\n \r\n\t\r\nx \r\n"
static const char *const messages[] = {
	ORDINARY,
	QUOTED,
	"From: a@example.org\r\n\r\n",
	"From:a@example.org\r\nSubject :x\r\nX-Empty:\r\n\r\n\r\n\r\n.dot\r\nend of line\r\n",
};

static char *pem;
static struct mr_buf zone = { .max = 10000 };

static int make_key(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *out = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	char *text;
	long n;
	int len;

	PEM_write_bio_PrivateKey_traditional(out, key, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(out, &text);
	pem = mr_slice_dup((struct mr_slice){ text, (size_t)n });
	len = i2d_PUBKEY(key, &der);
	mr_buf_puts(&zone, "e._domainkey.example.org TXT v=DKIM1; k=ed25519; p=" DKIMMAKE_P "\ns._domainkey.example.org TXT v=DKIM1; p=");
	mr_base64_add(&zone, (struct mr_slice){ (char *)der, (size_t)len });
	mr_buf_puts(&zone, "\n");
	OPENSSL_free(der);
	BIO_free(out);
	EVP_PKEY_free(key);
	return 0;
}

static int forget_key(void **state)
{
	free(pem);
	mr_buf_done(&zone);
	return 0;
}

/* Both about one message. */
struct both {
	struct mr_dkim_answer ours;
	enum mr_dkim_result theirs[MR_DKIM_SIGNATURES_MAX];
	int n_theirs;
};

static void ask_both(struct mr_slice text, struct mr_arena *arena, struct both *out)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_message m;

	mr_message_parse(text, arena, &m);
	while (mr_dkim_verify(&m, time(NULL), view, arena, &out->ours) == -EAGAIN)
		zone_answer(zone.p, view);
	out->n_theirs = peer_verify(&m, view, out->theirs);
	mr_dns_view_free(view);
}

/* xorshift: the same on every host */
static uint32_t at_random(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

static struct mr_slice random_line(struct mr_slice text, uint32_t *seed)
{
	size_t from = at_random(seed, (uint32_t)text.n), to = from;

	while (from > 0 && text.p[from - 1] != '\n')
		from--;
	while (to < text.n && text.p[to] != '\n')
		to++;
	return (struct mr_slice){ text.p + from, to + (to < text.n) - from };
}

/* One change: a byte lost, another, one more; a line lost, twice, moved to the top; a fold undone or made. */
static void damage(struct mr_slice text, uint32_t *seed, struct mr_buf *out)
{
	static const char odd[] = " \t\r\n:;=,@.aA09-_/+\x80";
	size_t at = at_random(seed, (uint32_t)text.n);
	uint32_t way = at_random(seed, 9);
	struct mr_slice line = random_line(text, seed);
	size_t from = (size_t)(line.p - text.p);

	mr_buf_reset(out);
	if (way == 6)
		mr_buf_add(out, line);
	mr_buf_add(out, (struct mr_slice){ text.p, way < 4 ? at : from });
	if (way == 0 || way == 1)
		mr_buf_putc(out, odd[at_random(seed, sizeof(odd) - 1)]);
	else if (way == 2)
		mr_buf_putc(out, (char)(text.p[at] ^ 0x20));
	else if (way == 4)
		mr_buf_add(out, line);
	else if (way == 7)
		mr_buf_puts(out, at_random(seed, 2) ? " " : "\t");
	else if (way == 8)
		mr_buf_puts(out, "\r\n");
	if (way < 4)
		mr_buf_add(out, mr_slice_from(text, at + (way != 1)));
	else
		mr_buf_add(out, mr_slice_from(text, from + (way == 5 || way == 6 ? line.n : 0)));
}

static bool has_bare_cr(struct mr_slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\r' && (i + 1 == text.n || text.p[i + 1] != '\n'))
			return true;
	}
	return false;
}

static void compare(struct mr_slice text, struct mr_arena *arena, size_t *passed)
{
	struct both b;

	if (has_bare_cr(text))
		return;
	ask_both(text, arena, &b);
	for (int i = 0; i < b.n_theirs; i++) {
		const struct mr_dkim_signature *s = &b.ours.signatures[i];
		bool excused = memmem(s->problem.p, s->problem.n, "not base64", 10);

		*passed += s->result == MR_DKIM_PASS;
		if ((s->result == MR_DKIM_PASS) != (b.theirs[i] == MR_DKIM_PASS) && !excused)
			fail_msg("signature %d: %s (%.*s) and %s\n%.*s", i, mr_dkim_str(s->result), (int)s->problem.n, s->problem.p,
				 mr_dkim_str(b.theirs[i]), (int)text.n, text.p);
	}
}

static void damages(struct mr_slice text, uint32_t seed, size_t *passed)
{
	struct mr_buf damaged = MR_BUF(1 << 20);
	mr_autoarena arena = mr_arena_new(0);

	for (int i = 0; i < DAMAGES; i++) {
		damage(text, &seed, &damaged);
		compare(mr_buf_slice(&damaged), arena, passed);
		mr_arena_reset(arena);
	}
	mr_buf_done(&damaged);
}

/* Signed by it in every form, whole and damaged. */
static void test_theirs(void **state)
{
	struct mr_buf text = MR_BUF(1 << 20);
	mr_autoarena arena = mr_arena_new(0);
	size_t passed = 0;

	for (unsigned i = 0; i < MR_COUNT(messages) * 8; i++) {
		struct peer_how how = { i & 1, i & 2, i & 4 };
		struct both b;

		mr_buf_reset(&text);
		assert_true(peer_sign(mr_slice_of(messages[i / 8]), &how, pem, &text));
		mr_buf_puts(&text, messages[i / 8]);
		ask_both(mr_buf_slice(&text), arena, &b);
		if (b.ours.n != 1 || b.ours.signatures[0].result != MR_DKIM_PASS || b.ours.signatures[0].aligns == how.partial)
			fail_msg("%u: %.*s\n%s", i, (int)b.ours.signatures[0].problem.n, b.ours.signatures[0].problem.p, text.p);
		assert_int_equal(b.n_theirs, 1);
		assert_int_equal(b.theirs[0], MR_DKIM_PASS);
		damages(mr_buf_slice(&text), i + 1, &passed);
	}
	assert_true(passed > 100); /* not everything that was changed was signed */
	mr_buf_done(&text);
}

#define OURS "DKIM-Signature: v=1; a=ed25519-sha256;\r\n\t"

/* Signed by us, with Ed25519, which its signer leaks with. */
static void test_ours(void **state)
{
	static const char *const fields[] = {
		OURS "c=relaxed/relaxed; d=example.org; s=e; h=from:subject:to:cc; i=anna@a.example.org; t=1600000000; bh=@H; b=@F\r\n",
		OURS "h=from : from :\r\n subject;b=@F \r\n\t; bh = @H; d=example.org; s=e;q=dns/txt\r\n",
		OURS "c=simple/relaxed; d=example.org; s=e; l=4; h=received:from; bh=@H; b=@S;\r\n",
	};
	struct mr_buf text = MR_BUF(1 << 20);
	struct mr_sign_key *key = NULL;
	size_t passed = 0;

	assert_int_equal(mr_sign_key_new(MR_LIT(DKIMMAKE_PRIVATE), &key, NULL), 0);
	for (unsigned i = 0; i < MR_COUNT(messages) * MR_COUNT(fields); i++) {
		const char *message = messages[i / MR_COUNT(fields)];

		mr_buf_reset(&text);
		assert_true(dkimmake_sign(fields[i % MR_COUNT(fields)], key, mr_slice_of(message), &text));
		mr_buf_puts(&text, message);
		damages(mr_buf_slice(&text), i + 1000, &passed);
	}
	assert_true(passed > 100);
	mr_sign_key_unref(key);
	mr_buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_theirs), cmocka_unit_test(test_ours) };

	return cmocka_run_group_tests(tests, make_key, forget_key);
}
