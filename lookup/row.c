#include "row.h"

/* system */
#include <stddef.h>

/* ours */
#include "base/mem.h"

/* Copying runs twice over the same functions: first without a block, which only counts, then into the block of that size. */
struct pack {
	char *block; /* NULL while counting */
	size_t used;
};

static void *take(struct pack *p, size_t n, size_t align)
{
	p->used = (p->used + align - 1) & ~(align - 1);
	void *at = p->block ? p->block + p->used : NULL;
	p->used += n;
	return at;
}

static char *take_str(struct pack *p, const char *s)
{
	size_t n = strlen(s) + 1;
	char *at = take(p, n, 1);
	if (at)
		memcpy(at, s, n);
	return at;
}

static struct mr_row_pattern *take_patterns(struct pack *p, const struct mr_row_pattern *src, size_t n)
{
	struct mr_row_pattern *dst = take(p, n * sizeof(*dst), _Alignof(struct mr_row_pattern));

	for (size_t i = 0; i < n; i++) {
		char *text = take_str(p, src[i].pattern);
		if (dst)
			dst[i] = (struct mr_row_pattern){ .pattern = text, .allow = src[i].allow };
	}
	return dst;
}

static void pack_domain(struct pack *p, const struct mr_row_domain *src, struct mr_row_domain *dst)
{
	*dst = *src;
	dst->patterns = take_patterns(p, src->patterns, src->n_patterns);
	dst->name = take_str(p, src->name);
	dst->limits = take_str(p, src->limits);
	dst->alias_of = take_str(p, src->alias_of);
	dst->relay_to = take_str(p, src->relay_to);
	for (size_t i = 0; i < src->n_keys; i++) {
		dst->keys[i].selector = take_str(p, src->keys[i].selector);
		dst->keys[i].algorithm = take_str(p, src->keys[i].algorithm);
		dst->keys[i].sealed_key = take_str(p, src->keys[i].sealed_key);
	}
}

static void pack_mailbox(struct pack *p, const struct mr_row_mailbox *src, struct mr_row_mailbox *dst)
{
	*dst = *src;
	dst->patterns = take_patterns(p, src->patterns, src->n_patterns);
	dst->address = take_str(p, src->address);
	dst->limits = take_str(p, src->limits);
	dst->password = take_str(p, src->password);
}

static void pack_alias(struct pack *p, const struct mr_row_alias *src, struct mr_row_alias *dst)
{
	*dst = *src;
	dst->senders = take_str(p, src->senders);
	dst->destinations = take(p, src->n_destinations * sizeof(char *), _Alignof(char *));
	dst->address = take_str(p, src->address);
	for (size_t i = 0; i < src->n_destinations; i++) {
		char *text = take_str(p, src->destinations[i]);
		if (dst->destinations)
			dst->destinations[i] = text;
	}
}

static void pack_global(struct pack *p, const struct mr_row_global *src, struct mr_row_global *dst)
{
	*dst = *src;
	dst->limits = take_str(p, src->limits);
	dst->patterns = take_patterns(p, src->patterns, src->n_patterns);
}

static void pack_rules(struct pack *p, const struct mr_row_rules *src, struct mr_row_rules *dst)
{
	*dst = (struct mr_row_rules){ .n = src->n };
	dst->v = take(p, src->n * sizeof(*dst->v), _Alignof(struct mr_rule));
	for (size_t i = 0; i < src->n; i++) {
		const char *pattern = take_str(p, src->v[i].pattern), *value = take_str(p, src->v[i].value);
		if (dst->v) {
			dst->v[i] = src->v[i];
			dst->v[i].pattern = pattern;
			dst->v[i].value = value;
		}
	}
}

static void pack_relay(struct pack *p, const struct mr_row_relay *src, struct mr_row_relay *dst)
{
	*dst = *src;
	dst->owner = take_str(p, src->owner);
	dst->nexthop = take_str(p, src->nexthop);
	dst->username = take_str(p, src->username);
	dst->sealed = take_str(p, src->sealed);
}

static void pack_any(struct pack *p, enum mr_row_kind kind, const void *src, struct mr_row *dst)
{
	switch (kind) {
	case MR_ROW_DOMAIN:
		pack_domain(p, src, &dst->domain);
		break;
	case MR_ROW_MAILBOX:
		pack_mailbox(p, src, &dst->mailbox);
		break;
	case MR_ROW_ALIAS:
		pack_alias(p, src, &dst->alias);
		break;
	case MR_ROW_GLOBAL:
		pack_global(p, src, &dst->global);
		break;
	case MR_ROW_RULES:
		pack_rules(p, src, &dst->rules);
		break;
	case MR_ROW_VIEW:
		dst->view.value = take_str(p, ((const struct mr_row_view *)src)->value);
		break;
	case MR_ROW_RELAY:
		pack_relay(p, src, &dst->relay);
		break;
	}
}

