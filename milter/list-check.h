/* list-check: each list in DNS asked one thing, for `--check`. Blocks. */
#pragma once
#include "options.h"

/* Adds "ok dns_lists ZONE", or "failed dns_lists ZONE: why" for one that refuses or does not answer within the time; 0, or 1: one failed.
 * All are asked at once. */
int mr_lists_check(const struct mr_milter_conf *conf, uint64_t timeout_ms, struct mr_buf *out);
