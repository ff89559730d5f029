/* Changes to users (mailboxes). */
#include "store/write.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "store/change.h"
#include "store/validate.h"

#define HASH_MAX 255
#define MIB      1048576

struct user_change {
	struct mr_account account;
	const struct mr_user_set *set;
	struct mr_thresholds_change thresholds;
	struct mr_buf hash; /* empty: leave as it is */
	int64_t expires;    /* that set->expires means */
};

static int prepare_password(struct user_change *c, const struct mr_user_set *set, struct mr_diag *diag)
{
	int r;

	if (!set->password)
		return 0;
	if (!set->password_is_hash)
		return mr_password_hash(set->password, &c->hash, diag);
	r = mr_password_hash_check(set->password, diag);
	return r < 0 ? r : mr_buf_puts(&c->hash, set->password);
}

static int prepare(struct user_change *c, const char *address, const struct mr_user_set *set, struct mr_arena *arena, struct mr_diag *diag)
{
	int r = mr_validate_account(address, arena, &c->account, diag);

	c->set = set;
	c->hash = MR_BUF(HASH_MAX + 1);
	if (r == 0 && set->quota_mb > MR_QUOTA_MB_MAX)
		r = mr_diag_set(diag, -EINVAL, "quota: at most %d MB, 0 for unlimited", MR_QUOTA_MB_MAX);
	if (r == 0 && set->expires)
		r = mr_validate_end(set->expires, mr_wall(), &c->expires, diag);
	if (r == 0)
		r = mr_thresholds_parse(set->thresholds, &c->thresholds, diag);
	if (r == 0)
		r = prepare_password(c, set, diag);
	return r;
}

static int set_columns(struct mr_db *db, const struct user_change *c, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_user_set *set = c->set;
	struct mr_rows rows;
	int r = mr_exec(
	    db,
	    "UPDATE mailbox SET password = COALESCE(?, password), enabled = COALESCE(?, enabled), send_only = COALESCE(?, send_only), "
	    "receive_only = COALESCE(?, receive_only), expires = IF(?, '1970-01-01' + INTERVAL ? SECOND, expires), quota_bytes = "
	    "COALESCE(?, quota_bytes) WHERE address = ?",
	    MR_PARAMS(mr_text(c->hash.n ? c->hash.p : NULL), mr_switch_param(set->enabled), mr_switch_param(set->send_only),
		      mr_switch_param(set->receive_only), mr_num(set->expires != NULL), c->expires ? mr_num(c->expires) : mr_text(NULL),
		      set->quota_mb < 0 ? mr_text(NULL) : mr_num(set->quota_mb * MIB), mr_text(c->account.address)),
	    NULL, diag);

	if (r == 0)
		r = mr_change_thresholds(db, MR_THRESHOLDS_OF_USER, c->account.address, &c->thresholds, diag);
	if (r == 0)
		r = mr_query(db, "SELECT send_only AND receive_only FROM mailbox WHERE address = ?", MR_PARAMS(mr_text(c->account.address)),
			     arena, &rows, diag);
	if (r == 0 && rows.n && mr_cell_true(&rows, 0, 0))
		r = mr_diag_set(diag, -EINVAL, "%s: for sending only, or for receiving only, not both", c->account.address);
	if (r == 0)
		r = mr_change_lists(db, "user", c->account.address, &(struct mr_list_change){ set->allow, set->deny, set->unlist }, diag);
	return r;
}

/* An alias of the same address takes the mail; that is only right where it lists the mailbox itself, too. */
static int refuse_captured(struct mr_db *db, const char *address, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db,
			 "SELECT COUNT(*), COALESCE(SUM(destination = address), 0), COALESCE(SUM(destination = ''), 0) > 0 FROM alias "
			 "WHERE address = ?",
			 MR_PARAMS(mr_text(address)), arena, &rows, diag);

	if (r == 0 && mr_cell_true(&rows, 0, 2))
		r = mr_diag_set(diag, -EEXIST, "mail to %s is refused; take that back first: alias del %s", address, address);
	else if (r == 0 && mr_cell_u64(&rows, 0, 0) > 0 && mr_cell_u64(&rows, 0, 1) == 0)
		r = mr_diag_set(diag, -EEXIST,
				"%s is an alias that would take this user's mail; delete it, or list %s itself among its destinations",
				address, address);
	return r;
}

