/* address: mail addresses of the envelope (RFC 5321 section 4.1.2) and of headers (RFC 5322 section 3.4). */
#pragma once
#include "base/arena.h"
#include "base/diag.h"

struct mr_address {
	struct mr_slice local, domain; /* domain without final dot; empty only where allowed */
};
/* "local@domain", no angle brackets; quoted local parts are taken, and dots anywhere, as Postfix does. 0 or -EINVAL. A domain has at most
 * 255 bytes, a local part 512 and not RFC 5321's 64 (section 4.5.3.1): senders of lists and forwarders have longer ones, and so has SRS. */
int mr_address_split(struct mr_slice s, struct mr_address *out);
/* The address with the local part as it is meant, not as it is written: `"a b"@x` → `a b@x` (RFC 5322 section 3.2.4), and back: quoted
 * where RFC 5321 wants it, so also with a dot at an end or doubled. What has no "@" stays as it is. */
struct mr_slice mr_address_unquote(struct mr_slice s, struct mr_arena *arena);
struct mr_slice mr_address_quote(struct mr_slice s, struct mr_arena *arena);
/* What stands behind a source route: "@a,@b:c@d" → "c@d" (RFC 5321 appendix C). */
struct mr_slice mr_address_unrouted(struct mr_slice s);
/* One spelling for what clients may write in many: no route, no quotes that are not needed, no final dot of the domain. */
struct mr_slice mr_address_canonical(struct mr_slice s, struct mr_arena *arena);
/* Strict form for accounts of ours (F137): local part [a-z0-9._-], 1..50 bytes, no dot at an end or doubled; domain a host name.
 * Lower-cases in place into the arena. -EINVAL with the reason. */
int mr_address_account(struct mr_slice s, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag);
/* A destination: any valid address with a local part of at most 64 bytes and a domain of at least two labels; domain lower-cased, local
 * part kept. */
int mr_address_destination(struct mr_slice s, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag);
/* Host name in ASCII: labels [a-z0-9-] (also _ where underscore is true), 1..63 each, 253 in all; punycode hint for others. Lower-cased. */
int mr_domain_check(struct mr_slice s, bool underscore, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag);
/* The same name, or one below it, whatever the case; below no name there is nothing. */
bool mr_domain_below(struct mr_slice name, struct mr_slice domain);
/* Whole address in lower case (the directory ignores case everywhere). */
struct mr_slice mr_address_lower(struct mr_slice s, struct mr_arena *arena);
/* Addresses ("local@domain", comments and white space removed) of a From, Sender or Reply-To header value, groups understood; at most max
 * are stored; returns how many there are, or -EINVAL when any of it is broken. */
int mr_address_header(struct mr_slice value, struct mr_arena *arena, struct mr_slice *out, size_t max);
