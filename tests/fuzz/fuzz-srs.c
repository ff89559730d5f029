/* fuzz-srs: goal: an address that is rewritten; it comes back the same, and rewriting it once more changes nothing. So does what stands for
 * an exempt sender. */

/* ours */
#include "fuzz.h"
#include "mail/srs.h"

size_t fuzz_goals;

static const struct mr_srs srs = { .secrets = { MR_LIT("tops3cret") }, .n_secrets = 1, .domain = MR_LIT("fwd.example"), .now = 1795342032 };

static void exempt(struct mr_slice in, struct mr_arena *arena)
{
	struct mr_slice asks, out, again, back;

	if (mr_srs_exempt_ask(srs.domain, in, arena, &asks) < 0)
		return;
	fuzz_assert(mr_srs_reverse(&srs, asks, arena, &back) < 0);
	fuzz_assert(mr_srs_exempt_sign(&srs, asks, arena, &out) == 0 && mr_srs_is_exempt(out));
	fuzz_assert(mr_srs_exempt_sign(&srs, out, arena, &again) < 0);
	fuzz_assert(mr_srs_forward(&srs, out, arena, &again) == 0 && mr_slice_eq(out, again));
	fuzz_assert(mr_srs_reverse(&srs, out, arena, &back) == 0 && mr_slice_eq(in, back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice in = fuzz_input(data, size), out, again, back;

	mr_srs_reverse(&srs, in, arena, &back);
	mr_srs_exempt_sign(&srs, in, arena, &out);
	exempt(in, arena);
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
