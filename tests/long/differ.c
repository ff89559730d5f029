/* differ: what ours says of many generated cases, for test_differential.py. A case is a line "CASE ZONE-BYTES MESSAGE-BYTES", the zone (see
 * tests/support/zone.h) and the message, in which libopendkim is asked, too.
 *   spf   the message is "HELO CLIENT SENDER", escaped as in a zone → a line "RESULT EXPLANATION"
 *   dkim  → a line "RESULT... / RESULT...", one for each signature; ours, then libopendkim's, "-" where it looks at none */
/* system */
#include <errno.h>
#include <time.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/dkim.h"
#include "mail/spf.h"
#include "support/opendkim-peer.h"
#include "support/zone.h"

#define PART_MAX (1u << 20)

static char *part(size_t n)
{
	char *p = mr_alloc(n + 1);

	if (fread(p, 1, n, stdin) != n) {
		fprintf(stderr, "a case is cut short\n");
		exit(2);
	}
	return p;
}

static void spf(const char *zone, struct mr_slice line, struct mr_arena *arena)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_spf_request rq = { .receiver = MR_LIT("mx.example.net"), .now = 1700000000 };
	struct mr_spf_answer a = { 0 };
	struct mr_slice client, word;

	if (!mr_slice_next(&line, ' ', &rq.helo) || !mr_slice_next(&line, ' ', &client) || mr_parse_ip(client, &rq.client) < 0) {
		fprintf(stderr, "a broken case\n");
		exit(2);
	}
	rq.helo = zone_unescape(rq.helo, arena);
	if (mr_slice_next(&line, ' ', &word))
		rq.sender = zone_unescape(word, arena);
	while (mr_spf_check(&rq, view, arena, &a) == -EAGAIN)
		zone_answer(zone, view);
	printf("%s %.*s\n", mr_spf_str(a.result), (int)a.explanation.n, a.explanation.p);
	mr_dns_view_free(view);
}

static void dkim(const char *zone, struct mr_slice text, struct mr_arena *arena)
{
	struct mr_dns_view *view = mr_dns_view_new();
	enum mr_dkim_result theirs[MR_DKIM_SIGNATURES_MAX];
	struct mr_dkim_answer ours = { 0 };
	struct mr_message m;
	int n;

	mr_message_parse(text, arena, &m);
	while (mr_dkim_verify(&m, time(NULL), view, arena, &ours) == -EAGAIN)
		zone_answer(zone, view);
	for (size_t i = 0; i < ours.n; i++)
		printf("%s ", mr_dkim_str(ours.signatures[i].result));
	printf("/");
	n = peer_verify(&m, view, theirs);
	for (int i = 0; i < n; i++)
		printf(" %s", mr_dkim_str(theirs[i]));
	printf("%s\n", n < 0 ? " -" : "");
	mr_dns_view_free(view);
}

int main(int argc, char **argv)
{
	bool is_spf = argc == 2 && strcmp(argv[1], "spf") == 0;
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		struct mr_slice rest = mr_slice_of(line), word;
		mr_autoarena arena = mr_arena_new(0);
		uint64_t n[2] = { 0 };
		char *zone, *text;

		rest.n -= rest.n > 0;
		mr_slice_next(&rest, ' ', &word);
		for (size_t i = 0; i < 2; i++)
			if (!mr_slice_next(&rest, ' ', &word) || mr_parse_u64(word, 0, PART_MAX, &n[i]) < 0)
				return 2;
		zone = part(n[0]);
		text = part(n[1]);
		(is_spf ? spf : dkim)(zone, (struct mr_slice){ text, n[1] }, arena);
		free(zone);
		free(text);
	}
	return 0;
}
