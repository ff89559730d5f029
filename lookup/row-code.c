#include "row-code.h"

/* system */
#include <string.h>

/* ours */
#include "base/mem.h"

#define NUMBER 8 /* bytes */

void mr_code_u64(struct mr_coder *c, uint64_t *v)
{
	unsigned char bytes[NUMBER];

	if (c->out) {
		for (unsigned i = 0; i < NUMBER; i++)
			bytes[i] = (unsigned char)(*v >> (8 * (NUMBER - 1 - i)));
		mr_buf_add(c->out, (struct mr_slice){ (const char *)bytes, NUMBER });
		return;
	}
	*v = 0;
	c->bad = c->bad || c->in.n < NUMBER;
	for (unsigned i = 0; i < NUMBER && !c->bad; i++)
		*v = *v << 8 | (unsigned char)c->in.p[i];
	if (!c->bad)
		c->in = mr_slice_from(c->in, NUMBER);
}

void mr_code_text(struct mr_coder *c, char **s)
{
	uint64_t n = c->out ? strlen(*s) : 0;

	mr_code_u64(c, &n);
	if (c->out) {
		mr_buf_add(c->out, (struct mr_slice){ *s, n });
		return;
	}
	c->bad = c->bad || n > c->in.n || (n > 0 && memchr(c->in.p, '\0', n) != NULL);
	*s = mr_arena_slice(c->arena, (struct mr_slice){ c->in.p, c->bad ? 0 : n });
	if (!c->bad)
		c->in = mr_slice_from(c->in, n);
}

static void code_const(struct mr_coder *c, const char **s)
{
	char *text = c->out ? (char *)(uintptr_t)*s : NULL;

	mr_code_text(c, &text);
	*s = text;
}

static void code_bool(struct mr_coder *c, bool *v)
{
	uint64_t n = *v;

	mr_code_u64(c, &n);
	c->bad = c->bad || n > 1;
	*v = n == 1;
}

static void code_i64(struct mr_coder *c, int64_t *v)
{
	uint64_t n = (uint64_t)*v;

	mr_code_u64(c, &n);
	*v = (int64_t)n;
}

static void code_thresholds(struct mr_coder *c, struct mr_thresholds *v)
{
	for (unsigned t = 0; t < MR_THRESHOLDS; t++) {
		uint64_t n;

		memcpy(&n, &v->at[t], sizeof(n));
		mr_code_u64(c, &n);
		memcpy(&v->at[t], &n, sizeof(n));
	}
}

/* Each element of a list takes NUMBER bytes at least, so what is taken for one is bounded by what there is to be read. */
static void *code_list(struct mr_coder *c, uint64_t *n, void *v, size_t size)
{
	mr_code_u64(c, n);
	if (c->out)
		return v;
	c->bad = c->bad || *n > c->in.n / NUMBER;
	if (c->bad)
		*n = 0;
	return mr_arena_alloc(c->arena, (*n + 1) * size);
}

static void code_patterns(struct mr_coder *c, struct mr_row_pattern **v, size_t *count)
{
	uint64_t n = *count;

	*v = code_list(c, &n, *v, sizeof(**v));
	for (uint64_t i = 0; i < n; i++) {
		struct mr_row_pattern p = (*v)[i];
		mr_code_text(c, &p.pattern);
		code_bool(c, &p.allow);
		if (!c->out)
			(*v)[i] = p;
	}
	*count = n;
}

static void code_domain(struct mr_coder *c, struct mr_row_domain *d)
{
	uint64_t n = d->n_keys;

	mr_code_text(c, &d->name);
	code_bool(c, &d->enabled);
	code_bool(c, &d->dkim);
	code_thresholds(c, &d->thresholds);
	code_patterns(c, &d->patterns, &d->n_patterns);
	code_const(c, &d->limits);
	mr_code_u64(c, &n);
	c->bad = c->bad || n > MR_COUNT(d->keys);
	d->n_keys = c->bad ? 0 : n;
	for (size_t i = 0; i < d->n_keys; i++) {
		mr_code_text(c, &d->keys[i].selector);
		mr_code_text(c, &d->keys[i].algorithm);
		mr_code_text(c, &d->keys[i].sealed_key);
	}
	code_const(c, &d->alias_of);
	code_const(c, &d->relay_to);
	code_bool(c, &d->relay_listed);
}

static void code_mailbox(struct mr_coder *c, struct mr_row_mailbox *m)
{
	mr_code_text(c, &m->address);
	mr_code_text(c, &m->password);
	code_bool(c, &m->enabled);
	code_bool(c, &m->send_only);
	code_bool(c, &m->locked);
	code_bool(c, &m->receive_only);
	code_i64(c, &m->expires);
	mr_code_u64(c, &m->quota_bytes);
	code_thresholds(c, &m->thresholds);
	code_patterns(c, &m->patterns, &m->n_patterns);
	code_const(c, &m->limits);
}

static void code_alias(struct mr_coder *c, struct mr_row_alias *a)
{
	uint64_t n = a->n_destinations;

	mr_code_text(c, &a->address);
	a->destinations = code_list(c, &n, a->destinations, sizeof(char *));
	c->bad = c->bad || n > UINT32_MAX;
	for (uint64_t i = 0; i < n; i++) {
		char *text = a->destinations[i];
		mr_code_text(c, &text);
		if (!c->out)
			a->destinations[i] = text;
	}
	a->n_destinations = (uint32_t)n;
	code_bool(c, &a->enabled);
	code_i64(c, &a->expires);
	code_const(c, &a->senders);
}

