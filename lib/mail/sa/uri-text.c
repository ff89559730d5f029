/* sa/uri-text: addresses in running text: what mail programs make a link of, and names under a known top-level domain. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"

#define LOCAL_MAX 251 /* bytes of a mail address before and behind its "@" */
#define HOST_MAX  252
#define REST_MAX  2048 /* bytes behind a scheme */

/* What a byte is to an address beside it. */
enum class {
	ENDS = 1,        /* any */
	ENDS_MAIL = 2,   /* a mail address */
	BEGINS = 4,      /* one may begin behind it */
	BEGINS_NAME = 8, /* one without a scheme may */
	WORD = 16,
	NAME = 32, /* a name in DNS has it */
	LETTER = WORD | NAME,
	ALL = ENDS | ENDS_MAIL | BEGINS | BEGINS_NAME,
};
static const unsigned char classes[256] = {
	['\t' ... '\r'] = ALL,
	[' '] = ALL,
	['\x1b'] = ALL,
	['"'] = ALL,
	['<'] = ALL,
	['>'] = ALL,
	['['] = ALL,
	['`'] = ALL,
	['{'] = ALL,
	['|'] = ALL,
	[']'] = ALL & ~BEGINS,
	['}'] = ALL & ~BEGINS,
	['\''] = ALL & ~ENDS,
	['('] = ALL & ~ENDS,
	[','] = ALL & ~ENDS,
	['!'] = BEGINS_NAME,
	['#' ... '$'] = BEGINS_NAME,
	['&'] = BEGINS_NAME,
	[')' ... '+'] = BEGINS_NAME,
	['/'] = BEGINS_NAME,
	[':' ... ';'] = BEGINS_NAME,
	['='] = BEGINS_NAME,
	['?' ... '@'] = BEGINS_NAME,
	['\\'] = BEGINS_NAME,
	['^'] = BEGINS_NAME,
	['~'] = BEGINS_NAME,
	['-' ... '.'] = NAME,
	['0' ... '9'] = LETTER,
	['A' ... 'Z'] = LETTER,
	['_'] = LETTER,
	['a' ... 'z'] = LETTER,
	[0x80 ... 0x9f] = ENDS_MAIL,
	[0xa0] = ALL,
	[0xa1 ... 0xff] = ENDS_MAIL,
};

static bool is(char c, enum class class)
{
	return classes[(unsigned char)c] & class;
}

static bool may_begin(struct mr_slice s, size_t i)
{
	unsigned char here = classes[(unsigned char)s.p[i]], before = i ? classes[(unsigned char)s.p[i - 1]] : 0;

	if ((here ^ before) & WORD || before & BEGINS)
		return true;
	return i >= 3 && s.p[i - 3] == '\x1b' && s.p[i - 2] == '(';
}

/* Up to a byte of that class, from i on. */
static size_t up_to(struct mr_slice s, size_t i, enum class class)
{
	while (i < s.n && !is(s.p[i], class))
		i++;
	return i;
}

/* How much of the front is what a web address begins with: "http://", "ftp.", "www2."; 0: nothing. */
static size_t web_mark(struct mr_slice s)
{
	size_t n = 3;

	switch (s.n ? mr_lower(s.p[0]) : 0) {
	case 'h':
		return mr_slice_istarts(s, MR_LIT("http://")) ? 7 : mr_slice_istarts(s, MR_LIT("https://")) ? 8 : 0;
	case 'f':
		return mr_slice_istarts(s, MR_LIT("ftp://")) ? 6 : mr_slice_istarts(s, MR_LIT("ftp.")) ? 4 : 0;
	case 'w':
		if (!mr_slice_istarts(s, MR_LIT("www")))
			return 0;
		while (n < s.n && n < 5 && sa_is_digit(s.p[n]))
			n++;
		return n < s.n && s.p[n] == '.' ? n + 1 : 0;
	}
	return 0;
}

/* "http://...", "www2.example.com/x": the end, or 0. */
static size_t with_scheme(struct mr_slice s, size_t i)
{
	size_t n = web_mark(mr_slice_from(s, i)), end;

	if (!n)
		return 0;
	end = up_to(s, i + n, ENDS);
	return end > i + n && end - i - n <= REST_MAX ? end : 0;
}

static size_t up_to_at(struct mr_slice s)
{
	ptrdiff_t at = mr_slice_chr(s, '@');

	return at < 0 ? s.n : (size_t)at;
}

