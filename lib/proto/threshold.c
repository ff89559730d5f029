/* threshold: see threshold.h. */

/* system */
#include <math.h>

/* ours */
#include "proto/threshold.h"

const char *mr_threshold_name(enum mr_threshold t)
{
	static const char *const names[MR_THRESHOLDS] = {
		[MR_AT_HEADER] = "header_score",
		[MR_AT_GREYLIST] = "greylist_score",
		[MR_AT_JUNK] = "junk_score",
		[MR_AT_QUARANTINE] = "quarantine_score",
		[MR_AT_REJECT] = "reject_score",
		[MR_AT_OUTBOUND] = "outbound_score",
		[MR_AT_OUTBOUND_REJECT] = "outbound_reject_score",
	};

	return names[t];
}

struct mr_thresholds mr_thresholds_none(void)
{
	struct mr_thresholds none;

	for (unsigned t = 0; t < MR_THRESHOLDS; t++)
		none.at[t] = NAN;
	return none;
}

struct mr_thresholds mr_thresholds_or(const struct mr_thresholds *own, const struct mr_thresholds *other)
{
	struct mr_thresholds r = *own;

	for (unsigned t = 0; t < MR_THRESHOLDS; t++)
		if (isnan(r.at[t]))
			r.at[t] = other->at[t];
	return r;
}
