/* fuzz-seal: key rings, and sealed secrets under a fixed ring. Goal: one that opens; a ring that was read seals and opens. */

/* ours */
#include "base/seal.h"
#include "fuzz.h"

size_t fuzz_goals;

static void ring_of(struct mr_slice in)
{
	struct mr_buf sealed = MR_BUF(1000), plain = MR_BUF(1000);
	struct mr_keyring ring;
	unsigned line;

	if (mr_keyring_parse(in, &ring, &line) == 0) {
		fuzz_assert(ring.n > 0 && ring.n <= MR_SEAL_KEYS_MAX);
		fuzz_assert(mr_seal(&ring, MR_LIT("test"), MR_LIT("secret"), &sealed) == 0);
		fuzz_assert(mr_unseal(&ring, MR_LIT("test"), mr_buf_slice(&sealed), &plain) == 0);
		fuzz_assert(mr_slice_eq(mr_buf_slice(&plain), MR_LIT("secret")));
	}
	mr_buf_done(&sealed);
	mr_buf_done(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_keyring fixed = { .n = 1, .keys = { { .id = "k1", .key = "0123456789abcdef0123456789abcde" } } };
	struct mr_buf plain = MR_BUF(4096);
	struct mr_slice in = fuzz_input(data, size);

	if (mr_unseal(&fixed, MR_LIT("test"), in, &plain) == 0)
		fuzz_goals++;
	mr_buf_done(&plain);
	ring_of(in);
	return 0;
}
