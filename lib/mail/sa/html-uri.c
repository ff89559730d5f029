/* sa/html-uri: see html-uri.h */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/html-uri.h"
#include "mail/sa/internal.h"

#define ANCHORS_MAX 100 /* texts of one address that are kept */

/* -- addresses against a base -- */

struct parts {
	struct mr_slice scheme, authority, path, query, fragment; /* p NULL: there is none */
};

static size_t up_to(struct mr_slice s, size_t i, const char *stops)
{
	while (i < s.n && !sa_one_of(s.p[i], stops))
		i++;
	return i;
}

static struct parts split(struct mr_slice s)
{
	struct parts p = { 0 };
	size_t i = up_to(s, 0, ":/?#"), end;

	if (i && i < s.n && s.p[i] == ':') {
		p.scheme = sa_sub(s, 0, i);
		s = mr_slice_from(s, i + 1);
	}
	if (s.n > 1 && s.p[0] == '/' && s.p[1] == '/') {
		end = up_to(s, 2, "/?#");
		p.authority = sa_sub(s, 2, end);
		s = mr_slice_from(s, end);
	}
	end = up_to(s, 0, "?#");
	p.path = sa_sub(s, 0, end);
	s = mr_slice_from(s, end);
	if (s.n && s.p[0] == '?') {
		end = up_to(s, 1, "#");
		p.query = sa_sub(s, 1, end);
		s = mr_slice_from(s, end);
	}
	if (s.n && s.p[0] == '#')
		p.fragment = mr_slice_from(s, 1);
	return p;
}

static bool is_dots(struct mr_slice in, size_t dots)
{
	return in.n > dots && in.p[0] == '/' && strncmp(in.p + 1, "..", dots) == 0 && (in.n == dots + 1 || in.p[dots + 1] == '/');
}

static struct mr_slice without_dots(struct mr_arena *a, struct mr_slice s)
{
	char *copy = mr_arena_alloc(a, s.n + 2), *out = mr_arena_alloc(a, s.n + 2);
	struct mr_slice in = { copy, s.n };
	size_t n = 0;

	if (s.n)
		memcpy(copy, s.p, s.n);
	if (mr_slice_starts(in, MR_LIT("../")))
		in = mr_slice_from(in, 2);
	else if (mr_slice_starts(in, MR_LIT("./")))
		in = mr_slice_from(in, 1);
	while (in.n) {
		size_t dots = is_dots(in, 1) ? 1 : is_dots(in, 2) ? 2 : 0, end;

		if (dots) {
			size_t gone = in.n == dots + 1 ? dots : dots + 1;

			in = mr_slice_from(in, gone);
			copy[in.p - copy] = '/';
			if (dots == 2) {
				while (n && out[n - 1] != '/')
					n--;
				n -= n > 0;
			}
			continue;
		}
		end = up_to(in, in.p[0] == '/' ? 1 : 0, "/");
		memcpy(out + n, in.p, end);
		n += end;
		in = mr_slice_from(in, end);
	}
	return (struct mr_slice){ out, n };
}

static struct mr_slice merged(struct mr_arena *a, const struct parts *base, struct mr_slice path)
{
	ptrdiff_t slash = mr_slice_rchr(base->path, '/');

	if (base->authority.p && !base->path.n)
		return mr_slice_of(mr_arena_printf(a, "/%.*s", (int)path.n, path.p));
	if (slash < 0)
		return path;
	return mr_slice_of(mr_arena_printf(a, "%.*s%.*s", (int)slash + 1, base->path.p, (int)path.n, path.p));
}

static bool begins_with_number(struct mr_slice s, const char *word)
{
	size_t i = mr_slice_of(word).n;

	if (!mr_slice_istarts(s, mr_slice_of(word)))
		return false;
	while (i < s.n && sa_is_digit(s.p[i]))
		i++;
	return i < s.n && s.p[i] == '.';
}

static struct mr_slice compose(struct mr_arena *a, const struct parts *t)
{
	struct mr_buf b = MR_BUF(2 * MR_SA_URI_MAX + 64);

	if (t->scheme.n) {
		mr_buf_add(&b, t->scheme);
		mr_buf_putc(&b, ':');
	} else if (t->authority.p) {
		if (begins_with_number(t->authority, "www"))
			mr_buf_puts(&b, "http:");
		else if (begins_with_number(t->authority, "ftp"))
			mr_buf_puts(&b, "ftp:");
	}
	if (t->authority.p) {
		mr_buf_puts(&b, "//");
		mr_buf_add(&b, t->authority);
	}
	mr_buf_add(&b, t->path);
	if (t->query.p) {
		mr_buf_putc(&b, '?');
		mr_buf_add(&b, t->query);
	}
	if (t->fragment.p) {
		mr_buf_putc(&b, '#');
		mr_buf_add(&b, t->fragment);
	}
	return sa_keep_buf(a, &b);
}

