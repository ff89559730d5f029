/* fuzz-quarantine: the files of an entry of the quarantine, `envelope` and, behind a line "--", `released`. Goal: an entry that was
 * released, with a recipient. Written again, the envelope says the same. */
/* ours */
#include "base/mem.h"
#include "fuzz.h"
#include "quarantine.h"

#define ID "1700000000-4Q-00"

size_t fuzz_goals;

static void check_again(const struct mr_quarantine_entry *e, struct mr_arena *arena)
{
	struct mr_verdict_withheld *to = mr_arena_alloc(arena, (e->n_recipients + 1) * sizeof(*to));
	struct mr_quarantine_copy c = { .time = e->time,
					.queue_id = e->queue_id,
					.client = e->client,
					.helo = e->helo,
					.sender = e->sender,
					.sender_parameters = e->sender_parameters,
					.from = e->from,
					.reason = e->reason,
					.outbound = e->outbound,
					.recipients = to,
					.n_recipients = e->n_recipients };
	struct mr_quarantine_entry again = { .id = ID };
	struct mr_buf out = MR_BUF(4 * MR_WIRE_MAX);

	for (size_t i = 0; i < e->n_recipients; i++)
		to[i] = (struct mr_verdict_withheld){ e->recipients[i].address, e->recipients[i].parameters,
						      mr_slice_eq(e->recipients[i].why, MR_LIT("reject")) ? MR_REJECT : MR_QUARANTINE };
	if (mr_quarantine_encode(&c, ID, &out) == 0) { /* what was read had other fields in place of the token, and may fill a message */
		fuzz_assert(mr_quarantine_decode(mr_buf_slice(&out), (struct mr_slice){ 0 }, arena, &again) == 0);
		fuzz_assert(again.time == e->time && again.outbound == e->outbound && again.n_recipients == e->n_recipients &&
			    !again.released);
		fuzz_assert(mr_slice_eq(again.sender, e->sender) && mr_slice_eq(again.queue_id, e->queue_id) &&
			    mr_slice_eq(again.from, e->from));
		for (size_t i = 0; i < e->n_recipients; i++)
			fuzz_assert(mr_slice_eq(again.recipients[i].address, e->recipients[i].address) &&
				    mr_slice_eq(again.recipients[i].parameters, e->recipients[i].parameters));
		fuzz_assert(again.token.n == 32);
	}
	mr_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice envelope = fuzz_input(data, size), released = { 0 };
	struct mr_quarantine_entry e = { .id = ID };
	mr_autoarena arena = mr_arena_new(0);
	const char *line = memmem(envelope.p, envelope.n, "\n--\n", 4);

	if (line) {
		released = mr_slice_from(envelope, (size_t)(line + 4 - envelope.p));
		envelope.n = (size_t)(line - envelope.p);
	}
	if (mr_quarantine_decode(envelope, released, arena, &e) < 0)
		return 0;
	fuzz_assert(e.time >= 0 && (e.released || e.n_released_to == 0));
	fuzz_goals += e.released && e.n_recipients > 0;
	check_again(&e, arena);
	return 0;
}
