/* address-header: the addresses of a From, Sender or Reply-To value (RFC 5322 section 3.4, with the obsolete forms of section 4.4).
 * Display names are taken loosely, as people write them; what counts as the address is strict. */
/* system */
#include <errno.h>
#include <stdint.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"

enum kind { END, BROKEN, WORD /* atom or quoted string, dots included */, LITERAL, SPECIAL };

struct token {
	enum kind kind;
	struct mr_slice text;
};

struct reader {
	struct mr_slice in;
	size_t at;
	struct mr_arena *arena;
	struct mr_slice *out;
	size_t max, n;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A comment with those inside; at stands on "(". False when it does not end. */
static bool skip_comment(struct reader *r)
{
	size_t depth = 0;

	for (; r->at < r->in.n; r->at++) {
		char c = r->in.p[r->at];

		if (c == '\\')
			r->at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0) {
			r->at++;
			return true;
		}
	}
	return false;
}

/* White space and comments. */
static bool skip_blank(struct reader *r)
{
	while (r->at < r->in.n) {
		if (is_space(r->in.p[r->at]))
			r->at++;
		else if (r->in.p[r->at] != '(')
			return true;
		else if (!skip_comment(r))
			return false;
	}
	return true;
}

/* Up to the closing character, that one included. */
static struct token take_until(struct reader *r, char close, enum kind kind)
{
	size_t start = r->at++;

	for (; r->at < r->in.n; r->at++) {
		if (r->in.p[r->at] == '\\')
			r->at++;
		else if (r->in.p[r->at] == close) {
			r->at++;
			return (struct token){ kind, { r->in.p + start, r->at - start } };
		}
	}
	return (struct token){ BROKEN, { 0 } };
}

/* Length of an encoded word (RFC 2047) at the front of s, or 0. Many programs leave commas, parentheses and @ inside as they are. */
static size_t encoded_word(struct mr_slice s)
{
	int marks = 0;

	if (s.n < 2 || s.p[0] != '=' || s.p[1] != '?')
		return 0;
	for (size_t i = 2; i < s.n && !is_space(s.p[i]) && s.p[i] != '"'; i++) {
		if (s.p[i] != '?')
			continue;
		marks++;
		if (marks == 3)
			return i + 1 < s.n && s.p[i + 1] == '=' ? i + 2 : 0;
	}
	return 0;
}

static struct token next(struct reader *r)
{
	size_t start, word;
	char c;

	if (!skip_blank(r))
		return (struct token){ BROKEN, { 0 } };
	if (r->at >= r->in.n)
		return (struct token){ END, { 0 } };
	c = r->in.p[r->at];
	if (c == '"')
		return take_until(r, '"', WORD);
	if (c == '[')
		return take_until(r, ']', LITERAL);
	start = r->at;
	if (strchr("<>,;:@)]", c) && c) {
		r->at++;
		return (struct token){ SPECIAL, { r->in.p + start, 1 } };
	}
	word = encoded_word(mr_slice_from(r->in, r->at));
	r->at += word;
	while (!word && r->at < r->in.n && !is_space(r->in.p[r->at]) && !memchr("<>,;:@)][(\"", r->in.p[r->at], 11))
		r->at++;
	return (struct token){ WORD, { r->in.p + start, r->at - start } };
}

static bool is(const struct token *t, char c)
{
	return t->kind == SPECIAL && t->text.p[0] == c;
}

/* What stands between two separators, as it is read: words before and after the @. */
struct collected {
	char *text; /* room for the whole value */
	size_t n, at /* of the @, 0 none */, words /* since the start or the @ */;
	bool apart; /* two words with no dot between: a display name, no address */
};

static void collect(struct collected *c, const struct token *t)
{
	if (is(t, '@')) {
		c->apart = c->apart || c->at || !c->words;
		c->at = c->n;
		c->words = 0;
	} else if (c->words++ && c->text[c->n - 1] != '.' && t->text.p[0] != '.') {
		c->apart = true;
	}
	memcpy(c->text + c->n, t->text.p, t->text.n);
	c->n += t->text.n;
}

static void forget(struct collected *c)
{
	*c = (struct collected){ .text = c->text };
}

/* Whether it is an address. Encoded words are for display names (RFC 2047 section 5): in an address, also one made by taking out white
 * space, others would read an @ of theirs differently. */
static bool is_address(const struct collected *c)
{
	if (c->apart || !c->at || !c->words)
		return false;
	for (size_t i = 0; i < c->n; i++) {
		if ((unsigned char)c->text[i] < ' ' || c->text[i] == 127 || encoded_word((struct mr_slice){ c->text + i, c->n - i }))
			return false;
	}
	return true;
}

/* The collected words as one more address. */
static int keep(struct reader *r, struct collected *c)
{
	char *copy;

	if (!is_address(c))
		return -EINVAL;
	if (r->n < r->max) {
		copy = mr_arena_try(r->arena, c->n + 1);
		if (!copy)
			return -EINVAL;
		memcpy(copy, c->text, c->n);
		r->out[r->n] = (struct mr_slice){ copy, c->n };
	}
	r->n++;
	forget(c);
	return 0;
}

/* After "<": an optional route, the address, ">". */
static int angle(struct reader *r, struct collected *c)
{
	struct token t = next(r);

	forget(c);
	if (is(&t, '@')) { /* obsolete route, up to the colon */
		while (!is(&t, ':')) {
			t = next(r);
			if (t.kind == END || t.kind == BROKEN || is(&t, '>'))
				return -EINVAL;
		}
		t = next(r);
	}
	for (; !is(&t, '>'); t = next(r)) {
		if (t.kind == END || t.kind == BROKEN || (t.kind == SPECIAL && !is(&t, '@')) || (t.kind == LITERAL && !c->at))
			return -EINVAL;
		collect(c, &t);
	}
	return keep(r, c);
}

/* One list; a group is a list between ":" and ";". */
static int read_list(struct reader *r, struct collected *c)
{
	bool in_group = false, done = false /* this element's address was kept */;

	for (;;) {
		struct token t = next(r);
		bool ends = t.kind == END || is(&t, ',') || is(&t, ';');

		if (t.kind == BROKEN || (is(&t, ';') && !in_group) || (t.kind == END && in_group))
			return -EINVAL;
		if (ends) {
			if (c->n && keep(r, c) < 0)
				return -EINVAL;
			done = is(&t, ';'); /* only a separator may follow a group */
			in_group = in_group && !done;
			if (t.kind == END)
				return 0;
		} else if (done || is(&t, '>') || is(&t, ')') || is(&t, ']')) {
			return -EINVAL;
		} else if (is(&t, '<')) {
			if (angle(r, c) < 0)
				return -EINVAL;
			done = true;
		} else if (is(&t, ':')) {
			if (in_group || c->at || !c->n)
				return -EINVAL;
			in_group = true;
			forget(c);
		} else {
			collect(c, &t);
		}
	}
}

int mr_address_header(struct mr_slice value, struct mr_arena *arena, struct mr_slice *out, size_t max)
{
	struct reader r = { .in = value, .arena = arena, .out = out, .max = max };
	struct collected c = { .text = mr_arena_try(arena, value.n + 1) };

	if (!c.text || read_list(&r, &c) < 0 || r.n > INT32_MAX)
		return -EINVAL;
	return (int)r.n;
}
