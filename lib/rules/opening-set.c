/* opening-set: see opening.h. A set never says less than is true: where there are too many, two become one that stands for both. */

/* system */
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "opening.h"

#define LOSS_FIRST 1e-5
#define FREE       1e-5
#define WORK_MAX   (8 * MR_OPENINGS_MAX) /* held while two sets are put together */

/* Bytes of ordinary mail, of 1,000: headers and text. */
#define LETTER(small, large, n) [small] = (n), [large] = (n) / 8.0F
#define OTHERS                  2
#define MARK                    12
#define NOT_ASCII               0.3
static const float weights[128] = {
	[0x00 ... 0x09] = OTHERS, ['\n'] = MARK,        [0x0b ... 0x1f] = OTHERS, [' '] = 160,
	['!' ... '+'] = OTHERS,   [',' ... '/'] = MARK, ['0' ... '9'] = 8,        [':'] = MARK,
	[';' ... '<'] = OTHERS,   ['='] = MARK,         ['>' ... '@'] = OTHERS,   ['[' ... '`'] = OTHERS,
	['{' ... 0x7f] = OTHERS,  LETTER('a', 'A', 54), LETTER('b', 'B', 10),     LETTER('c', 'C', 25),
	LETTER('d', 'D', 26),     LETTER('e', 'E', 84), LETTER('f', 'F', 14),     LETTER('g', 'G', 14),
	LETTER('h', 'H', 30),     LETTER('i', 'I', 52), LETTER('j', 'J', 2),      LETTER('k', 'K', 6),
	LETTER('l', 'L', 30),     LETTER('m', 'M', 20), LETTER('n', 'N', 50),     LETTER('o', 'O', 55),
	LETTER('p', 'P', 16),     LETTER('q', 'Q', 1),  LETTER('r', 'R', 48),     LETTER('s', 'S', 46),
	LETTER('t', 'T', 62),     LETTER('u', 'U', 20), LETTER('v', 'V', 8),      LETTER('w', 'W', 13),
	LETTER('x', 'X', 3),      LETTER('y', 'Y', 14), LETTER('z', 'Z', 2),
};

double mr_rules_class_share(const struct mr_rules_class *c)
{
	double share = 0;

	if (c->bits[2] | c->bits[3])
		share = NOT_ASCII * (__builtin_popcountll(c->bits[2]) + __builtin_popcountll(c->bits[3]));
	for (unsigned i = 0; i < 2; i++)
		for (uint64_t left = c->bits[i]; left; left &= left - 1)
			share += weights[64 * i + (unsigned)__builtin_ctzll(left)];
	return share < 1000 ? share / 1000 : 1;
}

double mr_rules_openings_share(const struct mr_rules_opening *v, size_t n)
{
	double all = 0;

	for (size_t i = 0; i < n; i++) {
		double one = 1;

		for (size_t k = 0; k < v[i].n; k++)
			one *= mr_rules_class_share(&v[i].bytes[k]);
		all += one;
	}
	return all;
}

static struct mr_rules_opening *add(struct mr_rules_openset *s)
{
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 4;
		s->v = mr_realloc_array(s->v, s->room, sizeof(*s->v));
	}
	s->v[s->n] = (struct mr_rules_opening){ .before = MR_BEFORE_ANY };
	return &s->v[s->n++];
}

void mr_rules_openset_nothing(struct mr_rules_openset *s)
{
	s->n = 0;
	add(s)->whole = true;
}

void mr_rules_openset_any(struct mr_rules_openset *s)
{
	s->n = 0;
	add(s);
}

void mr_rules_openset_line(struct mr_rules_openset *s)
{
	mr_rules_openset_nothing(s);
	s->v->before = MR_BEFORE_LINE;
}

/* What stands before it follows from the first byte behind it. */
enum { EDGE = 1, NO_EDGE = 2 };

void mr_rules_openset_edge(struct mr_rules_openset *s, bool is)
{
	mr_rules_openset_nothing(s);
	s->v->edges = is ? EDGE : NO_EDGE;
}

static uint8_t before_edges(uint8_t edges, const struct mr_rules_class *first)
{
	uint8_t before = MR_BEFORE_ANY, edge = 0, no_edge = 0;

	for (unsigned byte = 0; byte < 256; byte++) {
		if (!(first->bits[byte / 64] >> byte % 64 & 1))
			continue;
		edge |= mr_rules_is_word(byte) ? MR_BEFORE_LINE | MR_BEFORE_OTHER : MR_BEFORE_WORD;
		no_edge |= mr_rules_is_word(byte) ? MR_BEFORE_WORD : MR_BEFORE_LINE | MR_BEFORE_OTHER;
	}
	if (edges & EDGE)
		before &= edge;
	if (edges & NO_EDGE)
		before &= no_edge;
	return before;
}

void mr_rules_openset_byte(struct mr_rules_openset *s, const struct mr_rules_class *c)
{
	struct mr_rules_opening *o;

	s->n = 0;
	o = add(s);
	o->n = 1;
	o->whole = true;
	o->bytes[0] = *c;
}

/* Those of one length and kind stand together, and in each of these those that begin alike. */
static int by_kind(const void *a, const void *b)
{
	const struct mr_rules_opening *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	if (x->whole != y->whole)
		return x->whole ? 1 : -1;
	if (x->edges != y->edges)
		return x->edges < y->edges ? -1 : 1;
	if (x->before != y->before)
		return x->before < y->before ? -1 : 1;
	for (unsigned i = 0; i < x->n; i++)
		for (unsigned k = 0; k < 4; k++)
			if (x->bytes[i].bits[k] != y->bytes[i].bits[k])
				return x->bytes[i].bits[k] < y->bytes[i].bits[k] ? -1 : 1;
	return 0;
}