static int refuse_relayed(struct mr_db *db, const char *domain, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db, "SELECT relay_to FROM domain WHERE name = ? AND relay_to IS NOT NULL", MR_PARAMS(mr_text(domain)), arena,
			 &rows, diag);

	if (r == 0 && rows.n)
		r = mr_diag_set(diag, -EINVAL, "the mailboxes of %s are on another server, %s", domain, mr_cell(&rows, 0, 0));
	return r;
}

static int add_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	struct user_change *c = arg;
	const char *address = c->account.address;
	struct mr_diag why = { 0 };
	int r = mr_change_domain(db, c->account.domain, diag);

	if (r == 0)
		r = refuse_captured(db, address, diag);
	if (r == 0)
		r = refuse_relayed(db, c->account.domain, diag);
	if (r < 0)
		return r;
	r = mr_exec(db, "INSERT INTO mailbox (address, domain, password) VALUES (?, ?, ?)",
		    MR_PARAMS(mr_text(address), mr_text(c->account.domain), mr_text(c->hash.p)), NULL, &why);
	if (r == -EEXIST)
		return mr_diag_set(diag, r, "user %s exists already", address);
	if (r < 0)
		return mr_diag_set(diag, r, "%s", why.text);
	r = set_columns(db, c, diag);
	return r < 0 ? r : mr_change_note(db, "mailbox", address, "add", diag);
}

int mr_write_user_add(struct mr_db *db, const char *address, const struct mr_user_set *set, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct user_change c = { 0 };
	int r = prepare(&c, address, set, arena, diag);

	if (r == 0 && c.hash.n == 0)
		r = mr_diag_set(diag, -EINVAL, "a new user needs a password");
	if (r == 0)
		r = mr_transaction(db, add_body, &c, diag);
	mr_buf_done(&c.hash);
	return r;
}

static int exists(struct mr_db *db, const char *address, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db, "SELECT 1 FROM mailbox WHERE address = ? FOR UPDATE", MR_PARAMS(mr_text(address)), arena, &rows, diag);

	if (r == 0 && rows.n == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no user %s", address);
	return r;
}

static int set_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	struct user_change *c = arg;
	int r = mr_change_domain(db, c->account.domain, diag);

	if (r == 0)
		r = exists(db, c->account.address, diag);
	if (r == 0)
		r = set_columns(db, c, diag);
	/* All but the last end sessions, so that they are not told apart. */
	return r < 0 ? r
		     : mr_change_note(db, "mailbox", c->account.address,
				      c->hash.n                ? "password"
				      : !c->set->enabled       ? "disable"
				      : c->set->send_only == 1 ? "send-only"
							       : "set",
				      diag);
}

int mr_write_user_set(struct mr_db *db, const char *address, const struct mr_user_set *set, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct user_change c = { 0 };
	int r = prepare(&c, address, set, arena, diag);

	if (r == 0)
		r = mr_transaction(db, set_body, &c, diag);
	mr_buf_done(&c.hash);
	return r;
}

/* With the mailbox goes the destination "itself" of an alias of its name, which would point nowhere. */
static int del_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct mr_account *a = arg;
	uint64_t loops = 0;
	int r = mr_change_domain(db, a->domain, diag);

	if (r == 0)
		r = exists(db, a->address, diag);
	if (r == 0)
		r = mr_exec(db, "DELETE FROM sender_list WHERE scope = 'user' AND owner = ?", MR_PARAMS(mr_text(a->address)), NULL, diag);
	if (r == 0)
		r = mr_exec(db, "DELETE FROM sending_limit WHERE level = 'user' AND owner = ?", MR_PARAMS(mr_text(a->address)), NULL, diag);
	if (r == 0)
		r = mr_change_relay_del(db, a->address, NULL, diag);
	if (r == 0)
		r = mr_exec(db, "DELETE FROM alias WHERE address = ? AND destination = address", MR_PARAMS(mr_text(a->address)), &loops,
			    diag);
	if (r == 0 && loops)
		r = mr_change_note(db, "alias", a->address, "del", diag);
	if (r == 0)
		r = mr_exec(db, "DELETE FROM mailbox WHERE address = ?", MR_PARAMS(mr_text(a->address)), NULL, diag);
	return r < 0 ? r : mr_change_note(db, "mailbox", a->address, "del", diag);
}

int mr_write_user_del(struct mr_db *db, const char *address, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_account a;
	int r = mr_validate_account(address, arena, &a, diag);

	return r < 0 ? r : mr_transaction(db, del_body, &a, diag);
}
