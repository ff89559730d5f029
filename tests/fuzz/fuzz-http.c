/* fuzz-http: goal: a request; nothing of it lies outside the bytes that it used, and every beginning of them needs more. */

/* ours */
#include "fuzz.h"
#include "proto/http.h"

size_t fuzz_goals;

static void inside(struct mr_slice part, struct mr_slice whole)
{
	fuzz_assert(part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice in = fuzz_input(data, size);
	struct mr_http_request r, again;
	size_t used = 0, ignored;

	if (mr_http_next(in, &r, &used) == 1) {
		struct mr_slice whole = { in.p, used };

		fuzz_assert(used <= size && used <= MR_HTTP_HEAD_MAX + MR_HTTP_BODY_MAX);
		inside(r.method, whole);
		inside(r.target, whole);
		inside(r.fields, whole);
		inside(r.body, whole);
		mr_http_field(&r, MR_LIT("X-API-Key"));
		fuzz_assert(mr_http_next((struct mr_slice){ in.p, used - 1 }, &again, &ignored) == 0);
		fuzz_assert(mr_http_field(&r, MR_LIT("Transfer-Encoding")).p == NULL);
		fuzz_goals++;
	}
	return 0;
}
