/* resolve: DNS questions of a verb. */
#pragma once
#include "base/diag.h"
#include "proto/dns.h"

/* Has all open questions of the view answered, at once and at most so long; what is late is MR_DNS_TEMP. */
int verbs_resolve(const char *resolver, struct mr_dns_view *view, uint64_t timeout_ms, struct mr_diag *diag);