static const size_t kind_size[MR_ROW_KINDS] = {
	[MR_ROW_DOMAIN] = sizeof(struct mr_row_domain), [MR_ROW_MAILBOX] = sizeof(struct mr_row_mailbox),
	[MR_ROW_ALIAS] = sizeof(struct mr_row_alias),   [MR_ROW_GLOBAL] = sizeof(struct mr_row_global),
	[MR_ROW_RULES] = sizeof(struct mr_row_rules),   [MR_ROW_VIEW] = sizeof(struct mr_row_view),
	[MR_ROW_RELAY] = sizeof(struct mr_row_relay),
};

/* The block ends with the kind's own member of the union: there are millions of mailboxes, and a domain is many times as large. */
static struct mr_row *row_new(enum mr_row_kind kind, const void *src)
{
	struct pack p = { 0 };
	struct mr_row scratch = { 0 };
	const size_t head = offsetof(struct mr_row, domain) + kind_size[kind];

	pack_any(&p, kind, src, &scratch);
	struct mr_row *r = mr_alloc(head + p.used);
	r->refs = 1;
	r->kind = kind;
	r->exists = true;
	p = (struct pack){ .block = (char *)r + head };
	pack_any(&p, kind, src, r);
	return r;
}

static struct mr_row absent[MR_ROW_KINDS] = {
	[MR_ROW_DOMAIN] = { .kind = MR_ROW_DOMAIN }, [MR_ROW_MAILBOX] = { .kind = MR_ROW_MAILBOX },
	[MR_ROW_ALIAS] = { .kind = MR_ROW_ALIAS },   [MR_ROW_GLOBAL] = { .kind = MR_ROW_GLOBAL },
	[MR_ROW_RULES] = { .kind = MR_ROW_RULES },   [MR_ROW_VIEW] = { .kind = MR_ROW_VIEW },
	[MR_ROW_RELAY] = { .kind = MR_ROW_RELAY },
};

/* One for all: they are not counted, and nobody writes to them. */
struct mr_row *mr_row_absent(enum mr_row_kind kind)
{
	return &absent[kind];
}

struct mr_row *mr_row_of_domain(const struct mr_row_domain *d)
{
	return row_new(MR_ROW_DOMAIN, d);
}

struct mr_row *mr_row_of_mailbox(const struct mr_row_mailbox *m)
{
	return row_new(MR_ROW_MAILBOX, m);
}

struct mr_row *mr_row_of_alias(const struct mr_row_alias *a)
{
	return row_new(MR_ROW_ALIAS, a);
}

struct mr_row *mr_row_of_global(const struct mr_row_global *g)
{
	return row_new(MR_ROW_GLOBAL, g);
}

struct mr_row *mr_row_of_rules(const struct mr_row_rules *r)
{
	return row_new(MR_ROW_RULES, r);
}

struct mr_row *mr_row_of_view(const struct mr_row_view *v)
{
	return row_new(MR_ROW_VIEW, v);
}

struct mr_row *mr_row_of_relay(const struct mr_row_relay *r)
{
	return row_new(MR_ROW_RELAY, r);
}

struct mr_row *mr_row_ref(struct mr_row *r)
{
	if (r->exists)
		r->refs++;
	return r;
}

void mr_row_unref(struct mr_row *r)
{
	if (r == NULL || !r->exists || --r->refs > 0)
		return;
	if (r->kind == MR_ROW_MAILBOX)
		mr_wipe(r->mailbox.password, strlen(r->mailbox.password));
	free(r);
}

bool mr_row_key_set(struct mr_row_key *k, enum mr_row_kind kind, struct mr_slice text)
{
	if (text.n >= sizeof(k->bytes) - 1)
		return false;
	k->bytes[0] = (char)('0' + (int)kind);
	if (text.n > 0)
		memcpy(k->bytes + 1, text.p, text.n);
	k->n = text.n + 1;
	return true;
}

enum mr_row_kind mr_row_key_kind(const char *bytes)
{
	return (enum mr_row_kind)(bytes[0] - '0');
}

static const char *const kind_names[MR_ROW_KINDS] = { "domain", "mailbox", "alias", "global", "rules", "view", "relay" };

const char *mr_row_kind_str(enum mr_row_kind k)
{
	return kind_names[k];
}

bool mr_row_kind_parse(const char *s, enum mr_row_kind *out)
{
	for (unsigned i = 0; i < MR_ROW_KINDS; i++) {
		if (strcmp(kind_names[i], s) == 0) {
			*out = (enum mr_row_kind)i;
			return true;
		}
	}
	return false;
}
