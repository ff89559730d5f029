/* read: rows as lookup caches them, through the views v_domain, v_mailbox, v_alias, v_list, v_limit, v_dkim, v_rule, v_relay and those that
 * the site names. Addresses in lower case. expires: seconds since 1970, from then on it is as if switched off; 0 = never. */
#pragma once
#include "proto/threshold.h"
#include "store/db.h"
#include "store/rule.h"

struct mr_row_pattern {
	char *pattern;
	bool allow;
};
struct mr_row_domain {
	char *name;
	bool enabled, dkim;
	struct mr_thresholds thresholds; /* NAN = the default holds */
	struct mr_row_pattern *patterns; /* of the domain */
	size_t n_patterns;
	const char *limits; /* of the domain: rules of proto/limit.h, a line each */
	struct {
		char *selector, *algorithm, *sealed_key;
	} keys[8]; /* in use for signing */
	size_t n_keys;
	const char *alias_of; /* the domain that it stands for; "" = none */
	const char *relay_to; /* transport of the server that has the mailboxes; "" = this one */
	bool relay_listed;    /* relayed to listed addresses only: aliases that are their own destination */
};
struct mr_row_mailbox {
	char *address, *password; /* "{SCHEME}hash" */
	bool enabled, send_only, locked, receive_only;
	int64_t expires;
	uint64_t quota_bytes;            /* 0 = unlimited */
	struct mr_thresholds thresholds; /* NAN = the domain's */
	struct mr_row_pattern *patterns; /* of the user */
	size_t n_patterns;
	const char *limits; /* of the user, as above */
};
struct mr_row_alias {
	char *address;           /* "@domain" = catch-all */
	char **destinations;     /* lower-cased domain */
	uint32_t n_destinations; /* 0: mail is refused */
	bool enabled;
	int64_t expires;
	const char *senders; /* who may send to it: words of validate.h, a line each; "" = anybody */
};
struct mr_row_relay {
	char *owner;          /* a domain, a mailbox's address; "" = everybody */
	char *nexthop;        /* "[host]:port" */
	const char *username; /* "" = no log-in there */
	const char *sealed;   /* the password, mr_relay_purpose() */
};
/* 0 with *out in the arena, -ENOENT, -EAGAIN. Rows are current: on a cluster a read waits for all writes committed before
 * (wsrep_sync_wait). */
int mr_read_domain(struct mr_db *db, const char *name, struct mr_arena *arena, struct mr_row_domain *out, struct mr_diag *diag);
int mr_read_mailbox(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_row_mailbox *out, struct mr_diag *diag);
int mr_read_relay(struct mr_db *db, const char *owner, struct mr_arena *arena, struct mr_row_relay *out, struct mr_diag *diag);
/* What the password of this owner at this host is sealed for. */
const char *mr_relay_purpose(const char *owner, const char *nexthop, struct mr_arena *arena);
/* Many in one round trip: m and a, zeroed, have a place for each key, which keeps a NULL address where there is no such row. plain: it is
 * known that the mailboxes have neither patterns nor limits; then, without aliases, the statement is of one table. */
#define MR_READ_MAX 64
struct mr_read_keys {
	const char *const *v;
	size_t n; /* at most MR_READ_MAX */
	bool plain;
};
int mr_read_addresses(struct mr_db *db, const struct mr_read_keys *mailboxes, const struct mr_read_keys *aliases, struct mr_arena *arena,
		      struct mr_row_mailbox *m, struct mr_row_alias *a, struct mr_diag *diag);
/* What an address may have beside a mailbox, each in a table of its own. */
enum mr_owned { MR_OWNED_ALIAS, MR_OWNED_PATTERN, MR_OWNED_LIMIT };
#define MR_OWNED 3
/* The addresses that have that, each once, in no order, at most limit. */
int mr_read_owners(struct mr_db *db, enum mr_owned what, unsigned limit, struct mr_arena *arena, char ***out, size_t *n,
		   struct mr_diag *diag);
/* Both rows of each of the addresses that come next after `after`, which need not be one; m and a as above. At most `limit` mailboxes and
 * as many rows of aliases. */
#define MR_READ_NEAR_MAX 1000
struct mr_read_near {
	struct mr_read_keys keys; /* at most 2 * limit, of which none is left out up to `end` */
	const char *end;          /* in the order of the database; NULL: nothing comes behind, or more rows of one alias than are read */
	struct mr_row_mailbox *mailboxes;
	struct mr_row_alias *aliases;
};
int mr_read_near(struct mr_db *db, const char *after, unsigned limit, struct mr_arena *arena, struct mr_read_near *out,
		 struct mr_diag *diag);
/* Patterns that hold for everybody (lists of scope global). */
int mr_read_global_patterns(struct mr_db *db, struct mr_arena *arena, struct mr_row_pattern **out, size_t *n, struct mr_diag *diag);
/* The first pattern that matches decides, so the narrower come first: addresses, domains, their sub-domains, everything. */
void mr_patterns_sort(struct mr_row_pattern *patterns, size_t n);
/* Limits that hold for everybody, a line each. */
int mr_read_global_limits(struct mr_db *db, struct mr_arena *arena, const char **out, struct mr_diag *diag);
/* The rules of one map (rule.h), sorted. Those that cannot be used are left out and counted. -ENOENT: there is no such map. */
struct mr_row_rules {
	struct mr_rule *v;
	size_t n, ignored;
	const char *first_ignored; /* its pattern */
};
int mr_read_rules(struct mr_db *db, const char *map, struct mr_arena *arena, struct mr_row_rules *out, struct mr_diag *diag);
/* From a view of the site's own with the columns name and value: all values of one name, joined by ", ". -ENOENT: there is none, or it is
 * empty. */
#define MR_VIEWS_MAX       32    /* different ones in the life of a process */
#define MR_VIEW_VALUES_MAX 1000  /* of one name; further ones are left out */
#define MR_VIEW_VALUE_MAX  65536 /* bytes of an answer */
int mr_read_view(struct mr_db *db, const char *view, const char *key, struct mr_arena *arena, const char **out, struct mr_diag *diag);
bool mr_view_name_valid(const char *name); /* letters, digits, _; at most 64 of them */
/* Addresses in order after `after`, at most limit. */
int mr_read_mailboxes(struct mr_db *db, const char *after, unsigned limit, struct mr_arena *arena, char ***out, size_t *n,
		      struct mr_diag *diag);

/* What changed: entries with id > after (the poller overlaps: ids become visible out of order). kind: "domain" "mailbox" "alias" "global"
 * "relay". */
struct mr_change {
	uint64_t id;
	char *kind, *key, *what;
	uint64_t age; /* seconds, by the database's clock */
};
/* Does the server show these entries, or later ones after which they were forgotten? */
int mr_read_fulfils(struct mr_db *db, const struct mr_db_expect *e, bool *yes, struct mr_diag *diag);
int mr_read_changes(struct mr_db *db, uint64_t after, unsigned limit, struct mr_arena *arena, struct mr_change **out, size_t *n,
		    uint64_t *newest, struct mr_diag *diag);
/* How many DKIM keys of domains that sign wait, and how many sign of which DNS did not show the record when it was looked at last (or never
 * was). */
struct mr_dkim_counts {
	uint64_t waiting, unseen;
};
int mr_read_dkim_counts(struct mr_db *db, struct mr_dkim_counts *out, struct mr_diag *diag);
