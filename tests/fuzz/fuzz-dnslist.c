/* fuzz-dnslist: a row of configuration, a line break, and the four bytes of each address of an answer. Goal: a row, and an answer that it
 * lists. A symbol must be one that a report may carry; a name that is asked for must be one. */

/* ours */
#include "base/arena.h"
#include "base/buf.h"
#include "fuzz.h"
#include "mail/dnslist.h"

size_t fuzz_goals;

static void judge(const struct mr_dnslist *l, struct mr_slice bytes)
{
	struct mr_dns_rr rrs[16];
	struct mr_dns_answer a = { .type = MR_DNS_A, .status = MR_DNS_OK, .rrs = rrs };
	uint32_t hits = 0;

	while (bytes.n >= 4 && a.n_rrs < 16) {
		rrs[a.n_rrs++] = (struct mr_dns_rr){ .data = { bytes.p, 4 } };
		bytes = mr_slice_from(bytes, 4);
	}
	if (mr_dnslist_judge(l, &a, &hits) == MR_DNSLIST_LISTED) {
		fuzz_assert(hits != 0);
		for (size_t i = 0; i < 32; i++)
			fuzz_assert(!(hits & 1u << i) || (i < l->n_codes && l->codes[i].symbol));
		fuzz_goals++;
	} else {
		fuzz_assert(hits == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice rest = fuzz_input(data, size), row;
	struct mr_buf name = MR_BUF(1000);
	struct mr_dnslist l;

	if (!mr_slice_next(&rest, '\n', &row))
		row = (struct mr_slice){ 0 };
	if (mr_dnslist_parse(row, arena, &l, NULL) == 0) {
		fuzz_assert(l.zone.n > 0 && l.zone.n <= MR_DNS_NAME_MAX / 2 && l.subjects && l.max > 0 && l.n_codes > 0);
		for (size_t i = 0; i < l.n_codes; i++)
			fuzz_assert(!l.codes[i].symbol || (l.codes[i].symbol[0] && !strpbrk(l.codes[i].symbol, " =\n")));
		mr_dnslist_hashed(&l, rest, &name);
		fuzz_assert(name.n > 0 && name.n <= 63);
		judge(&l, rest);
	}
	mr_dnslist_address(rest, arena);
	mr_buf_done(&name);
	return 0;
}
