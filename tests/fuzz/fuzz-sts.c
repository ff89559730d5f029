/* fuzz-sts: a policy of MTA-STS and an announcement, both as strangers send them. Goal: a policy with hosts, or an announcement. Names of
 * hosts stand in a list of Postfix's: nothing in them may end it. */

/* ours */
#include "base/arena.h"
#include "fuzz.h"
#include "mail/sts.h"

size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice text = fuzz_input(data, size);
	struct mr_dns_rr rr = { .data = text };
	struct mr_dns_answer a = { .status = MR_DNS_OK, .rrs = &rr, .n_rrs = 1 };
	struct mr_sts_policy p = { 0 };
	char id[MR_STS_ID_MAX + 1] = "";

	if (mr_sts_policy_parse(text, arena, &p, NULL) == 0) {
		fuzz_assert(p.max_age <= MR_STS_AGE_MAX && p.n_mx <= MR_STS_MX_MAX && (p.mode == MR_STS_NONE || p.n_mx > 0));
		for (size_t i = 0; i < p.n_mx; i++)
			for (size_t k = 0; k < p.mx[i].n; k++)
				fuzz_assert(p.mx[i].p[k] > ' ' && p.mx[i].p[k] != ':' && p.mx[i].p[k] != ',');
		fuzz_goals += p.n_mx > 0;
	}
	if (mr_sts_record(&a, id) == 0) {
		fuzz_assert(id[0] != '\0');
		fuzz_goals++;
	}
	return 0;
}
