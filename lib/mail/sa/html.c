/* sa/html: see html.h */
/* system */
#include <math.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/html-element.h"
#include "mail/sa/html-style.h"
#include "mail/sa/html-uri.h"
#include "mail/sa/internal.h"

#define TEXT_MAX (4u << 20) /* bytes that are rendered of one part */

struct render {
	struct mr_arena *arena;
	struct mr_sa_html *out;
	size_t tags_room; /* in out->tags */
	struct sa_styles styles;
	struct sa_html_uris uris;
	struct mr_buf text, piece, anchor, title;
	size_t last;                                       /* in text: where the last piece begins */
	bool any, last_white, last_invisible;              /* of the last piece */
	bool in_anchor, in_title, wide_anchor, wide_title; /* one was opened: texts are gathered */
	long elements, elements_seen, tags, tags_seen, closed_extra, obfuscation;
	bool wide;
};

/* -- tags by name -- */

static struct mr_sa_html_tag *tag_of(struct render *r, struct mr_slice name, bool make)
{
	struct mr_sa_html *o = r->out;

	for (size_t i = 0; i < o->n_tags; i++)
		if (mr_slice_ieq(o->tags[i].name, name))
			return &o->tags[i];
	if (!make || o->n_tags == MR_SA_HTML_TAGS_MAX)
		return NULL;
	if (o->n_tags == r->tags_room) {
		struct mr_sa_html_tag *more = mr_arena_alloc(r->arena, (2 * r->tags_room + 8) * sizeof(*more));

		if (o->n_tags)
			memcpy(more, o->tags, o->n_tags * sizeof(*more));
		o->tags = more;
		r->tags_room = 2 * r->tags_room + 8;
	}
	o->tags[o->n_tags] = (struct mr_sa_html_tag){ .name = sa_lower(r->arena, name) };
	return &o->tags[o->n_tags++];
}

static bool inside(struct render *r, struct mr_slice name)
{
	const struct mr_sa_html_tag *t = tag_of(r, name, false);

	return t && t->open > 0;
}

/* -- text -- */

/* What ends in a space ends no line in it. */
static void white(struct render *r, const char *text)
{
	if (r->any && !r->last_white && !r->last_invisible && r->text.n > r->last && r->text.p[r->text.n - 1] == ' ')
		mr_buf_truncate(&r->text, r->text.n - 1);
	r->last = r->text.n;
	r->any = r->last_white = true;
	r->last_invisible = false;
	mr_buf_puts(&r->text, text);
}

static bool is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void shown(struct render *r, struct mr_slice s, bool invisible)
{
	bool trim = r->any && !invisible && r->last_white, first = true;

	r->last = r->text.n;
	for (size_t i = 0; i < s.n; first = false) {
		size_t from = i;

		while (i < s.n && is_white(s.p[i]))
			i++;
		if (i > from) {
			if (!(trim && first))
				mr_buf_putc(&r->text, ' ');
			continue;
		}
		while (i < s.n && !is_white(s.p[i]))
			i++;
		mr_buf_add(&r->text, sa_sub(s, from, i));
	}
	r->any = true;
	r->last_white = false;
	r->last_invisible = invisible;
}

/* Where the character begins that the byte at i is part of. */
static size_t start_of(struct mr_slice s, size_t i)
{
	while (i && (s.p[i] & 0xc0) == 0x80)
		i--;
	return i;
}

/* A letter, digit or control character, or anything beyond ASCII but a space. */
static bool is_letter(struct mr_slice s, size_t i, bool wide)
{
	unsigned char c = (unsigned char)s.p[i];

	if (c >= 0x80)
		return !sa_space_at(s, start_of(s, i), wide);
	return sa_is_alpha((char)c) || sa_is_digit((char)c) || (c < ' ' && !is_white((char)c)) || c == 0x7f;
}

static bool all_white(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_white(s.p[i]))
			return false;
	return true;
}

