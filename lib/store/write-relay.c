/* Changes to relay hosts. */
#include "store/write.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/change.h"
#include "store/validate.h"

#define PORT_SMTP       25
#define PORT_SUBMISSION 587
#define LOGIN_MAX       255  /* bytes of a user name or a password */
#define SEALED_MAX      2048 /* bytes, of a password so long */

struct relay_change {
	const char *owner, *domain; /* domain: that the owner is or is in; NULL for everybody */
	bool user;
	const char *nexthop, *username; /* nexthop NULL: none from now on */
	struct mr_buf sealed;
};

static int prepare_owner(struct relay_change *c, const char *owner, struct mr_arena *arena, struct mr_diag *diag)
{
	struct mr_account account;
	int r;

	if (mr_slice_eq(mr_slice_of(owner), MR_LIT("default"))) {
		c->owner = "";
		return 0;
	}
	c->user = mr_slice_chr(mr_slice_of(owner), '@') >= 0;
	if (!c->user) {
		r = mr_validate_domain(owner, arena, &c->domain, diag);
		c->owner = c->domain;
		return r;
	}
	r = mr_validate_account(owner, arena, &account, diag);
	if (r == 0) {
		c->owner = account.address;
		c->domain = account.domain;
	}
	return r;
}

/* What Postfix can take as an answer of its table: one line, in which the first colon ends the user name. */
static int check_login(const char *what, const char *text, bool colon, struct mr_diag *diag)
{
	size_t n = strlen(text);

	if (n == 0 || n > LOGIN_MAX)
		return mr_diag_set(diag, -EINVAL, "%s: 1 to %d bytes", what, LOGIN_MAX);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return mr_diag_set(diag, -EINVAL, "%s: no control characters", what);
	if (text[0] == ' ' || text[n - 1] == ' ')
		return mr_diag_set(diag, -EINVAL, "%s: no blank at an end", what);
	return colon || !strchr(text, ':') ? 0 : mr_diag_set(diag, -EINVAL, "%s: no colon, at which Postfix would cut it", what);
}

static int prepare_login(struct relay_change *c, const struct mr_relay_set *set, const struct mr_keyring *ring, struct mr_arena *arena,
			 struct mr_diag *diag)
{
	int r;

	if (!set->username)
		return 0;
	r = check_login("user name", set->username, false, diag);
	if (r == 0)
		r = check_login("password", set->password, true, diag);
	if (r < 0)
		return r;
	c->username = set->username;
	r = mr_seal(ring, mr_slice_of(mr_relay_purpose(c->owner, c->nexthop, arena)), mr_slice_of(set->password), &c->sealed);
	return r < 0 ? mr_diag_set(diag, r, "the password cannot be sealed") : 0;
}

static int set_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct relay_change *c = arg;
	int r = c->domain ? mr_change_domain(db, c->domain, diag) : 0;

	if (r == 0 && c->user)
		r = mr_change_user(db, c->owner, diag);
	if (r == 0)
		r = mr_exec(
		    db, "REPLACE INTO relay (owner, nexthop, username, sealed_password) VALUES (?, ?, ?, ?)",
		    MR_PARAMS(mr_text(c->owner), mr_text(c->nexthop), mr_text(c->username), mr_text(c->username ? c->sealed.p : NULL)),
		    NULL, diag);
	return r < 0 ? r : mr_change_note(db, "relay", c->owner, "set", diag);
}

int mr_write_relay_set(struct mr_db *db, const char *owner, const struct mr_relay_set *set, const struct mr_keyring *ring,
		       struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct relay_change c = { .sealed = MR_BUF(SEALED_MAX) };
	int r = prepare_owner(&c, owner, arena, diag);

	if (r == 0)
		r = mr_validate_nexthop(set->host, set->username ? PORT_SUBMISSION : PORT_SMTP, arena, &c.nexthop, diag);
	if (r == 0)
		r = prepare_login(&c, set, ring, arena, diag);
	if (r == 0)
		r = mr_transaction(db, set_body, &c, diag);
	mr_buf_done(&c.sealed);
	return r;
}

int mr_change_relay_del(struct mr_db *db, const char *owner, bool *was_there, struct mr_diag *diag)
{
	uint64_t changed = 0;
	int r = mr_exec(db, "DELETE FROM relay WHERE owner = ?", MR_PARAMS(mr_text(owner)), &changed, diag);

	if (was_there)
		*was_there = changed > 0;
	return r < 0 || changed == 0 ? r : mr_change_note(db, "relay", owner, "del", diag);
}

static int del_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct relay_change *c = arg;
	bool was_there = false;
	int r = mr_change_relay_del(db, c->owner, &was_there, diag);

	if (r == 0 && !was_there)
		r = mr_diag_set(diag, -ENOENT, "%s has no relay host", *c->owner ? c->owner : "default");
	return r;
}

int mr_write_relay_del(struct mr_db *db, const char *owner, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct relay_change c = { 0 };
	int r = prepare_owner(&c, owner, arena, diag);

	return r < 0 ? r : mr_transaction(db, del_body, &c, diag);
}
