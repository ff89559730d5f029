/* dns-trusted: questions to the site's resolver whose answers say whether it has validated them: the AD bit of RFC 4035 section 3.2.3,
 * asked for as RFC 6840 section 5.7 has it. libunbound (dns.h) drops that bit of a resolver it forwards to. It is believed only of a
 * resolver on the loopback, of any other one `secure` is false. Over TCP (RFC 7766): nobody else can answer, and nothing is cut off. A few
 * questions at a time; the others wait for their turn. Loop thread only. */
#pragma once
#include "base/diag.h"
#include "proto/dns.h"
#include "rt/dns.h"
#include "rt/loop.h"

struct mr_dns_trusted;
/* resolver "127.0.0.1:53", an IP address and a port; -EINVAL. */
int mr_dns_trusted_new(struct mr_loop *l, const char *resolver, struct mr_dns_trusted **out, struct mr_diag *diag);
void mr_dns_trusted_free(struct mr_dns_trusted *d); /* no callback runs any more */
/* As mr_dns_ask(): later, exactly once, at the deadline with MR_DNS_TEMP. */
void mr_dns_trusted_ask(struct mr_dns_trusted *d, const char *name, enum mr_dns_type type, uint64_t deadline_ms, mr_dns_cb *cb, void *arg);
