/* dns: questions to the site's resolver (Unbound; validation is its job) on a loop, through libunbound's event API in forwarding mode.
 *
 * What the resolver finds bogus it answers with SERVFAIL, so it is MR_DNS_TEMP here, never MR_DNS_OK. That it found an answer secure does
 * not come through: libunbound drops the forwarder's AD bit unless it validates itself, so `secure` is always false. Zones that libunbound
 * would answer alone (test, invalid, localhost, private reverse zones ...) are forwarded like all others. After a restart of the resolver
 * answers come again within two seconds. */
#pragma once
#include "base/diag.h"
#include "proto/dns.h"
#include "rt/loop.h"

struct mr_dns;
/* resolver "127.0.0.1:53". -errno with a diagnosis when it cannot be set up (that it answers is not asked). */
int mr_dns_new(struct mr_loop *l, const char *resolver, struct mr_dns **out, struct mr_diag *diag);
/* One authoritative server of a zone: names in the zone are asked there, not recursively, and nothing is kept. What they lead to outside
 * the zone (CNAME) is for the resolver. */
struct mr_dns_stub {
	const char *zone, *address; /* "example.org", "192.0.2.1" */
	unsigned port;
};
int mr_dns_new_stub(struct mr_loop *l, const char *resolver, const struct mr_dns_stub *stub, struct mr_dns **out, struct mr_diag *diag);
void mr_dns_free(struct mr_dns *d); /* no callback runs any more */
/* The callback always comes later, never from inside, and exactly once: at the deadline with MR_DNS_TEMP. The answer lives during the call.
 */
typedef void mr_dns_cb(const struct mr_dns_answer *a, void *arg);
void mr_dns_ask(struct mr_dns *d, const char *name, enum mr_dns_type type, uint64_t deadline_ms /* absolute, mr_now_ms() */, mr_dns_cb *cb,
		void *arg);
/* One question and its answer, blocking at most so long: 0, -EAGAIN with what is wrong, or as mr_dns_new(). */
int mr_dns_check(const char *resolver, uint64_t timeout_ms, struct mr_diag *diag);
