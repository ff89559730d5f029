/* tls: what other domains publish about how mail to them must be protected: TLSA records (DANE, RFC 7672), else a policy of MTA-STS
 * (RFC 8461). Asked of the site's resolver and, for policies, of the domain's policy host, in a thread of its own.
 *
 * - What was learned holds for a minute. Equal questions at a time are one.
 * - A policy holds for its max_age, whatever its host and the DNS say meanwhile, unless a newer one was fetched. It is on disk, a file
 * each, read when its domain is asked for first. One that was used is fetched anew after half its age, a day at most.
 * - When the answers about TLSA are missing, nothing is known: no policy of MTA-STS takes their place.
 * - Where a policy is announced but cannot be had, and there is none from before, it is as if there were none (RFC 8461 section 3.3); it is
 *   tried again after five minutes.
 *
 * Bounded: domains in memory, questions under way, bytes of a policy, transfers. Loop thread only. */
#pragma once
#include "mail/dane.h"
#include "mail/sts.h"
#include "rt/loop.h"
#include "store/db.h"

struct mr_tls;
struct mr_tls_config {
	const char *resolver, *ca_file;
	const char *folder;      /* of the policies' files; "" = they are not kept */
	unsigned port;           /* of policy hosts */
	bool private_hosts;      /* policies may be fetched from addresses that are not public */
	uint64_t fetch_ms;       /* how long one fetch may take */
	size_t domains_max;      /* in memory */
	struct mr_db_pool *pool; /* its threads write files; NULL: the loop writes */
};
/* -EINVAL: the resolver is no address. */
int mr_tls_new(struct mr_loop *l, const struct mr_tls_config *c, struct mr_tls **out, struct mr_diag *diag);
void mr_tls_free(struct mr_tls *t); /* after the pool; who still waits is told TEMP */

struct mr_tls_facts {
	enum mr_dane_state dane;
	const struct mr_sts_policy *policy; /* NULL: none holds */
	struct mr_slice dane_reason, sts_reason;
};
/* `domain` in lower case. At once or later, exactly once: at the deadline (absolute, mr_now_ms()) with dane TEMP. Facts live during the
 * call. */
void mr_tls_ask(struct mr_tls *t, struct mr_slice domain, uint64_t deadline_ms, void (*cb)(const struct mr_tls_facts *f, void *arg),
		void *arg);
size_t mr_tls_open(const struct mr_tls *t); /* questions */

/* Pure: a right side of smtp_tls_policy_maps; the empty slice: nothing is published, Postfix's own level holds. false: not known now. */
bool mr_tls_decide(const struct mr_tls_facts *f, struct mr_arena *arena, struct mr_slice *out);
