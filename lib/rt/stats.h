/* stats: named counters and gauges of a process; a metric is one row in the daemon's table. Any thread. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/diag.h"

struct mr_stat {
	const char *name, *help; /* name in snake_case with _total for counters */
	_Atomic int64_t *value;
};
void mr_stats_register(const struct mr_stat *table); /* ended by a NULL name; at most 8 tables */
int mr_stats_print(struct mr_buf *out);              /* "name=value\n" each */
