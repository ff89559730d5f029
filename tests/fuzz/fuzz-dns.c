/* fuzz-dns: the first byte chooses the type, then a packet about "a.x"; or, where that fails, an encoded answer. Goal: a packet understood
 * whose answer can be encoded and reads the same again. */

/* ours */
#include "fuzz.h"
#include "proto/dns.h"

size_t fuzz_goals;

static void check(const struct mr_dns_answer *a, struct mr_arena *arena)
{
	struct mr_buf text = MR_BUF(1 << 20), again = MR_BUF(1 << 20);
	struct mr_dns_answer b;

	fuzz_assert(a->n_rrs <= MR_DNS_RRS_MAX);
	fuzz_assert(mr_dns_answer_encode(&text, a) == 0);
	fuzz_assert(mr_dns_answer_decode(mr_buf_slice(&text), arena, &b) == 0);
	fuzz_assert(mr_dns_answer_encode(&again, &b) == 0);
	fuzz_assert(mr_slice_eq(mr_buf_slice(&text), mr_buf_slice(&again)));
	mr_buf_done(&text);
	mr_buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum mr_dns_type types[] = { MR_DNS_A,     MR_DNS_TXT,  MR_DNS_MX,   MR_DNS_PTR,
						  MR_DNS_CNAME, MR_DNS_AAAA, MR_DNS_TLSA, MR_DNS_NS };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice in = fuzz_input(data, size);
	struct mr_dns_answer a;

	if (!size)
		return 0;
	if (mr_dns_parse(mr_slice_from(in, 1), MR_LIT("a.x"), types[data[0] % 8], arena, &a) == 0) {
		check(&a, arena);
		fuzz_goals += a.n_rrs > 0;
	} else if (mr_dns_answer_decode(in, arena, &a) == 0) {
		check(&a, arena);
	}
	return 0;
}
