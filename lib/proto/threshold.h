/* threshold: the scores from which on something is done with a message: by the site, by a domain, by a user. What is said more narrowly
 * holds. */
#pragma once

enum mr_threshold {
	MR_AT_HEADER, /* X-Spam-Level is shown */
	MR_AT_GREYLIST,
	MR_AT_JUNK,
	MR_AT_QUARANTINE,
	MR_AT_REJECT,
	MR_AT_OUTBOUND, /* of what a user sends */
	MR_AT_OUTBOUND_REJECT,
};
#define MR_THRESHOLDS 7

struct mr_thresholds {
	double at[MR_THRESHOLDS]; /* NAN: nothing is said here */
};

/* As it is called on the wire, in the tables and in JSON: "junk_score". */
const char *mr_threshold_name(enum mr_threshold t);
struct mr_thresholds mr_thresholds_none(void);
/* What is not said in `own` is taken from `other`. */
struct mr_thresholds mr_thresholds_or(const struct mr_thresholds *own, const struct mr_thresholds *other);
