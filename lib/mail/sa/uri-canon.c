/* sa/uri-canon: the forms of an address that rules are compared with: escapes undone, tricks with hosts undone, where a redirector leads.
 */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"

#define FORMS_MAX 40 /* of one address */

struct forms {
	struct mr_sa *sa;
	struct mr_sa_list todo, *out; /* todo: the address, and where it redirects to */
};

static void add(struct forms *f, struct mr_slice s)
{
	if (!sa_list_has(f->out, s))
		sa_list_add(f->sa->arena, f->out, s, FORMS_MAX);
}

static struct mr_slice joined(struct forms *f, struct mr_slice a, struct mr_slice b, struct mr_slice c)
{
	char *p = mr_arena_alloc(f->sa->arena, a.n + b.n + c.n + 1);

	memcpy(p, a.p, a.n);
	if (b.n)
		memcpy(p + a.n, b.p, b.n);
	if (c.n)
		memcpy(p + a.n + b.n, c.p, c.n);
	return (struct mr_slice){ p, a.n + b.n + c.n };
}

static struct mr_slice trimmed(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\n')
			out[n++] = s.p[i];
	s = sa_trim((struct mr_slice){ out, n });
	for (size_t i = n = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			out[n++] = s.p[i];
	return (struct mr_slice){ out, n };
}

/* -- mail addresses -- */

static bool is_mail(struct mr_slice s)
{
	ptrdiff_t at = mr_slice_chr(s, '@'), colon = mr_slice_chr(s, ':');

	return mr_slice_istarts(s, MR_LIT("mailto:")) || (at >= 0 && (colon < 0 || at < colon));
}

static size_t up_to(struct mr_slice s, size_t i, const char *stops)
{
	while (i < s.n && !sa_one_of(s.p[i], stops))
		i++;
	return i;
}

/* Without parameters, without escaped spaces, out of angle brackets. */
static void mail_forms(struct forms *f, struct mr_slice s)
{
	ptrdiff_t at = mr_slice_chr(s, '@'), open;
	size_t end;

	if (at <= 0)
		return;
	end = up_to(s, (size_t)at + 1, "?");
	if (end < s.n && end > (size_t)at + 1)
		add(f, sa_sub(s, 0, end));
	end = up_to(s, (size_t)at + 1, "?&");
	if (end < s.n && s.p[end] == '&' && end > (size_t)at + 1)
		add(f, sa_sub(s, 0, end));
	if (sa_has(s, MR_LIT("%20"))) {
		struct mr_slice rest = mr_slice_istarts(s, MR_LIT("mailto:")) ? mr_slice_from(s, 7) : s;

		while (mr_slice_starts(rest, MR_LIT("%20")))
			rest = mr_slice_from(rest, 3);
		at = mr_slice_chr(rest, '@');
		end = at > 0 ? up_to(rest, (size_t)at + 1, "?&%") : 0;
		if (at > 0 && end > (size_t)at + 1)
			add(f, joined(f, MR_LIT("mailto:"), sa_sub(rest, 0, end), MR_LIT("")));
	}
	open = mr_slice_rchr(sa_sub(s, 0, up_to(s, 0, "?&")), '<');
	if (open >= 0) {
		struct mr_slice inner = mr_slice_from(s, (size_t)open + 1);

		end = up_to(inner, 0, ">");
		at = mr_slice_chr(sa_sub(inner, 0, end), '@');
		if (at > 0 && end < inner.n && end > (size_t)at + 1)
			add(f, joined(f, MR_LIT("mailto:"), sa_sub(inner, 0, end), MR_LIT("")));
	}
}

/* -- web addresses -- */

static size_t http_length(struct mr_slice s)
{
	return mr_slice_istarts(s, MR_LIT("http:")) ? 5 : mr_slice_istarts(s, MR_LIT("https:")) ? 6 : 0;
}

/* Entities that stand for printable characters, and for dots of other scripts. */
static struct mr_slice entities(struct mr_arena *a, struct mr_slice s)
{
	static const unsigned long dots[] = { 12290, 65294, 65377 };
	char *out;
	size_t n = 0;

	if (!sa_has(s, MR_LIT("&#")))
		return s;
	out = mr_arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n;) {
		bool hex = i + 2 < s.n && (s.p[i + 2] == 'x' || s.p[i + 2] == 'X');
		size_t k = i + 2 + hex;
		unsigned long v = 0;

		if (s.p[i] != '&' || i + 3 >= s.n || s.p[i + 1] != '#') {
			out[n++] = s.p[i++];
			continue;
		}
		for (; k < s.n && v < 100000; k++) {
			char c = mr_lower(s.p[k]);
			int d = sa_is_digit(c) ? c - '0' : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

			if (d < 0)
				break;
			v = v * (hex ? 16 : 10) + (unsigned long)d;
		}
		for (size_t d = 0; d < MR_COUNT(dots); d++)
			if (v == dots[d])
				v = '.';
		if (k < s.n && s.p[k] == ';' && v > ' ' && v < 0x7f) {
			out[n++] = (char)v;
			i = k + 1;
		} else {
			out[n++] = s.p[i++];
		}
	}
	return (struct mr_slice){ out, n };
}