static void on_text(struct render *r, const struct sa_token *t)
{
	struct mr_slice s, before;
	bool invisible = false, wide = false;

	if (inside(r, MR_LIT("script")) || inside(r, MR_LIT("style")))
		return;
	mr_buf_reset(&r->piece);
	if (t->verbatim)
		mr_buf_add(&r->piece, t->text);
	else
		wide = sa_html_entities(t->text, true, &r->piece);
	r->out->wide |= wide;
	s = mr_buf_slice(&r->piece);
	if (r->in_anchor && inside(r, MR_LIT("a"))) {
		mr_buf_add(&r->anchor, s);
		r->wide_anchor |= wide;
	}
	if (r->in_title && inside(r, MR_LIT("title"))) {
		mr_buf_add(&r->title, s);
		r->wide_title |= wide;
	}
	if (!all_white(s))
		invisible = sa_style_invisible(&r->styles, r->out);
	before = sa_sub(mr_buf_slice(&r->text), r->last, r->text.n);
	if (r->any && s.n && before.n && is_letter(s, 0, r->wide) && is_letter(before, before.n - 1, r->wide))
		r->obfuscation++;
	shown(r, s, invisible);
}

/* -- tags -- */

static struct mr_slice narrow(struct mr_arena *a, struct mr_buf *b)
{
	struct mr_slice out = sa_narrowed(a, mr_buf_slice(b));

	mr_buf_done(b);
	return out;
}

struct mr_slice sa_attribute_value(struct mr_arena *a, const struct sa_token *t, const char *name, bool *there)
{
	for (size_t i = 0; i < t->n_attributes; i++) {
		struct mr_buf b = MR_BUF(t->attributes[i].value.n * 2 + 16);

		if (!mr_slice_ieq(t->attributes[i].name, mr_slice_of(name)))
			continue;
		*there = true;
		return sa_html_entities(t->attributes[i].value, false, &b) || t->wide ? sa_keep_buf(a, &b) : narrow(a, &b);
	}
	*there = false;
	return MR_LIT("");
}

/* "100" or "50%" of a screen of that many dots; 200 where it cannot be told. */
static double dots(struct mr_slice s, double screen)
{
	double v = 0;
	size_t i = 0;

	while (i < s.n && sa_is_digit(s.p[i]) && i < 9)
		v = v * 10 + (s.p[i++] - '0');
	if (!i || (i < s.n && s.p[i] != '%') || (i < s.n && i + 1 != s.n))
		return 200;
	v *= i < s.n ? screen / 100 : 1;
	return v <= 0 ? 200 : v;
}

/* '"Arial", Verdana': names of letters, blanks and hyphens, a digit at most at the end. */
static bool is_face(struct mr_slice s)
{
	size_t i = 0;
	bool first = true;

	for (;;) {
		size_t letters = 0;

		while (i < s.n && sa_is_space(s.p[i]))
			i++;
		if (i < s.n && sa_one_of(s.p[i], first ? "\"'." : "\"'"))
			i++;
		for (; i < s.n && (sa_is_alpha(s.p[i]) || s.p[i] == ' ' || (letters && s.p[i] == '-')); i++)
			letters++;
		if (letters < 2 || !sa_is_alpha(s.p[i - 1]))
			return false;
		if (i < s.n && sa_is_digit(s.p[i]))
			i++;
		if (i < s.n && (s.p[i] == '"' || s.p[i] == '\''))
			i++;
		first = false;
		if (i == s.n || s.p[i] != ',')
			break;
		i++;
	}
	if (i < s.n && s.p[i] == ';')
		i++;
	return i == s.n || (i + 1 == s.n && s.p[i] == '\n');
}

static void end_anchor(struct render *r)
{
	struct mr_slice text = mr_buf_slice(&r->anchor);

	if (!r->in_anchor)
		return;
	text = r->wide || r->wide_anchor ? sa_keep(r->arena, text) : sa_narrowed(r->arena, text);
	sa_html_uris_anchor(&r->uris, text);
	sa_list_add(r->arena, &r->out->anchors, text, MR_SA_HTML_TEXTS_MAX);
	mr_buf_reset(&r->anchor);
	r->in_anchor = r->wide_anchor = false;
}

static void end_title(struct render *r)
{
	struct mr_slice text = mr_buf_slice(&r->title);

	if (r->in_title)
		sa_list_add(r->arena, &r->out->titles, r->wide || r->wide_title ? sa_keep(r->arena, text) : sa_narrowed(r->arena, text),
			    MR_SA_HTML_TEXTS_MAX);
	mr_buf_reset(&r->title);
	r->in_title = r->wide_title = false;
}

static void on_image(struct render *r, const struct sa_token *t)
{
	bool has_width, has_height;
	struct mr_slice width = sa_attribute_value(r->arena, t, "width", &has_width),
			height = sa_attribute_value(r->arena, t, "height", &has_height);

	if (r->in_anchor && inside(r, MR_LIT("a")))
		mr_buf_puts(&r->anchor, "<img>\n");
	if (has_width && has_height)
		r->out->image_area += dots(width, 800) * dots(height, 600);
}

