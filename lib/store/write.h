/* write: every change to accounts, with its validation and its change_log entry in one transaction. The verbs use it now, the web and the
 * REST API later: one place. Errors as in db.h, in words for a person. NULL or negative in a *_set means "leave as it is". */
#pragma once
#include "base/seal.h"
#include "mail/key-rotation.h"
#include "proto/limit.h"
#include "store/read.h"

struct mr_domain_set {
	int enabled, dkim;                     /* -1 leave, 0, 1 */
	const char *thresholds[MR_THRESHOLDS]; /* number, "default", or NULL */
	const char *allow, *deny, *unlist;     /* sender patterns to add or remove, with line breaks between, or NULL */
	const char *alias_of;                  /* the domain that it stands for, "none", or NULL */
	const char *relay_to;                  /* transport of the server that has the mailboxes, "none", or NULL */
	int relay_listed;                      /* relayed to listed addresses only */
};
struct mr_user_set {
	const char *password; /* plain text, hashed here with yescrypt; or "{SCHEME}hash" when password_is_hash */
	bool password_is_hash;
	int64_t quota_mb; /* -1 leave, 0 unlimited */
	int enabled, send_only, receive_only;
	const char *thresholds[MR_THRESHOLDS], *allow, *deny, *unlist; /* as above */
	const char *expires;                                           /* of mr_validate_end(), or NULL */
};
struct mr_alias_set {
	int enabled;
	const char *expires, *note; /* as above; or NULL */
};
#define MR_DOMAIN_SET_NONE ((struct mr_domain_set){ .enabled = -1, .dkim = -1, .relay_listed = -1 })
#define MR_USER_SET_NONE   ((struct mr_user_set){ .quota_mb = -1, .enabled = -1, .send_only = -1, .receive_only = -1 })
#define MR_ALIAS_SET_NONE  ((struct mr_alias_set){ .enabled = -1 })

/* A new domain gets RSA-2048 and Ed25519 keys, sealed with ring; selectors from the date. DKIM starts switched on; RSA signs at once. */
int mr_write_domain_add(struct mr_db *db, const char *name, const struct mr_domain_set *set, const struct mr_keyring *ring,
			struct mr_diag *diag);
int mr_write_domain_set(struct mr_db *db, const char *name, const struct mr_domain_set *set, struct mr_diag *diag);
/* The lists that hold for everybody: patterns to add or remove, or NULL. */
int mr_write_site_lists(struct mr_db *db, const char *allow, const char *deny, const char *unlist, struct mr_diag *diag);
int mr_write_domain_del(struct mr_db *db, const char *name, struct mr_diag *diag); /* only without users and aliases (F134) */
/* A new key of that kind ("rsa", "ed25519", NULL: of both) that waits for its record; a kind of which one waits already is left alone. */
int mr_write_dkim_rotate(struct mr_db *db, const char *domain, const char *algorithm, const struct mr_keyring *ring, size_t *made,
			 struct mr_diag *diag);
/* What a look at DNS has found about the keys of a domain is kept, and the steps that follow from it are taken (mail/key-rotation.h).
 * keep: seconds for which a record stays after its key was retired. */
struct mr_dkim_finding {
	const char *selector, *public_key;
	const char *problem; /* "" none */
	bool absent;         /* no server shows a record */
};
struct mr_dkim_step {
	const char *selector;
	enum mr_key_state from, to;
};
int mr_write_dkim_found(struct mr_db *db, const char *domain, const struct mr_dkim_finding *findings, size_t n, int64_t keep,
			struct mr_arena *arena, struct mr_dkim_step **steps, size_t *n_steps, struct mr_diag *diag);
