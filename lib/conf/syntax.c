/* syntax: see syntax.h; the grammar stands in conf.h */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "conf/syntax.h"

#define VALUES_MAX 10000 /* of one list */

struct reader {
	struct mr_slice rest;
	unsigned line;
	struct mr_diag *why;
	struct mr_buf unquoted;
	struct mr_arena *arena; /* values of the item at hand */
	struct mr_slice *values;
	size_t n, cap;
};

static char peek(const struct reader *r)
{
	return r->rest.n ? r->rest.p[0] : '\n';
}

static void skip(struct reader *r)
{
	r->line += peek(r) == '\n';
	r->rest = mr_slice_from(r->rest, 1);
}

/* White space and comments; line breaks only when they mean nothing here. */
static void skip_space(struct reader *r, bool breaks)
{
	bool comment = false;

	while (r->rest.n > 0) {
		char c = peek(r);

		if (c == '\n' ? !breaks : !comment && c != ' ' && c != '\t' && c != '\r' && c != '#')
			return;
		comment = c == '#' || (comment && c != '\n');
		skip(r);
	}
}

static bool in_word(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("#\"'={},", c);
}

static struct mr_slice word(struct reader *r)
{
	struct mr_slice w = { r->rest.p, 0 };

	while (w.n < r->rest.n && in_word(r->rest.p[w.n]))
		w.n++;
	r->rest = mr_slice_from(r->rest, w.n);
	return w;
}

/* Text in quotes, which end on the same line; *out holds until the next one. */
static int quoted(struct reader *r, struct mr_slice *out)
{
	char quote = peek(r);

	mr_buf_reset(&r->unquoted);
	for (skip(r); peek(r) != quote; skip(r)) {
		if (peek(r) == '\n')
			return mr_diag_set(r->why, -EINVAL, "the closing %c is missing on this line", quote);
		if (quote == '"' && peek(r) == '\\') {
			skip(r);
			if (peek(r) != '"' && peek(r) != '\\')
				return mr_diag_set(r->why, -EINVAL, "in \"...\" a backslash stands only before \" and \\");
		}
		mr_buf_putc(&r->unquoted, peek(r));
	}
	skip(r);
	*out = mr_buf_slice(&r->unquoted);
	return 0;
}

static int value(struct reader *r)
{
	bool quotes = peek(r) == '"' || peek(r) == '\'';
	struct mr_slice v = quotes ? MR_LIT("") : word(r);
	int err = quotes ? quoted(r, &v) : 0;

	if (err < 0)
		return err;
	if (!quotes && v.n == 0)
		return mr_diag_set(r->why, -EINVAL, "a value is missing");
	if (mr_slice_chr(v, '\0') >= 0)
		return mr_diag_set(r->why, -EINVAL, "a NUL byte");
	if (r->n >= VALUES_MAX)
		return mr_diag_set(r->why, -EINVAL, "more than %d values", VALUES_MAX);
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 4;
		r->values = mr_realloc_array(r->values, r->cap, sizeof(*r->values));
	}
	r->values[r->n++] = (struct mr_slice){ mr_arena_slice(r->arena, v), v.n };
	return 0;
}

static int list(struct reader *r)
{
	int err = 0;

	skip(r); /* the brace */
	skip_space(r, true);
	if (peek(r) != '}')
		err = value(r);
	for (skip_space(r, true); err == 0 && peek(r) == ','; skip_space(r, true)) {
		skip(r);
		skip_space(r, true);
		err = value(r);
	}
	if (err < 0)
		return err;
	if (peek(r) != '}')
		return mr_diag_set(r->why, -EINVAL, "a list has commas between its values and } at its end");
	skip(r);
	return 0;
}

/* What stands behind "=": up to the end of the line, the section or the file. */
static int assignment(struct reader *r, struct mr_conf_item *item)
{
	int err;

	mr_arena_reset(r->arena);
	r->n = 0;
	skip(r);
	skip_space(r, false);
	item->list = peek(r) == '{';
	err = item->list ? list(r) : value(r);
	if (err < 0)
		return err;
	skip_space(r, false);
	if (peek(r) != '\n' && peek(r) != '}')
		return mr_diag_set(r->why, -EINVAL, "one value a line; quote what has white space or one of # \" ' = { } , in it");
	item->values = r->values;
	item->n = r->n;
	return 0;
}

/* One step: an assignment, the beginning or the end of a section. The errors of `take` belong to the line where the item began. */
static int step(struct reader *r, struct mr_slice *section, int (*take)(const struct mr_conf_item *, void *, struct mr_diag *), void *arg)
{
	struct mr_conf_item item = { .section = *section };
	unsigned line = r->line;
	int err;

	if (peek(r) == '}' && section->n > 0) {
		*section = MR_LIT("");
		skip(r);
		return 0;
	}
	item.name = word(r);
	skip_space(r, false);
	if (item.name.n > 0 && peek(r) == '=') {
		err = assignment(r, &item);
		if (err < 0)
			return err;
	} else if (item.name.n > 0 && peek(r) == '{') {
		if (section->n > 0)
			return mr_diag_set(r->why, -EINVAL, "a section inside of section %.*s", (int)section->n, section->p);
		skip(r);
		item.section = *section = item.name;
		item.name = MR_LIT("");
	} else {
		return mr_diag_set(r->why, -EINVAL, "neither \"name = value\" nor \"section {\" nor the end of one");
	}
	err = take(&item, arg, r->why);
	if (err < 0)
		r->line = line;
	return err;
}

int mr_conf_syntax(struct mr_slice text, int (*take)(const struct mr_conf_item *item, void *arg, struct mr_diag *why), void *arg,
		   unsigned *line, struct mr_diag *why)
{
	/* Values together are at most as long as the text, plus NUL and alignment of each. */
	mr_autoarena arena = mr_arena_new(MR_CONF_FILE_MAX + 32 * (VALUES_MAX + 1));
	struct reader r = { .rest = text, .line = 1, .why = why, .unquoted = MR_BUF(MR_CONF_FILE_MAX), .arena = arena };
	struct mr_slice section = MR_LIT("");
	int err = text.n > MR_CONF_FILE_MAX ? mr_diag_set(why, -EINVAL, "longer than %u bytes", MR_CONF_FILE_MAX) : 0;

	skip_space(&r, true);
	while (err == 0 && r.rest.n > 0) {
		err = step(&r, &section, take, arg);
		if (err == 0)
			skip_space(&r, true);
	}
	if (err == 0 && section.n > 0)
		err = mr_diag_set(why, -EINVAL, "section %.*s has no } at its end", (int)section.n, section.p);
	if (err < 0)
		*line = r.line;
	mr_buf_done(&r.unquoted);
	free(r.values);
	return err;
}
