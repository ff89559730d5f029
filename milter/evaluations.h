/* evaluations: what was found by DMARC, kept for the aggregate reports that are made later: a file a day (UTC) with a line a message, each
 * a JSON object. Nothing waits for the disk: a crash may cost the last seconds. Bounded by the size of a day and by age.
 * mailreeve-milter(8) has the fields. */
#pragma once
#include "base/diag.h"
#include "verdict.h"

struct mr_evaluations_config {
	const char *dir;  /* made where it is missing */
	uint64_t keep_ms; /* 0: nothing is kept */
	uint64_t day_max; /* bytes */
};
/* At start and at reload. -errno when the folder cannot be used. */
int mr_evaluations_configure(const struct mr_evaluations_config *c, struct mr_diag *diag);
void mr_evaluations_close(void);

struct mr_evaluation {
	struct mr_slice queue_id, client; /* client: the address, in text */
	const struct mr_scan_dmarc *dmarc;
	const struct mr_verdict *verdict;
};
/* Any thread. A message that is not taken in for now, or of which no report comes, leaves no line. */
void mr_evaluations_add(const struct mr_evaluation *e);
/* What became of the message as far as DMARC goes, and why it is milder than the domain asks for: a type of RFC 9990 section 3.1.6, or
 * NULL.
 */
const char *mr_evaluation_disposition(const struct mr_scan_dmarc *d, const struct mr_verdict *v, const char **reason);