int mr_write_user_add(struct mr_db *db, const char *address, const struct mr_user_set *set, struct mr_diag *diag);
int mr_write_user_set(struct mr_db *db, const char *address, const struct mr_user_set *set, struct mr_diag *diag);
int mr_write_user_del(struct mr_db *db, const char *address, struct mr_diag *diag);
/* A locked user neither logs in nor sends; mail to it is delivered. *changed is false where it was so already: time and reason stay. */
int mr_write_user_lock(struct mr_db *db, const char *address, const char *reason, bool *changed, struct mr_diag *diag);
int mr_write_user_unlock(struct mr_db *db, const char *address, bool *changed, struct mr_diag *diag);
/* In a relay domain the address itself among its destinations means that the other server takes it. */
struct mr_destinations {
	const char *const *v;
	size_t n;
};
int mr_write_alias_add(struct mr_db *db, const char *address, const struct mr_destinations *to, const struct mr_alias_set *set,
		       struct mr_diag *diag);
/* These destinations in place of the ones it has; none: it keeps those. */
int mr_write_alias_set(struct mr_db *db, const char *address, const struct mr_destinations *to, const struct mr_alias_set *set,
		       struct mr_diag *diag);
/* Its mail is refused, by the catch-all of the domain, too. */
int mr_write_alias_refuse(struct mr_db *db, const char *address, const struct mr_alias_set *set, struct mr_diag *diag);
/* A new address that nobody can guess, in the domain of the user `to`, which it leads to: in the arena. */
int mr_write_alias_mask(struct mr_db *db, const char *to, const struct mr_alias_set *set, struct mr_arena *arena, const char **address,
			struct mr_diag *diag);
/* Who may send to it, in place of what it says now: "anybody" alone, or words of mr_validate_right(). */
int mr_write_alias_rights(struct mr_db *db, const char *address, const char *const *who, size_t n, struct mr_diag *diag);
/* No destinations: all of them. */
int mr_write_alias_del(struct mr_db *db, const char *address, const struct mr_destinations *to, struct mr_diag *diag);
/* Rules of limit.h, of which amount, window and action count, in place of those that this owner has on this scope and thing; n 0: none, so
 * that those of the level above hold. owner: "default", a domain (user: each of its users), a user (scope user only); in the scopes address
 * and network "default" or a network of clients. */
#define MR_LIMIT_RULES_MAX 4
int mr_write_limit_set(struct mr_db *db, enum mr_limit_scope scope, const char *owner, enum mr_limit_what what,
		       const struct mr_limit *rules, size_t n, struct mr_diag *diag);
/* One rule of a map (rule.h), in place of the one that the pattern has. */
int mr_write_rule_set(struct mr_db *db, enum mr_rule_map map, const char *pattern, const char *value, struct mr_diag *diag);
int mr_write_rule_del(struct mr_db *db, enum mr_rule_map map, const char *pattern, struct mr_diag *diag);
/* Mail of this owner's addresses ("default": everybody's, a domain, a user) leaves through `host`, HOST[:PORT]. username and password: for
 * the log-in there, sealed with ring; username NULL: none. Without a port it is 587 with a log-in, else 25. */
struct mr_relay_set {
	const char *host, *username, *password;
};
int mr_write_relay_set(struct mr_db *db, const char *owner, const struct mr_relay_set *set, const struct mr_keyring *ring,
		       struct mr_diag *diag);
int mr_write_relay_del(struct mr_db *db, const char *owner, struct mr_diag *diag);
/* Notes that a user is told of something of this kind today (UTC); *first is false where that was noted already. */
int mr_write_notice(struct mr_db *db, const char *address, const char *kind, bool *first, struct mr_diag *diag);
/* Takes it back, since nobody could be told. */
int mr_write_notice_undo(struct mr_db *db, const char *address, const char *kind, struct mr_diag *diag);
/* Hash for storage: "{CRYPT}$y$..." (yescrypt). */
int mr_password_hash(const char *plain, struct mr_buf *out, struct mr_diag *diag);
/* Schemes taken as they are: BLF-CRYPT, SHA256-CRYPT, SHA512-CRYPT, ARGON2ID, CRYPT (yescrypt). */
int mr_password_hash_check(const char *hash, struct mr_diag *diag);
