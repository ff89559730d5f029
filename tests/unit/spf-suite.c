/* spf-suite: runs the cases that spf-suite.py writes from the public suite. Input: sections of zone lines (tests/support/zone.h), each
 * followed by lines "CASE name helo host mailfrom results explanation", escaped as in a zone, "-" for no explanation asked for, "" for none
 * expected. */
/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/spf.h"
#include "support/zone.h"

#define FIELDS     6
#define ROUNDS_MAX 60

struct totals {
	unsigned passed, failed;
};

static struct mr_spf_answer check(const char *zone, const struct mr_slice field[FIELDS], struct mr_arena *arena)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_spf_request rq = { .helo = field[1], .sender = field[3], .receiver = MR_LIT("mx.example.net"), .now = 1700000000 };
	struct mr_spf_answer answer = { .result = MR_SPF_NONE, .mechanism = MR_LIT("(it never came to an end)") };

	if (mr_parse_ip(field[2], &rq.client) < 0)
		answer.mechanism = MR_LIT("(bad address)");
	for (int round = 0; round < ROUNDS_MAX && mr_spf_check(&rq, view, arena, &answer) == -EAGAIN; round++)
		zone_answer(zone, view);
	mr_dns_view_free(view);
	return answer;
}

static bool is_among(struct mr_slice results, const char *result)
{
	struct mr_slice one;

	while (mr_slice_next(&results, ',', &one)) {
		if (mr_slice_eq(one, mr_slice_of(result)))
			return true;
	}
	return false;
}

static void run_case(const char *zone, struct mr_slice line, struct totals *totals)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice field[FIELDS], one;
	struct mr_spf_answer a;
	size_t n = 0;

	while (n < FIELDS && mr_slice_next(&line, ' ', &one))
		field[n++] = zone_unescape(one, arena);
	if (n < FIELDS) {
		fprintf(stderr, "broken case\n");
		exit(1);
	}
	a = check(zone, field, arena);
	if (is_among(field[4], mr_spf_str(a.result)) && (mr_slice_eq(field[5], MR_LIT("-")) || mr_slice_eq(field[5], a.explanation))) {
		totals->passed++;
		return;
	}
	totals->failed++;
	printf("FAILED %.*s: %s by %.*s, explanation '%.*s', problem '%.*s'; expected %.*s, '%.*s'\n", (int)field[0].n, field[0].p,
	       mr_spf_str(a.result), (int)a.mechanism.n, a.mechanism.p, (int)a.explanation.n, a.explanation.p, (int)a.problem.n,
	       a.problem.p, (int)field[4].n, field[4].p, (int)field[5].n, field[5].p);
}

int main(void)
{
	struct mr_buf zone = MR_BUF(1 << 20);
	struct totals totals = { 0 };
	bool was_case = false;
	char line[70000];

	while (fgets(line, sizeof(line), stdin)) {
		bool is_case = mr_slice_starts(mr_slice_of(line), MR_LIT("CASE "));
		struct mr_slice text = mr_slice_of(line);

		if (text.n && text.p[text.n - 1] == '\n')
			text.n--;
		if (was_case && !is_case)
			mr_buf_reset(&zone);
		was_case = is_case;
		if (is_case)
			run_case(zone.n ? zone.p : "", mr_slice_from(text, 5), &totals);
		else
			mr_buf_puts(&zone, line);
	}
	mr_buf_done(&zone);
	printf("%u passed, %u failed\n", totals.passed, totals.failed);
	return totals.failed || !totals.passed;
}
