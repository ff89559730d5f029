/* srs: the Sender Rewriting Scheme as postsrsd does it: SRS0=HHHH=TT=domain=local@us, SRS1 for what is rewritten already.
 *
 * And a form of our own: EXEMPT=HHHH=TT=domain=local@us stands, while a message is in the queue, for a sender who is forwarded under his
 * own address; whatever delivers the message puts that back. Hash and time are as in SRS0, but no hash of the one is good in the other. Who
 * finds that a sender is exempt may hold no secret: EXEMPT==domain=local@us asks whoever does to sign. */
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
/* The address that asks for one that stands for this sender, in our domain. -EINVAL: no address, or too long; those of our own domain need
 * none. */
int mr_srs_exempt_ask(struct mr_slice domain, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out);
/* Signs what asks for it. -ENOENT: it does not, or not in our domain. -EINVAL: no secret. */
int mr_srs_exempt_sign(const struct mr_srs *srs, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out);
/* It is of our own form; nothing is said of hash and time. */
bool mr_srs_is_exempt(struct mr_slice address);
/* Of both: what is rewritten, and what stands for an exempt sender. -ENOENT: not an SRS address of ours. -EBADMSG: hash wrong, or none yet.
 * -ETIME: too old. */
int mr_srs_reverse(const struct mr_srs *srs, struct mr_slice address, struct mr_arena *arena, struct mr_slice *out);
