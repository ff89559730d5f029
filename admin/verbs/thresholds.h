/* thresholds: the options and lines of domains and users that are about scores. */
#pragma once
#include <jansson.h>
#include "base/arena.h"
#include "proto/threshold.h"

/* Rows of a table of flags; texts: where an array of MR_THRESHOLDS texts stands in the family's struct. */
#define THRESHOLD_FLAG(text, texts, which)                                                                                                 \
	{                                                                                                                                  \
		text, "add set", FLAG_TEXT, (texts) + (which) * sizeof(const char *), 0                                                    \
	}
#define THRESHOLD_FLAGS(texts)                                                                                                             \
	THRESHOLD_FLAG("header-score", texts, MR_AT_HEADER), THRESHOLD_FLAG("greylist-score", texts, MR_AT_GREYLIST),                      \
	    THRESHOLD_FLAG("junk-score", texts, MR_AT_JUNK), THRESHOLD_FLAG("quarantine-score", texts, MR_AT_QUARANTINE),                  \
	    THRESHOLD_FLAG("reject-score", texts, MR_AT_REJECT), THRESHOLD_FLAG("outbound-score", texts, MR_AT_OUTBOUND),                  \
	    THRESHOLD_FLAG("outbound-reject-score", texts, MR_AT_OUTBOUND_REJECT)

bool thresholds_given(const char *const texts[MR_THRESHOLDS]);
/* A line each; "default" for what is not set. */
void thresholds_print(const struct mr_thresholds *t, struct mr_arena *arena);
/* A member each; null for what is not set. */
void thresholds_json(const struct mr_thresholds *t, json_t *object);
