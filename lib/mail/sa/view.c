/* sa/view: see sa.h. The texts of the body, and the addresses in them. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/internal.h"
#include "mail/tags.h"

#define LINE_MAX_ 2048  /* bytes of a paragraph of the body, and the least of a chunk of the raw body */
#define LINES_MAX 20000 /* items of a text */
#define NEAR      1024  /* bytes past a bound in which a better place to cut is looked for */
#define HTMLS_MAX 100   /* parts of HTML whose numbers are kept */

static struct mr_slice first_line(struct mr_slice s)
{
	ptrdiff_t lf = mr_slice_chr(s, '\n');

	return (struct mr_slice){ s.p, lf < 0 ? s.n : (size_t)lf + 1 };
}

struct mr_slice mr_sa_pristine_body(struct mr_sa *sa)
{
	return sa->pristine_body;
}

bool mr_sa_flag(struct mr_sa *sa, struct mr_slice name)
{
	struct mr_sa_list all = { 0 };
	const struct {
		const char *name;
		const bool *value;
	} flags[] = {
		{ "truncated_header", &sa->truncated_header },
		{ "missing_head_body_separator", &sa->missing_head_body_separator },
		{ "missing_mime_headers", &sa->missing_mime_headers },
		{ "missing_mime_head_body_separator", &sa->missing_mime_head_body_separator },
		{ "mime_epilogue_exists", &sa->mime_epilogue },
		{ "mimepart_limit_exceeded", &sa->part_limit },
		{ "uri_truncated", &sa->uri_truncated },
	};

	sa_mime_parse(sa);
	if (mr_slice_eq(name, MR_LIT("truncated_header")) && !sa->truncated_header)
		sa_header_all(sa->arena, &sa->nodes[0].header, false, &all, &sa->truncated_header);
	for (size_t i = 0; i < MR_COUNT(flags); i++)
		if (mr_slice_eq(name, mr_slice_of(flags[i].name)))
			return *flags[i].value;
	return false;
}

bool mr_sa_boundary_missing(struct mr_sa *sa)
{
	sa_mime_parse(sa);
	return sa->boundary_missing;
}

/* -- parts -- */

struct mr_slice mr_sa_part_decoded(struct mr_sa *sa, size_t i)
{
	struct sa_node *n = &sa->nodes[i];
	struct mr_slice encoding;

	if (n->is_decoded)
		return n->decoded;
	n->is_decoded = true;
	n->decoded = n->raw;
	encoding = sa_header_value(sa->arena, &n->header, MR_LIT("content-transfer-encoding"));
	if (mr_slice_ieq(encoding, MR_LIT("quoted-printable"))) {
		n->decoded = sa_without_cr(sa->arena, sa_quoted_printable(sa->arena, n->raw));
	} else if (mr_slice_ieq(encoding, MR_LIT("base64"))) {
		n->decoded = sa_base64(sa->arena, n->raw);
		if (mr_slice_istarts(n->part.type, MR_LIT("text/")) || mr_slice_istarts(n->part.type, MR_LIT("message/")))
			n->decoded = sa_without_cr(sa->arena, n->decoded);
	}
	return n->decoded;
}

/* What the name says is HTML, is. */
static struct mr_slice effective_type(const struct sa_node *n)
{
	static const char *const ends[] = { ".html", ".htm", ".shtml", ".shtm" };

	for (size_t k = 0; k < MR_COUNT(ends); k++)
		if (mr_slice_iends(n->part.name, mr_slice_of(ends[k])))
			return MR_LIT("text/html");
	return n->part.type;
}

struct mr_slice mr_sa_part_rendered(struct mr_sa *sa, size_t i, const struct mr_sa_html **html)
{
	struct sa_node *n = &sa->nodes[i];
	struct mr_slice type = effective_type(n), text;