struct mr_slice sa_uri_resolve(struct mr_arena *a, struct mr_slice base, struct mr_slice uri)
{
	struct parts r = split(uri), b = split(base), t = { .fragment = r.fragment, .query = r.query };

	if (r.scheme.p && b.scheme.p && mr_slice_eq(r.scheme, b.scheme))
		r.scheme = (struct mr_slice){ 0 };
	t.scheme = r.scheme.p ? r.scheme : b.scheme;
	if (r.scheme.p || r.authority.p) {
		t.authority = r.authority;
		t.path = without_dots(a, r.path);
		return compose(a, &t);
	}
	t.authority = b.authority;
	if (!r.path.n) {
		t.path = b.path;
		t.query = r.query.p ? r.query : b.query;
	} else {
		t.path = without_dots(a, r.path.p[0] == '/' ? r.path : merged(a, &b, r.path));
	}
	return compose(a, &t);
}

/* -- what is found -- */

void sa_html_uris_init(struct sa_html_uris *u, size_t *room, struct mr_arena *arena)
{
	*u = (struct sa_html_uris){ .arena = arena, .room = room, .base = MR_LIT("") };
}

static struct mr_sa_html_uri *entry(struct sa_html_uris *u, struct mr_slice uri)
{
	for (size_t i = 0; i < u->n; i++)
		if (mr_slice_eq(u->items[i].uri, uri))
			return &u->items[i];
	if (u->n == MR_SA_HTML_URIS_MAX)
		return NULL;
	if (u->n == u->items_room) {
		struct mr_sa_html_uri *more = mr_arena_alloc(u->arena, (2 * u->items_room + 8) * sizeof(*more));

		if (u->n)
			memcpy(more, u->items, u->n * sizeof(*more));
		u->items = more;
		u->items_room = 2 * u->items_room + 8;
	}
	u->items[u->n] = (struct mr_sa_html_uri){ .uri = uri };
	return &u->items[u->n++];
}

static struct mr_slice trimmed(struct sa_html_uris *u, struct mr_slice s)
{
	for (struct mr_slice before = { 0 }; s.n != before.n;) {
		before = s;
		s = sa_trim(s);
		if (mr_slice_starts(s, MR_LIT("\xc2\xa0")))
			s = mr_slice_from(s, 2);
		if (s.n > 1 && memcmp(s.p + s.n - 2, "\xc2\xa0", 2) == 0)
			s.n -= 2;
	}
	if (s.n > MR_SA_URI_MAX) {
		u->truncated = true;
		s.n = MR_SA_URI_MAX;
	}
	return s;
}

static bool stands_alone(struct mr_slice s)
{
	return mr_slice_istarts(s, MR_LIT("data:")) || mr_slice_istarts(s, MR_LIT("mailto:")) || mr_slice_istarts(s, MR_LIT("file:")) ||
	       mr_slice_istarts(s, MR_LIT("cid:")) || mr_slice_istarts(s, MR_LIT("tel:"));
}

static void add(struct sa_html_uris *u, unsigned type, struct mr_slice uri)
{
	struct mr_sa_html_uri *e;

	uri = trimmed(u, uri);
	if (!uri.n || *u->room < u->base.n + uri.n)
		return;
	*u->room -= u->base.n + uri.n;
	if (!stands_alone(uri))
		uri = sa_uri_resolve(u->arena, u->base, uri);
	e = uri.n ? entry(u, uri) : NULL;
	if (e)
		e->types |= type;
}

void sa_html_uris_open(struct sa_html_uris *u, struct mr_slice href)
{
	u->open = trimmed(u, href);
}

void sa_html_uris_anchor(struct sa_html_uris *u, struct mr_slice text)
{
	struct mr_sa_html_uri *e = entry(u, u->open);

	if (e)
		sa_list_add(u->arena, &e->anchors, text, ANCHORS_MAX);
}

/* "x/href" is one, too: some write so. */
static struct mr_slice value_of(struct sa_html_uris *u, const struct sa_token *t, const char *name, bool *there)
{
	struct mr_slice found = sa_attribute_value(u->arena, t, name, there);

	for (size_t i = 0; i < t->n_attributes; i++) {
		struct mr_slice n = t->attributes[i].name;
		size_t tail = mr_slice_of(name).n;

		if (n.n < tail + 2 || !mr_slice_iends(n, mr_slice_of(name)) || n.p[n.n - tail - 1] != '/' ||
		    !sa_is_word(n.p[n.n - tail - 2]))
			continue;
		*there = true;
		return t->attributes[i].value;
	}
	return found;
}