static bool same(const struct mr_rules_class *a, const struct mr_rules_class *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static unsigned differing(const struct mr_rules_opening *a, const struct mr_rules_opening *b)
{
	unsigned n = a->before != b->before;

	for (unsigned i = 0; i < a->n; i++)
		n += !same(&a->bytes[i], &b->bytes[i]);
	return n;
}

/* Places of ordinary mail behind which these stand. */
static double before_share(unsigned before)
{
	return (before & MR_BEFORE_LINE ? 0.02 : 0) + (before & MR_BEFORE_WORD ? 0.7 : 0) + (before & MR_BEFORE_OTHER ? 0.28 : 0);
}

/* What one that stands for both lets through more than they do, as a share; nothing where they differ in one byte only. */
static double loss(const struct mr_rules_opening *a, const struct mr_rules_opening *b)
{
	double one = before_share(a->before), other = before_share(b->before), both = before_share(a->before | b->before);

	if (a->n != b->n || a->whole != b->whole || a->edges != b->edges)
		return HUGE_VAL;
	if (differing(a, b) < 2)
		return 0;
	for (unsigned i = 0; i < a->n; i++) {
		struct mr_rules_class all = a->bytes[i];
		double share = mr_rules_class_share(&all);

		one *= share;
		if (same(&a->bytes[i], &b->bytes[i])) {
			other *= share;
			both *= share;
			continue;
		}
		for (unsigned k = 0; k < 4; k++)
			all.bits[k] |= b->bytes[i].bits[k];
		other *= mr_rules_class_share(&b->bytes[i]);
		both *= mr_rules_class_share(&all);
	}
	return both - one - other;
}

static void merge(struct mr_rules_opening *into, const struct mr_rules_opening *o)
{
	into->before |= o->before;
	for (unsigned i = 0; i < into->n; i++)
		for (unsigned k = 0; k < 4; k++)
			into->bytes[i].bits[k] |= o->bytes[i].bits[k];
}

/* What is cut already and empty stands for everything. */
static bool is_any(const struct mr_rules_openset *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].n && !s->v[i].whole)
			return true;
	return false;
}

/* Neighbours of which one that stands for both loses so little. */
static void merge_neighbours(struct mr_rules_openset *s, double losing, size_t max)
{
	size_t n = 0, left = s->n;

	for (size_t i = 1; i < s->n; i++) {
		if ((left > max || !(losing > FREE)) && loss(&s->v[n], &s->v[i]) <= losing) {
			merge(&s->v[n], &s->v[i]);
			left--;
		} else {
			s->v[++n] = s->v[i];
		}
	}
	s->n = left;
}

void mr_rules_openset_shrink(struct mr_rules_openset *s, size_t max)
{
	if (s->n < 2)
		return;
	qsort(s->v, s->n, sizeof(*s->v), by_kind);
	merge_neighbours(s, FREE, max);
	for (double losing = LOSS_FIRST; s->n > max && losing < 1; losing *= 4)
		merge_neighbours(s, losing, max);
	if (s->n > max || is_any(s))
		mr_rules_openset_any(s);
}

void mr_rules_openset_or(struct mr_rules_openset *s, const struct mr_rules_openset *other)
{
	for (size_t i = 0; i < other->n; i++) {
		*add(s) = other->v[i];
		if (s->n > WORK_MAX)
			mr_rules_openset_shrink(s, MR_OPENINGS_MAX);
	}
}

static bool can_grow(const struct mr_rules_opening *o)
{
	return o->whole && o->n < MR_OPENING_BYTES;
}

bool mr_rules_openset_grows(const struct mr_rules_openset *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (can_grow(&s->v[i]))
			return true;
	return false;
}

static struct mr_rules_opening joined(const struct mr_rules_opening *a, const struct mr_rules_opening *b)
{
	struct mr_rules_opening o = *a;

	if (o.n == 0) {
		o.before &= b->before;
		o.edges |= b->edges;
	}
	if (o.n == 0 && b->n > 0) {
		o.before &= before_edges(o.edges, &b->bytes[0]);
		o.edges = 0;
	}
	for (unsigned i = 0; i < b->n && o.n < MR_OPENING_BYTES; i++)
		o.bytes[o.n++] = b->bytes[i];
	o.whole = b->whole && a->n + b->n < MR_OPENING_BYTES;
	return o;
}

void mr_rules_openset_then(struct mr_rules_openset *s, const struct mr_rules_openset *next)
{
	struct mr_rules_openset out = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; can_grow(&s->v[i]) && k < next->n; k++) {
			*add(&out) = joined(&s->v[i], &next->v[k]);
			if (out.n > WORK_MAX)
				mr_rules_openset_shrink(&out, MR_OPENINGS_MAX);
		}
		if (!can_grow(&s->v[i]))
			*add(&out) = s->v[i];
	}
	mr_rules_openset_shrink(&out, MR_OPENINGS_MAX);
	free(s->v);
	*s = out;
}

void mr_rules_openset_repeat(struct mr_rules_openset *s, unsigned min, unsigned max)
{
	struct mr_rules_openset row = { 0 }, all = { 0 };

	mr_rules_openset_nothing(&row);
	if (min == 0)
		mr_rules_openset_or(&all, &row);
	/* After as many as an opening has bytes another one changes nothing. */
	for (unsigned i = 1; i <= max && i <= MR_OPENING_BYTES; i++) {
		mr_rules_openset_then(&row, s);
		if (i >= min || i == MR_OPENING_BYTES)
			mr_rules_openset_or(&all, &row);
	}
	mr_rules_openset_shrink(&all, MR_OPENINGS_MAX);
	free(row.v);
	free(s->v);
	*s = all;
}
