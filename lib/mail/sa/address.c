/* sa/address: the names and addresses of a From, To or Cc field, read as leniently as SpamAssassin does. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"

#define CANDIDATES_MAX 20 /* ends of an address in angle brackets that are tried */

/* Behind the quoted string at i; 0: none is there that ends. */
static size_t quoted(struct mr_slice s, size_t i)
{
	if (i >= s.n || s.p[i] != '"')
		return 0;
	for (i++; i < s.n && s.p[i] != '"'; i++)
		if (s.p[i] == '\\')
			i++;
	return i < s.n ? i + 1 : 0;
}

static bool is_plain(char c)
{
	static const bool special[256] = { ['\t' ... '\r'] = true, [' '] = true, ['(' ... ')'] = true, [','] = true,
					   [':' ... '<'] = true,   ['>'] = true, ['['] = true,         [']'] = true };

	return !special[(unsigned char)c];
}

/* Behind the "user@host" at i; 0: there is none. */
static size_t mailbox(struct mr_slice s, size_t i)
{
	size_t at = quoted(s, i), end;

	if (!at || at >= s.n || s.p[at] != '@')
		for (at = i; at < s.n && is_plain(s.p[at]) && s.p[at] != '@';)
			at++;
	if (at == i || at >= s.n || s.p[at] != '@')
		return 0;
	end = ++at;
	if (end < s.n && s.p[end] == '[') {
		for (end++; end < s.n && (sa_is_digit(s.p[end]) || s.p[end] == ':' || s.p[end] == '.');)
			end++;
		return end < s.n && s.p[end] == ']' && end > at + 1 ? end + 1 : 0;
	}
	while (end < s.n && is_plain(s.p[end]) && s.p[end] != '"')
		end++;
	return end > at ? end : 0;
}

static size_t spaces(struct mr_slice s, size_t i)
{
	while (i < s.n && sa_is_space(s.p[i]))
		i++;
	return i;
}

/* Words and quoted strings up to a comma, semicolon or bracket; i when there are none. */
static size_t phrase(struct mr_slice s, size_t i)
{
	for (;;) {
		size_t end = quoted(s, i);

		if (!end)
			for (end = i; end < s.n && !sa_one_of(s.p[end], "\",;<");)
				end++;
		if (end == i)
			return i;
		i = end;
	}
}

/* A comment "(...)" at i: behind it, or 0. */
static size_t comment_at(struct mr_slice s, size_t i, struct mr_slice *text)
{
	size_t from = i + 1;

	if (i >= s.n || s.p[i] != '(')
		return 0;
	for (i++; i < s.n && s.p[i] != ')'; i++) {
		if (s.p[i] == '(')
			return 0;
		if (s.p[i] == '\\')
			i++;
	}
	if (i >= s.n)
		return 0;
	*text = sa_sub(s, from, i);
	return i + 1;
}

/* What must follow one address: maybe a comment, then a comma, semicolon or the end. Behind it, or 0. */
static bool ends_entry(struct mr_slice s, size_t i, size_t *next, struct mr_slice *comment)
{
	size_t end = comment_at(s, spaces(s, i), comment);

	*next = spaces(s, end ? end : i);
	if (*next < s.n && (s.p[*next] == ',' || s.p[*next] == ';')) {
		++*next;
		return true;
	}
	if (*next == s.n)
		return true;
	*comment = (struct mr_slice){ 0 };
	return false;
}

/* Further addresses in brackets right behind one: "<a@b><a@b>". */
static size_t more_brackets(struct mr_slice s, size_t i)
{
	for (;;) {
		size_t at = spaces(s, i), end;

		if (at >= s.n || s.p[at] != '<')
			return i;
		end = at = spaces(s, at + 1);
		if (quoted(s, end))
			end = quoted(s, end);
		while (end < s.n && !sa_is_space(s.p[end]))
			end++;
		at = spaces(s, end);
		if (at < s.n && s.p[at] == '>') {
			i = at + 1;
			continue;
		}
		while (end > at && s.p[end - 1] != '>')
			end--;
		for (at = end; at > i && s.p[at - 1] != '>';)
			at--;
		if (at <= i)
			return i;
		i = at;
	}
}

struct entry {
	struct mr_slice phrase, bracket, mailbox, only, comment;
	size_t next;
};

static bool bracket_ends(struct mr_slice s, size_t from, size_t end, struct entry *e)
{
	size_t close = spaces(s, end);

	if (close >= s.n || s.p[close] != '>' || !ends_entry(s, more_brackets(s, close + 1), &e->next, &e->comment))
		return false;
	e->bracket = sa_sub(s, from, end);
	return true;
}

/* What stands in the brackets that open before `from`: as much as can be, so long as what follows fits. */
static bool bracket(struct mr_slice s, size_t from, struct entry *e)
{
	size_t mark, run, tried = 0;

	from = spaces(s, from);
	for (mark = from; mark < s.n && s.p[mark] != '>' && s.p[mark] != '@';)
		mark++;
	for (run = mark; run < s.n && !sa_is_space(s.p[run]);)
		run++;
	if (run > from && bracket_ends(s, from, run, e))
		return true;
	for (size_t end = run; end > mark && end - 1 > from && tried < CANDIDATES_MAX; end--) {
		if (s.p[end - 1] != '>')
			continue;
		tried++;
		if (bracket_ends(s, from, end - 1, e))
			return true;
	}
	while (mark > from && sa_is_space(s.p[mark - 1]))
		mark--;
	return bracket_ends(s, from, mark, e);
}

