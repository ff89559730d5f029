/* validate: what may be stored, said in words; no database. */
#pragma once
#include "mail/address.h"

#define MR_PATTERNS_MAX     300  /* of one domain or user: three lists fit into one answer of the directory */
#define MR_DESTINATIONS_MAX 1000 /* of one alias */
#define MR_QUOTA_MB_MAX     1000000000
#define MR_RIGHTS_MAX       100 /* of one alias */
#define MR_REASON_MAX       200 /* bytes */

/* Results are strings in the arena, lower-cased, domains in other scripts with A-labels (mail/idn.h). -EINVAL with the reason. */
int mr_validate_domain(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag);
/* HOST[:PORT], an address or a host name → "[HOST]:PORT", as Postfix names a host that it asks no MX of. */
int mr_validate_nexthop(const char *text, unsigned port, struct mr_arena *arena, const char **out, struct mr_diag *diag);
/* "someone@example.org", "example.org", ".example.org" or "*". */
int mr_validate_pattern(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag);

struct mr_account {
	const char *address, *domain;
};
int mr_validate_account(const char *text, struct mr_arena *arena, struct mr_account *out, struct mr_diag *diag);
/* As an account, or "@domain" for the catch-all. */
int mr_validate_alias(const char *text, struct mr_arena *arena, struct mr_account *out, struct mr_diag *diag);
/* When something ends: "never", a duration from `now` such as "30d", "2026-12-31" or "2026-12-31T18:00" (UTC). *out: seconds since 1970, 0
 * = never. */
int mr_validate_end(const char *text, int64_t now, int64_t *out, struct mr_diag *diag);
#define MR_NOTE_MAX 255 /* bytes */
int mr_validate_note(const char *text, struct mr_diag *diag);
/* Who may send to an alias: "internal", "members", or a pattern as above, but for "*". */
int mr_validate_right(const char *text, struct mr_arena *arena, const char **out, struct mr_diag *diag);
int mr_validate_destination(const char *text, struct mr_arena *arena, struct mr_account *out, struct mr_diag *diag);
/* Why an account is locked: one line of UTF-8 without control characters, at most MR_REASON_MAX bytes, not empty. */
int mr_validate_reason(const char *text, struct mr_diag *diag);