static void code_global(struct mr_coder *c, struct mr_row_global *g)
{
	code_patterns(c, &g->patterns, &g->n_patterns);
	code_const(c, &g->limits);
}

/* Of a network its text is enough. What could not be used was said when it was read. */
static void code_rules(struct mr_coder *c, struct mr_row_rules *r)
{
	uint64_t n = r->n;

	r->v = code_list(c, &n, r->v, sizeof(*r->v));
	for (uint64_t i = 0; i < n; i++) {
		struct mr_rule rule = r->v[i];
		code_const(c, &rule.pattern);
		code_const(c, &rule.value);
		code_bool(c, &rule.is_net);
		if (c->out)
			continue;
		c->bad = c->bad || (rule.is_net && mr_parse_net(mr_slice_of(rule.pattern), &rule.net) != 0);
		r->v[i] = rule;
	}
	r->n = n;
}

static void code_view(struct mr_coder *c, struct mr_row_view *v)
{
	code_const(c, &v->value);
}

static void code_relay(struct mr_coder *c, struct mr_row_relay *r)
{
	mr_code_text(c, &r->owner);
	mr_code_text(c, &r->nexthop);
	code_const(c, &r->username);
	code_const(c, &r->sealed);
}

/* A field that is forgotten here would be missing after a restart. */
#if UINTPTR_MAX == UINT64_MAX
#define FIELDS_OF(kind, bytes) _Static_assert(sizeof(struct mr_row_##kind) == (bytes), "code_" #kind "() goes over all fields")
FIELDS_OF(domain, 320);
FIELDS_OF(mailbox, 120);
FIELDS_OF(alias, 40);
FIELDS_OF(global, 24);
FIELDS_OF(rules, 32);
FIELDS_OF(view, 8);
FIELDS_OF(relay, 32);
#endif

/* Of the row only the struct is copied: what it points to is read, not written. */
void mr_row_encode(const struct mr_row *row, struct mr_buf *out)
{
	struct mr_coder c = { .out = out };
	struct mr_row_domain domain;
	struct mr_row_mailbox mailbox;
	struct mr_row_alias alias;
	struct mr_row_global global;
	struct mr_row_rules rules;
	struct mr_row_view view;
	struct mr_row_relay relay;

	switch (row->kind) {
	case MR_ROW_DOMAIN:
		domain = row->domain;
		code_domain(&c, &domain);
		break;
	case MR_ROW_MAILBOX:
		mailbox = row->mailbox;
		code_mailbox(&c, &mailbox);
		break;
	case MR_ROW_ALIAS:
		alias = row->alias;
		code_alias(&c, &alias);
		break;
	case MR_ROW_GLOBAL:
		global = row->global;
		code_global(&c, &global);
		break;
	case MR_ROW_RULES:
		rules = row->rules;
		code_rules(&c, &rules);
		break;
	case MR_ROW_VIEW:
		view = row->view;
		code_view(&c, &view);
		break;
	case MR_ROW_RELAY:
		relay = row->relay;
		code_relay(&c, &relay);
		break;
	}
}

static bool whole(const struct mr_coder *c)
{
	return !c->bad && c->in.n == 0;
}

struct mr_row *mr_row_decode(enum mr_row_kind kind, struct mr_slice in, struct mr_arena *arena)
{
	struct mr_coder c = { .in = in, .arena = arena };
	struct mr_row row = { 0 };

	switch (kind) {
	case MR_ROW_DOMAIN:
		code_domain(&c, &row.domain);
		return whole(&c) ? mr_row_of_domain(&row.domain) : NULL;
	case MR_ROW_MAILBOX:
		code_mailbox(&c, &row.mailbox);
		return whole(&c) ? mr_row_of_mailbox(&row.mailbox) : NULL;
	case MR_ROW_ALIAS:
		code_alias(&c, &row.alias);
		return whole(&c) ? mr_row_of_alias(&row.alias) : NULL;
	case MR_ROW_GLOBAL:
		code_global(&c, &row.global);
		return whole(&c) ? mr_row_of_global(&row.global) : NULL;
	case MR_ROW_RULES:
		code_rules(&c, &row.rules);
		return whole(&c) ? mr_row_of_rules(&row.rules) : NULL;
	case MR_ROW_VIEW:
		code_view(&c, &row.view);
		return whole(&c) ? mr_row_of_view(&row.view) : NULL;
	case MR_ROW_RELAY:
		code_relay(&c, &row.relay);
		return whole(&c) ? mr_row_of_relay(&row.relay) : NULL;
	}
	return NULL;
}

uint64_t mr_row_layout(void)
{
	static const size_t sizes[] = { sizeof(struct mr_row_domain), sizeof(struct mr_row_mailbox), sizeof(struct mr_row_alias),
					sizeof(struct mr_row_global), sizeof(struct mr_row_rules),   sizeof(struct mr_row_view),
					sizeof(struct mr_row_relay),  sizeof(struct mr_rule),        sizeof(struct mr_row_pattern) };
	uint64_t layout = MR_ROW_FORMAT;

	for (size_t i = 0; i < MR_COUNT(sizes); i++)
		layout = layout * 1009 + sizes[i];
	return layout;
}