	*html = n->html;
	if (n->is_rendered)
		return n->rendered;
	n->is_rendered = true;
	if (!mr_slice_eq(type, MR_LIT("text/plain")) && !mr_slice_eq(type, MR_LIT("text/html")))
		return n->rendered;
	text = mr_sa_part_decoded(sa, i);
	text = sa_normalize(sa->arena, text, n->part.charset.n ? n->part.charset : MR_LIT("us-ascii"), false, &n->wide);
	if (text.n && mr_slice_eq(type, MR_LIT("text/html"))) {
		n->html = mr_arena_alloc(sa->arena, sizeof(*n->html));
		mr_sa_html_read(text, n->wide, &sa->uri_room, sa->arena, n->html);
		n->html->ratio = ((double)mr_sa_part_decoded(sa, i).n - n->html->html_length) / (double)mr_sa_part_decoded(sa, i).n;
		text = n->html->text;
		n->wide = n->html->wide;
	}
	n->rendered = text.p ? text : MR_LIT("");
	*html = n->html;
	return n->rendered;
}

/* -- the rendered body -- */

/* Where the character number n of UTF-8 begins, from `from` on. */
static size_t after_characters(struct mr_slice s, size_t from, size_t n)
{
	while (from < s.n && n) {
		from++;
		while (from < s.n && (s.p[from] & 0xc0) == 0x80)
			from++;
		n--;
	}
	return from;
}

/* Up to max characters, or a little more to end at a line, else at a word. */
static struct mr_slice cut_near(struct mr_slice s, size_t max, const char *places, bool utf8)
{
	size_t from = s.n > max && utf8 ? after_characters(s, 0, max) : max, limit;

	if (s.n <= from)
		return s;
	limit = utf8 ? after_characters(s, from, NEAR + 1) : from + NEAR + 1;
	for (; *places; places++) {
		const char *at = memchr(s.p + from, *places, s.n - from);

		if (at && (size_t)(at - s.p) < limit)
			return (struct mr_slice){ s.p, (size_t)(at - s.p) + 1 };
	}
	return (struct mr_slice){ s.p, from };
}

/* White space with an empty line in it ends a paragraph; all other is one space. */
static struct mr_slice folded(struct mr_arena *a, struct mr_slice s, bool wide)
{
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0, len; i < s.n;) {
		size_t first = 0, last = 0, breaks = 0, before, after;

		for (; i < s.n && !sa_space_at(s, i, wide); i++)
			out[n++] = s.p[i] ? s.p[i] : '\n';
		if (i == s.n)
			break;
		before = i;
		for (; i < s.n && (len = sa_space_at(s, i, wide)); i += len) {
			if (s.p[i] != '\n')
				continue;
			if (!breaks++)
				first = i;
			last = i + 1;
		}
		after = i;
		if (breaks < 2) {
			out[n++] = ' ';
			continue;
		}
		if (first > before)
			out[n++] = ' ';
		out[n++] = '\n';
		if (after > last)
			out[n++] = ' ';
	}
	return (struct mr_slice){ out, n };
}

static void add_paragraphs(struct mr_arena *a, struct mr_slice s, struct mr_sa_list *out)
{
	while (s.n) {
		struct mr_slice line = first_line(s);

		s = mr_slice_from(s, line.n);
		while (line.n > LINE_MAX_) {
			size_t n = LINE_MAX_ + 1;

			while (n && line.p[n - 1] != ' ')
				n--;
			if (!n)
				n = LINE_MAX_;
			sa_list_add(a, out, sa_sub(line, 0, n), LINES_MAX);
			line = mr_slice_from(line, n);
		}
		if (line.n)
			sa_list_add(a, out, line, LINES_MAX);
	}
}

static void render_parts(struct mr_sa *sa, struct mr_buf *text, bool *wide)
{
	for (size_t i = 0; i < sa->n_nodes; i++) {
		const struct mr_sa_html *html;
		struct mr_slice s;

		if (!sa->nodes[i].part.leaf)
			continue;
		if (text->n)
			mr_buf_putc(text, '\n');
		s = mr_sa_part_rendered(sa, i, &html);
		if (!s.p)
			continue;
		mr_buf_add(text, cut_near(s, MR_SA_BODY_MAX, "\n ", true));
		*wide |= sa->nodes[i].wide;
		if (html && sa->n_htmls < HTMLS_MAX)
			sa->htmls[sa->n_htmls++] = html;
	}
}

