/* change_log, the domain as the meeting point of writers, DKIM keys, lists and thresholds. */
#include "store/change.h"
#include "store/connection.h"

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "mail/address.h"
#include "store/validate.h"

#define SCORE_LIMIT 10000.0 /* of DECIMAL(7,2) */

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

int mr_change_score(const char *option, const char *text, struct mr_score_change *out, struct mr_diag *diag)
{
	struct mr_score_change c = { .set = true };
	double v = 0;

	if (!text)
		return 0;
	if (!mr_slice_eq(mr_slice_of(text), MR_LIT("default"))) {
		if (mr_parse_double(mr_slice_of(text), -SCORE_LIMIT, SCORE_LIMIT, &v) < 0)
			return mr_diag_set(diag, -EINVAL, "%s: a number between -%.0f and %.0f, or the word default", option, SCORE_LIMIT,
					   SCORE_LIMIT);
		snprintf(c.value, sizeof c.value, "%.2f", v);
	}
	*out = c;
	return 0;
}

struct mr_param mr_score_param(const struct mr_score_change *c)
{
	return mr_text(*c->value ? c->value : NULL);
}

static int put_pattern(struct mr_db *db, const char *scope, const char *owner, const char *text, const char *action, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *pattern = NULL;
	struct mr_rows rows;
	int r;

	if (!text)
		return 0;
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

static int remove_pattern(struct mr_db *db, const char *scope, const char *owner, const char *text, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *pattern = NULL;
	uint64_t changed = 0;
	int r;

	if (!text)
		return 0;
	r = mr_validate_pattern(text, arena, &pattern, diag);
	if (r == 0)
		r = mr_exec(db, "DELETE FROM sender_list WHERE scope = ? AND owner = ? AND pattern = ?",
			    MR_PARAMS(mr_text(scope), mr_text(owner), mr_text(pattern)), &changed, diag);
	if (r == 0 && changed == 0)
		r = mr_diag_set(diag, -ENOENT, "%s does not stand in the lists of %s", pattern, *owner ? owner : "the site");
	return r;
}

int mr_change_lists(struct mr_db *db, const char *scope, const char *owner, const struct mr_list_change *c, struct mr_diag *diag)
{
	int r = remove_pattern(db, scope, owner, c->unlist, diag);

	if (r == 0)
		r = put_pattern(db, scope, owner, c->deny, "deny", diag);
	if (r == 0)
		r = put_pattern(db, scope, owner, c->allow, "allow", diag);
	return r;
}