/* *next_at: an "@" from before i on, or s.n: there is no other. */
static size_t mail_address(struct mr_slice s, size_t i, size_t *next_at)
{
	size_t end;

	if (mr_lower(s.p[i]) == 'm' && mr_slice_istarts(mr_slice_from(s, i), MR_LIT("mailto:"))) {
		end = up_to(s, i + 7, ENDS_MAIL);
		if (end > i + 7 && end - i - 7 <= REST_MAX)
			return end;
	}
	if (*next_at < i)
		*next_at = i + up_to_at(mr_slice_from(s, i));
	if (*next_at == i || *next_at == s.n || *next_at - i > LOCAL_MAX || up_to(sa_sub(s, 0, *next_at), i, ENDS_MAIL) < *next_at)
		return 0;
	end = up_to(s, *next_at + 1, ENDS_MAIL);
	return end > *next_at + 1 && end - *next_at - 1 <= LOCAL_MAX ? end : 0;
}

/* "example.com:80/x" without a scheme, from a byte of a word on: the end, or 0. */
static size_t bare_name(struct mr_sa *sa, struct mr_slice s, size_t i, struct mr_slice *host)
{
	size_t end = i, digits;
	ptrdiff_t dot;

	if ((i && !is(s.p[i - 1], BEGINS_NAME)) || s.p[i] == '_')
		return 0;
	while (end < s.n && is(s.p[end], NAME))
		end++;
	*host = sa_sub(s, i, end);
	if (host->p[host->n - 1] == '.')
		host->n--;
	dot = mr_slice_rchr(*host, '.');
	if (dot < 1 || (size_t)dot + 1 == host->n || host->n > HOST_MAX + 64 ||
	    sa_tld_at(sa->conf, mr_slice_from(*host, (size_t)dot + 1)) != host->n - (size_t)dot - 1)
		return 0;
	if (end < s.n && s.p[end] == ':') {
		for (digits = end + 1; digits < s.n && sa_is_digit(s.p[digits]);)
			digits++;
		if (digits == end + 1 || digits - end > 6)
			return 0;
		end = digits;
	}
	if (end < s.n && s.p[end] == '/') {
		size_t rest = up_to(s, end + 1, ENDS);

		if (rest == end + 1 || rest - end - 1 > REST_MAX)
			return 0;
		end = rest;
	}
	return end == s.n || is(s.p[end], ENDS) ? end : 0;
}

/* Without what belongs to the sentence. */
static struct mr_slice without_tail(struct mr_slice s)
{
	ptrdiff_t open = mr_slice_chr(s, '('), close = mr_slice_chr(s, ')');

	if (close >= 0 && (open < 0 || close < open))
		s.n = (size_t)close;
	while (s.n && sa_one_of(s.p[s.n - 1], "-~!@#^&*()_+=:;'?,."))
		s.n--;
	return s;
}

static struct mr_slice prefixed(struct mr_sa *sa, const char *prefix, struct mr_slice s)
{
	size_t n = strlen(prefix);
	char *p = mr_arena_alloc(sa->arena, n + s.n + 1);

	memcpy(p, prefix, n);
	memcpy(p + n, s.p, s.n);
	return (struct mr_slice){ p, n + s.n };
}

static struct mr_slice without_label(struct mr_slice s)
{
	static const char *const labels[] = { "skype", "e-mail", "email", "-mail", "mail" };
	struct mr_slice rest = s;
	size_t colons = 0;

	for (size_t i = 0; i < MR_COUNT(labels); i++)
		if (mr_slice_istarts(s, mr_slice_of(labels[i]))) {
			rest = mr_slice_from(s, strlen(labels[i]));
			break;
		}
	while (colons < rest.n && rest.p[colons] == ':')
		colons++;
	return colons ? mr_slice_from(rest, colons) : s;
}

/* "a@b.example" with a dot somewhere behind the "@", and what is before it no path. */
static bool has_dot_behind_at(struct mr_slice s)
{
	ptrdiff_t at = mr_slice_chr(s, '@');

	return at >= 0 && sa_find(s, (size_t)at + 2, MR_LIT(".")) > 0;
}

static bool slash_before_at(struct mr_slice s)
{
	ptrdiff_t slash = mr_slice_chr(s, '/');

	return slash >= 0 && sa_find(s, (size_t)slash + 2, MR_LIT("@")) > 0;
}