static bool has_scheme(struct mr_slice s)
{
	size_t i = 0;

	while (i < s.n && (sa_is_word(s.p[i]) || s.p[i] == '-'))
		i++;
	return i && i < s.n && s.p[i] == ':';
}

/* "\" as "/", "http:x" as "http://x", escapes undone, a scheme before it, "/" before a query. */
static struct mr_slice plain(struct forms *f, struct mr_slice s)
{
	char *p = mr_arena_slice(f->sa->arena, s);
	size_t http, end;

	for (size_t i = 0; i < s.n; i++)
		if (p[i] == '\\')
			p[i] = '/';
	s.p = p;
	http = http_length(s);
	if (http) {
		size_t slashes = 0;

		while (slashes < 2 && http + slashes < s.n && s.p[http + slashes] == '/')
			slashes++;
		if (slashes < 2)
			s = joined(f, sa_sub(s, 0, http), MR_LIT("//"), mr_slice_from(s, http + slashes));
	}
	if (sa_uri_has_escape(s))
		s = sa_uri_decoded(f->sa->arena, s);
	if (!has_scheme(s))
		s = joined(f, mr_slice_starts(s, MR_LIT("ftp.")) ? MR_LIT("ftp://") : MR_LIT("http://"), s, MR_LIT(""));
	http = http_length(s);
	if (http && mr_slice_starts(mr_slice_from(s, http), MR_LIT("//"))) {
		end = up_to(s, http + 2, "/?#");
		if (end > http + 2 && end < s.n && s.p[end] != '/')
			s = joined(f, sa_sub(s, 0, end), MR_LIT("/"), mr_slice_from(s, end));
	}
	return entities(f->sa->arena, s);
}

/* -- hosts -- */

/* A number of an address: decimal, octal or hexadecimal. False: it is none. */
static bool number(struct mr_slice s, unsigned long *out)
{
	int base = s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X') ? 16 : s.n > 1 && s.p[0] == '0' ? 8 : 10;
	unsigned long v = 0;

	for (size_t i = base == 16 ? 2 : 0; i < s.n; i++) {
		char c = mr_lower(s.p[i]);
		int d = sa_is_digit(c) ? c - '0' : base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (d < 0)
			return false;
		if (base == 8 && d > 7)
			base = 10;
		v = (v * (unsigned long)base + (unsigned long)d) & 0xffffffffUL;
	}
	*out = v;
	return s.n > 0;
}

static struct mr_slice dotted(struct mr_arena *a, unsigned long v)
{
	return mr_slice_of(mr_arena_printf(a, "%lu.%lu.%lu.%lu", v >> 24 & 255, v >> 16 & 255, v >> 8 & 255, v & 255));
}

/* An address in disguise: "0x7f.1.0x1.1", "2130706433". */
static bool address_form(struct forms *f, struct mr_slice proto, struct mr_slice host, struct mr_slice rest)
{
	struct mr_slice part[4], left = host;
	unsigned long v[4], one;
	size_t n = 0;

	while (n < 4 && mr_slice_next(&left, '.', &part[n]) && number(part[n], &v[n]))
		n++;
	if (n == 4 && !left.p) {
		struct mr_slice text = MR_LIT("");

		/* A nought is nothing, so that SpamAssassin finds no address then. */
		for (size_t i = 0; i < 4; i++)
			text = mr_slice_of(v[i] ? mr_arena_printf(f->sa->arena, "%s%s%lu", text.p, i ? "." : "", v[i])
						: mr_arena_printf(f->sa->arena, "%s%s", text.p, i ? "." : ""));
		add(f, joined(f, proto, text, rest));
		return true;
	}
	if (mr_slice_chr(host, '.') < 0 && number(host, &one)) {
		add(f, joined(f, proto, dotted(f->sa->arena, one), rest));
		return true;
	}
	return false;
}

struct web {
	struct mr_slice proto, auth, host, rest, port; /* rest: with the port */
};

static bool split(struct mr_slice s, struct web *w)
{
	size_t http = http_length(s), i, end;
	ptrdiff_t at;

	*w = (struct web){ 0 };
	if (!http || !mr_slice_starts(mr_slice_from(s, http), MR_LIT("//")))
		return false;
	i = http + 2;
	w->proto = sa_sub(s, 0, i);
	end = up_to(s, i, "/?#");
	at = mr_slice_chr(sa_sub(s, i, end), '@');
	if (at >= 0) {
		w->auth = sa_sub(s, i, i + (size_t)at + 1);
		i += (size_t)at + 1;
	}
	end = up_to(s, i, "/?#:");
	if (end == i)
		return false;
	w->host = sa_sub(s, i, end);
	w->rest = mr_slice_from(s, end);
	if (w->rest.n && w->rest.p[0] == ':') {
		size_t k = 1;

		while (k < w->rest.n && sa_is_digit(w->rest.p[k]))
			k++;
		w->port = sa_sub(w->rest, 1, k);
	}
	return true;
}

