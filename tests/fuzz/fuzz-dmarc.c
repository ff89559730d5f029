/* fuzz-dmarc: the first line of the input is a policy record, which stands at every name; the rest is the value of From. Goal: a record
 * that was applied to an author. */
/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "fuzz.h"
#include "mail/dmarc.h"

size_t fuzz_goals;

static void answer(struct mr_dns_view *view, struct mr_slice record)
{
	struct mr_dns_rr rr = { .data = record };
	enum mr_dns_type type;
	const char *name;

	while (mr_dns_view_question(view, 0, &name, &type)) {
		bool txt = type == MR_DNS_TXT;
		struct mr_dns_answer a = { .name = (char *)name,
					   .type = (uint16_t)type,
					   .status = txt ? MR_DNS_OK : MR_DNS_NXDOMAIN,
					   .rrs = txt ? &rr : NULL,
					   .n_rrs = txt };

		mr_dns_view_add(view, &a);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_spf_answer spf = { .result = MR_SPF_PASS, .domain = MR_LIT("b.example.org") };
	static const struct mr_dkim_answer dkim = { .n = 0 };
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_slice input = fuzz_input(data, size), record = { 0 };
	struct mr_buf text = MR_BUF(size + 100);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dmarc_answer a;
	struct mr_message m;
	int rounds = 0;

	mr_slice_next(&input, '\n', &record);
	mr_buf_puts(&text, "From: ");
	mr_buf_add(&text, input);
	mr_buf_puts(&text, "\r\n\r\n");
	mr_message_parse(mr_buf_slice(&text), arena, &m);
	while (mr_dmarc_check(&(struct mr_dmarc_request){ .message = &m, .spf = &spf, .dkim = &dkim }, view, arena, &a) == -EAGAIN) {
		fuzz_assert(++rounds < 4);
		answer(view, record);
	}
	fuzz_assert(a.policy <= a.published);
	fuzz_assert((a.result == MR_DMARC_PERMERROR || a.result == MR_DMARC_TEMPERROR) == (a.problem.n > 0));
	fuzz_assert((a.result == MR_DMARC_PASS) == (a.spf_aligned || a.dkim_aligned));
	fuzz_goals += a.result == MR_DMARC_PASS || a.result == MR_DMARC_FAIL;
	mr_buf_done(&text);
	mr_dns_view_free(view);
	return 0;
}