const struct mr_sa_list *mr_sa_body(struct mr_sa *sa)
{
	struct mr_buf text = MR_BUF(MR_SA_TEXT_MAX);
	const struct mr_sa_list *subject;
	struct mr_slice s;
	bool wide = false;

	if (sa->has_body_text)
		return &sa->body_text;
	sa->has_body_text = true;
	sa_mime_parse(sa);
	sa->htmls = mr_arena_alloc(sa->arena, HTMLS_MAX * sizeof(*sa->htmls));
	subject = mr_sa_get(sa, MR_LIT("Subject"));
	add_paragraphs(sa->arena, subject->n ? subject->items[subject->n - 1] : MR_LIT("\n"), &sa->body_text);
	render_parts(sa, &text, &wide);
	s = folded(sa->arena, mr_buf_slice(&text), wide);
	mr_buf_done(&text);
	add_paragraphs(sa->arena, wide ? s : sa_narrowed(sa->arena, s), &sa->body_text);
	return &sa->body_text;
}

const struct mr_sa_html *const *mr_sa_htmls(struct mr_sa *sa, size_t *n)
{
	mr_sa_body(sa);
	*n = sa->n_htmls;
	return sa->htmls;
}

/* -- the raw body -- */

static ptrdiff_t near_char(struct mr_slice s, size_t from, char c)
{
	const char *at = memchr(s.p + from, c, s.n - from);

	return at && (size_t)(at - s.p) < 2 * LINE_MAX_ ? at - s.p : -1;
}

/* Chunks of one to two times so many bytes, cut behind a line, else a tag, else a word. */
static void add_chunks(struct mr_arena *a, struct mr_slice s, struct mr_sa_list *out)
{
	while (s.n > 2 * LINE_MAX_) {
		ptrdiff_t at = near_char(s, LINE_MAX_, '\n');

		if (at < 0)
			at = near_char(s, LINE_MAX_, '>');
		if (at < 0)
			at = near_char(s, LINE_MAX_, ' ');
		if (at < 0)
			at = LINE_MAX_;
		sa_list_add(a, out, sa_sub(s, 0, (size_t)at + 1), LINES_MAX);
		s = mr_slice_from(s, (size_t)at + 1);
	}
	sa_list_add(a, out, s, LINES_MAX);
}

const struct mr_sa_list *mr_sa_rawbody(struct mr_sa *sa)
{
	size_t left = MR_SA_BYTES_MAX;

	if (sa->has_raw_text)
		return &sa->raw_text;
	sa->has_raw_text = true;
	sa_mime_parse(sa);
	for (size_t i = 0; i < sa->n_nodes; i++) {
		struct sa_node *n = &sa->nodes[i];
		struct mr_slice type = effective_type(n), s;

		if (!n->part.leaf || mr_slice_eq(n->part.type, MR_LIT("text/calendar")) ||
		    !(mr_slice_starts(type, MR_LIT("text/")) || mr_slice_starts(type, MR_LIT("message/"))))
			continue;
		s = cut_near(mr_sa_part_decoded(sa, i), MR_SA_RAW_MAX, "\n> ", false);
		if (s.n > left)
			s.n = left;
		left -= s.n;
		add_chunks(sa->arena, s, &sa->raw_text);
	}
	return &sa->raw_text;
}

/* -- senders and recipients -- */

static void add_all(struct mr_sa *sa, const char *request, struct mr_sa_list *out)
{
	const struct mr_sa_list *l = mr_sa_get(sa, mr_slice_of(request));

	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].n && !sa_list_has(out, l->items[i]))
			sa_list_add(sa->arena, out, l->items[i], 1000);
}

/* Without dots in a row. */
static struct mr_slice single_dots(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '.' || !i || s.p[i - 1] != '.')
			out[n++] = s.p[i];
	return (struct mr_slice){ out, n };
}

const struct mr_sa_list *mr_sa_all_from(struct mr_sa *sa)
{
	static const char *const requests[] = { "From:addr", "Envelope-Sender:addr", "Resent-Sender:addr", "X-Envelope-From:addr",
						"EnvelopeFrom:addr" };
	struct mr_sa_list found = { 0 };

	if (sa->has_all_from)
		return &sa->all_from;
	sa->has_all_from = true;
	add_all(sa, "Resent-From:first:addr", &sa->all_from);
	if (sa->all_from.n)
		return &sa->all_from;
	for (size_t i = 0; i < MR_COUNT(requests); i++)
		add_all(sa, requests[i], &found);
	for (size_t i = 0; i < found.n; i++) {
		struct mr_slice s = single_dots(sa->arena, found.items[i]);

		if (!sa_list_has(&sa->all_from, s))
			sa_list_add(sa->arena, &sa->all_from, s, 1000);
	}
	return &sa->all_from;
}

