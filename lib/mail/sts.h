/* sts: MTA-STS (RFC 8461): what a domain publishes about how mail to it must be protected. Pure. */
#pragma once
#include "base/diag.h"
#include "proto/dns.h"

#define MR_STS_ID_MAX     32
#define MR_STS_MX_MAX     64
#define MR_STS_POLICY_MAX 65536    /* bytes of a policy, as RFC 8461 section 3.2 advises */
#define MR_STS_AGE_MAX    31557600 /* seconds, a year: section 3.2 */

enum mr_sts_mode { MR_STS_NONE, MR_STS_TESTING, MR_STS_ENFORCE };
const char *mr_sts_mode_str(enum mr_sts_mode m);

struct mr_sts_policy {
	enum mr_sts_mode mode;
	uint64_t max_age;                  /* seconds */
	struct mr_slice mx[MR_STS_MX_MAX]; /* lower case; "mx.example.org", or "*.example.org" for one label more */
	size_t n_mx;                       /* at least 1 unless the mode is none */
};
/* The id among the TXT records of _mta-sts.DOMAIN (section 3.1). -ENOENT: no policy is announced; also where several records are, or a
 * broken one. */
int mr_sts_record(const struct mr_dns_answer *txt, char id[MR_STS_ID_MAX + 1]);
/* The text of a policy (section 3.2); strings in the arena. -EINVAL with the reason. */
int mr_sts_policy_parse(struct mr_slice text, struct mr_arena *arena, struct mr_sts_policy *out, struct mr_diag *diag);
