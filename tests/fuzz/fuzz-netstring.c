/* fuzz-netstring: goal: a netstring; written again it is the same bytes. */

/* ours */
#include "fuzz.h"
#include "proto/netstring.h"

#define MAX 4096

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice in = fuzz_input(data, size), payload;
	struct mr_buf again = MR_BUF(2 * MAX);
	size_t used;

	if (mr_netstring_next(in, MAX, &payload, &used) == 1) {
		fuzz_assert(used <= size && payload.n <= MAX);
		fuzz_assert(mr_netstring_add(&again, payload) == 0);
		fuzz_assert(mr_slice_eq(mr_buf_slice(&again), (struct mr_slice){ in.p, used }));
		fuzz_goals++;
	}
	mr_buf_done(&again);
	return 0;
}
