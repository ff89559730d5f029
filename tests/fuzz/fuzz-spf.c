/* fuzz-spf: the input is a record; every name in it has that record again, and addresses, MX hosts and PTR names made of it. Goal: an
 * evaluation that used DNS and ended in a result other than an error. */
/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "fuzz.h"
#include "mail/spf.h"

#define ROUNDS_MAX 40 /* each one answers every open question, and ten lookups are allowed */

size_t fuzz_goals;

static void answer(struct mr_dns_view *view, struct mr_slice record)
{
	enum mr_dns_type type;
	const char *name;

	while (mr_dns_view_question(view, 0, &name, &type)) {
		struct mr_dns_rr rr = { .data = MR_LIT("host.example.org"), .preference = 1 };
		struct mr_dns_answer a = { .name = (char *)name, .type = (uint16_t)type, .status = MR_DNS_OK, .rrs = &rr, .n_rrs = 1 };

		if (type == MR_DNS_TXT)
			rr.data = record;
		else if (type == MR_DNS_A)
			rr.data = (struct mr_slice){ strlen(name) % 2 ? "\300\0\2\1" : "\300\0\2\2", 4 };
		else if (type == MR_DNS_AAAA)
			a.status = strlen(name) % 3 ? MR_DNS_NXDOMAIN : MR_DNS_TEMP;
		a.n_rrs = a.status == MR_DNS_OK;
		mr_dns_view_add(view, &a);
	}
}

static void run(struct mr_slice record, const char *client)
{
	struct mr_dns_view *view = mr_dns_view_new();
	struct mr_spf_request rq = { .helo = MR_LIT("helo.example"),
				     .sender = MR_LIT("us-er.x@example.org"),
				     .receiver = MR_LIT("mx.example") };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_spf_answer a;
	int rounds = 0;

	fuzz_assert(mr_parse_ip(mr_slice_of(client), &rq.client) == 0);
	while (mr_spf_check(&rq, view, arena, &a) == -EAGAIN) {
		fuzz_assert(++rounds < ROUNDS_MAX);
		answer(view, record);
	}
	fuzz_assert(a.lookups <= 10 && a.voids <= 3);
	fuzz_goals += a.lookups > 0 && a.result != MR_SPF_PERMERROR && a.result != MR_SPF_TEMPERROR;
	mr_dns_view_free(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 65536)
		return 0;
	run(fuzz_input(data, size), "192.0.2.1");
	run(fuzz_input(data, size), "2001:db8::1");
	return 0;
}
