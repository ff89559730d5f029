/* arc-driver: lets the public ARC suite talk to ours (arc-suite.py). The message comes on standard input.
 *
 *   verify ZONEFILE: a line "result sets problem" (zone as in tests/support/zone.h)
 *   seal DOMAIN SELECTOR KEYFILE ID NAMES TIME: the three fields of a set, or nothing */
/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "mail/arc.h"
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

static struct mr_buf read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	struct mr_buf b = read_all(f);

	if (f)
		fclose(f);
	return b;
}

static int seal(const struct mr_message *m, char **argv)
{
	struct mr_buf pem = read_file(argv[4]);
	struct mr_arc_seal s = { .domain = mr_slice_of(argv[2]),
				 .selector = mr_slice_of(argv[3]),
				 .authserv_id = mr_slice_of(argv[5]),
				 .names = mr_slice_of(argv[6]) };
	struct mr_arc_set set = MR_ARC_SET;
	struct mr_sign_key *key = NULL;
	struct mr_diag diag = { 0 };
	uint64_t now = 0;
	int r = mr_sign_key_new(mr_buf_slice(&pem), &key, &diag);

	s.key = key;
	if (r == 0)
		r = mr_parse_u64(mr_slice_of(argv[7]), 0, INT64_MAX, &now);
	s.now = (int64_t)now;
	if (r == 0)
		r = mr_arc_seal(m, &s, &set, &diag);
	if (r < 0)
		fprintf(stderr, "%s\n", diag.text);
	else if (r == 0)
		printf("ARC-Seal: %s\nARC-Message-Signature: %s\nARC-Authentication-Results: %s\n", set.seal.p, set.signature.p,
		       set.results.p);
	mr_arc_set_done(&set);
	mr_sign_key_unref(key);
	mr_buf_done(&pem);
	return r < 0;
}

static int verify(const struct mr_message *m, struct mr_arena *arena, char **argv)
{
	struct mr_buf zone = read_file(argv[2]);
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_arc_answer a;
	int rounds = 0;

	while (mr_arc_verify(m, 1700000000, view, arena, &a) == -EAGAIN && rounds++ < 3)
		zone_answer(zone.n ? zone.p : "", view);
	printf("%s %u %.*s\n", mr_arc_str(a.result), a.n, (int)a.problem.n, a.problem.p);
	mr_buf_done(&zone);
	mr_dns_view_free(view);
	return rounds > 2;
}

int main(int argc, char **argv)
{
	struct mr_buf in = read_all(stdin);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_message m;
	int r = 2;

	mr_message_parse(mr_buf_slice(&in), arena, &m);
	if (argc == 8 && strcmp(argv[1], "seal") == 0)
		r = seal(&m, argv);
	else if (argc == 3 && strcmp(argv[1], "verify") == 0)
		r = verify(&m, arena, argv);
	mr_buf_done(&in);
	return r;
}
