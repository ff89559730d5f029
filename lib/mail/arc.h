/* arc: Authenticated Received Chain, RFC 8617: whether the chain of a message holds, and one more set for it. */
#pragma once
#include "mail/message.h"
#include "mail/sign-key.h"
#include "proto/dns.h"

#define MR_ARC_SETS_MAX 50 /* section 4.2.1 */

enum mr_arc_result { MR_ARC_NONE, MR_ARC_PASS, MR_ARC_FAIL, MR_ARC_TEMPERROR };
const char *mr_arc_str(enum mr_arc_result r);

struct mr_arc_answer {
	enum mr_arc_result result;
	struct mr_slice problem; /* in words, a constant */
	unsigned n;              /* sets; what follows is of pass only */
	struct {
		struct mr_slice domain, selector; /* of the seal, in A-labels (RFC 8617 section 4.1.4) */
		struct mr_slice results;          /* ARC-Authentication-Results after the instance, as in Authentication-Results */
	} sets[MR_ARC_SETS_MAX];                  /* instance 1 first */
};
/* 0, or -EAGAIN as in spf.h. `now`: seconds since 1970, for x=. */
int mr_arc_verify(const struct mr_message *m, int64_t now, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_arc_answer *out);

struct mr_arc_seal {
	struct mr_slice domain, selector;
	const struct mr_sign_key *key;
	struct mr_slice authserv_id; /* ours: our Authentication-Results say what was found on receipt */
	struct mr_slice names;       /* of h=; empty: those that DKIM signs, and its signatures */
	int64_t now;
};
/* Values of three fields, folded with LF + tab: to be put at the top, `seal` last. */
struct mr_arc_set {
	struct mr_buf seal, signature, results;
};
#define MR_ARC_VALUE_MAX (64u << 10)
#define MR_ARC_SET       ((struct mr_arc_set){ MR_BUF(MR_ARC_VALUE_MAX), MR_BUF(MR_ARC_VALUE_MAX), MR_BUF(MR_ARC_VALUE_MAX) })
void mr_arc_set_done(struct mr_arc_set *s);
/* 0; 1: nothing is to be added (we have no result of the chain, the last set says cv=fail, there are 50, or none can be counted); -EINVAL
 * with a reason, -EIO, -ENOBUFS. */
int mr_arc_seal(const struct mr_message *m, const struct mr_arc_seal *s, struct mr_arc_set *out, struct mr_diag *diag);
