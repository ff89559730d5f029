/* fuzz-policy: goal: a request; a reply with any text of it is one reply. */

/* system */
#include <string.h>

/* ours */
#include "fuzz.h"
#include "proto/policy.h"

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_buf reply = MR_BUF(2 * MR_POLICY_REQUEST_MAX);
	struct mr_policy_request request;
	size_t used;

	if (mr_policy_next(fuzz_input(data, size), &request, &used) == 1) {
		fuzz_assert(used <= size && used <= MR_POLICY_REQUEST_MAX);
		fuzz_assert(mr_slice_chr(request.sender, '\n') < 0);
		fuzz_assert(mr_policy_reply(&reply, "REJECT", request.sender) == 0);
		fuzz_assert(strstr(reply.p, "\n") == reply.p + reply.n - 2);
		fuzz_goals++;
	}
	mr_buf_done(&reply);
	return 0;
}
