/* Changes to aliases. */
#include "store/write.h"

/* system */
#include <errno.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "rt/clock.h"
#include "store/change.h"
#include "store/validate.h"

#define MASK_CHARS 12 /* of 32: 60 bits, which nobody guesses and hardly two have */

/* What all rows of an alias have in common. */
struct state {
	bool enabled;
	int64_t expires; /* 0 = never */
	const char *note, *senders;
};
static const struct state new_state = { .enabled = true, .note = "", .senders = "" };

struct alias_change {
	struct mr_account from;
	struct mr_account *to;
	size_t n_to;
	const struct mr_alias_set *set;
	int64_t expires; /* that set->expires means */
};

/* What must hold after each change: an alias named like a mailbox lists that mailbox; one that is no mailbox does not point to itself,
 * unless the domain is relayed, where that is a recipient of the other server; a refused address leads nowhere. */
static int check_result(struct mr_db *db, const struct mr_account *a, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *address = a->address;
	struct mr_rows rows;
	bool any, self, mailbox, refused;
	int r =
	    mr_query(db,
		     "SELECT COUNT(*) > 0, COALESCE(SUM(destination = address), 0) > 0, COUNT(*) > ?, "
		     "EXISTS (SELECT 1 FROM mailbox WHERE address = ?), COALESCE(SUM(destination = ''), 0) > 0, COUNT(*) > 1, "
		     "EXISTS (SELECT 1 FROM domain WHERE name = ? AND relay_to IS NOT NULL) FROM alias WHERE address = ?",
		     MR_PARAMS(mr_num(MR_DESTINATIONS_MAX), mr_text(address), mr_text(a->domain), mr_text(address)), arena, &rows, diag);

	if (r < 0)
		return r;
	any = mr_cell_true(&rows, 0, 0);
	self = mr_cell_true(&rows, 0, 1);
	mailbox = mr_cell_true(&rows, 0, 3);
	refused = mr_cell_true(&rows, 0, 4);
	if (mr_cell_true(&rows, 0, 2))
		return mr_diag_set(diag, -EINVAL, "alias %s would have more than %d destinations", address, MR_DESTINATIONS_MAX);
	if (refused && mr_cell_true(&rows, 0, 5))
		return mr_diag_set(diag, -EEXIST, "%s is an alias and cannot be a refused address as well; delete it first", address);
	if (refused && mailbox)
		return mr_diag_set(diag, -EEXIST, "%s is a user", address);
	if (any && mailbox && !self)
		return mr_diag_set(
		    diag, -EEXIST,
		    "%s is a user, and this alias would take all mail from it; list %s itself among the destinations to keep a copy",
		    address, address);
	if (self && !mailbox && !mr_cell_true(&rows, 0, 6))
		return mr_diag_set(diag, -EINVAL, "alias %s would point to itself", address);
	return 0;
}

/* The catch-all of an alias domain is that of the domain that it stands for. */
static int check_catch_all(struct mr_db *db, const struct mr_account *a, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r;

	if (*a->address != '@')
		return 0;
	r = mr_query(db, "SELECT alias_of FROM domain WHERE name = ? AND alias_of IS NOT NULL", MR_PARAMS(mr_text(a->domain)), arena, &rows,
		     diag);
	if (r == 0 && rows.n > 0)
		r = mr_diag_set(diag, -EINVAL, "%s stands for %s, whose catch-all it has", a->domain, mr_cell(&rows, 0, 0));
	return r;
}

static int read_state(struct mr_db *db, const char *address, struct mr_arena *arena, struct state *out, struct mr_diag *diag)
{
	struct mr_rows rows;
	int r = mr_query(
	    db,
	    "SELECT enabled, TIMESTAMPDIFF(SECOND, '1970-01-01', expires), note, senders FROM alias WHERE address = ? LIMIT 1 FOR UPDATE",
	    MR_PARAMS(mr_text(address)), arena, &rows, diag);

	*out = new_state;
	if (r == 0 && rows.n > 0)
		*out = (struct state){ mr_cell_true(&rows, 0, 0), mr_cell_i64(&rows, 0, 1), mr_cell_text(&rows, 0, 2),
				       mr_cell_text(&rows, 0, 3) };
	return r;
}

