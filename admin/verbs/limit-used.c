/* What is used of whose limits. */
#include "limit-used.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/read.h"
#include "store/validate.h"

#define WAIT_MS 2000

/* Who is asked about. */
struct whom {
	const char *user, *domain; /* NULL: is none, has none */
	bool client, host;         /* clients; a single one */
	struct mr_net net;         /* of clients */
	const char *levels[3];     /* rules of the user, the domain, everybody */
};

/* What is counted together is counted of all of a network, so there is no answer for a wider one. */
static int take_net(const char *text, struct whom *w, struct mr_diag *diag)
{
	unsigned bits = w->net.ip.family == AF_INET ? 32 : 128;
	struct mr_net counted = mr_limit_client(MR_LIMIT_NETWORK, &w->net.ip);

	w->client = true;
	w->host = w->net.bits == bits;
	if (w->net.bits < counted.bits)
		return mr_diag_set(diag, -EINVAL, "%s: each /%u in it is counted by itself", text, counted.bits);
	return 0;
}

static int take_whom(const char *text, struct mr_arena *arena, struct whom *w, struct mr_diag *diag)
{
	struct mr_slice s = mr_slice_of(text);
	struct mr_account account;
	int r;

	if (mr_parse_net(s, &w->net) == 0)
		return take_net(text, w, diag);
	if (mr_slice_chr(s, '/') >= 0)
		return mr_diag_set(diag, -EINVAL, "%s: a network is an address and its bits, such as 192.0.2.0/24", text);
	if (mr_slice_chr(s, '@') < 0)
		return mr_validate_domain(text, arena, &w->domain, diag);
	r = mr_validate_account(text, arena, &account, diag);
	if (r == 0) {
		w->user = account.address;
		w->domain = account.domain;
	}
	return r;
}

static int read_levels(struct mr_db *db, struct mr_arena *arena, struct whom *w, struct mr_diag *diag)
{
	struct mr_row_mailbox m = { 0 };
	struct mr_row_domain d = { 0 };
	int r = w->user ? mr_read_mailbox(db, w->user, arena, &m, diag) : 0;

	if (r == -ENOENT)
		mr_diag_set(diag, r, "there is no user %s", w->user);
	if (r == 0 && w->domain) {
		r = mr_read_domain(db, w->domain, arena, &d, diag);
		if (r == -ENOENT)
			mr_diag_set(diag, r, "there is no domain %s", w->domain);
	}
	w->levels[0] = m.limits;
	w->levels[1] = d.limits;
	return r < 0 ? r : mr_read_global_limits(db, arena, &w->levels[2], diag);
}

static bool is_counted(enum mr_limit_scope scope, const struct whom *w)
{
	switch (scope) {
	case MR_LIMIT_USER:
		return w->user;
	case MR_LIMIT_DOMAIN:
		return w->domain;
	case MR_LIMIT_ADDRESS:
		return w->host;
	case MR_LIMIT_NETWORK:
		return w->client;
	}
	return false;
}

static bool holds_for_all(const struct mr_limit *l, const struct mr_net *net)
{
	return l->every || (l->net.bits <= net->bits && mr_net_has(&l->net, &net->ip));
}

/* The narrowest that all clients are in, and those that only some of them are in. */
static bool in_force(const struct limit_used *v, size_t n, const struct mr_limit *l, const struct whom *w)
{
	if (!mr_limit_of_client(l->scope))
		return true;
	if (!holds_for_all(l, &w->net) && !mr_net_has(&w->net, &l->net.ip))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct mr_limit *other = &v[i].rule;

		if (other->scope == l->scope && other->what == l->what && holds_for_all(other, &w->net) && mr_limit_narrower(other, l))
			return false;
	}
	return true;
}

static size_t choose_rules(const struct whom *w, struct limit_used *out)
{
	struct mr_slice lines[LIMIT_USED_MAX];
	size_t all = mr_limits_hold(w->levels, lines, LIMIT_USED_MAX), candidates = 0, n = 0;

	for (size_t i = 0; i < all; i++)
		candidates += mr_limit_parse(lines[i], &out[candidates].rule) == 0 && is_counted(out[candidates].rule.scope, w);
	bool keep[LIMIT_USED_MAX] = { false };

	for (size_t i = 0; i < candidates; i++)
		keep[i] = in_force(out, candidates, &out[i].rule, w) && out[i].rule.amount > 0;
	for (size_t i = 0; i < candidates; i++)
		if (keep[i])
			out[n++] = out[i];
	return n;
}

static struct mr_slice name_of(const struct mr_limit *l, const struct whom *w, struct mr_arena *arena)
{
	char ip[MR_IP_STRLEN];
	struct mr_net net;

	if (!mr_limit_of_client(l->scope))
		return mr_slice_of(mr_limit_name(arena, l, mr_slice_of(l->scope == MR_LIMIT_USER ? w->user : w->domain)));
	net = mr_limit_client(l->scope, &w->net.ip);
	return mr_slice_of(mr_limit_name(arena, l, mr_slice_of(mr_ip_str(&net.ip, ip))));
}

/* Without Redis nothing is known. */
static void read_counters(const struct mr_conf_shared *c, const struct whom *w, struct mr_arena *arena, struct limit_used *v, size_t n)
{
	const struct mr_redis_config config = mr_redis_config(c);
	struct mr_redis_session *redis = NULL;
	int r = n > 0 && mr_redis_wanted(&config) ? mr_redis_open(&config, WAIT_MS, &redis, NULL) : -EAGAIN;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = mr_counter_read(redis, c->redis_prefix, name_of(&v[i].rule, w, arena), v[i].rule.window, &v[i].used, NULL);
		v[i].known = r == 0;
	}
	mr_redis_close(redis);
}

int limit_used(const struct verbs_conf *conf, struct mr_db *db, const char *text, struct mr_arena *arena, struct limit_used **out,
	       size_t *n, struct mr_diag *diag)
{
	struct whom w = { 0 };
	int r = take_whom(text, arena, &w, diag);

	if (r == 0)
		r = read_levels(db, arena, &w, diag);
	if (r < 0)
		return r;
	*out = mr_arena_alloc(arena, LIMIT_USED_MAX * sizeof(**out));
	*n = choose_rules(&w, *out);
	read_counters(&conf->shared, &w, arena, *out, *n);
	return 0;
}
