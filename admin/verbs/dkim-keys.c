/* dkim-keys: see dkim-keys.h. */
#include "dkim-keys.h"

/* system */
#include <errno.h>

/* ours */
#include "args.h"
#include "mail/key-record.h"
#include "rt/clock.h"
#include "rt/dns-servers.h"

#define LOOK_MS 10000 /* for all servers and all keys of a domain */

int dkim_load(struct mr_db *db, const char *domain, struct mr_arena *arena, struct dkim_keys *out, struct mr_diag *diag)
{
	struct dkim_keys keys = { .domain = verb_name(domain, arena) };
	struct mr_dkim_entry *entries = NULL;
	int r = mr_list_dkim(db, keys.domain, arena, &entries, &keys.n, diag);

	if (r == 0 && keys.n == 0)
		r = mr_diag_set(diag, -ENOENT, "there are no keys for a domain %s", keys.domain);
	if (r < 0)
		return r;
	keys.v = mr_arena_alloc(arena, keys.n * sizeof(*keys.v));
	for (size_t i = 0; i < keys.n; i++) {
		const struct mr_dkim_entry *e = &entries[i];

		keys.v[i] = (struct dkim_key){ .entry = e,
					       .name = mr_arena_printf(arena, "%s._domainkey.%s", e->selector, keys.domain),
					       .expected = mr_arena_printf(arena, "v=DKIM1; k=%s; p=%s", e->algorithm, e->public_key) };
	}
	*out = keys;
	return 0;
}

struct looking {
	struct mr_loop *loop;
	struct dkim_keys *keys;
	struct mr_arena *arena;
	struct mr_diag *diag;
	int r;
};

static void take_shown(struct looking *l, struct dkim_key *k, const struct mr_dns_server *s)
{
	const struct mr_dns_answer *a = mr_dns_view_get(s->view, mr_slice_of(k->name), MR_DNS_TXT);
	struct dkim_shown *shown = &k->shown[k->n_shown++];
	bool ed25519 = mr_slice_eq(mr_slice_of(k->entry->algorithm), MR_LIT("ed25519"));

	*shown = (struct dkim_shown){ .server = mr_arena_strdup(l->arena, s->name), .address = mr_arena_strdup(l->arena, s->address) };
	shown->silent = !a || a->status == MR_DNS_TEMP;
	shown->problem = "no answer";
	if (shown->silent)
		return;
	shown->problem = mr_key_published(a, ed25519, mr_slice_of(k->entry->public_key), l->arena);
	shown->values = mr_arena_alloc(l->arena, (a->n_rrs + 1) * sizeof(*shown->values));
	for (; shown->n < a->n_rrs; shown->n++) {
		struct mr_slice data = a->rrs[shown->n].data;

		shown->values[shown->n] = (struct mr_slice){ mr_arena_slice(l->arena, data), data.n };
	}
}

/* Silence counts where no other address of that server speaks. */
static bool counts(const struct dkim_key *k, const struct dkim_shown *shown)
{
	for (size_t i = 0; i < k->n_shown && shown->silent; i++) {
		if (!k->shown[i].silent && mr_slice_eq(mr_slice_of(k->shown[i].server), mr_slice_of(shown->server)))
			return false;
	}
	return true;
}

/* One server's problem bears its name, unless all have the same. */
static void judge(struct dkim_key *k, struct mr_arena *arena)
{
	const struct dkim_shown *first = NULL;
	size_t asked = 0, same = 0;

	k->absent = true;
	for (size_t i = 0; i < k->n_shown; i++) {
		const struct dkim_shown *s = &k->shown[i];

		if (!counts(k, s))
			continue;
		asked++;
		k->absent = k->absent && !s->silent && s->n == 0;
		if (s->problem && !first)
			first = s;
		same += first && s->problem && mr_slice_eq(mr_slice_of(s->problem), mr_slice_of(first->problem));
	}
	if (!first)
		k->problem = asked ? NULL : "no name server is known";
	else if (same == asked)
		k->problem = first->problem;
	else
		k->problem = mr_arena_printf(arena, "%s [%s]: %s", first->server, first->address, first->problem);
}

static void on_answers(const struct mr_dns_servers *s, void *arg)
{
	struct looking *l = arg;

	if (s->problem)
		l->r = mr_diag_set(l->diag, -EAGAIN, "the name servers of %s: %s", l->keys->domain, s->problem);
	for (size_t i = 0; i < l->keys->n; i++) {
		struct dkim_key *k = &l->keys->v[i];

		k->shown = mr_arena_alloc(l->arena, (s->n + 1) * sizeof(*k->shown));
		for (size_t at = 0; at < s->n; at++)
			take_shown(l, k, &s->v[at]);
		judge(k, l->arena);
	}
	mr_loop_stop(l->loop);
}

int dkim_look(const struct verbs_conf *conf, struct dkim_keys *keys, struct mr_arena *arena, struct mr_diag *diag)
{
	struct looking l = { .loop = mr_loop_new(), .keys = keys, .arena = arena, .diag = diag };
	const char **names = mr_arena_alloc(arena, keys->n * sizeof(*names));
	struct mr_dns_servers_ask ask = { .resolver = conf->shared.resolver,
					  .port = MR_DNS_PORT,
					  .inside = mr_arena_printf(arena, "_domainkey.%s", keys->domain),
					  .names = names,
					  .n_names = keys->n,
					  .type = MR_DNS_TXT,
					  .deadline_ms = mr_now_ms() + LOOK_MS };

	for (size_t i = 0; i < keys->n; i++)
		names[i] = keys->v[i].name;
	l.r = mr_dns_servers_ask(l.loop, &ask, on_answers, &l, diag);
	if (l.r == 0)
		mr_loop_run(l.loop);
	mr_loop_free(l.loop);
	return l.r;
}
