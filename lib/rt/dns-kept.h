/* dns-kept: answers from DNS that are used again for a second, so that many messages of one sender cost one question each; the resolver has
 * the cache. Only what is known is kept (there are such records, or none of that type or name), and nothing whose own time is up at once.
 * Bounded: past MR_DNS_KEPT_MAX the oldest goes. */
#pragma once
#include "proto/dns.h"

#define MR_DNS_KEPT_MS  1000
#define MR_DNS_KEPT_MAX 500 /* of some KB each */

struct mr_dns_kept;
struct mr_dns_kept *mr_dns_kept_new(void);
void mr_dns_kept_free(struct mr_dns_kept *k); /* NULL is fine */
/* A copy of an answer that came just now; name: as it was asked for. */
void mr_dns_kept_add(struct mr_dns_kept *k, const char *name, const struct mr_dns_answer *a);
/* NULL: ask. It lives until the next call. */
const struct mr_dns_answer *mr_dns_kept_find(struct mr_dns_kept *k, const char *name, enum mr_dns_type type);
