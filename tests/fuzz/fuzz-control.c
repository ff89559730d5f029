/* fuzz-control: goal: a request line. */

/* ours */
#include "fuzz.h"
#include "proto/control.h"

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_control_request request;
	size_t used;

	if (mr_control_next(fuzz_input(data, size), &request, &used) == 1) {
		fuzz_assert(used <= size && used <= MR_CONTROL_LINE_MAX);
		fuzz_assert(request.verb.n > 0 && mr_slice_chr(request.verb, ' ') < 0);
		fuzz_assert(request.verb.n + request.arg.n < used);
		fuzz_goals++;
	}
	return 0;
}
