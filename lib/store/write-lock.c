/* Lock-down of users. */
#include "store/write.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/change.h"
#include "store/validate.h"

struct lock {
	struct mr_account account;
	const char *reason; /* NULL: unlock */
	bool changed;
};

static int body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	struct lock *l = arg;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_change_domain(db, l->account.domain, diag);

	if (r == 0)
		r = mr_query(db, "SELECT locked_at IS NOT NULL FROM mailbox WHERE address = ? FOR UPDATE",
			     MR_PARAMS(mr_text(l->account.address)), arena, &rows, diag);
	if (r == 0 && rows.n == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no user %s", l->account.address);
	if (r < 0)
		return r;
	l->changed = mr_cell_true(&rows, 0, 0) != (l->reason != NULL);
	if (!l->changed)
		return 0;
	r = mr_exec(db, "UPDATE mailbox SET locked_at = IF(?, UTC_TIMESTAMP(), NULL), locked_reason = ? WHERE address = ?",
		    MR_PARAMS(mr_num(l->reason != NULL), mr_text(l->reason ? l->reason : ""), mr_text(l->account.address)), NULL, diag);
	return r < 0 ? r : mr_change_note(db, "mailbox", l->account.address, l->reason ? "lock" : "unlock", diag);
}

static int change(struct mr_db *db, const char *address, const char *reason, bool *changed, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct lock l = { .reason = reason };
	int r = mr_validate_account(address, arena, &l.account, diag);

	if (r == 0)
		r = mr_transaction(db, body, &l, diag);
	if (r == 0)
		*changed = l.changed;
	return r;
}

int mr_write_user_lock(struct mr_db *db, const char *address, const char *reason, bool *changed, struct mr_diag *diag)
{
	int r = mr_validate_reason(reason, diag);

	return r < 0 ? r : change(db, address, reason, changed, diag);
}

int mr_write_user_unlock(struct mr_db *db, const char *address, bool *changed, struct mr_diag *diag)
{
	return change(db, address, NULL, changed, diag);
}