static void start_tests(struct render *r, const struct sa_element *e, const struct sa_token *t)
{
	bool there;

	if (strcmp(e->name, "font") == 0) {
		struct mr_slice face = sa_attribute_value(r->arena, t, "face", &there);

		r->out->font_face_bad |= there && !is_face(face);
	} else if (strcmp(e->name, "img") == 0) {
		on_image(r, t);
	} else if (strcmp(e->name, "form") == 0) {
		struct mr_slice action = sa_attribute_value(r->arena, t, "action", &there);

		r->out->form_action_mailto |= there && sa_ihas(action, MR_LIT("mailto:"));
	} else if (strcmp(e->name, "object") == 0 || strcmp(e->name, "embed") == 0) {
		r->out->embeds = true;
	} else if (strcmp(e->name, "a") == 0) {
		end_anchor(r);
		sa_html_uris_open(&r->uris, sa_attribute_value(r->arena, t, "href", &there));
		r->in_anchor = true;
	} else if (strcmp(e->name, "title") == 0) {
		end_title(r);
		r->in_title = true;
	}
}

/* "o:p", "st1:place": tags of a word processor. */
static bool is_office(struct mr_slice name)
{
	size_t i = name.n > 2 && mr_slice_istarts(name, MR_LIT("st")) && sa_is_digit(name.p[2]) ? 3
		   : mr_slice_istarts(name, MR_LIT("o"))                                        ? 1
												: 0;

	if (!i || i + 1 >= name.n || name.p[i] != ':')
		return false;
	for (i++; i < name.n; i++)
		if (!sa_is_word(name.p[i]) && name.p[i] != '-' && !(name.p[i] == '/' && i + 1 == name.n))
			return false;
	return true;
}

static void on_tag(struct render *r, const struct sa_token *t)
{
	bool start = t->kind == SA_TOKEN_START, office = is_office(t->text), known;
	const struct sa_element *e = sa_element(t->text);
	struct mr_sa_html_tag *tag = tag_of(r, t->text, false);

	known = tag != NULL;
	if (!known)
		tag = tag_of(r, t->text, true);
	if ((e && (e->flags & SA_ELEMENT_HTML)) || office) {
		r->elements++;
		r->elements_seen += !known;
	}
	r->tags++;
	r->tags_seen += !known && tag;
	if (tag)
		tag->open += start ? 1 : -1;
	if (tag && tag->open < 0) {
		tag->open = 0;
		r->closed_extra++;
	}
	if (office || !e)
		return;
	if (e->flags & SA_ELEMENT_STYLE) {
		if (start)
			sa_style_open(&r->styles, e->style, t);
		else
			sa_style_close(&r->styles, e->style);
	}
	if (e->flags & (SA_ELEMENT_LINE | SA_ELEMENT_SPACE | SA_ELEMENT_PARAGRAPH))
		white(r, e->flags & SA_ELEMENT_LINE ? "\n" : e->flags & SA_ELEMENT_SPACE ? " " : "\n\n");
	if (start && (e->flags & SA_ELEMENT_URI))
		sa_html_uris_tag(&r->uris, mr_slice_of(e->name), t);
	if (start)
		start_tests(r, e, t);
}

/* -- the whole -- */

/* "&nbsp;" is a space, "<br/>" a "<br>", and curly quotes are quotes. */
static struct mr_slice prepared(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n;) {
		struct mr_slice rest = mr_slice_from(s, i);
		size_t end = 1;

		if (s.p[i] == '&' && mr_slice_starts(rest, MR_LIT("&nbsp;"))) {
			out[n++] = ' ';
			i += 6;
		} else if (s.p[i] == '\xe2' && rest.n > 2 && rest.p[1] == '\x80' && (rest.p[2] == '\x9c' || rest.p[2] == '\x9d')) {
			out[n++] = '"';
			i += 3;
		} else if (s.p[i] == '<' && rest.n > 3 && sa_is_word(rest.p[1])) {
			while (end < rest.n && sa_is_word(rest.p[end]))
				end++;
			memcpy(out + n, rest.p, end);
			n += end;
			i += end;
			while (end < rest.n && sa_is_space(rest.p[end]))
				end++;
			if (end + 1 < rest.n && rest.p[end] == '/' && rest.p[end + 1] == '>') {
				out[n++] = '>';
				i += end + 2 - (size_t)(s.p + i - rest.p);
			}
		} else {
			out[n++] = s.p[i++];
		}
	}
	return (struct mr_slice){ out, n };
}

