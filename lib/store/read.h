/* read: rows as lookup caches them, through the views v_domain, v_mailbox, v_alias, v_list, v_limit, v_dkim only. Addresses in lower case.
 */
#pragma once
#include "store/db.h"

struct mr_row_pattern {
	char *pattern;
	bool allow;
};
struct mr_row_domain {
	char *name;
	bool enabled, dkim;
	double junk_score, reject_score; /* NAN = the default holds */
	struct mr_row_pattern *patterns; /* of the domain */
	size_t n_patterns;
	const char *limits; /* of the domain: rules of proto/limit.h, a line each */
	struct {
		char *selector, *algorithm, *sealed_key;
	} keys[8]; /* in use for signing */
	size_t n_keys;
};
struct mr_row_mailbox {
	char *address, *password; /* "{SCHEME}hash" */
	bool enabled, send_only, locked;
	uint64_t quota_bytes;            /* 0 = unlimited */
	double junk_score, reject_score; /* NAN = the domain's */
	struct mr_row_pattern *patterns; /* of the user */
	size_t n_patterns;
	const char *limits; /* of the user, as above */
};
struct mr_row_alias {
	char *address;       /* "@domain" = catch-all */
	char **destinations; /* lower-cased domain */
	size_t n_destinations;
};
/* 0 with *out in the arena, -ENOENT, -EAGAIN. Rows are current: on a cluster a read waits for all writes committed before
 * (wsrep_sync_wait). */
int mr_read_domain(struct mr_db *db, const char *name, struct mr_arena *arena, struct mr_row_domain *out, struct mr_diag *diag);
int mr_read_mailbox(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_row_mailbox *out, struct mr_diag *diag);
int mr_read_alias(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_row_alias *out, struct mr_diag *diag);
/* Many in one round trip: m and a, zeroed, have a place for each key, which keeps a NULL address where there is no such row. */
#define MR_READ_MAX 64
struct mr_read_keys {
	const char *const *v;
	size_t n; /* at most MR_READ_MAX */
};
int mr_read_addresses(struct mr_db *db, const struct mr_read_keys *mailboxes, const struct mr_read_keys *aliases, struct mr_arena *arena,
		      struct mr_row_mailbox *m, struct mr_row_alias *a, struct mr_diag *diag);
/* Patterns that hold for everybody (lists of scope global). */
int mr_read_global_patterns(struct mr_db *db, struct mr_arena *arena, struct mr_row_pattern **out, size_t *n, struct mr_diag *diag);
/* The first pattern that matches decides, so the narrower come first: addresses, domains, their sub-domains, everything. */
void mr_patterns_sort(struct mr_row_pattern *patterns, size_t n);
/* Limits that hold for everybody, a line each. */
int mr_read_global_limits(struct mr_db *db, struct mr_arena *arena, const char **out, struct mr_diag *diag);
/* Addresses in order after `after`, at most limit. */
int mr_read_mailboxes(struct mr_db *db, const char *after, unsigned limit, struct mr_arena *arena, char ***out, size_t *n,
		      struct mr_diag *diag);

/* What changed: entries with id > after (the poller overlaps: ids become visible out of order). kind: "domain" "mailbox" "alias" "global".
 */
struct mr_change {
	uint64_t id;
	char *kind, *key, *what;
	uint64_t age; /* seconds, by the database's clock */
};
int mr_read_changes(struct mr_db *db, uint64_t after, unsigned limit, struct mr_arena *arena, struct mr_change **out, size_t *n,
		    uint64_t *newest, struct mr_diag *diag);
