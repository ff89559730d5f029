#include "resolve.h"

/* system */
#include <errno.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "mail/address.h"

#define CUTS_MAX    8    /* delimiters of one local part that are tried */
#define ADDRESS_MAX 1000 /* bytes; what is longer is nobody's, also after rewriting (SRS) */

/* What an address comes to: rows at `base`, which is the address itself or, when extended, the part before a delimiter. */
struct match {
	struct mr_slice base, extension;
	struct mr_slice spelled; /* the address itself, as it was written */
	bool extended;
	bool through;                                  /* of the domain that an alias domain stands for: goes no further */
	bool dead;                                     /* there is an alias of that name, which is off */
	const struct mr_row *domain, *mailbox, *alias; /* NULL = none; an alias that is off is none */
};

/* An alias being opened, or opened: its address and the extension that is carried through it. */
struct node {
	struct mr_slice key;
	bool open; /* on the way from the question to here */
	const struct match *match;
	const struct node *parent; /* the alias that led here */
	UT_hash_handle hh;
};

/* A final that is in the list already. */
struct known {
	struct mr_slice key;
	UT_hash_handle hh;
};

struct run {
	const struct mr_walk *w;
	enum mr_resolve_purpose purpose;
	struct mr_resolved *out;
	struct node *nodes;
	const struct node *innermost; /* the alias being opened */
	struct known *known;
	size_t finals_cap;
	unsigned steps;
	bool waiting, temp;
	const char *bad;
};

static void visit(struct run *r, struct mr_slice address, struct mr_slice inherited, unsigned depth);

static bool spend(struct run *r)
{
	if (++r->steps > MR_RESOLVE_STEPS)
		r->bad = "too much behind this address";
	return r->bad == NULL;
}

/* True when the state is known; *row is NULL for a row that does not exist. */
static bool look(struct run *r, enum mr_row_kind kind, struct mr_slice key, const struct mr_row **row)
{
	*row = NULL;
	if (!spend(r))
		return false;
	switch (r->w->view->get(r->w->view, kind, key, row)) {
	case MR_ROW_FOUND:
	case MR_ROW_NONE:
		return true;
	case MR_ROW_UNKNOWN:
		r->waiting = true;
		return false;
	case MR_ROW_TEMP:
		r->temp = true;
		return false;
	}
	return false;
}

/* "a" `between` "b". On the path of every question, so it is put together by hand. */
static struct mr_slice join(struct run *r, struct mr_slice a, char between, struct mr_slice b)
{
	char *p = mr_arena_alloc(r->w->arena, a.n + b.n + 2);

	if (a.n > 0)
		memcpy(p, a.p, a.n);
	p[a.n] = between;
	if (b.n > 0)
		memcpy(p + a.n + 1, b.p, b.n);
	return (struct mr_slice){ p, a.n + 1 + b.n };
}

static bool look_at_alias(struct run *r, struct match *m)
{
	bool known = look(r, MR_ROW_ALIAS, m->base, &m->alias);

	if (m->alias != NULL && (!m->alias->alias.enabled || mr_row_expired(m->alias->alias.expires, r->w->now))) {
		m->alias = NULL;
		m->dead = true;
	}
	return known;
}

/* Both rows of one address are asked for, so that they are fetched together. */
static bool look_at(struct run *r, struct mr_slice base, struct match *m)
{
	m->base = base;
	bool a = look_at_alias(r, m), b = look(r, MR_ROW_MAILBOX, base, &m->mailbox);

	return a && b;
}

/* The name exists. */
static bool somebody_at(const struct match *m)
{
	return m->alias != NULL || m->mailbox != NULL || m->dead;
}

/* 1: somebody is at this address, *m is set. 0: nobody. -EAGAIN: rows are missing. No name of ours contains '+', so what follows the first
 * one is extension, whatever the site's delimiter. */
static int match_address(struct run *r, const struct mr_address *a, struct match *m)
{
	ptrdiff_t plus = mr_slice_chr(a->local, '+');
	unsigned cuts = 0;

	if (!look_at(r, join(r, a->local, '@', a->domain), m))
		return -EAGAIN;
	for (size_t i = plus < 0 ? a->local.n : (size_t)plus + 1; i-- > 1 && !somebody_at(m) && cuts < CUTS_MAX;) {
		if (a->local.p[i] != '+' && a->local.p[i] != r->w->site->delimiter)
			continue;
		cuts++;
		if (!look_at(r, join(r, (struct mr_slice){ a->local.p, i }, '@', a->domain), m))
			return -EAGAIN;
		m->extended = true;
		m->extension = mr_slice_from(a->local, i + 1);
	}
	return somebody_at(m);
}

