/* spf: may this client send for the envelope's domain (RFC 7208)? One symbol a message.
 *
 * A fail alone refuses nothing: forwarders break SPF. Scores are small; DMARC decides on policy. */

/* system */
#include <errno.h>

/* ours */
#include "scan.h"

static const struct {
	const char *symbol;
	double score;
} symbols[] = {
	[MR_SPF_NONE] = { "SPF_NONE", 0 },           [MR_SPF_NEUTRAL] = { "SPF_NEUTRAL", 0 },
	[MR_SPF_PASS] = { "SPF_PASS", 0 },           [MR_SPF_FAIL] = { "SPF_FAIL", 1 },
	[MR_SPF_SOFTFAIL] = { "SPF_SOFTFAIL", 0.5 }, [MR_SPF_TEMPERROR] = { "SPF_TEMPERROR", 0 },
	[MR_SPF_PERMERROR] = { "SPF_PERMERROR", 0 },
};

static int run(struct mr_scan *scan)
{
	const struct mr_scan_input *in = scan->in;
	struct mr_spf_request *rq;
	struct mr_spf_answer *a;

	if (in->client.family == 0)
		return 0;
	rq = mr_arena_alloc(scan->arena, sizeof(*rq));
	a = mr_arena_alloc(scan->arena, sizeof(*a));
	*rq = (struct mr_spf_request){
		.client = in->client, .helo = in->helo, .sender = in->sender, .receiver = scan->setup->hostname, .now = in->now
	};
	if (mr_spf_check(rq, scan->dns, scan->arena, a) == -EAGAIN)
		return -EAGAIN;
	scan->spf_request = rq;
	scan->spf = a;
	mr_scan_symbol(scan, symbols[a->result].symbol, symbols[a->result].score);
	return 0;
}

const struct mr_check mr_check_spf = { .name = "spf", .outside_only = true, .run = run };
