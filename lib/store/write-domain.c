/* Changes to domains. */
#include "store/write.h"

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "store/change.h"
#include "store/validate.h"

#define PAIRS 2

struct domain_change {
	const char *name;
	const char *alias_of; /* as it is stored; NULL = none */
	const struct mr_domain_set *set;
	struct mr_thresholds_change thresholds;
	struct mr_dkim_pair pairs[PAIRS];
};

static bool is_none(const char *text)
{
	return mr_slice_eq(mr_slice_of(text), MR_LIT("none"));
}

static int prepare(struct domain_change *c, const char *name, const struct mr_domain_set *set, struct mr_arena *arena, struct mr_diag *diag)
{
	int r = mr_validate_domain(name, arena, &c->name, diag);

	c->set = set;
	if (r == 0)
		r = mr_thresholds_parse(set->thresholds, &c->thresholds, diag);
	if (r == 0 && set->alias_of && !is_none(set->alias_of))
		r = mr_validate_domain(set->alias_of, arena, &c->alias_of, diag);
	if (r == 0 && set->relay_to && !is_none(set->relay_to))
		r = mr_transport_check(set->relay_to, true, diag);
	return r;
}

/* An alias domain takes one step, to a domain that is none, and has no catch-all of its own; a relay domain has no
 * mailboxes. The domain that it stands for is locked, too, so that it stays one. */
static int check_result(struct mr_db *db, const char *name, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db,
			 "SELECT d.alias_of, t.alias_of IS NOT NULL, (SELECT MIN(name) FROM domain WHERE alias_of = d.name), "
			 "EXISTS (SELECT 1 FROM alias WHERE address = CONCAT('@', d.name)), d.relay_to IS NOT NULL, d.relay_listed, "
			 "(SELECT COUNT(*) FROM mailbox m WHERE m.domain = d.name), "
			 "(SELECT COUNT(*) FROM alias a WHERE a.domain = d.name AND a.destination = a.address AND NOT EXISTS "
			 "(SELECT 1 FROM mailbox m WHERE m.address = a.address)) "
			 "FROM domain d LEFT JOIN domain t ON t.name = d.alias_of WHERE d.name = ?",
			 MR_PARAMS(mr_text(name)), arena, &rows, diag);

	if (r < 0 || rows.n == 0)
		return r;
	const char *alias_of = mr_cell(&rows, 0, 0), *other = mr_cell(&rows, 0, 2);
	bool relay = mr_cell_true(&rows, 0, 4);
	if (alias_of && mr_cell_true(&rows, 0, 1))
		return mr_diag_set(diag, -EINVAL, "%s stands for another domain itself", alias_of);
	if (alias_of && other)
		return mr_diag_set(diag, -EINVAL, "%s stands for %s, so %s cannot stand for yet another", other, name, name);
	if (alias_of && mr_cell_true(&rows, 0, 3))
		return mr_diag_set(diag, -EINVAL, "delete the alias @%s first: an alias domain has the catch-all of the other", name);
	if (relay && mr_cell_u64(&rows, 0, 6) > 0)
		return mr_diag_set(diag, -EINVAL, "domain %s still has %s users; delete these first", name, mr_cell(&rows, 0, 6));
	if (!relay && mr_cell_true(&rows, 0, 5))
		return mr_diag_set(diag, -EINVAL, "listed recipients are those of a domain that is relayed");
	if (!relay && mr_cell_u64(&rows, 0, 7) > 0)
		return mr_diag_set(diag, -EINVAL,
				   "domain %s still lists %s recipients of the other server (aliases to themselves); delete these first",
				   name, mr_cell(&rows, 0, 7));
	return 0;
}

/* The table itself refuses that, in words of its own. */
static int refuse_both(struct mr_db *db, const struct domain_change *c, bool relay, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db, "SELECT alias_of IS NOT NULL, relay_to IS NOT NULL FROM domain WHERE name = ?", MR_PARAMS(mr_text(c->name)),
			 arena, &rows, diag);

	if (r < 0 || rows.n == 0)
		return r;
	bool is_alias = c->set->alias_of ? c->alias_of != NULL : mr_cell_true(&rows, 0, 0);
	bool is_relay = c->set->relay_to ? relay : mr_cell_true(&rows, 0, 1);
	if (is_alias && is_relay)
		r = mr_diag_set(diag, -EINVAL, "%s: an alias domain, or one whose mail goes on to another server: one of both", c->name);
	return r;
}

static int set_kind(struct mr_db *db, const struct domain_change *c, struct mr_diag *diag)
{
	const struct mr_domain_set *set = c->set;
	const char *relay_to = set->relay_to && !is_none(set->relay_to) ? set->relay_to : NULL;
	int r = 0;

	if (!set->alias_of && !set->relay_to && set->relay_listed < 0)
		return 0;
	if (c->alias_of && strcmp(c->alias_of, c->name) == 0)
		return mr_diag_set(diag, -EINVAL, "%s cannot stand for itself", c->name);
	if (c->alias_of)
		r = mr_change_domain(db, c->alias_of, diag);
	if (r == 0)
		r = refuse_both(db, c, relay_to != NULL, diag);
	if (r == 0)
		r = mr_exec(db,
			    "UPDATE domain SET alias_of = IF(?, ?, alias_of), relay_to = IF(?, ?, relay_to), "
			    "relay_listed = COALESCE(?, relay_listed) WHERE name = ?",
			    MR_PARAMS(mr_num(set->alias_of != NULL), mr_text(c->alias_of), mr_num(set->relay_to != NULL), mr_text(relay_to),
				      mr_switch_param(set->relay_listed), mr_text(c->name)),
			    NULL, diag);
	return r < 0 ? r : check_result(db, c->name, diag);
}

