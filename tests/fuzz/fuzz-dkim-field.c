/* fuzz-dkim-field: the input is the value of a DKIM-Signature field on a small message, and the key exists. Goal: a signature whose form
 * was good, so that the key was fetched and the hashes were compared. */
/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "fuzz.h"
#include "mail/dkim.h"

#define KEY "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

size_t fuzz_goals;

static size_t answer(struct mr_dns_view *view)
{
	struct mr_dns_rr rr = { .data = MR_LIT(KEY) };
	enum mr_dns_type type;
	const char *name;
	size_t n = 0;

	for (; mr_dns_view_question(view, 0, &name, &type); n++) {
		struct mr_dns_answer a = { .name = (char *)name, .type = (uint16_t)type, .status = MR_DNS_OK, .rrs = &rr, .n_rrs = 1 };

		mr_dns_view_add(view, &a);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_buf text = MR_BUF(size + 1000);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dkim_answer a;
	struct mr_message m;
	size_t asked = 0;
	int rounds = 0;

	mr_buf_puts(&text, "DKIM-Signature: ");
	mr_buf_add(&text, fuzz_input(data, size));
	mr_buf_puts(&text, "\r\nFrom: a@example.org\r\nSubject: x\r\n\r\nbody\r\n");
	mr_message_parse(mr_buf_slice(&text), arena, &m);
	while (mr_dkim_verify(&m, 1700000000, view, arena, &a) == -EAGAIN) {
		fuzz_assert(++rounds < 4);
		asked += answer(view);
	}
	for (size_t i = 0; i < a.n; i++)
		fuzz_assert(a.signatures[i].result != MR_DKIM_NONE &&
			    (a.signatures[i].result == MR_DKIM_PASS || a.signatures[i].problem.n));
	fuzz_goals += asked > 0 && a.n == 1 && (a.signatures[0].result == MR_DKIM_FAIL || a.signatures[0].result == MR_DKIM_PASS);
	mr_buf_done(&text);
	mr_dns_view_free(view);
	return 0;
}