/* Without the byte order marks that some put into addresses. */
static struct mr_slice without_mark(struct mr_arena *a, struct mr_slice s)
{
	char *out;
	size_t n = 0;

	if (!sa_has(s, MR_LIT("\xef\xbb\xbf")))
		return s;
	out = mr_arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		if (mr_slice_starts(mr_slice_from(s, i), MR_LIT("\xef\xbb\xbf")))
			i += 2;
		else
			out[n++] = s.p[i];
	}
	return (struct mr_slice){ out, n };
}

/* A base for what follows: without the name of a file at its end. */
static void set_base(struct sa_html_uris *u, struct mr_slice uri)
{
	struct parts p = split(uri);
	ptrdiff_t slash, dot;

	if (!mr_slice_ieq(p.scheme, MR_LIT("http")) && !mr_slice_ieq(p.scheme, MR_LIT("https")) && !mr_slice_ieq(p.scheme, MR_LIT("ftp")))
		return;
	slash = mr_slice_rchr(uri, '/');
	dot = mr_slice_rchr(uri, '.');
	if (p.path.n && slash >= 0 && dot > slash + 1 && uri.n - (size_t)dot >= 3 && uri.n - (size_t)dot <= 5)
		uri.n = (size_t)slash + 1;
	if (!uri.n || uri.p[uri.n - 1] != '/')
		uri = mr_slice_of(mr_arena_printf(u->arena, "%.*s/", (int)uri.n, uri.p));
	u->base = uri;
}

static void meta_refresh(struct sa_html_uris *u, const struct sa_token *t)
{
	bool has_equiv, there;
	struct mr_slice equiv = sa_attribute_value(u->arena, t, "http-equiv", &has_equiv),
			s = sa_attribute_value(u->arena, t, "content", &there), lower;
	ptrdiff_t at = -1, found = -1;

	if (!has_equiv || !there || !sa_ihas(equiv, MR_LIT("refresh")))
		return;
	lower = sa_lower(u->arena, s);
	while ((at = sa_find(lower, (size_t)(at + 1), MR_LIT("url"))) >= 0) {
		size_t i = (size_t)at + 3;

		while (i < s.n && sa_is_space(s.p[i]))
			i++;
		if (i < s.n && s.p[i] == '=' && (!at || !sa_is_word(s.p[at - 1])))
			found = (ptrdiff_t)i + 1;
	}
	if (found < 0)
		return;
	s = mr_slice_from(s, (size_t)found);
	if ((at = mr_slice_chr(s, ';')) >= 0)
		s.n = (size_t)at;
	add(u, MR_SA_URI_META, sa_trim(s));
}

void sa_html_uris_tag(struct sa_html_uris *u, struct mr_slice tag, const struct sa_token *t)
{
	static const struct {
		const char *tag, *attribute;
		unsigned type;
	} places[] = {
		{ "a", "href", MR_SA_URI_A },
		{ "area", "href", MR_SA_URI_AREA },
		{ "link", "href", MR_SA_URI_LINK },
		{ "body", "background", MR_SA_URI_BODY },
		{ "table", "background", MR_SA_URI_TABLE },
		{ "tr", "background", MR_SA_URI_TR },
		{ "td", "background", MR_SA_URI_TD },
		{ "img", "src", MR_SA_URI_IMG },
		{ "frame", "src", MR_SA_URI_FRAME },
		{ "iframe", "src", MR_SA_URI_IFRAME },
		{ "embed", "src", MR_SA_URI_EMBED },
		{ "script", "src", MR_SA_URI_SCRIPT },
		{ "bgsound", "src", MR_SA_URI_BGSOUND },
		{ "form", "action", MR_SA_URI_FORM },
		{ "base", "href", MR_SA_URI_BASE },
	};
	bool there;

	for (size_t i = 0; i < MR_COUNT(places); i++) {
		struct mr_slice value;

		if (!mr_slice_eq(tag, mr_slice_of(places[i].tag)))
			continue;
		value = value_of(u, t, places[i].attribute, &there);
		if (there)
			add(u, places[i].type, without_mark(u->arena, value));
		if (there && places[i].type == MR_SA_URI_BASE)
			set_base(u, trimmed(u, value));
		if (i < 3) {
			value = sa_attribute_value(u->arena, t, "data-saferedirecturl", &there);
			if (there)
				add(u, places[i].type, value);
		}
		return;
	}
	if (mr_slice_eq(tag, MR_LIT("meta")))
		meta_refresh(u, t);
}
