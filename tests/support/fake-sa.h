/* fake-sa: messages for tests of the rule engine, made of given texts, and a few functions that rules call. Stands in for lib/mail/sa. */
#pragma once
#include "mail/sa/eval.h"

struct mr_sa {
	struct mr_sa_list body, rawbody, uris;
	struct mr_slice full;
	const char *fields;   /* "Name=value|Name=value" */
	const char *parts[4]; /* the same for each part */
	size_t n_parts;
	const struct mr_sa_uri *details;
	size_t n_details;
	struct mr_sa *inner;
};
