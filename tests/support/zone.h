/* zone: a resolver for tests: answers the open questions of a view out of a text. Lines "NAME TYPE DATA", a space between; \xNN stands for
 * a byte, in names and data. TYPE is A, AAAA, MX ("10 host"), NS, PTR, CNAME, TXT, or TIMEOUT (no data): what the name has no record for is
 * never answered. */
#pragma once
#include "proto/dns.h"

/* Ends the test program on a broken line. Names compare without case; CNAMEs are followed, a circle is a temporary error. */
void zone_answer(const char *zone, struct mr_dns_view *view);
/* How many questions of a view are open. */
size_t zone_open(const struct mr_dns_view *view);
/* The bytes of \xNN text. */
struct mr_slice zone_unescape(struct mr_slice s, struct mr_arena *arena);
