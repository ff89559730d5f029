/* change_log, the domain as the meeting point of writers, DKIM keys, and lists. */
#include "store/change.h"
#include "store/connection.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"
#include "store/validate.h"

int mr_change_note(struct mr_db *db, const char *kind, const char *key, const char *what, struct mr_diag *diag)
{
	int r = mr_exec(db, "DELETE FROM change_log WHERE at < UTC_TIMESTAMP() - INTERVAL 7 DAY LIMIT 1000", MR_NO_PARAMS, NULL, diag);

	if (r < 0)
		return r;
	return mr_insert(db, "INSERT INTO change_log (at, kind, name, what) VALUES (UTC_TIMESTAMP(), ?, ?, ?)",
			 MR_PARAMS(mr_text(kind), mr_text(key), mr_text(what)), &db->noted, diag);
}

int mr_change_domain(struct mr_db *db, const char *domain, struct mr_diag *diag)
{
	uint64_t changed = 0;
	int r = mr_exec(db, "UPDATE domain SET revision = revision + 1 WHERE name = ?", MR_PARAMS(mr_text(domain)), &changed, diag);

	if (r == 0 && changed == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no domain %s here", domain);
	return r;
}

int mr_change_dkim_add(struct mr_db *db, const char *domain, const struct mr_dkim_pair *k, enum mr_key_state state, struct mr_diag *diag)
{
	return mr_exec(db,
		       "INSERT INTO dkim_key (domain, selector, algorithm, sealed_key, public_key, state, since) "
		       "VALUES (?, ?, ?, ?, ?, ?, UTC_TIMESTAMP())",
		       MR_PARAMS(mr_text(domain), mr_text(k->selector), mr_text(k->algorithm), mr_text(k->sealed_key),
				 mr_text(k->public_key), mr_text(mr_key_state_str(state))),
		       NULL, diag);
}

int mr_change_user(struct mr_db *db, const char *address, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db, "SELECT 1 FROM mailbox WHERE address = ?", MR_PARAMS(mr_text(address)), arena, &rows, diag);

	if (r == 0 && rows.n == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no user %s", address);
	return r;
}

typedef int pattern_fn(struct mr_db *db, const char *scope, const char *owner, const char *text, const char *action, struct mr_diag *diag);

static int put_pattern(struct mr_db *db, const char *scope, const char *owner, const char *text, const char *action, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *pattern = NULL;
	struct mr_rows rows;
	int r;

	r = mr_validate_pattern(text, arena, &pattern, diag);
	if (r == 0)
		r = mr_exec(db, "REPLACE INTO sender_list (scope, owner, pattern, action) VALUES (?, ?, ?, ?)",
			    MR_PARAMS(mr_text(scope), mr_text(owner), mr_text(pattern), mr_text(action)), NULL, diag);
	if (r == 0)
		r = mr_query(db, "SELECT COUNT(*) > ? FROM sender_list WHERE scope = ? AND owner = ?",
			     MR_PARAMS(mr_num(MR_PATTERNS_MAX), mr_text(scope), mr_text(owner)), arena, &rows, diag);
	if (r == 0 && mr_cell_true(&rows, 0, 0))
		r = mr_diag_set(diag, -EINVAL, "the list of %s is full (%d patterns)", *owner ? owner : "the site", MR_PATTERNS_MAX);
	return r;
}

static int remove_pattern(struct mr_db *db, const char *scope, const char *owner, const char *text, const char *action,
			  struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *pattern = NULL;
	uint64_t changed = 0;
	int r;

	r = mr_validate_pattern(text, arena, &pattern, diag);
	if (r == 0)
		r = mr_exec(db, "DELETE FROM sender_list WHERE scope = ? AND owner = ? AND pattern = ?",
			    MR_PARAMS(mr_text(scope), mr_text(owner), mr_text(pattern)), &changed, diag);
	if (r == 0 && changed == 0)
		r = mr_diag_set(diag, -ENOENT, "%s does not stand in the lists of %s", pattern, *owner ? owner : "the site");
	return r;
}

static int each_pattern(struct mr_db *db, const char *scope, const char *owner, const char *texts, pattern_fn *fn, const char *action,
			struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice rest = mr_slice_of(texts), one;
	int r = 0;

	while (texts && r == 0 && mr_slice_next(&rest, '\n', &one))
		r = fn(db, scope, owner, mr_arena_slice(arena, one), action, diag);
	return r;
}

int mr_change_lists(struct mr_db *db, const char *scope, const char *owner, const struct mr_list_change *c, struct mr_diag *diag)
{
	int r = each_pattern(db, scope, owner, c->unlist, remove_pattern, NULL, diag);

	if (r == 0)
		r = each_pattern(db, scope, owner, c->deny, put_pattern, "deny", diag);
	if (r == 0)
		r = each_pattern(db, scope, owner, c->allow, put_pattern, "allow", diag);
	return r;
}
