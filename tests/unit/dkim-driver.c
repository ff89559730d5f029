/* dkim-driver: lets other implementations talk to ours (dkim-interop.py). The message comes on standard input.
 *   sign DOMAIN SELECTOR KEYFILE  → the DKIM-Signature field
 *   verify ZONEFILE               → a line "result domain selector aligns bits problem" for each signature (zone as in
 * tests/support/zone.h) */
/* system */
#include <errno.h>
#include <time.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/dkim.h"
#include "support/zone.h"

#define INPUT_MAX (64u << 20)

static struct mr_buf read_all(FILE *f)
{
	struct mr_buf b = MR_BUF(INPUT_MAX);
	char chunk[4096];
	size_t n;

	while (f && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		mr_buf_add(&b, (struct mr_slice){ chunk, n });
	return b;
}

static int sign(const struct mr_message *m, char **argv)
{
	FILE *f = fopen(argv[4], "r");
	struct mr_buf pem = read_all(f), value = MR_BUF(1 << 16);
	struct mr_dkim_sign s = { .domain = mr_slice_of(argv[2]), .selector = mr_slice_of(argv[3]), .now = 1700000000 };
	struct mr_sign_key *key = NULL;
	struct mr_diag diag = { 0 };
	int r = mr_sign_key_new(mr_buf_slice(&pem), &key, &diag);

	s.key = key;
	if (r == 0)
		r = mr_dkim_sign(m, &s, &value, &diag);
	if (r < 0)
		fprintf(stderr, "%s\n", diag.text);
	else
		printf("DKIM-Signature: %s\n", value.p);
	if (f)
		fclose(f);
	mr_sign_key_unref(key);
	mr_buf_done(&pem);
	mr_buf_done(&value);
	return r < 0;
}

static int verify(const struct mr_message *m, struct mr_arena *arena, char **argv)
{
	FILE *f = fopen(argv[2], "r");
	struct mr_buf zone = read_all(f);
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_dkim_answer a = { 0 };
	int r;

	while ((r = mr_dkim_verify(m, time(NULL), view, arena, &a)) == -EAGAIN)
		zone_answer(zone.n ? zone.p : "", view);
	for (size_t i = 0; i < a.n; i++) {
		const struct mr_dkim_signature *s = &a.signatures[i];

		printf("%s %.*s %.*s %d %u %.*s\n", mr_dkim_str(s->result), (int)s->domain.n, s->domain.p, (int)s->selector.n,
		       s->selector.p, s->aligns, s->bits, (int)s->problem.n, s->problem.p);
	}
	if (f)
		fclose(f);
	mr_buf_done(&zone);
	mr_dns_view_free(view);
	return r < 0;
}

int main(int argc, char **argv)
{
	struct mr_buf in = read_all(stdin);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;
	int r = 2;

	mr_message_parse(mr_buf_slice(&in), arena, &m);
	if (argc == 5 && strcmp(argv[1], "sign") == 0)
		r = sign(&m, argv);
	else if (argc == 3 && strcmp(argv[1], "verify") == 0)
		r = verify(&m, arena, argv);
	mr_buf_done(&in);
	return r;
}