static int write_state(struct mr_db *db, const struct alias_change *c, const struct state *was, struct mr_diag *diag)
{
	const struct mr_alias_set *set = c->set;
	bool enabled = set->enabled < 0 ? was->enabled : set->enabled;
	int64_t expires = set->expires ? c->expires : was->expires;

	return mr_exec(db,
		       "UPDATE alias SET enabled = ?, expires = '1970-01-01' + INTERVAL ? SECOND, note = ?, senders = ? WHERE address = ?",
		       MR_PARAMS(mr_num(enabled), expires ? mr_num(expires) : mr_text(NULL), mr_text(set->note ? set->note : was->note),
				 mr_text(was->senders), mr_text(c->from.address)),
		       NULL, diag);
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

	if (r == -EEXIST && *to->address == '\0')
		return mr_diag_set(diag, r, "%s is refused already", from->address);
	if (r == -EEXIST)
		return mr_diag_set(diag, r, "alias %s to %s exists already", from->address, to->address);
	return r < 0 ? mr_diag_set(diag, r, "%s", why.text) : 0;
}

static int insert_all(struct mr_db *db, const struct alias_change *c, const struct state *was, const char *what, struct mr_diag *diag)
{
	int r = 0;

	for (size_t i = 0; i < c->n_to && r == 0; i++)
		r = insert(db, &c->from, &c->to[i], diag);
	if (r == 0)
		r = write_state(db, c, was, diag);
	if (r == 0)
		r = check_result(db, &c->from, diag);
	return r < 0 ? r : mr_change_note(db, "alias", c->from.address, what, diag);
}

static int add_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct alias_change *c = arg;
	struct state was;
	int r = mr_change_domain(db, c->from.domain, diag);

	if (r == 0)
		r = check_catch_all(db, &c->from, diag);
	if (r == 0)
		r = read_state(db, c->from.address, arena, &was, diag);
	return r < 0 ? r : insert_all(db, c, &was, "add", diag);
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

static int require(struct mr_db *db, const char *address, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db, "SELECT 1 FROM alias WHERE address = ? LIMIT 1", MR_PARAMS(mr_text(address)), arena, &rows, diag);

	if (r == 0 && rows.n == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no alias %s", address);
	return r;
}

static int set_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct alias_change *c = arg;
	struct state was;
	int r = mr_change_domain(db, c->from.domain, diag);

	if (r == 0)
		r = read_state(db, c->from.address, arena, &was, diag);
	if (r == 0)
		r = c->n_to > 0 ? remove_all(db, c->from.address, diag) : require(db, c->from.address, diag);
	return r < 0 ? r : insert_all(db, c, &was, "set", diag);
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
		r = check_result(db, &c->from, diag);
	return r < 0 ? r : mr_change_note(db, "alias", c->from.address, "del", diag);
}

static int prepare_set(struct alias_change *c, const struct mr_alias_set *set, struct mr_diag *diag)
{
	int r = set->note ? mr_validate_note(set->note, diag) : 0;

	c->set = set;
	if (r == 0 && set->expires)
		r = mr_validate_end(set->expires, mr_wall(), &c->expires, diag);
	return r;
}

