/* sieve-build: makes a sieve of openings; see sieve-private.h. */

/* system */
#include <endian.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "sieve-private.h"

#define ALL_KINDS    ((UINT64_C(1) << 57) - 1)
#define WINDOW_MAX   (MR_SIEVE_WINDOW_MIN + MR_SIEVE_TABLES - 1)
#define SPELT_MAX    64 /* keys of one opening, where its window is longer than the shortest */
#define FILTER_SHARE 32 /* bits of a filter for each key */
#define FILTER_MAX   (UINT64_C(1) << 18)

#define LETTER(c)    [(c)] = 16 + (c) - 'a', [(c) - 'a' + 'A'] = 16 + (c) - 'a'
#define LETTERS4(c)  LETTER(c), LETTER((c) + 1), LETTER((c) + 2), LETTER((c) + 3)
#define NOT_ASCII(n) [0x80 + 16 * (n)... 0x8f + 16 * (n)] = 8 + (n)
const unsigned char mr_sieve_kind_of[256] = {
	[0x00 ... 0x08] = 1, ['\t' ... '\r'] = 2, [0x0e ... 0x1f] = 1, [' '] = 2,     ['!'] = 3,     ['"'] = 42,    ['#' ... '%'] = 3,
	['&'] = 4,           ['\''] = 4,          ['(' ... '+'] = 5,   [','] = 43,    ['-'] = 44,    ['.'] = 45,    ['/'] = 46,
	['0' ... '9'] = 6,   [':'] = 47,          [';'] = 48,          ['<'] = 49,    ['='] = 50,    ['>'] = 51,    ['?'] = 7,
	['@'] = 52,          ['['] = 53,          ['\\'] = 54,         [']'] = 55,    ['^'] = 7,     ['_'] = 56,    ['`'] = 4,
	['{' ... 0x7f] = 7,  LETTERS4('a'),       LETTERS4('e'),       LETTERS4('i'), LETTERS4('m'), LETTERS4('q'), LETTERS4('u'),
	LETTER('y'),         LETTER('z'),         NOT_ASCII(0),        NOT_ASCII(1),  NOT_ASCII(2),  NOT_ASCII(3),  NOT_ASCII(4),
	NOT_ASCII(5),        NOT_ASCII(6),        NOT_ASCII(7),
};

struct mr_sieve_added {
	uint32_t id;
	struct mr_rules_opening o;
};

static struct mr_sieve_candidate candidate(const struct mr_sieve_known *k, uint32_t number, unsigned place, bool last)
{
	return (struct mr_sieve_candidate){
		.value = k->value | ((uint64_t)(number >> MR_SIEVE_FREE_BITS) << (MR_SIEVE_PLACE_BITS + 1) | place << 1 | last)
					<< MR_SIEVE_OPENING_BITS,
		.mask = k->mask | (uint64_t)number << MR_SIEVE_OPENING_BITS
	};
}

struct mr_rules_sieve *mr_rules_sieve_new(void)
{
	return mr_new(struct mr_rules_sieve, 1);
}

void mr_rules_sieve_free(struct mr_rules_sieve *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < MR_SIEVE_TABLES; i++) {
		free(s->tables[i].filter);
		free(s->tables[i].slots);
	}
	free(s->added);
	free(s->known);
	free(s->classes);
	free(s->ids);
	free(s->lists);
	free(s);
}

void mr_rules_sieve_add(struct mr_rules_sieve *s, uint32_t id, const struct mr_rules_opening *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s->n_added == s->room) {
			s->room = s->room ? 2 * s->room : 16;
			s->added = mr_realloc_array(s->added, s->room, sizeof(*s->added));
		}
		s->added[s->n_added++] = (struct mr_sieve_added){ id, v[i] };
	}
}

/* -- openings */

static unsigned size_of(const struct mr_rules_class *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++)
		n += (unsigned)__builtin_popcountll(c->bits[i]);
	return n;
}

static uint16_t class_at(struct mr_rules_sieve *s, const struct mr_rules_class *c)
{
	size_t i = 0;

	while (i < s->n_classes && memcmp(&s->classes[i], c, sizeof(*c)) != 0)
		i++;
	if (i == s->n_classes) {
		s->classes = mr_realloc_array(s->classes, i + 1, sizeof(*c));
		s->classes[s->n_classes++] = *c;
	}
	return (uint16_t)i;
}

