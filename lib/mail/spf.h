/* spf: Sender Policy Framework, RFC 7208 complete: macros, exp=, 10 lookups, 2 void lookups, 10 MX and PTR names, IPv6. Pure, given a DNS
 * view. */
#pragma once
#include "base/arena.h"
#include "base/parse.h"
#include "proto/dns.h"

enum mr_spf_result { MR_SPF_NONE, MR_SPF_NEUTRAL, MR_SPF_PASS, MR_SPF_FAIL, MR_SPF_SOFTFAIL, MR_SPF_TEMPERROR, MR_SPF_PERMERROR };
const char *mr_spf_str(enum mr_spf_result r);

struct mr_spf_request {
	struct mr_ip client;
	struct mr_slice helo;
	struct mr_slice sender;   /* MAIL FROM without <>; empty: postmaster@helo is checked (section 2.4) */
	struct mr_slice receiver; /* our host name, for %{r} */
	int64_t now;              /* seconds since 1970, for %{t} */
};
struct mr_spf_answer {
	enum mr_spf_result result;
	struct mr_slice domain;      /* that was checked */
	struct mr_slice mechanism;   /* that matched, "default", or empty */
	struct mr_slice explanation; /* text of exp=, or empty */
	struct mr_slice problem;     /* of temperror and permerror, in words */
	unsigned lookups, voids;
};
/* 0: *out is the answer. -EAGAIN: the view has questions; answer them and call again. */
int mr_spf_check(const struct mr_spf_request *rq, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_spf_answer *out);
