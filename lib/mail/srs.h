/* srs: the Sender Rewriting Scheme as postsrsd does it: SRS0=HHHH=TT=domain=local@us, SRS1 for what is rewritten already. */
#pragma once
#include "base/arena.h"
#include "base/diag.h"

#define MR_SRS_SECRETS_MAX 8
struct mr_srs {
	struct mr_slice secrets[MR_SRS_SECRETS_MAX]; /* the first one signs, all verify */
	size_t n_secrets;
	struct mr_slice domain; /* of rewritten addresses */
	int64_t now;            /* seconds since 1970 */
	unsigned max_age_days;  /* 0 = 21 */
};
/* Rewrites for forwarding. An address of srs->domain, SRS or not, is a fixed point: returned as it is. -EINVAL: no address, or a broken
 * SRS1 one. */
int mr_srs_forward(const struct mr_srs *srs, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out);
/* -ENOENT: not an SRS address of ours. -EBADMSG: hash wrong. -ETIME: too old. */
int mr_srs_reverse(const struct mr_srs *srs, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out);
