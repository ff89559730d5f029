/* explain: what became of a message and why, as the JSON object that the history keeps. */
#pragma once

/* ours */
#include "job.h"
#include "verdict.h"

#define MR_EXPLAIN_RECIPIENTS_MAX 50 /* named; the number is always told */

struct explain {
	const char *queue_id, *quarantine_id;
	const struct mr_job *job;
	bool known; /* the job's findings may be read */
	const struct mr_verdict *verdict;
	size_t n_signatures;
	uint64_t receive_ms, greylist_ms, total_ms;
};
void explain_keep(const struct explain *x);
