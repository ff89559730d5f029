/* opening-set: see opening.h. A set never says less than is true: where there are too many, two become one that stands for both. */

/* system */
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "opening.h"

#define LOSS_FIRST 1e-5
#define RARE       1e-5                  /* a share */
#define WORK_MAX   (4 * MR_OPENINGS_MAX) /* held while two sets are put together */

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
		if (!mr_rules_class_has(first, byte))
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
	return memcmp(x->bytes, y->bytes, x->n * sizeof(*x->bytes));
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

static bool are_alike(const struct mr_rules_opening *a, const struct mr_rules_opening *b)
{
	return a->n == b->n && a->whole == b->whole && a->edges == b->edges;
}

/* What one that stands for both lets through more than they do, as a share. */
static double loss(const struct mr_rules_opening *a, const struct mr_rules_opening *b)
{
	double one = before_share(a->before), other = before_share(b->before), both = before_share(a->before | b->before);

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

/* Neighbours of which one that stands for both loses nothing, as they differ in one byte only; or, while there are too many, so little. */
static void merge_neighbours(struct mr_rules_openset *s, double losing, size_t max)
{
	size_t n = 0, left = s->n;

	for (size_t i = 1; i < s->n; i++) {
		if (are_alike(&s->v[n], &s->v[i]) &&
		    (differing(&s->v[n], &s->v[i]) < 2 || (left > max && loss(&s->v[n], &s->v[i]) <= losing))) {
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
	merge_neighbours(s, 0, s->n);
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

/* What is rare is not told apart any further. */
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
	o.whole = b->whole && a->n + b->n < MR_OPENING_BYTES;
	for (unsigned i = 0; i < b->n && o.n < MR_OPENING_BYTES; i++) {
		o.bytes[o.n++] = b->bytes[i];
		if (!mr_rules_opening_is_rare(&o))
			continue;
		o.whole = false;
		break;
	}
	return o;
}

void mr_rules_openset_then(struct mr_rules_openset *s, const struct mr_rules_openset *next)
{
	struct mr_rules_openset out = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		if (!can_grow(&s->v[i])) {
			*add(&out) = s->v[i];
			continue;
		}
		for (size_t k = 0; k < next->n; k++) {
			*add(&out) = joined(&s->v[i], &next->v[k]);
			if (out.n > WORK_MAX)
				mr_rules_openset_shrink(&out, MR_OPENINGS_MAX);
		}
	}
	if (out.n > s->n)
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
