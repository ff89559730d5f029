/* fuzz-message: goal: a message with a field and a body. The fields lie one behind the other in the input, the body is its end. */

/* ours */
#include "fuzz.h"
#include "mail/message.h"

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice in = fuzz_input(data, size);
	struct mr_message m;

	mr_message_parse(in, arena, &m);
	for (size_t i = 0; i < m.n_headers; i++) {
		const struct mr_header *h = &m.headers[i];

		fuzz_assert(h->name.n > 0 && h->raw.p == h->name.p);
		fuzz_assert(i == 0 || h->raw.p == h[-1].raw.p + h[-1].raw.n);
		fuzz_assert(h->value.p >= h->raw.p && h->value.p + h->value.n <= h->raw.p + h->raw.n);
	}
	fuzz_assert(!m.body.n || m.body.p + m.body.n == in.p + in.n);
	fuzz_goals += m.n_headers && m.body.n;
	return 0;
}