static bool take_entry(struct mr_slice s, struct entry *e)
{
	size_t i = spaces(s, 0), end = phrase(s, i), at = spaces(s, end);

	*e = (struct entry){ 0 };
	if (at < s.n && s.p[at] == '<' && bracket(s, at + 1, e)) {
		if (end > i)
			e->phrase = sa_sub(s, i, end);
		return true;
	}
	at = mailbox(s, i);
	if (at && ends_entry(s, at, &e->next, &e->comment)) {
		e->mailbox = sa_sub(s, i, at);
		return true;
	}
	if (end > i && ends_entry(s, end, &e->next, &e->comment)) {
		e->only = sa_sub(s, i, end);
		return true;
	}
	return false;
}

/* -- what was found -- */

static bool odd_quotes(struct mr_slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '"';
	return n == 1 || mr_slice_starts(s, MR_LIT("\"\"@"));
}

static bool is_mailbox(struct mr_slice s)
{
	return s.n && mailbox(s, 0) == s.n;
}

static struct mr_slice without_comments(struct mr_arena *a, struct mr_slice s)
{
	char *out;
	size_t n = 0;

	if (mr_slice_chr(s, '(') < 0)
		return s;
	out = mr_arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n;) {
		struct mr_slice text;
		size_t end = comment_at(s, i, &text);

		if (end)
			i = end;
		else
			out[n++] = s.p[i++];
	}
	return (struct mr_slice){ out, n };
}

/* Quotes and what they escape undone; comments outside of them removed. */
static struct mr_slice plain_phrase(struct mr_arena *a, struct mr_slice s)
{
	struct mr_buf out = MR_BUF(s.n + 1);

	for (size_t i = 0; i < s.n;) {
		size_t end = quoted(s, i);

		if (end) {
			for (size_t k = i + 1; k + 1 < end; k++)
				if (s.p[k] != '\\' || (k + 2 < end && s.p[k + 1] == '\\'))
					mr_buf_putc(&out, s.p[k]);
		} else if (s.p[i] == '"') {
			end = i + 1;
		} else {
			for (end = i; end < s.n && s.p[end] != '"';)
				end++;
			mr_buf_add(&out, without_comments(a, sa_sub(s, i, end)));
		}
		i = end;
	}
	return sa_keep_buf(a, &out);
}

/* Up to a second "@". */
static struct mr_slice one_at(struct mr_slice s)
{
	ptrdiff_t at = mr_slice_chr(s, '@'), second;

	if (at < 0)
		return s;
	second = mr_slice_chr(mr_slice_from(s, (size_t)at + 1), '@');
	return second < 0 ? s : sa_sub(s, 0, (size_t)at + 1 + (size_t)second);
}

static struct sa_address result(struct mr_arena *a, const struct entry *e)
{
	struct sa_address r = { .address = e->mailbox, .phrase = e->phrase.p ? e->phrase : e->only };

	if (e->bracket.p) {
		r.address = without_comments(a, e->bracket);
		if (!is_mailbox(r.address))
			r.address = (struct mr_slice){ 0 };
	}
	if (r.address.p && odd_quotes(r.address))
		r.address = (struct mr_slice){ 0 };
	if (r.phrase.p) {
		r.phrase = plain_phrase(a, r.phrase);
		if (!r.address.p && is_mailbox(r.phrase) && !odd_quotes(r.phrase) &&
		    sa_fqdn_valid(mr_slice_from(one_at(r.phrase), (size_t)mr_slice_chr(r.phrase, '@') + 1))) {
			r.address = r.phrase;
			r.phrase = (struct mr_slice){ 0 };
		} else if (!r.phrase.n || (r.address.p && mr_slice_eq(r.phrase, r.address))) {
			r.phrase = (struct mr_slice){ 0 };
		}
	}
	if (!r.phrase.p && e->comment.p)
		r.phrase = e->comment;
	if (r.address.p)
		r.address = one_at(r.address);
	return r;
}

/* Without pairs of backslashes, the end's white space, and "group:" at the front. */
static struct mr_slice prepared(struct mr_arena *a, struct mr_slice s)
{
	ptrdiff_t colon = -1;

	while (s.n && sa_is_space(s.p[s.n - 1]))
		s.n--;
	if (sa_has(s, MR_LIT("\\\\"))) {
		char *out = mr_arena_alloc(a, s.n + 1);
		size_t n = 0;

		for (size_t i = 0; i < s.n; i++) {
			if (i + 1 < s.n && s.p[i] == '\\' && s.p[i + 1] == '\\')
				i++;
			else
				out[n++] = s.p[i];
		}
		s = (struct mr_slice){ out, n };
	}
	for (size_t i = 0; i < s.n && !sa_one_of(s.p[i], "\"()<>"); i++)
		if (s.p[i] == ':' && i)
			colon = (ptrdiff_t)i;
	if (colon > 0) {
		s = mr_slice_from(s, spaces(s, (size_t)colon + 1));
		if (s.n && s.p[0] == ';')
			s.n = 0;
	}
	return s;
}

size_t sa_addresses(struct mr_arena *a, struct mr_slice value, struct sa_address *out, size_t max)
{
	struct mr_slice s = prepared(a, value);
	struct entry e;
	size_t n = 0;

	if (!sa_trim(s).n)
		return 0;
	while (n < max && s.n && take_entry(s, &e)) {
		out[n++] = result(a, &e);
		s = mr_slice_from(s, e.next);
		if (!e.next)
			break;
	}
	/* What no form fits may still have addresses in brackets. */
	for (size_t i = 0; i < s.n && n < max; i++) {
		size_t end = s.p[i] == '<' ? mailbox(s, i + 1) : 0;

		if (!end || end >= s.n || s.p[end] != '>' || odd_quotes(sa_sub(s, i + 1, end)))
			continue;
		out[n++] = (struct sa_address){ .address = one_at(sa_sub(s, i + 1, end)) };
		i = end;
	}
	return n;
}