static struct mr_slice identity(struct run *r, const struct mr_final *f)
{
	return mr_final_deliver(f, true, r->w->arena);
}

static bool is_known(struct run *r, const struct mr_final *f)
{
	struct mr_slice key = identity(r, f);
	struct known *k;

	HASH_FIND(hh, r->known, key.p, key.n, k);
	return k != NULL;
}

static void note_known(struct run *r, const struct mr_final *f)
{
	struct known *k = mr_arena_alloc(r->w->arena, sizeof(*k));

	k->key = identity(r, f);
	HASH_ADD_KEYPTR(hh, r->known, k->key.p, k->key.n, k);
}

/* Most addresses have one final: the table of the known ones is begun with the second. */
static void add_final(struct run *r, const struct mr_final *f)
{
	struct mr_resolved *out = r->out;

	if (out->n_finals == 1 && r->known == NULL)
		note_known(r, &out->finals[0]);
	if (is_known(r, f))
		return;
	if (out->n_finals == MR_DIR_FINALS_MAX) {
		r->bad = "too many recipients behind this address";
		return;
	}
	if (out->n_finals == r->finals_cap) {
		r->finals_cap = r->finals_cap ? 4 * r->finals_cap : 4;
		struct mr_final *more = mr_arena_alloc(r->w->arena, r->finals_cap * sizeof(*more));
		if (out->n_finals > 0)
			memcpy(more, out->finals, out->n_finals * sizeof(*more));
		out->finals = more;
	}
	out->finals[out->n_finals++] = *f;
	if (out->n_finals > 1)
		note_known(r, f);
}

static void add_mailbox(struct run *r, const struct match *m)
{
	struct mr_final f = { .local = true, .extended = m->extended, .extension = m->extension, .address = m->base };

	f.aliased = m->alias != NULL;
	f.mailbox = m->mailbox;
	f.domain = m->domain;
	const struct mr_row_mailbox *box = &m->mailbox->mailbox;
	bool expired = mr_row_expired(box->expires, r->w->now);
	f.receive = !expired && !box->send_only && (box->enabled || !r->w->site->refuse_disabled);
	f.send = !expired && !box->locked && !box->receive_only;
	add_final(r, &f);
}

static bool is_relay(const struct match *m)
{
	return m->domain != NULL && m->domain->domain.relay_to[0] != '\0';
}

/* relay: the domain of ours that it is in, or NULL. */
static void add_foreign(struct run *r, struct mr_slice address, const struct mr_row *relay)
{
	add_final(r, &(struct mr_final){ .receive = true, .address = address, .domain = relay });
}

static bool lists_itself(struct run *r, const struct match *m)
{
	const struct mr_row_alias *a = &m->alias->alias;

	for (size_t i = 0; i < a->n_destinations; i++) {
		if (mr_slice_ieq(mr_slice_of(a->destinations[i]), m->base))
			return true;
	}
	return false;
}

/* The alias `n` leads back to itself: of the addresses on that way the nearest one with a mailbox ends it. */
static void end_loop(struct run *r, const struct node *n)
{
	const struct node *at = r->innermost;

	while (at != n && at->match->mailbox == NULL)
		at = at->parent;
	if (at->match->mailbox != NULL)
		add_mailbox(r, at->match);
}

static void follow_destinations(struct run *r, const struct match *m, unsigned depth)
{
	const struct mr_row_alias *a = &m->alias->alias;

	for (size_t i = 0; i < a->n_destinations && r->bad == NULL; i++) {
		struct mr_slice to = mr_slice_of(a->destinations[i]);
		if (!mr_slice_ieq(to, m->base))
			visit(r, to, m->extension, depth + 1);
		else if (m->mailbox != NULL)
			add_mailbox(r, m);
		else if (is_relay(m))
			add_foreign(r, m->spelled, m->domain);
	}
}

/* More of them than fit: nothing is known of that address. */
static void note_closed(struct run *r, const struct mr_row *alias)
{
	struct mr_resolved *out = r->out;

	for (size_t i = 0; i < out->n_aliases; i++)
		if (out->aliases[i] == alias)
			return;
	if (out->aliases == NULL)
		out->aliases = mr_arena_alloc(r->w->arena, MR_RESOLVE_CLOSED * sizeof(struct mr_row *));
	if (out->n_aliases == MR_RESOLVE_CLOSED)
		r->bad = "too many closed aliases behind this address";
	else
		out->aliases[out->n_aliases++] = alias;
}

