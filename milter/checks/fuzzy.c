/* fuzzy: hashes by which the message is compared with others: the loop asks Redis for those, since a scanner asks nobody. */

/* ours */
#include "scan.h"

static int run(struct mr_scan *scan)
{
	if (scan->setup->fuzzy)
		mr_fuzzy_read(mr_scan_view(scan), &scan->result.fuzzy);
	return 0;
}

const struct mr_check mr_check_fuzzy = { .name = "fuzzy", .run = run };