/* "... for <address>;" of the newest three Received fields. */
static void add_received_for(struct mr_sa *sa)
{
	const struct mr_sa_list *received = mr_sa_get(sa, MR_LIT("Received"));

	for (size_t i = 0; i < received->n && i < 3; i++) {
		struct mr_slice s = received->items[i];
		ptrdiff_t at = sa_find(s, 0, MR_LIT(" for "));
		size_t end;

		if (at < 0)
			continue;
		s = mr_slice_from(s, (size_t)at + 5);
		if (s.n && s.p[0] == '<')
			s = mr_slice_from(s, 1);
		for (end = 0; end < s.n && !sa_is_space(s.p[end]) && s.p[end] != '>' && s.p[end] != ';';)
			end++;
		at = mr_slice_chr(sa_sub(s, 0, end), '@');
		if (at > 0 && end < s.n && !sa_is_space(s.p[end]) && sa_fqdn_valid(sa_sub(s, (size_t)at + 1, end)))
			sa_list_add(sa->arena, &sa->all_to, sa_sub(s, 0, end), 1000);
	}
}

const struct mr_sa_list *mr_sa_all_to(struct mr_sa *sa)
{
	static const char *const requests[] = { "To:addr",
						"Apparently-To:addr",
						"Delivered-To:addr",
						"Envelope-Recipients:addr",
						"Apparently-Resent-To:addr",
						"X-Envelope-To:addr",
						"Envelope-To:addr",
						"X-Delivered-To:addr",
						"X-Original-To:addr",
						"X-Rcpt-To:addr",
						"X-Real-To:addr",
						"Cc:addr" };

	if (sa->has_all_to)
		return &sa->all_to;
	sa->has_all_to = true;
	add_all(sa, "Resent-To:first:addr", &sa->all_to);
	add_all(sa, "Resent-Cc:first:addr", &sa->all_to);
	if (sa->all_to.n)
		return &sa->all_to;
	add_received_for(sa);
	for (size_t i = 0; i < MR_COUNT(requests); i++)
		add_all(sa, requests[i], &sa->all_to);
	return &sa->all_to;
}

/* -- addresses in the text and in HTML -- */

static struct mr_sa_uri *detail(struct mr_sa *sa, struct mr_slice raw)
{
	for (size_t i = 0; i < sa->n_details; i++)
		if (mr_slice_eq(sa->details[i].raw, raw))
			return &sa->details[i];
	if (sa->n_details == MR_SA_URIS_MAX)
		return NULL;
	sa->details = mr_arena_more(sa->arena, sa->details, sa->n_details, &sa->details_room, MR_SA_URIS_MAX, sizeof(*sa->details));
	sa->details[sa->n_details] = (struct mr_sa_uri){ .raw = raw };
	return &sa->details[sa->n_details++];
}

/* only_valid: not without a domain that there can be. */
static struct mr_sa_uri *add_uri(struct mr_sa *sa, struct mr_slice raw, unsigned types, bool only_valid)
{
	struct mr_sa_list cleaned = { 0 }, domains = { 0 }, hosts = { 0 };
	struct mr_sa_uri *u;

	sa_uri_canonical(sa, raw, &cleaned);
	for (size_t i = 0; i < cleaned.n; i++) {
		struct mr_slice domain, host;

		if (cleaned.items[i].n > MR_SA_URI_MAX) {
			cleaned.items[i].n = MR_SA_URI_MAX;
			sa->uri_truncated = true;
		}
		if (!sa_uri_domain(sa->conf, sa->arena, cleaned.items[i], &domain, &host))
			continue;
		if (!sa_list_has(&domains, domain))
			sa_list_add(sa->arena, &domains, domain, 100);
		if (!sa_list_has(&hosts, host))
			sa_list_add(sa->arena, &hosts, host, 100);
	}
	if (!cleaned.n || (only_valid && !domains.n))
		return NULL;
	u = detail(sa, raw);
	if (!u)
		return NULL;
	u->types |= types;
	if (!u->cleaned.n) {
		u->cleaned = cleaned;
		u->domains = domains;
		u->hosts = hosts;
	}
	return u;
}

