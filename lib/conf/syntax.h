/* syntax: text of a configuration file → assignments, one after the other, with their lines. Knows no option. */
#pragma once
#include "base/diag.h"

#define MR_CONF_FILE_MAX (1u << 20) /* bytes */

struct mr_conf_item {
	struct mr_slice section;       /* empty outside of sections */
	struct mr_slice name;          /* empty: the section begins here */
	const struct mr_slice *values; /* NUL-terminated each, without quotes */
	size_t n;
	bool list; /* written with braces */
};
/* 0, or -EINVAL with the diagnosis and *line (1-based) where it is. An error of `take` ends it the same way. */
int mr_conf_syntax(struct mr_slice text, int (*take)(const struct mr_conf_item *item, void *arg, struct mr_diag *why), void *arg,
		   unsigned *line, struct mr_diag *why);
