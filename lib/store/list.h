/* list: what `mailreeve ... list` shows, and later the web. domain NULL = all. Errors as in db.h. */
#pragma once
#include "mail/key-rotation.h"
#include "store/read.h"

struct mr_domain_entry {
	char *name;
	bool enabled, dkim;
	uint64_t users, aliases;         /* aliases: different addresses */
	const char *alias_of, *relay_to; /* "" = none */
};
int mr_list_domains(struct mr_db *db, struct mr_arena *arena, struct mr_domain_entry **out, size_t *n, struct mr_diag *diag);
/* Without patterns. */
int mr_list_users(struct mr_db *db, const char *domain, struct mr_arena *arena, struct mr_row_mailbox **out, size_t *n,
		  struct mr_diag *diag);
/* Since when (UTC) and why a user is locked; at is NULL for one that is not. -ENOENT: there is no such user. */
struct mr_lock_entry {
	char *at, *reason;
};
int mr_list_lock(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_lock_entry *out, struct mr_diag *diag);
struct mr_alias_entry {
	struct mr_row_alias alias;
	const char *note;
};
/* Of a domain, of all (NULL), or of one address. */
int mr_list_aliases(struct mr_db *db, const char *domain, struct mr_arena *arena, struct mr_alias_entry **out, size_t *n,
		    struct mr_diag *diag);
int mr_list_alias(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_alias_entry *out, struct mr_diag *diag);

struct mr_rule_entry {
	char *map, *pattern, *value;
};
/* Of one map, or of all (NULL). */
int mr_list_rules(struct mr_db *db, const char *map, struct mr_arena *arena, struct mr_rule_entry **out, size_t *n, struct mr_diag *diag);

struct mr_limit_entry {
	char *owner; /* a domain, a user; "default" for everybody */
	char *rule;  /* proto/limit.h */
};
int mr_list_limits(struct mr_db *db, struct mr_arena *arena, struct mr_limit_entry **out, size_t *n, struct mr_diag *diag);

/* All relay hosts, or that of one owner ("default": everybody). */
int mr_list_relays(struct mr_db *db, const char *owner, struct mr_arena *arena, struct mr_row_relay **out, size_t *n, struct mr_diag *diag);

struct mr_dkim_entry {
	char *selector, *algorithm, *public_key;
	enum mr_key_state state;
	int64_t age;   /* seconds in that state */
	char *checked; /* when DNS was looked at last, UTC; NULL: never */
	char *problem; /* what was found then; "" nothing */
};
int mr_list_dkim(struct mr_db *db, const char *domain, struct mr_arena *arena, struct mr_dkim_entry **out, size_t *n, struct mr_diag *diag);
