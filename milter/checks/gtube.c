/* gtube: the test string that every spam filter refuses, and the variant that goes to Junk. Found in the raw body only: who wants to test
 * does not hide it.
 *
 * GTUBE       0   refused, whatever lists and thresholds say
 * GTUBE_JUNK  10  between the thresholds for Junk and for refusal as they come */

/* ours */
#include "scan.h"

/* Written in two pieces, so that a mail with this source is not itself refused. */
#define GTUBE_TAIL "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
static const char refused[] = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" GTUBE_TAIL;
static const char junk[] = "YJS*C4JDBQADN1.NSBN3*2IDNEN*" GTUBE_TAIL;

static bool body_has(const struct mr_scan *scan, const char *text, size_t n)
{
	return scan->message.body.n >= n && memmem(scan->message.body.p, scan->message.body.n, text, n);
}

static int run(struct mr_scan *scan)
{
	if (body_has(scan, refused, sizeof(refused) - 1)) {
		mr_scan_symbol(scan, "GTUBE", 0);
		scan->result.refuse = MR_REFUSE_TEST;
	}
	if (body_has(scan, junk, sizeof(junk) - 1))
		mr_scan_symbol(scan, "GTUBE_JUNK", 10);
	return 0;
}

const struct mr_check mr_check_gtube = { .name = "gtube", .run = run };