/* One byte, or two that differ in a bit, say all; else the class has to be asked. */
static void describe(struct mr_rules_sieve *s, struct mr_sieve_known *k, const struct mr_rules_opening *o)
{
	unsigned char mask[8] = { 0 }, value[8] = { 0 };

	*k = (struct mr_sieve_known){ .n = o->n, .before = o->before };
	for (unsigned i = 0; i < o->n; i++) {
		unsigned first = 0, last = 255;

		while (first < 255 && !mr_rules_class_has(&o->bytes[i], first))
			first++;
		while (last && !mr_rules_class_has(&o->bytes[i], last))
			last--;
		if (size_of(&o->bytes[i]) == 1 || (size_of(&o->bytes[i]) == 2 && __builtin_popcount(first ^ last) == 1)) {
			mask[i] = (unsigned char)~(first ^ last);
			value[i] = (unsigned char)(first & mask[i]);
		} else {
			k->classes |= (uint8_t)(1u << i);
			k->class[i] = class_at(s, &o->bytes[i]);
		}
	}
	memcpy(&k->mask, mask, sizeof(mask));
	memcpy(&k->value, value, sizeof(value));
	k->mask = le64toh(k->mask);
	k->value = le64toh(k->value);
}

static int by_opening(const struct mr_rules_opening *a, const struct mr_rules_opening *b)
{
	if (a->n != b->n || a->before != b->before)
		return a->n != b->n ? a->n - b->n : a->before - b->before;
	return memcmp(a->bytes, b->bytes, a->n * sizeof(*a->bytes));
}

static int compare_added(const void *a, const void *b)
{
	const struct mr_sieve_added *x = a, *y = b;
	int order = by_opening(&x->o, &y->o);

	return order ? order : x->id < y->id ? -1 : x->id > y->id;
}

/* -- keys */

/* Each key of an opening's window. */
struct spelling {
	uint32_t key;
	uint32_t number; /* of `known` */
	uint8_t place;   /* the window's, in it */
	uint8_t table;
};
struct spellings {
	struct spelling *v;
	size_t n, room;
};

/* The kinds at a place, as bits; behind the end of an opening all, and nothing. */
static uint64_t kinds_at(const struct mr_rules_opening *o, unsigned at)
{
	uint64_t kinds = 0;

	if (at >= o->n)
		return ALL_KINDS;
	for (unsigned i = 0; i < 4; i++)
		for (uint64_t left = o->bytes[at].bits[i]; left; left &= left - 1)
			kinds |= UINT64_C(1) << mr_sieve_kind_of[64 * i + (unsigned)__builtin_ctzll(left)];
	return kinds;
}

/* Of each kind how many bytes of ordinary mail are of it. */
static double kind_shares[64];

static void list_shares(void)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		struct mr_rules_class one = { { 0 } };

		one.bits[byte / 64] = UINT64_C(1) << byte % 64;
		kind_shares[mr_sieve_kind_of[byte]] += mr_rules_class_share(&one);
	}
}

static double kinds_share(uint64_t kinds)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	double share = 0;

	pthread_once(&once, list_shares);
	for (; kinds; kinds &= kinds - 1)
		share += kind_shares[__builtin_ctzll(kinds)];
	return share < 1 ? share : 1;
}

/* A window of an opening. */
struct window {
	uint64_t kinds[MR_OPENING_BYTES]; /* of the opening */
	unsigned at, length, spelt;
	double share; /* of ordinary mail's places, at which it stands */
};

/* The one that few texts have, of those that are not spelt in too many ways. */
static void choose(const struct mr_rules_opening *o, struct window *w)
{
	double shares[MR_OPENING_BYTES];

	w->share = HUGE_VAL;
	for (unsigned i = 0; i < MR_OPENING_BYTES; i++) {
		w->kinds[i] = kinds_at(o, i);
		shares[i] = i < o->n ? kinds_share(w->kinds[i]) : 1;
	}
	for (unsigned n = MR_SIEVE_WINDOW_MIN; n <= WINDOW_MAX; n++)
		for (unsigned first = 0; first == 0 || first + n <= o->n; first++) {
			double share = 1;
			unsigned spelt = 1;

			for (unsigned i = first; i < first + n; i++) {
				share *= shares[i];
				spelt *= (unsigned)__builtin_popcountll(w->kinds[i]);
			}
			if (share < w->share && (n == MR_SIEVE_WINDOW_MIN || (n <= o->n && spelt <= SPELT_MAX))) {
				w->share = share;
				w->at = first;
				w->length = n;
				w->spelt = spelt;
			}
		}
}

