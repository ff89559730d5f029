/* spf-eval: the state of one evaluation, shared by spf.c (policies) and spf-match.c (mechanisms). */
#pragma once
#include "mail/address.h"
#include "mail/spf-internal.h"

#define SPF_LOOKUPS_MAX 10
#define SPF_VOIDS_MAX   2
#define SPF_NAMES_MAX   10 /* MX and PTR names */
#define SPF_NAME_MAX    (MR_DNS_NAME_MAX + 1)

struct spf {
	const struct mr_spf_request *rq;
	struct mr_dns_view *dns;
	struct mr_arena *arena;
	struct spf_macros macros;
	struct mr_spf_answer out;
};

/* Of the policy that decided. */
struct spf_final {
	struct mr_slice mechanism, exp, explanation;
	bool explained;
};

enum spf_match { SPF_NO_MATCH, SPF_MATCH, SPF_TEMP, SPF_PERM };

/* Notes the first problem in words and returns r. */
enum mr_spf_result mr_spf_problem(struct spf *s, enum mr_spf_result r, const char *what, struct mr_slice about);

bool mr_spf_needs_dns(enum spf_kind kind);
/* 0 with *out, or -EAGAIN. Every mechanism but include. */
int mr_spf_match(struct spf *s, const struct spf_term *t, enum spf_match *out);
/* The name that a domain-spec means (the current domain when it is empty), cut from the left to 253 bytes; -EAGAIN for %{p}. */
int mr_spf_target(struct spf *s, struct mr_slice spec, char name[SPF_NAME_MAX]);
/* Notes what the terms and the redirect are going to ask, as far as the limit of lookups lets them. */
void mr_spf_prefetch(struct spf *s, struct mr_slice terms, struct mr_slice redirect);
/* Section 6.2; -EAGAIN, else final->explanation is set or empty. */
int mr_spf_explain(struct spf *s, struct spf_final *final);
