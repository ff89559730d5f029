/* fuzz-srs: goal: an address that is rewritten; it comes back the same, and rewriting it once more changes nothing. */

/* ours */
#include "fuzz.h"
#include "mail/srs.h"

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_srs srs = {
		.secrets = { MR_LIT("tops3cret") }, .n_secrets = 1, .domain = MR_LIT("fwd.example"), .now = 1795342032
	};
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice in = fuzz_input(data, size), out, again, back;

	mr_srs_reverse(&srs, in, arena, &back);
	if (mr_srs_forward(&srs, in, arena, &out) < 0 || mr_slice_eq(in, out))
		return 0;
	if (out.n <= 900) { /* beyond, the rewritten one may be too long to be read */
		fuzz_assert(mr_srs_forward(&srs, out, arena, &again) == 0 && mr_slice_eq(out, again));
		fuzz_assert(mr_srs_reverse(&srs, out, arena, &back) == 0);
		/* an SRS1 address was rewritten from the SRS0 one inside of it, at another host */
		fuzz_assert(mr_slice_istarts(in, MR_LIT("srs")) || mr_slice_eq(in, back));
	}
	fuzz_goals++;
	return 0;
}