double mr_rules_sieve_share(const struct mr_rules_opening *v, size_t n)
{
	struct window w;
	double share = 0;

	for (size_t i = 0; i < n; i++) {
		choose(&v[i], &w);
		share += w.share;
	}
	return share;
}

static unsigned nth(uint64_t kinds, unsigned n)
{
	for (; n; n--)
		kinds &= kinds - 1;
	return (unsigned)__builtin_ctzll(kinds);
}

static void spell(struct spellings *all, const struct mr_rules_opening *o, uint32_t number)
{
	struct window w;

	choose(o, &w);
	for (unsigned k = 0; k < w.spelt; k++) {
		uint32_t key = 0;

		for (unsigned i = w.at, rest = k; i < w.at + w.length; i++) {
			unsigned n = (unsigned)__builtin_popcountll(w.kinds[i]);

			key = key << MR_SIEVE_KIND_BITS | nth(w.kinds[i], rest % n);
			rest /= n;
		}
		if (all->n == all->room) {
			all->room = all->room ? 2 * all->room : 256;
			all->v = mr_realloc_array(all->v, all->room, sizeof(*all->v));
		}
		all->v[all->n++] = (struct spelling){
			.key = key, .number = number, .place = (uint8_t)w.at, .table = (uint8_t)(w.length - MR_SIEVE_WINDOW_MIN)
		};
	}
}

static int by_key(const void *a, const void *b)
{
	const struct spelling *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static unsigned shift_for(size_t n)
{
	unsigned bits = 1;

	while (UINT64_C(1) << bits < n)
		bits++;
	return 32 - bits;
}

static void make_table(struct mr_sieve_table *t, size_t n_keys)
{
	size_t bits = FILTER_SHARE * n_keys;

	t->slot_shift = shift_for(2 * n_keys);
	t->filter_shift = shift_for(bits < 64 ? 64 : bits < FILTER_MAX ? bits : FILTER_MAX);
	t->slots = mr_new(struct mr_sieve_slot, UINT64_C(1) << (32 - t->slot_shift));
	t->filter = mr_new(uint64_t, (UINT64_C(1) << (32 - t->filter_shift)) / 64);
}

static void put(struct mr_sieve_table *t, uint32_t key, uint32_t list)
{
	uint32_t h = mr_sieve_hash(key), bit = h >> t->filter_shift, at = h >> t->slot_shift;

	t->filter[bit / 64] |= UINT64_C(1) << bit % 64;
	while (t->slots[at].list)
		at = mr_sieve_next_slot(t, at);
	t->slots[at] = (struct mr_sieve_slot){ key, list };
}

static void make_tables(struct mr_rules_sieve *s, struct spellings *all)
{
	size_t n_keys[MR_SIEVE_TABLES] = { 0 };

	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), by_key);
	s->lists = mr_new(struct mr_sieve_candidate, all->n + 1);
	for (size_t i = 0; i < all->n; i++)
		n_keys[all->v[i].table] += !i || all->v[i].key != all->v[i - 1].key || all->v[i].table != all->v[i - 1].table;
	for (unsigned i = 0; i < MR_SIEVE_TABLES; i++)
		if (n_keys[i])
			make_table(&s->tables[i], n_keys[i]);
	for (size_t i = 0, first = 0; i < all->n; i++) {
		const struct spelling *one = &all->v[i];
		bool last = i + 1 == all->n || one[1].key != one->key || one[1].table != one->table;

		s->lists[i] = candidate(&s->known[one->number], one->number, one->place, last);
		if (!last)
			continue;
		put(&s->tables[one->table], one->key, (uint32_t)first + 1);
		first = i + 1;
	}
}

void mr_rules_sieve_done(struct mr_rules_sieve *s)
{
	struct spellings all = { 0 };

	if (s->n_added)
		qsort(s->added, s->n_added, sizeof(*s->added), compare_added);
	s->known = mr_new(struct mr_sieve_known, s->n_added + 1);
	s->ids = mr_new(uint32_t, s->n_added + 1);
	for (size_t i = 0; i < s->n_added; i++) {
		if (!i || by_opening(&s->added[i].o, &s->added[i - 1].o) != 0) {
			spell(&all, &s->added[i].o, (uint32_t)s->n_known);
			describe(s, &s->known[s->n_known], &s->added[i].o);
			s->known[s->n_known++].first_id = (uint32_t)i;
		}
		s->known[s->n_known - 1].n_ids++;
		s->ids[i] = s->added[i].id;
	}
	make_tables(s, &all);
	free(all.v);
	free(s->added);
	s->added = NULL;
	s->n_added = s->room = 0;
}