static int set_columns(struct mr_db *db, const struct domain_change *c, struct mr_diag *diag)
{
	int r = mr_exec(db, "UPDATE domain SET enabled = COALESCE(?, enabled), dkim = COALESCE(?, dkim) WHERE name = ?",
			MR_PARAMS(mr_switch_param(c->set->enabled), mr_switch_param(c->set->dkim), mr_text(c->name)), NULL, diag);

	if (r == 0)
		r = mr_change_thresholds(db, MR_THRESHOLDS_OF_DOMAIN, c->name, &c->thresholds, diag);
	if (r == 0)
		r = mr_change_lists(db, "domain", c->name, &(struct mr_list_change){ c->set->allow, c->set->deny, c->set->unlist }, diag);
	if (r == 0)
		r = set_kind(db, c, diag);
	return r;
}

static int generate_pairs(struct domain_change *c, const struct mr_keyring *ring, struct mr_arena *arena, struct mr_diag *diag)
{
	static const char *const algorithms[PAIRS] = { "rsa", "ed25519" };
	int r = 0;

	for (size_t i = 0; i < PAIRS && r == 0; i++) {
		c->pairs[i] =
		    (struct mr_dkim_pair){ .selector = mr_dkim_selector(algorithms[i], NULL, 0, arena), .algorithm = algorithms[i] };
		r = mr_dkim_generate(c->name, ring, arena, &c->pairs[i], diag);
	}
	return r;
}

/* The RSA key signs at once: before its record is there nobody is the worse for it. The Ed25519 key waits until both are seen. */
static int add_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	struct domain_change *c = arg;
	struct mr_diag why = { 0 };
	int r = mr_exec(db, "INSERT INTO domain (name) VALUES (?)", MR_PARAMS(mr_text(c->name)), NULL, &why);

	if (r == -EEXIST)
		return mr_diag_set(diag, r, "domain %s exists already", c->name);
	if (r < 0)
		return mr_diag_set(diag, r, "%s", why.text);
	for (size_t i = 0; i < PAIRS && r == 0; i++)
		r = mr_change_dkim_add(db, c->name, &c->pairs[i], i == 0 ? MR_KEY_SIGNING : MR_KEY_WAITING, diag);
	if (r == 0)
		r = set_columns(db, c, diag);
	return r < 0 ? r : mr_change_note(db, "domain", c->name, "add", diag);
}

int mr_write_domain_add(struct mr_db *db, const char *name, const struct mr_domain_set *set, const struct mr_keyring *ring,
			struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct domain_change c = { 0 };
	int r = prepare(&c, name, set, arena, diag);

	if (r == 0)
		r = generate_pairs(&c, ring, arena, diag);
	return r < 0 ? r : mr_transaction(db, add_body, &c, diag);
}

static int set_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	struct domain_change *c = arg;
	int r = mr_change_domain(db, c->name, diag);

	if (r == 0)
		r = set_columns(db, c, diag);
	return r < 0 ? r : mr_change_note(db, "domain", c->name, c->set->enabled == 0 ? "disable" : "set", diag);
}

int mr_write_domain_set(struct mr_db *db, const char *name, const struct mr_domain_set *set, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct domain_change c = { 0 };
	int r = prepare(&c, name, set, arena, diag);

	return r < 0 ? r : mr_transaction(db, set_body, &c, diag);
}

static int site_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	int r = mr_change_lists(db, "global", "", arg, diag);

	return r < 0 ? r : mr_change_note(db, "global", "", "lists", diag);
}

int mr_write_site_lists(struct mr_db *db, const char *allow, const char *deny, const char *unlist, struct mr_diag *diag)
{
	struct mr_list_change c = { .allow = allow, .deny = deny, .unlist = unlist };

	return mr_transaction(db, site_body, &c, diag);
}

static int del_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *name = arg;
	struct mr_rows rows;
	int r = mr_change_domain(db, name, diag);

	if (r == 0)
		r = mr_query(db,
			     "SELECT (SELECT COUNT(*) FROM mailbox WHERE domain = ?), (SELECT COUNT(*) FROM alias WHERE domain = ?), "
			     "(SELECT MIN(name) FROM domain WHERE alias_of = ?)",
			     MR_PARAMS(mr_text(name), mr_text(name), mr_text(name)), arena, &rows, diag);
	if (r < 0)
		return r;
	if (mr_cell_u64(&rows, 0, 0) > 0 || mr_cell_u64(&rows, 0, 1) > 0)
		return mr_diag_set(diag, -EINVAL, "domain %s still has %s users and %s alias destinations; delete these first", name,
				   mr_cell(&rows, 0, 0), mr_cell(&rows, 0, 1));
	if (mr_cell(&rows, 0, 2))
		return mr_diag_set(diag, -EINVAL, "domain %s stands for %s; change that first", mr_cell(&rows, 0, 2), name);
	r = mr_exec(db, "DELETE FROM sender_list WHERE scope = 'domain' AND owner = ?", MR_PARAMS(mr_text(name)), NULL, diag);
	if (r == 0)
		r = mr_exec(db, "DELETE FROM sending_limit WHERE level = 'domain' AND owner = ?", MR_PARAMS(mr_text(name)), NULL, diag);
	if (r == 0)
		r = mr_change_relay_del(db, name, NULL, diag);
	if (r == 0)
		r = mr_exec(db, "DELETE FROM domain WHERE name = ?", MR_PARAMS(mr_text(name)), NULL, diag);
	return r < 0 ? r : mr_change_note(db, "domain", name, "del", diag);
}

int mr_write_domain_del(struct mr_db *db, const char *name, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *valid;
	int r = mr_validate_domain(name, arena, &valid, diag);

	return r < 0 ? r : mr_transaction(db, del_body, (void *)(uintptr_t)valid, diag);
}
