/* Who may send to an alias. */
#include "store/write.h"

/* system */
#include <errno.h>

/* ours */
#include "store/change.h"
#include "store/validate.h"

#define TEXT_MAX 32000 /* bytes; the column holds 65535 */

struct right_change {
	struct mr_account alias;
	struct mr_buf senders;
};

static int put_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct right_change *c = arg;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_change_domain(db, c->alias.domain, diag);

	if (r == 0)
		r = mr_query(db, "SELECT COUNT(*) > 0 FROM alias WHERE address = ?", MR_PARAMS(mr_text(c->alias.address)), arena, &rows,
			     diag);
	if (r == 0 && !mr_cell_true(&rows, 0, 0))
		r = mr_diag_set(diag, -ENOENT, "there is no alias %s", c->alias.address);
	if (r == 0)
		r = mr_exec(db, "UPDATE alias SET senders = ? WHERE address = ?",
			    MR_PARAMS(mr_text(c->senders.p ? c->senders.p : ""), mr_text(c->alias.address)), NULL, diag);
	return r < 0 ? r : mr_change_note(db, "alias", c->alias.address, "rights", diag);
}

int mr_write_alias_rights(struct mr_db *db, const char *address, const char *const *who, size_t n, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct right_change c = { .senders = MR_BUF(TEXT_MAX) };
	bool anybody = n == 1 && mr_slice_eq(mr_slice_of(who[0]), MR_LIT("anybody"));
	const char *word;
	int r = mr_validate_alias(address, arena, &c.alias, diag);

	if (r == 0 && (n < 1 || n > MR_RIGHTS_MAX))
		r = mr_diag_set(diag, -EINVAL, "an alias has 1 to %d rights", MR_RIGHTS_MAX);
	for (size_t i = 0; r == 0 && !anybody && i < n; i++) {
		r = mr_validate_right(who[i], arena, &word, diag);
		if (r == 0 && mr_buf_printf(&c.senders, "%s%s", i ? "\n" : "", word) < 0)
			r = mr_diag_set(diag, -EINVAL, "the rights of %s are longer than %d bytes together", address, TEXT_MAX);
	}
	if (r == 0)
		r = mr_transaction(db, put_body, &c, diag);
	mr_buf_done(&c.senders);
	return r;
}
