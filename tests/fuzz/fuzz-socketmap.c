/* fuzz-socketmap: goal: a request; its key as the answer makes a netstring again. */

/* ours */
#include "fuzz.h"
#include "proto/netstring.h"
#include "proto/socketmap.h"

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_buf reply = MR_BUF(2 * MR_SOCKETMAP_REPLY_MAX);
	struct mr_socketmap_request request;
	struct mr_slice payload;
	size_t used;

	if (mr_netstring_next(fuzz_input(data, size), MR_SOCKETMAP_REQUEST_MAX, &payload, &used) == 1 &&
	    mr_socketmap_parse(payload, &request) == 0) {
		fuzz_assert(request.map.n > 0 && request.map.n + 1 + request.key.n == payload.n);
		fuzz_assert(mr_socketmap_reply(&reply, MR_SOCKETMAP_OK, request.key) == 0);
		fuzz_assert(mr_netstring_next(mr_buf_slice(&reply), MR_SOCKETMAP_REPLY_MAX, &payload, &used) == 1 && used == reply.n);
		fuzz_assert(payload.n > 3);
		fuzz_goals++;
	}
	mr_buf_done(&reply);
	return 0;
}