static void open_alias(struct run *r, const struct match *m, unsigned depth)
{
	struct mr_slice key = join(r, m->base, ' ', m->extension);
	struct node *n;

	HASH_FIND(hh, r->nodes, key.p, key.n, n);
	if (n != NULL) {
		if (n->open)
			end_loop(r, n);
		return;
	}
	if (depth >= MR_RESOLVE_DEPTH) {
		r->bad = "aliases lead too deep";
		return;
	}
	n = mr_arena_alloc(r->w->arena, sizeof(*n));
	*n = (struct node){ .key = key, .open = true, .match = m, .parent = r->innermost };
	HASH_ADD_KEYPTR(hh, r->nodes, n->key.p, n->key.n, n);
	if (m->alias->alias.senders[0] != '\0')
		note_closed(r, m->alias);
	r->innermost = n;
	follow_destinations(r, m, depth);
	r->innermost = n->parent;
	n->open = false;
	n->match = NULL; /* the caller's */
}

/* Rows of somebody here. An extended address whose alias keeps a copy means the mailbox alone: see mr_final_deliver(). */
static void follow(struct run *r, const struct match *m, unsigned depth)
{
	bool mailbox_alone =
	    m->alias == NULL || (m->mailbox != NULL && (r->purpose == MR_RESOLVE_OWN || (m->extended && lists_itself(r, m))));

	if (m->alias == NULL && m->mailbox == NULL)
		return;
	if (mailbox_alone)
		add_mailbox(r, m);
	else
		open_alias(r, m, depth);
}

/* An address with nobody of its own: the catch-all of its domain, which carries no extension on. */
static void follow_catch_all(struct run *r, const struct mr_address *a, struct match *m, unsigned depth)
{
	*m = (struct match){ .domain = m->domain, .base = join(r, (struct mr_slice){ "", 0 }, '@', a->domain) };
	if (look_at_alias(r, m) && m->alias != NULL)
		open_alias(r, m, depth);
}

/* An SRS address of ours, or one that stands for an exempt sender, leads back: true when it was one, also a forged or expired one, which
 * has nobody behind it. Quotes, where the rewritten local part needs some, stand around all of it: see maps/srs.c. */
static bool follow_srs(struct run *r, struct mr_slice spelled, unsigned depth)
{
	struct mr_slice meant = mr_address_unquote(spelled, r->w->arena), original;
	struct mr_srs srs = r->w->site->srs;

	if (srs.n_secrets == 0 ||
	    !(mr_slice_istarts(meant, MR_LIT("SRS0")) || mr_slice_istarts(meant, MR_LIT("SRS1")) || mr_srs_is_exempt(meant)))
		return false;
	srs.now = r->w->now;
	int err = mr_srs_reverse(&srs, meant, r->w->arena, &original);
	if (err == -ENOENT)
		return false;
	if (err == 0 && depth < MR_RESOLVE_DEPTH)
		visit(r, mr_address_quote(original, r->w->arena), (struct mr_slice){ "", 0 }, depth + 1);
	return true;
}

static void visit_here(struct run *r, struct mr_slice spelled, const struct mr_address *a, struct mr_slice inherited, struct match *m,
		       unsigned depth);

/* The same address in the domain that this one stands for. One that is not here takes nothing: it never leads abroad. */
static void visit_through(struct run *r, const struct mr_address *a, struct mr_slice inherited, const struct match *from, unsigned depth)
{
	struct mr_address there = { a->local, mr_slice_of(from->domain->domain.alias_of) };
	struct match m = { .through = true };

	if (look(r, MR_ROW_DOMAIN, there.domain, &m.domain) && m.domain != NULL)
		visit_here(r, join(r, a->local, '@', there.domain), &there, inherited, &m, depth);
	else if (r->waiting)
		(void)match_address(r, &there, &m); /* all its rows in one go */
}

/* A name that does not exist in a domain of ours. */
static void visit_nobody(struct run *r, const struct mr_address *a, struct mr_slice inherited, struct match *m, unsigned depth)
{
	const struct mr_row_domain *d = &m->domain->domain;

	if (d->alias_of[0] != '\0' && !m->through)
		visit_through(r, a, inherited, m, depth);
	else if (is_relay(m) && !d->relay_listed)
		add_foreign(r, m->spelled, m->domain);
	else
		follow_catch_all(r, a, m, depth);
}

