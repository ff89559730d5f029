/* dkim-field: a DKIM-Signature field as we read it ourselves: what to ask DNS for, what to report, and what the library had better not see.
 */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"
#include "mail/dkim-internal.h"
#include "mail/tags.h"

#define FIELD_MAX  32768 /* bytes of a signature field */
#define SIGNED_MAX 500   /* names in h=: for each the library walks over the whole header */

/* The tags that we read or that must not stand twice; the values are in the field. */
enum { TAG_V, TAG_A, TAG_B, TAG_BH, TAG_C, TAG_D, TAG_H, TAG_I, TAG_L, TAG_Q, TAG_S, TAG_T, TAG_X, TAGS };
static const char *const names[TAGS] = { "v", "a", "b", "bh", "c", "d", "h", "i", "l", "q", "s", "t", "x" };

static const char *read_tags(struct mr_slice value, struct mr_slice tags[TAGS])
{
	int r = value.n > FIELD_MAX ? -EMSGSIZE : mr_tags_read(value, names, TAGS, tags);

	if (r == -EMSGSIZE)
		return "signature field is too long";
	if (r == -EEXIST)
		return "a tag stands twice";
	return r < 0 ? "tag list is broken" : NULL;
}

static size_t count_names(struct mr_slice h)
{
	size_t n = 1;

	for (size_t i = 0; i < h.n; i++)
		n += h.p[i] == ':';
	return n;
}

/* Required tags, and names that can stand in DNS. */
static const char *check(struct mr_slice tags[TAGS], struct mr_arena *arena, struct dkim_field *f)
{
	struct mr_slice name;

	if (!tags[TAG_V].n || !tags[TAG_A].n || !tags[TAG_B].n || !tags[TAG_BH].n || !tags[TAG_D].n || !tags[TAG_H].n || !tags[TAG_S].n)
		return "a required tag is missing or empty";
	if (mr_domain_check(f->domain, true, arena, &f->domain, NULL) < 0)
		return "domain has odd characters";
	/* the whole name, since a selector alone may be a number */
	name =
	    mr_slice_of(mr_arena_printf(arena, "%.*s._domainkey.%.*s", (int)f->selector.n, f->selector.p, (int)f->domain.n, f->domain.p));
	if (mr_domain_check(name, true, arena, &f->key_name, NULL) < 0)
		return "selector has odd characters";
	if (count_names(tags[TAG_H]) > SIGNED_MAX)
		return "too many names in h=";
	return NULL;
}

void mr_dkim_field_parse(const struct mr_header *h, struct mr_arena *arena, struct dkim_field *out)
{
	struct mr_slice tags[TAGS] = { 0 };
	struct dkim_field f = { .header = h };

	f.problem = read_tags(h->value, tags);
	f.domain = mr_tag_compact(tags[TAG_D], arena);
	f.selector = mr_tag_compact(tags[TAG_S], arena);
	f.identity = mr_tag_compact(tags[TAG_I], arena);
	f.algorithm = mr_tag_compact(tags[TAG_A], arena);
	f.b = mr_tag_compact(tags[TAG_B], arena);
	f.has_length = tags[TAG_L].p;
	if (!f.problem)
		f.problem = check(tags, arena, &f);
	*out = f;
}