/* The domains of d= count like addresses that lead nowhere, where their hosts are looked at. */
static void add_signers(struct mr_sa *sa, struct mr_slice field)
{
	const struct mr_sa_list *all = mr_sa_get(sa, field);

	for (size_t i = 0; i < all->n; i++) {
		struct mr_slice rest = all->items[i], tag;

		while (mr_slice_next(&rest, ';', &tag)) {
			struct mr_slice name, domain, host;
			ptrdiff_t is = mr_slice_chr(tag, '=');
			struct mr_sa_uri *u;

			name = sa_trim(sa_sub(tag, 0, is > 0 ? (size_t)is : 0));
			if (!mr_slice_eq(name, MR_LIT("d")))
				continue;
			tag = mr_tag_compact(mr_slice_from(tag, (size_t)is + 1), sa->arena);
			tag = mr_slice_of(mr_arena_printf(sa->arena, "domainkeys:%.*s", (int)tag.n, tag.p));
			if (!sa_uri_domain(sa->conf, sa->arena, tag, &domain, &host) || !(u = detail(sa, tag)))
				continue;
			u->types |= MR_SA_URI_DOMAINKEYS;
			sa_list_add(sa->arena, &u->domains, domain, 1);
			sa_list_add(sa->arena, &u->hosts, host, 1);
		}
	}
}

static void add_html_uris(struct mr_sa *sa, const struct mr_sa_html *h)
{
	sa->uri_truncated |= h->uri_truncated;
	for (size_t i = 0; i < h->n_uris; i++) {
		const struct mr_sa_html_uri *from = &h->uris[i];
		struct mr_sa_uri *u = add_uri(sa, from->uri, from->types ? from->types : MR_SA_URI_PARSED, false);

		for (size_t k = 0; u && k < from->anchors.n; k++)
			if (!sa_list_has(&u->anchors, from->anchors.items[k]))
				sa_list_add(sa->arena, &u->anchors, from->anchors.items[k], 100);
	}
}

static void read_details(struct mr_sa *sa)
{
	const struct mr_sa_list *body = mr_sa_body(sa);
	struct mr_sa_list seen = { 0 };

	sa->has_details = true;
	add_signers(sa, MR_LIT("DomainKey-Signature"));
	add_signers(sa, MR_LIT("DKIM-Signature"));
	for (size_t i = 0; i < body->n && seen.n < MR_SA_URIS_MAX; i++) {
		struct mr_slice raw, uri;
		unsigned types;
		size_t at = 0;

		while (sa_uri_next(sa, body->items[i], &at, &raw, &uri, &types) && seen.n < MR_SA_URIS_MAX) {
			if (!uri.n || sa_list_has(&seen, raw))
				continue;
			sa_list_add(sa->arena, &seen, raw, MR_SA_URIS_MAX);
			add_uri(sa, uri, types, true);
		}
	}
	for (size_t i = 0; i < sa->n_htmls; i++)
		add_html_uris(sa, sa->htmls[i]);
}

const char *mr_sa_uri_type_str(enum mr_sa_uri_type type)
{
	static const char *const names[MR_SA_URI_TYPES] = { "a",       "img",   "form",   "iframe",   "script",     "link",      "area",
							    "body",    "table", "tr",     "td",       "frame",      "embed",     "base",
							    "bgsound", "meta",  "parsed", "unlinked", "schemeless", "domainkeys" };

	return names[__builtin_ctz(type)];
}

const struct mr_sa_uri *mr_sa_uri_details(struct mr_sa *sa, size_t *n)
{
	if (!sa->has_details)
		read_details(sa);
	*n = sa->n_details;
	return sa->details;
}

const struct mr_sa_list *mr_sa_uris(struct mr_sa *sa)
{
	size_t n;
	const struct mr_sa_uri *details = mr_sa_uri_details(sa, &n);

	if (sa->has_uris)
		return &sa->uris;
	sa->has_uris = true;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < details[i].cleaned.n; k++)
			if (!sa_list_has(&sa->uris, details[i].cleaned.items[k]))
				sa_list_add(sa->arena, &sa->uris, details[i].cleaned.items[k], 4 * MR_SA_URIS_MAX);
	return &sa->uris;
}
