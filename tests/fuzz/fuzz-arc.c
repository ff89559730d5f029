/* fuzz-arc: the input is a message. Its chain is verified, then one set is added: the chain must hold then if it held before, and not
 * otherwise. Goal: a chain that holds. */
/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "fuzz.h"
#include "mail/arc.h"

/* RFC 8463 section A.2 */
#define PRIVATE "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
#define PUBLIC  "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

size_t fuzz_goals;

static void answer(struct mr_dns_view *view)
{
	struct mr_dns_rr rr = { .data = MR_LIT(PUBLIC) };
	enum mr_dns_type type;
	const char *name;

	while (mr_dns_view_question(view, 0, &name, &type)) {
		struct mr_dns_answer a = { .name = (char *)name, .type = (uint16_t)type, .status = MR_DNS_OK, .rrs = &rr, .n_rrs = 1 };

		mr_dns_view_add(view, &a);
	}
}

static void verify(struct mr_slice text, struct mr_arena *arena, struct mr_arc_answer *out)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_message m;
	int rounds = 0;

	mr_message_parse(text, arena, &m);
	while (mr_arc_verify(&m, 1700000000, view, arena, out) == -EAGAIN) {
		fuzz_assert(++rounds < 3);
		answer(view);
	}
	fuzz_assert((out->problem.n == 0) == (out->result == MR_ARC_NONE || out->result == MR_ARC_PASS));
	mr_dns_view_free(view);
}

/* The message with our result on top, sealed. */
static int seal(struct mr_slice text, enum mr_arc_result found, struct mr_arena *arena, struct mr_buf *out)
{
	struct mr_buf received = MR_BUF(text.n + 1000);
	struct mr_arc_set set = MR_ARC_SET;
	struct mr_arc_seal s = { .domain = MR_LIT("example.org"), .selector = MR_LIT("s"), .authserv_id = MR_LIT("fuzz.example") };
	struct mr_sign_key *key = NULL;
	struct mr_message m;
	int r;

	fuzz_assert(mr_sign_key_new(MR_LIT(PRIVATE), &key, NULL) == 0);
	s.key = key;
	mr_buf_printf(&received, "Authentication-Results: fuzz.example; arc=%s\r\n", mr_arc_str(found));
	mr_buf_add(&received, text);
	mr_message_parse(mr_buf_slice(&received), arena, &m);
	r = mr_arc_seal(&m, &s, &set, NULL);
	if (r == 0) {
		mr_buf_printf(out, "ARC-Seal: %s\nARC-Message-Signature: %s\nARC-Authentication-Results: %s\n", set.seal.p, set.signature.p,
			      set.results.p);
		mr_buf_add(out, mr_buf_slice(&received));
	}
	mr_sign_key_unref(key);
	mr_arc_set_done(&set);
	mr_buf_done(&received);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_slice text = fuzz_input(data, size);
	struct mr_buf again = MR_BUF(size + (1 << 20));
	mr_autoarena arena = mr_arena_new(0);
	struct mr_arc_answer before, after;

	/* a line of a mailbox file is part of no message */
	if (mr_slice_starts(text, MR_LIT("From ")))
		return 0;
	verify(text, arena, &before);
	fuzz_goals += before.result == MR_ARC_PASS;
	if (seal(text, before.result, arena, &again) == 0) {
		verify(mr_buf_slice(&again), arena, &after);
		fuzz_assert((after.result == MR_ARC_PASS) == (before.result == MR_ARC_PASS || before.result == MR_ARC_NONE));
	}
	mr_buf_done(&again);
	return 0;
}
