/* killers: contents in whose scan scanners died, by hash, the latest MR_KILLERS_MAX. Content that did it MR_KILLS_HELD times is not scanned
 * again. */
#pragma once
#include <stdint.h>
#include "base/slice.h"

#define MR_KILLERS_MAX 1024
#define MR_KILLS_HELD  2

struct mr_killers {
	struct {
		uint64_t hash;
		unsigned kills;
	} v[MR_KILLERS_MAX];
	size_t n, next; /* next: the one that makes way when it is full */
};
/* One more; returns how many now. */
unsigned mr_killers_add(struct mr_killers *k, struct mr_slice content);
unsigned mr_killers_count(const struct mr_killers *k, struct mr_slice content);
