/* arc-set: the ARC fields of a message sorted into sets, and their form (RFC 8617 sections 4.1 and 5.2). */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "mail/arc-internal.h"
#include "mail/tags.h"

#define FIELD_MAX 32768 /* bytes of one field */

const char *const mr_arc_names[ARC_KINDS] = { "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results" };
static const char *const tag_names[ARC_TAGS] = { "a", "b", "bh", "c", "cv", "d", "h", "i", "l", "s", "t", "x" };

static const char *const results[] = {
	[MR_ARC_NONE] = "none", [MR_ARC_PASS] = "pass", [MR_ARC_FAIL] = "fail", [MR_ARC_TEMPERROR] = "temperror"
};

const char *mr_arc_str(enum mr_arc_result r)
{
	return results[r];
}

static int kind_of(struct mr_slice name)
{
	int k = 0;

	while (k < ARC_KINDS && !mr_slice_ieq(name, mr_slice_of(mr_arc_names[k])))
		k++;
	return k;
}

static bool parse_instance(struct mr_slice text, unsigned *out)
{
	uint64_t i;

	if (text.n == 0 || text.n > 2 || mr_parse_u64(text, 1, MR_ARC_SETS_MAX, &i) < 0)
		return false;
	*out = (unsigned)i;
	return true;
}

/* "i=1; the rest" */
static bool split_results(struct mr_slice value, struct mr_slice *instance, struct mr_slice *rest)
{
	struct mr_slice first, name;

	*rest = value;
	if (!mr_slice_next(rest, ';', &first) || !rest->p || !mr_slice_next(&first, '=', &name) || !first.p)
		return false;
	*instance = mr_slice_trim(first);
	return mr_slice_eq(mr_slice_trim(name), MR_LIT("i"));
}

/* The field where it belongs. */
static const char *place(struct arc_chain *c, enum arc_kind kind, const struct mr_header *h)
{
	struct arc_field f = { .header = h };
	struct mr_slice instance = { 0 };
	unsigned i;

	if (h->value.n > FIELD_MAX)
		return "a field is too long";
	if (kind == ARC_RESULTS) {
		if (!split_results(h->value, &instance, &f.results))
			return "results without instance";
	} else {
		if (mr_tags_read(h->value, tag_names, ARC_TAGS, f.tags) < 0)
			return "a tag list is broken";
		instance = f.tags[ARC_I];
	}
	if (!parse_instance(instance, &i))
		return "an instance is no number from 1 to 50";
	if (c->sets[i - 1].fields[kind].header)
		return "a field stands twice";
	c->sets[i - 1].fields[kind] = f;
	if (i > c->n)
		c->n = i;
	return NULL;
}

static const char *check_complete(const struct arc_chain *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		for (int k = 0; k < ARC_KINDS; k++) {
			if (!c->sets[i].fields[k].header)
				return "a set is incomplete";
		}
	}
	return NULL;
}

struct arc_chain *mr_arc_collect(const struct mr_message *m, struct mr_arena *arena)
{
	struct arc_chain *c = NULL;

	for (size_t i = 0; i < m->n_headers; i++) {
		int kind = kind_of(m->headers[i].name);
		const char *problem;

		if (kind == ARC_KINDS)
			continue;
		if (!c)
			c = mr_arena_alloc(arena, sizeof(*c));
		problem = place(c, (enum arc_kind)kind, &m->headers[i]);
		if (problem && !c->problem)
			c->problem = problem;
	}
	if (c && !c->problem)
		c->problem = m->cut ? "header is too long" : check_complete(c);
	return c;
}

int mr_arc_add_set(struct mr_buf *out, const struct arc_set *s)
{
	mr_canon_field(out, s->fields[ARC_RESULTS].header, MR_CANON_RELAXED);
	mr_canon_field(out, s->fields[ARC_SIGNATURE].header, MR_CANON_RELAXED);
	return mr_canon_field(out, s->fields[ARC_SEAL].header, MR_CANON_RELAXED);
}
