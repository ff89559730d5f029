/* Changes to sending limits. */
#include "store/write.h"

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "base/mem.h"
#include "store/change.h"
#include "store/validate.h"

#define NETS_MAX 50 /* networks with rules of their own */

struct limit_change {
	const struct mr_limit *rules;
	size_t n;
	const char *scope, *what;
	const char *level, *owner, *domain; /* domain: that the owner is or is in; NULL for everybody */
	char net[MR_IP_STRLEN + 4];         /* "" in the scopes user and domain */
};

static int prepare_net(struct limit_change *c, const char *owner, struct mr_diag *diag)
{
	struct mr_net net;
	char ip[MR_IP_STRLEN];

	c->level = "global";
	c->owner = "";
	if (mr_slice_eq(mr_slice_of(owner), MR_LIT("default"))) {
		snprintf(c->net, sizeof c->net, "*");
		return 0;
	}
	if (mr_parse_net(mr_slice_of(owner), &net) < 0)
		return mr_diag_set(diag, -EINVAL, "%s: an address or network of clients, such as 192.0.2.0/24, or the word default", owner);
	snprintf(c->net, sizeof c->net, "%s/%u", mr_ip_str(&net.ip, ip), net.bits);
	return 0;
}

static int prepare_owner(struct limit_change *c, enum mr_limit_scope scope, const char *owner, struct mr_arena *arena, struct mr_diag *diag)
{
	struct mr_account account;
	int r;

	if (mr_limit_of_client(scope))
		return prepare_net(c, owner, diag);
	if (mr_slice_eq(mr_slice_of(owner), MR_LIT("default"))) {
		c->level = "global";
		c->owner = "";
		return 0;
	}
	if (scope == MR_LIMIT_DOMAIN || mr_slice_chr(mr_slice_of(owner), '@') < 0) {
		r = mr_validate_domain(owner, arena, &c->domain, diag);
		c->level = "domain";
		c->owner = c->domain;
		return r;
	}
	r = mr_validate_account(owner, arena, &account, diag);
	if (r == 0) {
		c->level = "user";
		c->owner = account.address;
		c->domain = account.domain;
	}
	return r;
}

static int check_rules(const struct mr_limit *rules, size_t n, struct mr_diag *diag)
{
	if (n > MR_LIMIT_RULES_MAX)
		return mr_diag_set(diag, -EINVAL, "at most %d limits on the same thing", MR_LIMIT_RULES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (rules[i].amount == 0 && n > 1)
			return mr_diag_set(diag, -EINVAL, "unlimited stands alone");
		for (size_t k = 0; k < i; k++)
			if (rules[k].window == rules[i].window)
				return mr_diag_set(diag, -EINVAL, "two limits for one window");
	}
	return 0;
}

static int refuse_too_many_nets(struct mr_db *db, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db, "SELECT COUNT(DISTINCT net) FROM sending_limit WHERE level = 'global'", MR_NO_PARAMS, arena, &rows, diag);

	if (r == 0 && mr_cell_u64(&rows, 0, 0) > NETS_MAX)
		r = mr_diag_set(diag, -EINVAL, "at most %d networks with limits of their own", NETS_MAX);
	return r;
}

static int put_rules(struct mr_db *db, const struct limit_change *c, struct mr_diag *diag)
{
	int r = mr_exec(db, "DELETE FROM sending_limit WHERE level = ? AND owner = ? AND scope = ? AND net = ? AND what = ?",
			MR_PARAMS(mr_text(c->level), mr_text(c->owner), mr_text(c->scope), mr_text(c->net), mr_text(c->what)), NULL, diag);

	for (size_t i = 0; i < c->n && r == 0; i++)
		r = mr_exec(db,
			    "INSERT INTO sending_limit (level, owner, scope, net, what, window_seconds, amount, action) "
			    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			    MR_PARAMS(mr_text(c->level), mr_text(c->owner), mr_text(c->scope), mr_text(c->net), mr_text(c->what),
				      mr_num((int64_t)(c->rules[i].window / 1000)), mr_num((int64_t)c->rules[i].amount),
				      mr_text(mr_limit_action_str(c->rules[i].action))),
			    NULL, diag);
	return r;
}

static int set_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct limit_change *c = arg;
	bool user = mr_slice_eq(mr_slice_of(c->level), MR_LIT("user"));
	int r = c->domain ? mr_change_domain(db, c->domain, diag) : 0;

	if (r == 0 && user)
		r = mr_change_user(db, c->owner, diag);
	if (r == 0)
		r = put_rules(db, c, diag);
	if (r == 0 && !c->domain)
		r = refuse_too_many_nets(db, diag);
	return r < 0 ? r : mr_change_note(db, user ? "mailbox" : c->level, c->owner, "limit", diag);
}

int mr_write_limit_set(struct mr_db *db, enum mr_limit_scope scope, const char *owner, enum mr_limit_what what,
		       const struct mr_limit *rules, size_t n, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct limit_change c = { .rules = rules, .n = n, .scope = mr_limit_scope_str(scope), .what = mr_limit_what_str(what) };
	int r = prepare_owner(&c, scope, owner, arena, diag);

	if (r == 0)
		r = check_rules(rules, n, diag);
	return r < 0 ? r : mr_transaction(db, set_body, &c, diag);
}
