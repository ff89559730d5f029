/* Changes to aliases. */
#include "store/write.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/change.h"
#include "store/validate.h"

struct alias_change {
	struct mr_account from;
	struct mr_account *to;
	size_t n_to;
};

/* What must hold after each change: an alias named like a mailbox lists that mailbox, one that is no mailbox does not point to itself. */
static int check_result(struct mr_db *db, const char *address, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	bool any, self, mailbox;
	int r = mr_query(db,
			 "SELECT COUNT(*) > 0, COALESCE(SUM(destination = address), 0) > 0, COUNT(*) > ?, "
			 "EXISTS (SELECT 1 FROM mailbox WHERE address = ?) FROM alias WHERE address = ?",
			 MR_PARAMS(mr_num(MR_DESTINATIONS_MAX), mr_text(address), mr_text(address)), arena, &rows, diag);

	if (r < 0)
		return r;
	any = mr_cell_true(&rows, 0, 0);
	self = mr_cell_true(&rows, 0, 1);
	mailbox = mr_cell_true(&rows, 0, 3);
	if (mr_cell_true(&rows, 0, 2))
		return mr_diag_set(diag, -EINVAL, "alias %s would have more than %d destinations", address, MR_DESTINATIONS_MAX);
	if (any && mailbox && !self)
		return mr_diag_set(
		    diag, -EEXIST,
		    "%s is a user, and this alias would take all mail from it; list %s itself among the destinations to keep a copy",
		    address, address);
	if (self && !mailbox)
		return mr_diag_set(diag, -EINVAL, "alias %s would point to itself", address);
	return 0;
}

/* Local parts of foreign domains keep their case, ours have none. */
static int insert(struct mr_db *db, const struct mr_account *from, const struct mr_account *to, struct mr_diag *diag)
{
	struct mr_diag why = { 0 };
	int r = mr_exec(
	    db,
	    "INSERT INTO alias (address, domain, destination) "
	    "SELECT ?, ?, IF(EXISTS (SELECT 1 FROM domain WHERE name = ?), LOWER(?), ?)",
	    MR_PARAMS(mr_text(from->address), mr_text(from->domain), mr_text(to->domain), mr_text(to->address), mr_text(to->address)), NULL,
	    &why);

	if (r == -EEXIST)
		return mr_diag_set(diag, r, "alias %s to %s exists already", from->address, to->address);
	return r < 0 ? mr_diag_set(diag, r, "%s", why.text) : 0;
}

static int insert_all(struct mr_db *db, const struct alias_change *c, const char *what, struct mr_diag *diag)
{
	int r = 0;

	for (size_t i = 0; i < c->n_to && r == 0; i++)
		r = insert(db, &c->from, &c->to[i], diag);
	if (r == 0)
		r = check_result(db, c->from.address, diag);
	return r < 0 ? r : mr_change_note(db, "alias", c->from.address, what, diag);
}

static int add_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct alias_change *c = arg;
	int r = mr_change_domain(db, c->from.domain, diag);

	return r < 0 ? r : insert_all(db, c, "add", diag);
}

static int remove_all(struct mr_db *db, const char *address, struct mr_diag *diag)
{
	uint64_t gone = 0;
	int r = mr_exec(db, "DELETE FROM alias WHERE address = ?", MR_PARAMS(mr_text(address)), &gone, diag);

	if (r == 0 && gone == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no alias %s", address);
	return r;
}

static int remove_one(struct mr_db *db, const char *address, const char *to, struct mr_diag *diag)
{
	uint64_t gone = 0;
	int r = mr_exec(db, "DELETE FROM alias WHERE address = ? AND LOWER(destination) = LOWER(?)",
			MR_PARAMS(mr_text(address), mr_text(to)), &gone, diag);

	if (r == 0 && gone == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no alias %s to %s", address, to);
	return r;
}

static int set_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct alias_change *c = arg;
	int r = mr_change_domain(db, c->from.domain, diag);

	if (r == 0)
		r = remove_all(db, c->from.address, diag);
	return r < 0 ? r : insert_all(db, c, "set", diag);
}

static int del_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct alias_change *c = arg;
	int r = mr_change_domain(db, c->from.domain, diag);

	if (r == 0 && c->n_to == 0)
		r = remove_all(db, c->from.address, diag);
	for (size_t i = 0; i < c->n_to && r == 0; i++)
		r = remove_one(db, c->from.address, c->to[i].address, diag);
	if (r == 0)
		r = check_result(db, c->from.address, diag);
	return r < 0 ? r : mr_change_note(db, "alias", c->from.address, "del", diag);
}

static int change(struct mr_db *db, const char *address, const char *const *to, size_t n_to, size_t min_to,
		  int (*body)(struct mr_db *db, void *arg, struct mr_diag *diag), struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct alias_change c = { 0 };
	int r = mr_validate_alias(address, arena, &c.from, diag);

	if (r == 0 && (n_to < min_to || n_to > MR_DESTINATIONS_MAX))
		r = mr_diag_set(diag, -EINVAL, "an alias has 1 to %d destinations", MR_DESTINATIONS_MAX);
	if (r < 0)
		return r;
	c.to = mr_arena_alloc(arena, (n_to + 1) * sizeof(*c.to));
	for (; c.n_to < n_to && r == 0; c.n_to++)
		r = mr_validate_destination(to[c.n_to], arena, &c.to[c.n_to], diag);
	return r < 0 ? r : mr_transaction(db, body, &c, diag);
}

int mr_write_alias_add(struct mr_db *db, const char *address, const char *const *to, size_t n_to, struct mr_diag *diag)
{
	return change(db, address, to, n_to, 1, add_body, diag);
}

int mr_write_alias_set(struct mr_db *db, const char *address, const char *const *to, size_t n_to, struct mr_diag *diag)
{
	return change(db, address, to, n_to, 1, set_body, diag);
}

int mr_write_alias_del(struct mr_db *db, const char *address, const char *const *to, size_t n_to, struct mr_diag *diag)
{
	return change(db, address, to, n_to, 0, del_body, diag);
}
