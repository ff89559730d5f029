/* fuzz-address: every reader of addresses on the same bytes. Goal: an envelope address or a header with one; what was accepted is accepted
 * again. */

/* ours */
#include "fuzz.h"
#include "mail/address.h"

#define MAX 4

size_t fuzz_goals;

static void envelope(struct mr_slice in, struct mr_arena *arena)
{
	struct mr_diag diag = { 0 };
	struct mr_slice out, again;
	struct mr_address a;

	if (mr_address_split(in, &a) == 0) {
		fuzz_assert(a.local.n > 0 && a.local.n <= 512 && a.domain.n > 0 && a.domain.n <= 255);
		out = mr_address_canonical(in, arena);
		fuzz_assert(mr_slice_eq(mr_address_canonical(out, arena), out));
		again = mr_address_unquote(out, arena);
		fuzz_assert(mr_slice_eq(mr_address_quote(again, arena), out));
		fuzz_goals++;
	}
	if (mr_address_account(in, arena, &out, &diag) == 0) {
		fuzz_assert(mr_address_split(out, &a) == 0);
		fuzz_assert(mr_address_account(out, arena, &again, NULL) == 0 && mr_slice_eq(out, again));
	} else {
		fuzz_assert(diag.text[0]);
	}
	if (mr_address_destination(in, arena, &out, NULL) == 0)
		fuzz_assert(mr_address_destination(out, arena, &again, NULL) == 0 && mr_slice_eq(out, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice in = fuzz_input(data, size), out[MAX], again[MAX];
	int n = mr_address_header(in, arena, out, MAX);

	for (int i = 0; i < n && i < MAX; i++) {
		fuzz_assert(mr_address_header(out[i], arena, again, MAX) == 1);
		fuzz_assert(mr_slice_eq(out[i], again[0]));
		fuzz_goals++;
	}
	envelope(in, arena);
	return 0;
}
