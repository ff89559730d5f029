/* arc: does the chain of those who passed the message on hold (RFC 8617)? What a chain is worth depends on who sealed it, so no score;
 * DMARC looks at it. */

/* system */
#include <errno.h>

/* ours */
#include "scan.h"

static const char *const symbols[] = {
	[MR_ARC_NONE] = "ARC_NONE", [MR_ARC_PASS] = "ARC_PASS", [MR_ARC_FAIL] = "ARC_FAIL", [MR_ARC_TEMPERROR] = "ARC_TEMPERROR"
};

static int run(struct mr_scan *scan)
{
	struct mr_arc_answer *a = mr_arena_alloc(scan->arena, sizeof(*a));

	if (mr_arc_verify(&scan->message, scan->in->now, scan->dns, scan->arena, a) == -EAGAIN)
		return -EAGAIN;
	scan->arc = a;
	mr_scan_symbol(scan, symbols[a->result], 0);
	return 0;
}

const struct mr_check mr_check_arc = { .name = "arc", .outside_only = true, .run = run };
