/* replace: tags in regular expressions, "<A>" for what looks like an A (Mail::SpamAssassin::Plugin::ReplaceTags). */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "private.h"

#define PASSES_MAX  6
#define PATTERN_MAX (1u << 20) /* bytes, with all replaced */

enum { TAG, PRE, INTER, POST };

int mr_rules_replace_define(struct mr_rules *r, struct mr_slice key, struct mr_slice value)
{
	static const char *const keys[] = {
		[TAG] = "replace_tag", [PRE] = "replace_pre", [INTER] = "replace_inter", [POST] = "replace_post"
	};
	struct mr_rules_tag *t;
	struct mr_slice name;
	size_t i = 0;

	if (mr_slice_eq(key, MR_LIT("replace_start")) || mr_slice_eq(key, MR_LIT("replace_end"))) {
		if (!value.n)
			mr_rules_problem(r, MR_RULES_ERROR, NULL, "%.*s: nothing follows", (int)key.n, key.p);
		else if (key.n == 11)
			r->replace_end = value;
		else
			r->replace_start = value;
		return 1;
	}
	while (i < MR_COUNT(keys) && !mr_slice_eq(key, mr_slice_of(keys[i])))
		i++;
	if (i == MR_COUNT(keys))
		return 0;
	name = mr_rules_word(&value);
	if (!name.n || !value.n) {
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "%s: a name and a regular expression are missing", keys[i]);
		return 1;
	}
	HASH_FIND(hh, r->tags[i], name.p, name.n, t);
	if (!t) {
		t = mr_arena_alloc(r->arena, sizeof(*t));
		t->name = mr_arena_slice(r->arena, name);
		HASH_ADD_KEYPTR(hh, r->tags[i], t->name, name.n, t);
	}
	t->text = value;
	return 1;
}

void mr_rules_replace_done(struct mr_rules *r)
{
	for (size_t i = 0; i < MR_COUNT(r->tags); i++)
		HASH_CLEAR(hh, r->tags[i]);
	HASH_CLEAR(hh, r->plugins);
}

static struct mr_slice find_tag(const struct mr_rules *r, int which, struct mr_slice name)
{
	struct mr_rules_tag *t = NULL;

	if (name.n)
		HASH_FIND(hh, r->tags[which], name.p, name.n, t);
	return t ? t->text : (struct mr_slice){ 0 };
}

/* "<pre NAME>" out of the pattern: what stands before every tag. */
static struct mr_slice take_modifier(struct mr_rules *r, int which, const char *word, struct mr_slice *pattern)
{
	struct mr_slice start = mr_slice_of(mr_arena_printf(r->arena, "%.*s%s ", (int)r->replace_start.n, r->replace_start.p, word));
	const char *at = memmem(pattern->p, pattern->n, start.p, start.n), *end;
	struct mr_slice name, rest;

	if (!at)
		return (struct mr_slice){ 0 };
	rest = mr_slice_from(*pattern, (size_t)(at - pattern->p) + start.n);
	end = rest.n ? memmem(rest.p + 1, rest.n - 1, r->replace_end.p, r->replace_end.n) : NULL;
	if (!end)
		return (struct mr_slice){ 0 };
	name = (struct mr_slice){ rest.p, (size_t)(end - rest.p) };
	rest = mr_slice_from(rest, name.n + r->replace_end.n);
	*pattern = mr_slice_of(mr_arena_printf(r->arena, "%.*s%.*s", (int)(at - pattern->p), pattern->p, (int)rest.n, rest.p));
	return find_tag(r, which, name);
}

/* The next "<...>" without another < or > in it, and what is before it. False: there is none. */
static bool next_tag(struct mr_slice rest, struct mr_slice *before, struct mr_slice *tag)
{
	size_t open = rest.n;

	for (size_t i = 0; i < rest.n; i++) {
		if (rest.p[i] == '<') {
			open = i;
		} else if (rest.p[i] == '>' && open < rest.n) {
			if (i > open + 1) {
				*before = (struct mr_slice){ rest.p, open };
				*tag = (struct mr_slice){ rest.p + open, i + 1 - open };
				return true;
			}
			open = rest.n;
		}
	}
	return false;
}

static bool is_tag(const struct mr_rules *r, struct mr_slice text, struct mr_slice *name)
{
	if (text.n <= r->replace_start.n + r->replace_end.n || !mr_slice_starts(text, r->replace_start) ||
	    !mr_slice_eq(mr_slice_from(text, text.n - r->replace_end.n), r->replace_end))
		return false;
	*name = (struct mr_slice){ text.p + r->replace_start.n, text.n - r->replace_start.n - r->replace_end.n };
	return true;
}

