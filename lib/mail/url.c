/* url: see url.h. */
/* system */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

/* libraries */
#include <libpsl.h>

/* ours */
#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/parse.h"
#include "mail/idn.h"
#include "mail/url.h"

#define LABEL_MAX 63

static const psl_ctx_t *suffixes;

void mr_url_init(void)
{
	if (!suffixes)
		suffixes = psl_latest(NULL);
	if (!suffixes)
		suffixes = psl_builtin();
}

/* -- host -- */

static int hex(char c)
{
	c = mr_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoding undone. False where it is broken or hides a zero byte. */
static bool decode(struct mr_slice in, struct mr_buf *out, bool *encoded)
{
	for (size_t i = 0; i < in.n; i++) {
		int high, low;

		if (in.p[i] != '%') {
			size_t from = i;

			while (i + 1 < in.n && in.p[i + 1] != '%')
				i++;
			mr_buf_add(out, (struct mr_slice){ in.p + from, i + 1 - from });
			continue;
		}
		high = i + 2 < in.n ? hex(in.p[i + 1]) : -1;
		low = i + 2 < in.n ? hex(in.p[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
			return false;
		*encoded = true;
		mr_buf_putc(out, (char)(high << 4 | low));
		i += 2;
	}
	return !out->full;
}

/* Numbers as browsers read them: "0x7f.1", "017700000001", "2130706433". */
static bool odd_address(const char *host, struct in_addr *out)
{
	size_t n = strspn(host, "0123456789abcdefx.");

	return host[n] == '\0' && host[0] >= '0' && host[0] <= '9' && inet_aton(host, out) != 0;
}

/* Names come again: where the domain begins in those that were asked for last, by their hashes. A scanner has one thread. */
#define KNOWN_NAMES 256
#define KNOWN_BYTES 64
static struct known {
	char host[KNOWN_BYTES];
	size_t domain_at; /* at the end: it has none */
} known[KNOWN_NAMES];

static struct mr_slice domain_of(struct mr_slice host)
{
	struct known *k = &known[mr_hash(host.p, host.n) % KNOWN_NAMES];
	struct mr_slice domain;

	if (mr_slice_eq(host, mr_slice_of(k->host)))
		return mr_slice_from(host, k->domain_at);
	domain = mr_slice_of(psl_registrable_domain(suffixes, host.p));
	if (host.n < KNOWN_BYTES) {
		memcpy(k->host, host.p, host.n + 1);
		k->domain_at = host.n - domain.n;
	}
	return domain;
}

/* Every label has letters, digits, "-" or "_", and there are at least two. */
static bool is_dns_name(struct mr_slice host)
{
	size_t label = 0, dots = 0;

	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			dots++;
		} else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') || ++label > LABEL_MAX) {
			return false;
		}
	}
	return label > 0 && dots > 0 && host.n <= MR_URL_HOST_MAX;
}

/* The name as DNS has it, lower case. Where the rules of IDNA forbid a name that DNS does not, it is taken as it stands:
 * "_dmarc.example.org". */
static const char *to_ascii(struct mr_slice name, struct mr_arena *arena)
{
	char *ascii = mr_arena_slice(arena, mr_idn_ascii(name, arena));

	for (char *p = ascii; *p; p++)
		*p = mr_lower(*p);
	return ascii;
}

/* "[2001:db8::1]"; what is IPv4 in another form is that. */
static int set_address(struct mr_slice host, struct mr_arena *arena, struct mr_url *out)
{
	char text[MR_IP_STRLEN];
	struct mr_ip ip;

	if (mr_slice_chr(host, ':') < 0 || mr_parse_ip(host, &ip) < 0)
		return -EINVAL;
	mr_ip_str(&ip, text);
	out->ip = true;
	out->odd_ip = ip.family == AF_INET;
	out->host = out->domain = mr_slice_of(out->odd_ip ? mr_arena_strdup(arena, text) : mr_arena_printf(arena, "[%s]", text));
	return 0;
}

