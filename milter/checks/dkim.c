/* dkim: do the signatures hold (RFC 6376)? One symbol a message: the best signature counts, since anybody may add a broken one. A failed
 * signature says no more than none (RFC 6376 section 6.1), so no score. */

/* system */
#include <errno.h>

/* ours */
#include "scan.h"

static const char *const symbols[] = {
	[MR_DKIM_NONE] = "DKIM_NONE",       [MR_DKIM_PASS] = "DKIM_PASS",           [MR_DKIM_FAIL] = "DKIM_FAIL",
	[MR_DKIM_NEUTRAL] = "DKIM_NEUTRAL", [MR_DKIM_TEMPERROR] = "DKIM_TEMPERROR", [MR_DKIM_PERMERROR] = "DKIM_PERMERROR",
	[MR_DKIM_POLICY] = "DKIM_POLICY",
};

static enum mr_dkim_result best(const struct mr_dkim_answer *a)
{
	static const enum mr_dkim_result order[] = { MR_DKIM_PASS,    MR_DKIM_TEMPERROR, MR_DKIM_POLICY,
						     MR_DKIM_NEUTRAL, MR_DKIM_FAIL,      MR_DKIM_PERMERROR };

	for (size_t o = 0; o < sizeof(order) / sizeof(order[0]); o++)
		for (size_t i = 0; i < a->n; i++)
			if (a->signatures[i].result == order[o])
				return order[o];
	return MR_DKIM_NONE;
}

static int run(struct mr_scan *scan)
{
	struct mr_dkim_answer *a = mr_arena_alloc(scan->arena, sizeof(*a));

	if (mr_dkim_verify(&scan->message, scan->in->now, scan->dns, scan->arena, a) == -EAGAIN)
		return -EAGAIN;
	scan->dkim = a;
	mr_scan_symbol(scan, symbols[best(a)], 0);
	return 0;
}

const struct mr_check mr_check_dkim = { .name = "dkim", .outside_only = true, .run = run };
