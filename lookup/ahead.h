/* ahead: how much is read along with an address that is not in memory.
 *
 * Whoever goes through addresses in the database's order asks for the next ones soon. So a miss begins a run: a few addresses that come
 * after it. When half of the rows that the run brought last have been asked for, it goes on behind them, with twice as many. Runs cost
 * credit and what is used of them earns it: where nobody asks for neighbours, a miss begins a run only now and then, to see whether that
 * has changed. Pure: no clock, no reading. */
#pragma once
#include <stdint.h>
#include "base/slice.h"

#define MR_AHEAD_RUNS     16  /* at once; the one not used for longest gives way */
#define MR_AHEAD_READING  3   /* whose next addresses are being read */
#define MR_AHEAD_FIRST    16  /* addresses of a run's first step */
#define MR_AHEAD_COST     8   /* of beginning a run; each row of it that is used earns one back */
#define MR_AHEAD_CREDIT   64  /* at the start, and at most */
#define MR_AHEAD_PROBE    64  /* misses without credit, until one begins a run all the same */
#define MR_AHEAD_NAME_MAX 320 /* bytes of an address */

struct mr_ahead_run {
	uint16_t id; /* 0: free. Rows that it brought bear it until they are used */
	bool reading;
	unsigned step;          /* addresses wanted last */
	unsigned brought, used; /* rows of that step that were not in memory, and those of them that were asked for */
	uint64_t turn;          /* of the last use */
	char end[MR_AHEAD_NAME_MAX + 1];
};

struct mr_ahead {
	struct mr_ahead_run runs[MR_AHEAD_RUNS];
	unsigned reading, credit, missed; /* missed: without credit */
	uint64_t turn;
	uint16_t generation;
};

void mr_ahead_init(struct mr_ahead *a);
/* Each of these gives the run that is to be read on, `step` addresses behind `end`, and counts as reading until mr_ahead_read(); NULL:
 * nothing is to be read.
 *
 * miss: the address is not in memory. used: a row of that run is asked for the first time. max: addresses of one step, 0 = never any. */
struct mr_ahead_run *mr_ahead_miss(struct mr_ahead *a, struct mr_slice address, unsigned max);
struct mr_ahead_run *mr_ahead_used(struct mr_ahead *a, uint16_t id, unsigned max);
/* It was read: so many new rows, and up to which address; end NULL: it ends here. */
void mr_ahead_read(struct mr_ahead *a, struct mr_ahead_run *run, unsigned brought, const char *end);