static int set_host(struct mr_slice host, struct mr_arena *arena, struct mr_url *out)
{
	struct mr_buf plain = MR_BUF(4 * MR_URL_HOST_MAX);
	char text[INET_ADDRSTRLEN];
	struct in_addr address;
	const char *ascii;
	int err = -EINVAL;

	if (mr_slice_starts(host, MR_LIT("[")))
		return set_address(host, arena, out);
	if (!decode(host, &plain, &out->encoded_host) || !plain.n)
		goto out;
	while (plain.n > 1 && plain.p[plain.n - 1] == '.')
		mr_buf_truncate(&plain, plain.n - 1);
	ascii = to_ascii(mr_buf_slice(&plain), arena);
	if (odd_address(ascii, &address) && inet_ntop(AF_INET, &address, text, sizeof(text))) {
		out->ip = true;
		out->odd_ip = strcmp(text, ascii) != 0;
		out->host = out->domain = mr_slice_of(mr_arena_strdup(arena, text));
		err = 0;
	} else if (is_dns_name(mr_slice_of(ascii))) {
		out->host = mr_slice_of(ascii);
		out->domain = domain_of(out->host);
		err = 0;
	}
out:
	mr_buf_done(&plain);
	return err;
}

/* -- the whole -- */

static bool web_scheme(struct mr_slice s)
{
	return mr_slice_ieq(s, MR_LIT("http")) || mr_slice_ieq(s, MR_LIT("https")) || mr_slice_ieq(s, MR_LIT("ftp"));
}

static bool own_port(const struct mr_url *u, struct mr_slice port)
{
	const char *own = mr_slice_eq(u->scheme, MR_LIT("https")) ? "443" : mr_slice_eq(u->scheme, MR_LIT("ftp")) ? "21" : "80";

	return port.n == 0 || mr_slice_eq(port, mr_slice_of(own));
}

static int take_scheme(struct mr_slice *s, struct mr_arena *arena, struct mr_url *out)
{
	ptrdiff_t colon = mr_slice_chr(*s, ':');
	struct mr_slice scheme = { s->p, colon > 0 ? (size_t)colon : 0 };
	char *lower;

	out->scheme = MR_LIT("http");
	if (mr_slice_starts(*s, MR_LIT("//"))) {
		*s = mr_slice_from(*s, 2);
		return 0;
	}
	if (mr_slice_starts(*s, MR_LIT("[")))
		return 0;
	if (!web_scheme(scheme))
		/* "pay.example:8080/x" has no scheme, "mailto:x" another one. */
		return colon < 0 || mr_slice_chr(scheme, '.') >= 0 ? 0 : -EINVAL;
	lower = mr_arena_slice(arena, scheme);
	for (char *p = lower; *p; p++)
		*p = mr_lower(*p);
	out->scheme = mr_slice_of(lower);
	out->scheme_given = true;
	*s = mr_slice_from(*s, (size_t)colon + 1);
	/* Browsers take any number of either slash. */
	while (s->n && (s->p[0] == '/' || s->p[0] == '\\'))
		*s = mr_slice_from(*s, 1);
	return 0;
}

int mr_url_parse(struct mr_slice raw, struct mr_arena *arena, struct mr_url *out)
{
	struct mr_slice s = mr_slice_trim(raw), authority;
	struct mr_url u = { .raw = s };
	size_t end = 0;
	ptrdiff_t at;

	if (take_scheme(&s, arena, &u) < 0)
		return -EINVAL;
	while (end < s.n && !strchr("/\\?#", s.p[end] ? s.p[end] : '/'))
		end++;
	authority = (struct mr_slice){ s.p, end };
	u.rest = mr_slice_from(s, end);
	at = mr_slice_rchr(authority, '@');
	if (at >= 0) {
		u.userinfo = true;
		authority = mr_slice_from(authority, (size_t)at + 1);
	}
	at = mr_slice_rchr(authority, ':');
	if (at > mr_slice_rchr(authority, ']')) {
		u.port = !own_port(&u, mr_slice_from(authority, (size_t)at + 1));
		authority.n = (size_t)at;
	}
	mr_url_init();
	if (set_host(authority, arena, &u) < 0)
		return -EINVAL;
	*out = u;
	return 0;
}

/* -- in text -- */

