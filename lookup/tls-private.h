/* tls-private: inside of tls, shared by tls.c and tls-file.c only. */
#pragma once
#include <uthash.h>
#include "tls.h"

struct tls_waiter {
	struct tls_waiter *next;
	void (*cb)(const struct mr_tls_facts *f, void *arg);
	void *arg;
};

/* A domain. */
struct tls_domain {
	struct mr_tls *tls;
	UT_hash_handle hh; /* in the order of their last use */
	char *name;
	/* What was learned, until known_until_ms. Reasons are in `work`. */
	uint64_t known_until_ms;
	enum mr_dane_state dane;
	struct mr_slice dane_reason, sts_reason;
	/* The policy that holds; NULL = none. It and its strings are in `policy_arena`. */
	struct mr_sts_policy *policy;
	struct mr_arena *policy_arena;
	char id[MR_STS_ID_MAX + 1];
	int64_t fetched, used; /* seconds since 1970 */
	/* The last fetch that failed. */
	uint64_t failed_until_ms;
	char failed_id[MR_STS_ID_MAX + 1];
	/* A fetch under way. */
	bool fetching;
	char fetching_id[MR_STS_ID_MAX + 1];
	/* Finding out, for those who wait. */
	bool evaluating, refresh, fetched_now;
	uint64_t deadline_ms;
	struct mr_dns_view *view;
	size_t questions; /* of the view, under way */
	struct mr_timer *timer;
	struct mr_arena *work;
	struct tls_waiter *waiters;
};

/* Takes a policy's text over into the domain. -EINVAL with the reason. */
int tls_policy_set(struct tls_domain *d, const char *id, struct mr_slice text, int64_t fetched, struct mr_diag *diag);
void tls_policy_drop(struct tls_domain *d);
bool tls_policy_holds(const struct tls_domain *d);
/* The file of a domain's policy: read when the domain is new, written, removed. */
void tls_file_load(const struct mr_tls_config *c, struct tls_domain *d);
void tls_file_save(const struct mr_tls_config *c, const struct tls_domain *d, struct mr_slice text);