/* One pass over the pattern. True: there may be tags left. */
static bool pass(struct mr_rules *r, struct mr_slice *pattern)
{
	struct mr_slice pre = take_modifier(r, PRE, "pre", pattern), post = take_modifier(r, POST, "post", pattern);
	struct mr_slice inter = take_modifier(r, INTER, "inter", pattern), rest = *pattern, before, tag, name, text, inner, outer;
	struct mr_buf out = MR_BUF(PATTERN_MAX);
	bool again = false, first = true;

	while (next_tag(rest, &before, &tag)) {
		mr_buf_add(&out, before);
		if (!before.n && !first)
			mr_buf_add(&out, inter); /* between two tags */
		first = false;
		rest = mr_slice_from(rest, before.n + tag.n);
		if (is_tag(r, tag, &name)) {
			text = find_tag(r, TAG, name);
			mr_buf_add(&out, pre);
			mr_buf_add(&out, text.n ? text : tag);
			mr_buf_add(&out, post);
			again |= text.n && next_tag(text, &inner, &outer);
		} else {
			mr_buf_add(&out, tag);
		}
	}
	mr_buf_add(&out, rest);
	if (!out.full)
		*pattern = mr_slice_of(mr_arena_slice(r->arena, mr_buf_slice(&out)));
	mr_buf_done(&out);
	return again;
}

struct mr_slice mr_rules_replace(struct mr_rules *r, struct mr_slice pattern)
{
	for (int i = 0; i < PASSES_MAX && pass(r, &pattern); i++)
		;
	return pattern;
}

struct calls {
	struct mr_rules *rules;
	struct mr_buf groups; /* what is called */
	struct mr_slice pre, post, inter;
};

static void write_calls(struct calls *c, struct mr_slice text, int depth, struct mr_buf *out);

/* "(?&tNAME)", and the group of that name once. */
static bool write_call(struct calls *c, struct mr_slice name, int depth, struct mr_buf *out)
{
	struct mr_buf group = MR_BUF(PATTERN_MAX);
	struct mr_rules_tag *t = NULL;

	if (mr_rules_name_ok(name) && name.n < 30)
		HASH_FIND(hh, c->rules->tags[TAG], name.p, name.n, t);
	if (!t || depth > PASSES_MAX)
		return false;
	if (t->called != c->rules->calls) {
		t->called = c->rules->calls;
		write_calls(c, t->text, depth + 1, &group);
		mr_buf_printf(&c->groups, "(?<t%s>%s)", t->name, group.p ? group.p : "");
		mr_buf_done(&group);
	}
	mr_buf_printf(out, "(?&t%s)", t->name);
	return true;
}

static void write_calls(struct calls *c, struct mr_slice rest, int depth, struct mr_buf *out)
{
	struct mr_slice before, tag, name;
	bool first = true, outside = depth == 0;

	while (next_tag(rest, &before, &tag)) {
		mr_buf_add(out, before);
		if (!before.n && !first && outside)
			mr_buf_add(out, c->inter);
		first = false;
		rest = mr_slice_from(rest, before.n + tag.n);
		if (outside)
			mr_buf_add(out, c->pre);
		if (!is_tag(c->rules, tag, &name) || !write_call(c, name, depth, out))
			mr_buf_add(out, tag);
		if (outside)
			mr_buf_add(out, c->post);
	}
	mr_buf_add(out, rest);
}

struct mr_slice mr_rules_replace_by_calls(struct mr_rules *r, struct mr_slice pattern)
{
	struct calls c = { .rules = r, .groups = MR_BUF(PATTERN_MAX) };
	struct mr_buf out = MR_BUF(2u * PATTERN_MAX);

	r->calls++;
	c.pre = take_modifier(r, PRE, "pre", &pattern);
	c.post = take_modifier(r, POST, "post", &pattern);
	c.inter = take_modifier(r, INTER, "inter", &pattern);
	write_calls(&c, pattern, 0, &out);
	mr_buf_printf(&out, "(?(DEFINE)%s)", c.groups.p ? c.groups.p : "");
	if (!out.full && !c.groups.full)
		pattern = mr_slice_of(mr_arena_slice(r->arena, mr_buf_slice(&out)));
	mr_buf_done(&out);
	mr_buf_done(&c.groups);
	return pattern;
}