enum { ENDS_WORD = 1, MAY_BE_ADDRESS = 2 }; /* no address is without one */
static const unsigned char classes[256] = {
	[0 ... ' '] = ENDS_WORD, ['"'] = ENDS_WORD, ['\''] = ENDS_WORD,        ['<'] = ENDS_WORD,      ['>'] = ENDS_WORD,
	['^'] = ENDS_WORD,       ['`'] = ENDS_WORD, ['{' ... '}'] = ENDS_WORD, ['.'] = MAY_BE_ADDRESS, ['['] = MAY_BE_ADDRESS,
};

/* How often a sort of brackets is closed more than opened. */
static ptrdiff_t unopened(struct mr_slice s, char open, char close)
{
	ptrdiff_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] == close) - (s.p[i] == open);
	return n;
}

/* Without the punctuation that belongs to the sentence; a bracket that the address itself has opened is its own. Each sort of bracket is
 * counted once, as a word may be nothing else. */
static struct mr_slice without_tail(struct mr_slice word)
{
	ptrdiff_t left[2];
	bool counted = false;

	while (word.n && strchr(".,;:!?)]*_~", word.p[word.n - 1])) {
		char last = word.p[word.n - 1];

		if (last == ')' || last == ']') {
			if (!counted) {
				left[0] = unopened(word, '(', ')');
				left[1] = unopened(word, '[', ']');
			}
			counted = true;
			if (left[last == ']']-- <= 0)
				break;
		}
		word.n--;
	}
	return word;
}

static bool known_suffix(const struct mr_url *u)
{
	const char *dot = u->host.p ? strrchr(u->host.p, '.') : NULL;

	return dot && psl_is_public_suffix2(suffixes, dot + 1, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}

/* "the end.Next": a missing space, no name. "EXAMPLE.COM" is one. */
static bool is_sentence(struct mr_slice word)
{
	ptrdiff_t dot = mr_slice_rchr(word, '.');
	struct mr_slice last = mr_slice_from(word, (size_t)(dot + 1));

	return last.n > 1 && last.p[0] >= 'A' && last.p[0] <= 'Z' && last.p[1] >= 'a' && last.p[1] <= 'z';
}

/* A mail address is none. */
static bool may_be_wanted(struct mr_slice word)
{
	ptrdiff_t colon = mr_slice_chr(word, ':');

	return word.n && (mr_slice_chr(word, '@') < 0 || (colon > 0 && web_scheme((struct mr_slice){ word.p, (size_t)colon })));
}

static bool wanted(struct mr_slice word, const struct mr_url *u)
{
	if (u->scheme_given)
		return true;
	if (u->ip)
		return false;
	return mr_slice_istarts(word, MR_LIT("www.")) || (u->domain.n > 0 && known_suffix(u) && !is_sentence(word));
}

static bool has_web_scheme(struct mr_slice s)
{
	switch (s.p[0]) {
	case 'h':
	case 'H':
		return mr_slice_istarts(s, MR_LIT("http://")) || mr_slice_istarts(s, MR_LIT("https://"));
	case 'f':
	case 'F':
		return mr_slice_istarts(s, MR_LIT("ftp://"));
	}
	return false;
}

/* "(http://x" and "link:http://x": an address begins at its scheme. */
static struct mr_slice from_scheme(struct mr_slice word)
{
	for (size_t i = 0; i < word.n; i++)
		if (has_web_scheme(mr_slice_from(word, i)))
			return mr_slice_from(word, i);
	while (word.n && strchr("([*_~", word.p[0]))
		word = mr_slice_from(word, 1);
	return word;
}

bool mr_url_next(struct mr_slice *rest, struct mr_arena *arena, struct mr_url *out)
{
	mr_url_init();
	while (rest->n) {
		struct mr_slice word = *rest;
		unsigned seen = 0;
		size_t n;

		for (n = 0; n < word.n && !(classes[(unsigned char)word.p[n]] & ENDS_WORD); n++)
			seen |= classes[(unsigned char)word.p[n]];
		*rest = mr_slice_from(*rest, n < word.n ? n + 1 : n);
		word.n = n;
		if (n < 4 || !seen)
			continue;
		word = without_tail(from_scheme(word));
		if (may_be_wanted(word) && mr_url_parse(word, arena, out) == 0 && wanted(word, out))
			return true;
	}
	return false;
}