static int change(struct mr_db *db, const char *address, const struct mr_destinations *to, size_t min_to, const struct mr_alias_set *set,
		  int (*body)(struct mr_db *db, void *arg, struct mr_diag *diag), struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct alias_change c = { 0 };
	int r = mr_validate_alias(address, arena, &c.from, diag);

	if (r == 0 && (to->n < min_to || to->n > MR_DESTINATIONS_MAX))
		r = mr_diag_set(diag, -EINVAL, "an alias has 1 to %d destinations", MR_DESTINATIONS_MAX);
	if (r == 0)
		r = prepare_set(&c, set, diag);
	if (r < 0)
		return r;
	c.to = mr_arena_alloc(arena, (to->n + 1) * sizeof(*c.to));
	for (; c.n_to < to->n && r == 0; c.n_to++)
		r = mr_validate_destination(to->v[c.n_to], arena, &c.to[c.n_to], diag);
	return r < 0 ? r : mr_transaction(db, body, &c, diag);
}

int mr_write_alias_add(struct mr_db *db, const char *address, const struct mr_destinations *to, const struct mr_alias_set *set,
		       struct mr_diag *diag)
{
	return change(db, address, to, 1, set, add_body, diag);
}

int mr_write_alias_set(struct mr_db *db, const char *address, const struct mr_destinations *to, const struct mr_alias_set *set,
		       struct mr_diag *diag)
{
	return change(db, address, to, 0, set, set_body, diag);
}

int mr_write_alias_del(struct mr_db *db, const char *address, const struct mr_destinations *to, struct mr_diag *diag)
{
	const struct mr_alias_set none = MR_ALIAS_SET_NONE;

	return change(db, address, to, 0, &none, del_body, diag);
}

int mr_write_alias_refuse(struct mr_db *db, const char *address, const struct mr_alias_set *set, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_account nowhere = { "", "" };
	struct alias_change c = { .to = &nowhere, .n_to = 1 };
	int r = mr_validate_account(address, arena, &c.from, diag);

	if (r == 0)
		r = prepare_set(&c, set, diag);
	return r < 0 ? r : mr_transaction(db, add_body, &c, diag);
}

/* --- masks */

/* Lower case, without characters that are taken for others. */
static int random_address(const char *domain, struct mr_arena *arena, const char **out, struct mr_diag *diag)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t random[MASK_CHARS];
	char name[MASK_CHARS + 1] = { 0 };
	int r = mr_random(random, sizeof(random));

	if (r < 0)
		return mr_diag_set(diag, r, "the kernel gives no random bytes");
	for (size_t i = 0; i < MASK_CHARS; i++)
		name[i] = letters[random[i] % (sizeof(letters) - 1)];
	*out = mr_arena_printf(arena, "%s@%s", name, domain);
	return 0;
}

static int mask_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct alias_change *c = arg;
	const char *address = c->from.address, *user = c->to[0].address;
	struct mr_rows rows;
	int r = mr_change_domain(db, c->from.domain, diag);

	if (r == 0)
		r = mr_query(db, "SELECT 1 FROM mailbox WHERE address = ?", MR_PARAMS(mr_text(user)), arena, &rows, diag);
	if (r == 0 && rows.n == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no user %s", user);
	if (r == 0)
		r = mr_query(db, "SELECT 1 FROM mailbox WHERE address = ? UNION SELECT 1 FROM alias WHERE address = ?",
			     MR_PARAMS(mr_text(address), mr_text(address)), arena, &rows, diag);
	if (r == 0 && rows.n > 0)
		r = mr_diag_set(diag, -EEXIST, "%s is taken", address);
	return r < 0 ? r : insert_all(db, c, &new_state, "add", diag);
}

int mr_write_alias_mask(struct mr_db *db, const char *to, const struct mr_alias_set *set, struct mr_arena *arena, const char **address,
			struct mr_diag *diag)
{
	struct mr_account user;
	struct alias_change c = { .to = &user, .n_to = 1 };
	int r = mr_validate_account(to, arena, &user, diag);

	if (r == 0)
		r = prepare_set(&c, set, diag);
	if (r == 0)
		r = random_address(user.domain, arena, &c.from.address, diag);
	if (r < 0)
		return r;
	c.from.domain = user.domain;
	r = mr_transaction(db, mask_body, &c, diag);
	if (r == 0)
		*address = c.from.address;
	return r;
}