static void lead_to(struct forms *f, struct mr_slice s)
{
	if (s.n > f->sa->redirect_room)
		return;
	f->sa->redirect_room -= s.n;
	sa_list_add(f->sa->arena, &f->todo, s, FORMS_MAX);
}

/* Where an address in the address leads. */
static void hard_coded(struct forms *f, struct mr_slice rest)
{
	struct mr_slice lower = sa_lower(f->sa->arena, rest);
	ptrdiff_t at = -1;

	while ((at = sa_find(lower, (size_t)(at + 1), MR_LIT("http"))) >= 0) {
		struct mr_slice s = mr_slice_from(rest, (size_t)at);
		size_t n = http_length(s), end;

		if (!n)
			continue;
		end = up_to(s, n, "&#");
		if (end > n && mr_slice_chr(sa_sub(s, 0, end), '.') >= 0)
			lead_to(f, sa_sub(s, 0, end));
		return;
	}
}

/* Where it leads by a pattern; else an address in the address. */
static void redirection(struct forms *f, const struct web *w)
{
	struct mr_slice rest = w->rest, where;

	if (sa_conf_redirects(f->sa, joined(f, w->proto, w->host, rest), &where))
		lead_to(f, where);
	else
		hard_coded(f, rest);
}

/* "http://example" is "http://www.example.com" to some browsers. */
static void completed(struct forms *f, const struct web *w, struct mr_slice host)
{
	struct mr_slice name = mr_slice_starts(host, MR_LIT("www.")) ? mr_slice_from(host, 4) : host;

	if (!mr_slice_ieq(w->proto, MR_LIT("http://")) || w->auth.n || mr_slice_eq(host, MR_LIT("localhost")) ||
	    (w->port.n && !mr_slice_eq(w->port, MR_LIT("80"))) || !name.n || mr_slice_chr(name, '.') >= 0 ||
	    sa_tld_valid(f->sa->conf, f->sa->arena, host))
		return;
	add(f, joined(f, joined(f, w->proto, MR_LIT("www."), name), MR_LIT(".com"), w->rest));
}

static struct mr_slice printable(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > ' ')
			out[n++] = s.p[i];
	return (struct mr_slice){ out, n };
}

static void host_forms(struct forms *f, struct web w)
{
	struct mr_slice ascii = sa_to_ascii(f->sa->arena, w.host), clean, without_port = mr_slice_from(w.rest, w.port.n + 1);
	bool https = mr_slice_ieq(w.proto, MR_LIT("https://"));

	if (w.port.n && mr_slice_eq(w.port, https ? MR_LIT("443") : MR_LIT("80")))
		add(f, joined(f, w.proto, w.host, without_port));
	if (!mr_slice_ieq(ascii, w.host)) {
		add(f, joined(f, w.proto, ascii, w.rest));
		if (w.port.n && without_port.n)
			add(f, joined(f, w.proto, ascii, without_port));
		w.host = ascii;
	}
	clean = printable(f->sa->arena, w.host);
	if (clean.n != w.host.n) {
		w.host = clean;
		add(f, joined(f, w.proto, w.host, w.rest));
	}
	redirection(f, &w);
	if (mr_slice_rchr(w.host, '@') > 0) {
		w.host = mr_slice_from(w.host, (size_t)mr_slice_rchr(w.host, '@') + 1);
		add(f, joined(f, w.proto, w.host, w.rest));
	}
	clean = w.host;
	while (clean.n && !sa_is_alpha(clean.p[clean.n - 1]) && !sa_is_digit(clean.p[clean.n - 1]))
		clean.n--;
	if (clean.n != w.host.n) {
		w.host = clean;
		add(f, joined(f, w.proto, w.host, w.rest));
	}
	if (!address_form(f, w.proto, w.host, w.rest))
		completed(f, &w, ascii);
}

void sa_uri_canonical(struct mr_sa *sa, struct mr_slice raw, struct mr_sa_list *out)
{
	struct forms f = { .sa = sa, .out = out };

	sa_list_add(sa->arena, &f.todo, raw, FORMS_MAX);
	for (size_t i = 0; i < f.todo.n; i++) {
		struct mr_slice s = trimmed(sa->arena, f.todo.items[i]), form;
		struct web w;

		add(&f, s);
		if (s.n <= 1 || strchr("#?&", s.p[0]) || (s.p[0] == '/' && s.p[1] != '/'))
			continue;
		if (is_mail(s)) {
			mail_forms(&f, s);
			continue;
		}
		form = plain(&f, s);
		add(&f, form);
		if (split(form, &w))
			host_forms(&f, w);
	}
}