/* The form in which it is looked at; n 0: it is none. */
static struct mr_slice with_its_scheme(struct mr_sa *sa, struct mr_slice s, unsigned *types)
{
	if (mr_slice_istarts(s, MR_LIT("http:")) || mr_slice_istarts(s, MR_LIT("https:")) || mr_slice_istarts(s, MR_LIT("ftp:")) ||
	    mr_slice_istarts(s, MR_LIT("mailto:")))
		return s;
	*types |= MR_SA_URI_SCHEMELESS;
	if (mr_slice_istarts(s, MR_LIT("ftp.")))
		return prefixed(sa, "ftp://", s);
	if (with_scheme(s, 0) || slash_before_at(s))
		return prefixed(sa, "http://", s);
	if (mr_slice_chr(s, '@') >= 0) {
		if (!has_dot_behind_at(s) || sa_has(s, MR_LIT("&nbsp;")))
			return MR_LIT("");
		return prefixed(sa, "mailto:", without_label(s));
	}
	if (mr_slice_chr(s, '.') < 0)
		return MR_LIT("");
	*types |= MR_SA_URI_UNLINKED;
	return prefixed(sa, "http://", s);
}

static int hex(char c)
{
	c = mr_lower(c);
	return sa_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct mr_slice sa_uri_decoded(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_alloc(a, 3 * s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			int v = hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]);

			if (v > 0x20 && v < 0x7f) {
				out[n++] = (char)v;
			} else {
				memcpy(out + n, s.p + i, 3);
				n += 3;
			}
			i += 2;
		} else if (c <= ' ' || c >= 0x7f || strchr("\"%<>", c)) {
			static const char digits[] = "0123456789abcdef";

			out[n++] = '%';
			out[n++] = digits[c >> 4];
			out[n++] = digits[c & 15];
		} else {
			out[n++] = (char)c;
		}
	}
	return (struct mr_slice){ out, n };
}

bool sa_uri_has_escape(struct mr_slice s)
{
	for (size_t i = 0; i + 2 < s.n; i++)
		if (s.p[i] == '%' && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0)
			return true;
	return false;
}

static struct mr_slice checked_mail(struct mr_sa *sa, struct mr_slice s)
{
	ptrdiff_t at;
	size_t end;
	struct mr_slice host;

	if (sa_uri_has_escape(s))
		s = sa_uri_decoded(sa->arena, s);
	at = mr_slice_chr(s, '@');
	if (at < 0)
		return MR_LIT("");
	for (end = (size_t)at + 1; end < s.n && !sa_one_of(s.p[end], "?&>");)
		end++;
	host = sa_sub(s, (size_t)at + 1, end);
	while (mr_slice_iends(host, MR_LIT("%20")))
		host.n -= 3;
	return sa_tld_valid(sa->conf, sa->arena, host) ? s : MR_LIT("");
}

static bool is_empty_uri(struct mr_slice s)
{
	size_t i = 0;

	while (i < s.n && sa_is_word(s.p[i]))
		i++;
	if (!i || i >= s.n || s.p[i] != ':')
		return false;
	return s.n - i == 1 || mr_slice_eq(mr_slice_from(s, i), MR_LIT(":/")) || mr_slice_eq(mr_slice_from(s, i), MR_LIT("://"));
}

bool sa_uri_next(struct mr_sa *sa, struct mr_slice text, size_t *at, struct mr_slice *raw, struct mr_slice *uri, unsigned *types)
{
	size_t next_at = *at + up_to_at(mr_slice_from(text, *at));

	for (size_t i = *at; i < text.n; i++) {
		struct mr_slice host = { 0 };
		size_t end;
		bool word = is(text.p[i], WORD), mail = false;

		if (!may_begin(text, i))
			continue;
		end = word ? with_scheme(text, i) : 0;
		if (!end && (end = mail_address(text, i, &next_at)))
			mail = true;
		if (!end && word)
			end = bare_name(sa, text, i, &host);
		if (!end)
			continue;
		*at = end;
		*types = MR_SA_URI_PARSED;
		*uri = MR_LIT("");
		*raw = without_tail(sa_sub(text, i, end));
		if (!raw->n || (mail && mr_slice_chr(*raw, '@') < 0) || (host.p && !sa_fqdn_valid(host)) ||
		    mr_slice_istarts(*raw, MR_LIT("cid:")) || mr_slice_istarts(*raw, MR_LIT("mid:")) || is_empty_uri(*raw))
			return true;
		*uri = with_its_scheme(sa, *raw, types);
		if (mr_slice_istarts(*uri, MR_LIT("mailto:")))
			*uri = checked_mail(sa, *uri);
		return true;
	}
	return false;
}
