/* dmarc: does the author's domain stand behind the message (RFC 9989)? Runs when SPF, DKIM and ARC are known, and asks its own questions
 * along with theirs.
 *
 * DMARC_PASS, DMARC_NONE, DMARC_TEMPERROR  0
 * DMARC_FAIL        0  the domain only watches (p=none, or one step milder by t=y)
 * DMARC_QUARANTINE  6  the domain wants it in Junk
 * DMARC_REJECT      8  the domain wants it refused. A receiver must not refuse for that alone, since lists break signatures (section 7.4):
 *                      with anything else against it the sum reaches the threshold
 * DMARC_ARC         0  fails, but those we trust have sealed that it passed with them
 * DMARC_PERMERROR   3  no author, several From fields, or a broken one */

/* system */
#include <errno.h>

/* ours */
#include "scan.h"

static const struct {
	const char *symbol;
	double score;
} by_policy[] = {
	[MR_DMARC_ACCEPT] = { "DMARC_FAIL", 0 },
	[MR_DMARC_QUARANTINE] = { "DMARC_QUARANTINE", 6 },
	[MR_DMARC_REJECT] = { "DMARC_REJECT", 8 },
};

static bool trusted(const struct mr_scan *scan, struct mr_slice domain)
{
	struct mr_slice list = scan->setup->trusted_sealers, one;

	while (list.n && mr_slice_next(&list, ' ', &one)) {
		if (mr_slice_ieq(one, domain))
			return true;
	}
	return false;
}

/* From the last sealer down as far as each is trusted: what the first of these wrote about the message as it came to them. */
static bool vouched_for(const struct mr_scan *scan)
{
	const struct mr_arc_answer *a = scan->arc;
	struct mr_slice word, results = { 0 }, id;
	unsigned i = a->result == MR_ARC_PASS ? a->n : 0;

	for (; i > 0 && trusted(scan, a->sets[i - 1].domain); i--)
		results = a->sets[i - 1].results;
	if (!results.p)
		return false;
	mr_slice_next(&results, ';', &id);
	return mr_authres_get(results, "dmarc", &word) && mr_slice_ieq(word, MR_LIT("pass"));
}

static void report(struct mr_scan *scan, struct mr_dmarc_answer *a)
{
	switch (a->result) {
	case MR_DMARC_NONE:
		mr_scan_symbol(scan, "DMARC_NONE", 0);
		break;
	case MR_DMARC_PASS:
		mr_scan_symbol(scan, "DMARC_PASS", 0);
		break;
	case MR_DMARC_FAIL:
		a->overridden = a->policy != MR_DMARC_ACCEPT && vouched_for(scan);
		if (a->overridden)
			mr_scan_symbol(scan, "DMARC_ARC", 0);
		else
			mr_scan_symbol(scan, by_policy[a->policy].symbol, by_policy[a->policy].score);
		break;
	case MR_DMARC_TEMPERROR:
		mr_scan_symbol(scan, "DMARC_TEMPERROR", 0);
		break;
	case MR_DMARC_PERMERROR:
		mr_scan_symbol(scan, "DMARC_PERMERROR", 3);
		break;
	}
}

static void keep(struct mr_scan *scan, const struct mr_dmarc_answer *a)
{
	struct mr_dmarc_row row = { .dmarc = a, .spf_request = scan->spf_request, .spf = scan->spf, .dkim = scan->dkim };
	struct mr_buf text = MR_BUF(MR_DMARC_ROW_MAX);

	if (mr_dmarc_row_write(&row, &text) == 0 && text.n)
		scan->result.dmarc = (struct mr_scan_dmarc){ .passed = a->result == MR_DMARC_PASS,
							     .overridden = a->overridden,
							     .published = a->published,
							     .policy = a->policy,
							     .row = mr_slice_of(mr_arena_slice(scan->arena, mr_buf_slice(&text))) };
	mr_buf_done(&text);
}

static int run(struct mr_scan *scan)
{
	struct mr_dmarc_request rq = { .message = &scan->message, .spf = scan->spf, .dkim = scan->dkim };
	bool known = scan->dkim && scan->arc && (scan->spf || scan->in->client.family == 0);
	struct mr_dmarc_answer *a = mr_arena_alloc(scan->arena, sizeof(*a));

	if (mr_dmarc_check(&rq, scan->dns, scan->arena, a) == -EAGAIN || !known)
		return -EAGAIN;
	report(scan, a);
	keep(scan, a);
	scan->dmarc = a;
	return 0;
}

const struct mr_check mr_check_dmarc = { .name = "dmarc", .outside_only = true, .run = run };