static size_t characters(struct mr_slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] & 0xc0) != 0x80;
	return n;
}

static size_t spaces(struct mr_slice s, bool wide)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += sa_space_at(s, i, wide) > 0;
	return n;
}

static void count(struct render *r, struct mr_slice html)
{
	struct mr_sa_html *o = r->out;
	size_t length = characters(o->text);
	double tags = (double)r->tags;

	o->length = (double)characters(html);
	o->min_size = r->styles.min_size;
	o->max_size = r->styles.max_size;
	o->closed_extra_ratio = tags > 0 ? (double)r->closed_extra / tags : NAN;
	o->bad_tag_ratio = tags > 0 && r->elements ? (double)(r->tags - r->elements) / tags : NAN;
	o->non_element_ratio = r->elements_seen && r->tags_seen ? (double)(r->tags_seen - r->elements_seen) / (double)r->tags_seen : NAN;
	o->obfuscation_ratio = tags > 0 && r->obfuscation ? (double)r->obfuscation / tags : NAN;
	o->html_length = (double)length;
	o->non_space_len = (double)(length - spaces(o->text, o->wide));
}

void mr_sa_html_read(struct mr_slice html, bool wide, size_t *uri_room, struct mr_arena *arena, struct mr_sa_html *out)
{
	struct sa_token token = { .wide = wide };
	struct sa_tokens tokens = { .rest = prepared(arena, html) };
	struct render r = { .arena = arena, .out = out, .wide = wide };

	*out = (struct mr_sa_html){ .wide = wide };
	r.text = r.piece = r.anchor = r.title = MR_BUF(TEXT_MAX);
	sa_styles_init(&r.styles, arena);
	sa_html_uris_init(&r.uris, uri_room, arena);
	while (sa_token_next(&tokens, &token)) {
		switch (token.kind) {
		case SA_TOKEN_START:
		case SA_TOKEN_END:
			on_tag(&r, &token);
			break;
		case SA_TOKEN_TEXT:
			on_text(&r, &token);
			break;
		case SA_TOKEN_COMMENT:
			sa_list_add(arena, &out->comments, token.text, MR_SA_HTML_TEXTS_MAX);
			break;
		case SA_TOKEN_DECLARATION:
			if (mr_slice_istarts(token.text, MR_LIT("<!doctype"))) {
				r.elements++;
				r.tags++;
				tag_of(&r, MR_LIT("!doctype"), true);
			}
			break;
		}
	}
	end_anchor(&r);
	end_title(&r);
	out->text = sa_keep_buf(arena, &r.text);
	out->uris = r.uris.items;
	out->n_uris = r.uris.n;
	out->uri_truncated = r.uris.truncated;
	count(&r, html);
	mr_buf_done(&r.piece);
	mr_buf_done(&r.anchor);
	mr_buf_done(&r.title);
}

long mr_sa_html_inside(const struct mr_sa_html *h, struct mr_slice tag)
{
	for (size_t i = 0; i < h->n_tags; i++)
		if (mr_slice_ieq(h->tags[i].name, tag))
			return h->tags[i].open;
	return -1;
}

double mr_sa_html_number(const struct mr_sa_html *h, struct mr_slice name)
{
	const struct {
		const char *name;
		double value;
	} numbers[] = {
		{ "html", 1 },
		{ "image_area", h->image_area },
		{ "length", h->length },
		{ "min_size", h->min_size },
		{ "max_size", h->max_size },
		{ "closed_extra_ratio", h->closed_extra_ratio },
		{ "bad_tag_ratio", h->bad_tag_ratio },
		{ "non_element_ratio", h->non_element_ratio },
		{ "obfuscation_ratio", h->obfuscation_ratio },
		{ "html_length", h->html_length },
		{ "non_space_len", h->non_space_len },
		{ "ratio", h->ratio },
		{ "font_low_contrast", h->font_low_contrast ? 1 : NAN },
		{ "font_invalid_color", h->font_invalid_color ? 1 : NAN },
		{ "font_face_bad", h->font_face_bad ? 1 : NAN },
		{ "form_action_mailto", h->form_action_mailto ? 1 : NAN },
		{ "embeds", h->embeds ? 1 : NAN },
	};

	for (size_t i = 0; i < MR_COUNT(numbers); i++)
		if (mr_slice_eq(name, mr_slice_of(numbers[i].name)))
			return numbers[i].value;
	return NAN;
}
