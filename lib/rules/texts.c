/* texts: what the patterns of a group look at, and which of them need to: see sieve.h and prefilter.c. */

/* ours */
#include "base/mem.h"
#include "private.h"

#define PLACES_MAX (1u << 19) /* of one text, at which matches may begin */

/* Ascending, each once; `seen` has a bit for each byte of the text, all clear before and after. How many they are then. */
static size_t in_order(uint32_t *places, size_t n, uint64_t *seen)
{
	uint32_t first = UINT32_MAX, last = 0;
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		seen[places[i] / 64] |= UINT64_C(1) << places[i] % 64;
		first = places[i] < first ? places[i] : first;
		last = places[i] > last ? places[i] : last;
	}
	for (uint32_t word = first / 64; n && word <= last / 64; word++) {
		for (; seen[word]; seen[word] &= seen[word] - 1)
			places[out++] = 64 * word + (uint32_t)__builtin_ctzll(seen[word]);
	}
	return out;
}

static struct mr_rules_found *of(const struct mr_rules_group *g, uint32_t id)
{
	struct mr_rules_places *p = &g->places[id / 2];

	return id == MR_RULES_BEGINS(id / 2) ? &p->begins : &p->contained;
}

static bool may_match(const struct mr_rules_places *p)
{
	return (p->begins.all || p->begins.n) && (p->contained.all || p->contained.n);
}

static uint32_t *room_for(struct mr_rules_found *f, uint32_t *at)
{
	f->v = at;
	at += f->n;
	f->n = 0;
	return at;
}

/* The rules of which all that is needed was found: rule by rule, and then in the order of the text. */
static void sort(const struct mr_rules_group *g, struct mr_arena *arena, const struct mr_rules_start *found, size_t n, size_t n_bytes,
		 struct mr_rules_texts *t)
{
	uint32_t *all = mr_arena_alloc(arena, (n + 1) * sizeof(*all)), *next = all;
	uint64_t *seen = mr_arena_alloc(arena, (n_bytes / 64 + 1) * sizeof(*seen));

	for (size_t i = 0; i < n; i++) {
		struct mr_rules_places *p = &g->places[found[i].id / 2];

		if (!p->begins.n && !p->contained.n)
			t->sifted[t->n_sifted++] = found[i].id / 2;
		of(g, found[i].id)->n++;
	}
	for (size_t i = 0; i < t->n_sifted; i++) {
		struct mr_rules_places *p = &g->places[t->sifted[i]];

		if (!may_match(p)) {
			p->begins.n = p->contained.n = 0; /* for those who look all the same, since it hits where nothing matches */
			continue;
		}
		t->may[t->n_may++] = t->sifted[i];
		next = room_for(&p->contained, room_for(&p->begins, next));
	}
	for (size_t i = 0; i < n; i++) {
		struct mr_rules_found *f = of(g, found[i].id);

		if (f->v)
			all[(size_t)(f->v - all) + f->n++] = found[i].at;
	}
	for (size_t i = 0; i < t->n_may; i++) {
		struct mr_rules_places *p = &g->places[t->may[i]];

		p->begins.n = in_order(all + (p->begins.v - all), p->begins.n, seen);
		p->contained.n = in_order(all + (p->contained.v - all), p->contained.n, seen);
	}
}

/* Anywhere, for all that the sieve would have told of. */
static void give_up(const struct mr_rules_group *g, struct mr_rules_texts *t)
{
	for (size_t i = 0; i < g->rules.n; i++)
		if (mr_rules_is_sifted(&g->rules.v[i]->pattern)) {
			g->places[i].begins.all = g->places[i].contained.all = true;
			t->sifted[t->n_sifted++] = t->may[t->n_may++] = (uint32_t)i;
		}
}

static void sift(const struct mr_rules_group *g, struct mr_slice text, struct mr_arena *arena, struct mr_rules_texts *t)
{
	struct mr_buf found = MR_BUF(PLACES_MAX * sizeof(struct mr_rules_start));

	if (mr_rules_sieve_scan(g->sieve, text, &found))
		sort(g, arena, (const void *)found.p, found.n / sizeof(struct mr_rules_start), text.n, t);
	else
		give_up(g, t);
	mr_buf_done(&found);
}

/* Line by line in one; places count from its beginning. */
static void look_through(const struct mr_rules *r, const struct mr_rules_group *g, struct mr_arena *arena, struct mr_rules_texts *t)
{
	struct mr_buf joined = MR_BUF(2u * MR_SA_BYTES_MAX);
	struct mr_slice all = t->list->n == 1 ? t->list->items[0] : (struct mr_slice){ 0 };

	for (size_t i = 0; t->list->n > 1 && i < t->list->n; i++) {
		mr_buf_add(&joined, t->list->items[i]);
		mr_buf_putc(&joined, '\n');
	}
	if (t->list->n > 1)
		all = mr_buf_slice(&joined);
	if (g->sieve && joined.full)
		give_up(g, t);
	else if (g->sieve)
		sift(g, all, arena, t);
	if (g->database)
		t->n_may += mr_rules_prefilter_scan(r, g, all, joined.full, t->may + t->n_may);
	mr_buf_done(&joined);
}

void mr_rules_texts_read(const struct mr_rules *r, const struct mr_rules_group *g, struct mr_sa *sa, struct mr_arena *arena,
			 struct mr_rules_texts *t)
{
	*t = (struct mr_rules_texts){ .there = true, .one = { "", 0 }, .may = mr_arena_alloc(arena, 2 * g->rules.n * sizeof(*t->may)) };
	t->sifted = t->may + g->rules.n;
	t->single = (struct mr_sa_list){ &t->one, 1 };
	t->list = &t->single;
	if (g->kind == MR_RULES_HEADER)
		t->there = mr_sa_header(sa, g->header, &t->one);
	else if (g->kind == MR_RULES_BODY)
		t->list = mr_sa_body(sa);
	else if (g->kind == MR_RULES_RAWBODY)
		t->list = mr_sa_rawbody(sa);
	else if (g->kind == MR_RULES_URI)
		t->list = mr_sa_uris(sa);
	else
		t->one = mr_sa_full(sa);
	if (g->sieve || g->database)
		look_through(r, g, arena, t);
}

void mr_rules_texts_done(const struct mr_rules_group *g, const struct mr_rules_texts *t)
{
	for (size_t i = 0; i < t->n_sifted; i++)
		g->places[t->sifted[i]] = mr_rules_places_of(&g->rules.v[t->sifted[i]]->pattern);
}