static void visit_here(struct run *r, struct mr_slice spelled, const struct mr_address *a, struct mr_slice inherited, struct match *m,
		       unsigned depth)
{
	if (follow_srs(r, spelled, depth))
		return;
	if (m->domain == NULL || !m->domain->domain.enabled)
		return; /* switched off; or a name that is ours without a row, where only SRS and role addresses live */
	m->spelled = spelled;
	int found = match_address(r, a, m);
	if (found < 0)
		return;
	if (found == 0) {
		visit_nobody(r, a, inherited, m, depth);
		return;
	}
	if (!m->extended && inherited.n > 0) {
		m->extended = true;
		m->extension = inherited;
	}
	follow(r, m, depth);
}

static void visit(struct run *r, struct mr_slice spelled, struct mr_slice inherited, unsigned depth)
{
	struct mr_address a;
	struct match m = { 0 };

	if (!spend(r) || spelled.n > ADDRESS_MAX)
		return;
	if (mr_address_split(mr_address_lower(spelled, r->w->arena), &a) != 0 || a.local.n == 0 || a.domain.n == 0)
		return; /* a destination that is no address reaches nobody */
	bool known = look(r, MR_ROW_DOMAIN, a.domain, &m.domain);
	bool hosted = m.domain != NULL || mr_site_own_name(r->w->site, a.domain);
	if (depth == 0)
		r->out->hosted = hosted;
	if (!known && depth == 0)
		(void)match_address(r, &a, &m); /* most questions are about hosted addresses: fetch all their rows in one go */
	else if (known && hosted)
		visit_here(r, spelled, &a, inherited, &m, depth);
	else if (known && depth > 0)
		add_foreign(r, spelled, NULL);
}

static bool somebody(const struct run *r)
{
	for (size_t i = 0; i < r->out->n_finals; i++) {
		if (r->out->finals[i].receive)
			return true;
	}
	return false;
}

/* RFC 5321 section 4.5.1 and RFC 2142: postmaster@ and abuse@ of every domain of ours reach somebody. */
static bool role_address(struct run *r, struct mr_slice address)
{
	struct mr_address a;

	return mr_address_split(address, &a) == 0 &&
	       (mr_slice_ieq(a.local, MR_LIT("postmaster")) || mr_slice_ieq(a.local, MR_LIT("abuse")));
}

void mr_resolve(const struct mr_walk *w, struct mr_slice address, enum mr_resolve_purpose purpose, struct mr_resolved *out)
{
	struct run r = { .w = w, .purpose = purpose, .out = out };

	*out = (struct mr_resolved){ .status = MR_DIR_NOTFOUND };
	visit(&r, address, (struct mr_slice){ "", 0 }, 0);
	if (out->hosted && !r.waiting && !r.temp && r.bad == NULL && !somebody(&r) && w->site->postmaster.n > 0 &&
	    role_address(&r, address))
		visit(&r, w->site->postmaster, (struct mr_slice){ "", 0 }, 1);
	HASH_CLEAR(hh, r.nodes);
	HASH_CLEAR(hh, r.known);
	if (r.bad != NULL) {
		out->status = MR_DIR_BAD;
		out->reason = r.bad;
	} else if (r.temp) {
		out->status = MR_DIR_TEMP;
	} else if (r.waiting) {
		out->waiting = true;
	} else if (out->n_finals > 0) {
		out->status = purpose == MR_RESOLVE_OWN || somebody(&r) ? MR_DIR_OK : MR_DIR_NOTFOUND;
	}
	/* A refusal is for ever; it never rests on rows that may be out of date. */
	if (out->status == MR_DIR_NOTFOUND && out->hosted && w->view->stale && !out->waiting)
		out->status = MR_DIR_TEMP;
}

struct mr_slice mr_final_deliver(const struct mr_final *f, bool closed, struct mr_arena *arena)
{
	ptrdiff_t at = mr_slice_rchr(f->address, '@');
	bool empty_extension = f->aliased && (closed || f->extended);

	if (!f->local || at < 0 || (f->extension.n == 0 && !empty_extension))
		return f->address;
	return mr_slice_of(
	    mr_arena_printf(arena, "%.*s+%.*s%s", (int)at, f->address.p, (int)f->extension.n, f->extension.p, f->address.p + at));
}
