/* html: see html.h. */
/* system */
#include <stdlib.h>

/* libraries */
#include <libxml/HTMLparser.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "mail/html-style.h"
#include "mail/html.h"

#define DEPTH_MAX 512 /* open elements whose style is remembered */
#define TEXT_MAX  (1u << 20)
#define CHUNK     65536

struct reader {
	struct mr_arena *arena;
	struct mr_html *out;
	struct mr_buf text, hidden, title, *folding; /* folding: where the last character went */
	struct mr_html_style styles[DEPTH_MAX];
	size_t depth;         /* open elements, also past DEPTH_MAX */
	size_t silent;        /* open <script>, <style>: their text is nobody's */
	bool in_title, space; /* space: one is due before the next letter */
	size_t link;          /* its place among the links, and one; 0: none is open */
	size_t links_room, images_room;
	size_t link_from; /* in text, where the open link's begins */
};

static const char *const blocks[] = { "p",      "div",  "br",  "tr",   "table",   "li",      "ul",     "ol",    "h1", "h2",
				      "h3",     "h4",   "h5",  "h6",   "hr",      "td",      "th",     "dt",    "dd", "blockquote",
				      "center", "form", "pre", "body", "article", "section", "header", "footer" };

static bool one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*name == *list[i] && strcmp(name, list[i]) == 0)
			return true;
	return false;
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static struct mr_html_style *style(struct reader *r)
{
	return &r->styles[r->depth < DEPTH_MAX ? r->depth : DEPTH_MAX - 1];
}

static void end_line(struct mr_buf *b)
{
	if (b->n && b->p[b->n - 1] != '\n')
		mr_buf_putc(b, '\n');
}

static struct mr_slice keep(struct reader *r, struct mr_slice s)
{
	if (s.n > MR_HTML_URL_MAX)
		s.n = MR_HTML_URL_MAX;
	return mr_slice_of(mr_arena_slice(r->arena, mr_slice_trim(s)));
}

/* -- tags -- */

static void open_link(struct reader *r, struct mr_slice target, bool form)
{
	struct mr_html *o = r->out;

	if (o->n_links == MR_HTML_LINKS_MAX) {
		o->links_cut = true;
		return;
	}
	o->links = mr_arena_more(r->arena, o->links, o->n_links, &r->links_room, MR_HTML_LINKS_MAX, sizeof(*o->links));
	r->link = form ? 0 : o->n_links + 1;
	r->link_from = r->text.n;
	o->links[o->n_links++] = (struct mr_html_link){ .target = keep(r, target), .form = form };
}

static void close_link(struct reader *r)
{
	if (!r->link)
		return;
	r->out->links[r->link - 1].text =
	    mr_slice_trim(mr_slice_of(mr_arena_slice(r->arena, mr_slice_from(mr_buf_slice(&r->text), r->link_from))));
	r->link = 0;
}

static bool at_most_one(struct mr_slice size)
{
	return mr_slice_eq(size, MR_LIT("0")) || mr_slice_eq(size, MR_LIT("1")) || mr_slice_ieq(size, MR_LIT("1px")) ||
	       mr_slice_ieq(size, MR_LIT("0px"));
}

struct attributes {
	struct mr_slice href, src, action, width, height;
};

static void take_attributes(struct reader *r, const xmlChar **atts, struct attributes *a)
{
	for (size_t i = 0; atts && atts[i]; i += 2) {
		struct mr_slice name = mr_slice_of((const char *)atts[i]), value = mr_slice_of((const char *)atts[i + 1]);

		if (mr_slice_eq(name, MR_LIT("href")))
			a->href = value;
		else if (mr_slice_eq(name, MR_LIT("src")))
			a->src = value;
		else if (mr_slice_eq(name, MR_LIT("action")))
			a->action = value;
		else if (mr_slice_eq(name, MR_LIT("width")))
			a->width = value;
		else if (mr_slice_eq(name, MR_LIT("height")))
			a->height = value;
		else
			mr_html_style_attribute(style(r), name, value);
	}
}

static void take_image(struct reader *r, const struct attributes *a)
{
	struct mr_html *o = r->out;

	if (o->n_images == MR_HTML_IMAGES_MAX) {
		o->links_cut = true;
		return;
	}
	if (!a->src.n)
		return;
	o->images = mr_arena_more(r->arena, o->images, o->n_images, &r->images_room, MR_HTML_IMAGES_MAX, sizeof(*o->images));
	o->images[o->n_images++] = (struct mr_html_image){ keep(r, a->src), at_most_one(a->width) && at_most_one(a->height) };
}

static void take_tag(struct reader *r, const char *name, const struct attributes *a)
{
	struct mr_html *o = r->out;

	if ((strcmp(name, "a") == 0 || strcmp(name, "area") == 0) && a->href.n) {
		close_link(r);
		open_link(r, a->href, false);
	} else if (strcmp(name, "form") == 0) {
		o->form = true;
		if (a->action.n)
			open_link(r, a->action, true);
	} else if (strcmp(name, "img") == 0) {
		take_image(r, a);
	} else if (strcmp(name, "base") == 0 && a->href.n && !o->base.n) {
		o->base = keep(r, a->href);
	} else if (strcmp(name, "script") == 0) {
		o->script = true;
	} else if (strcmp(name, "iframe") == 0 || strcmp(name, "object") == 0 || strcmp(name, "embed") == 0) {
		o->embedded = true;
		if (a->src.n)
			take_image(r, a);
	}
}

static bool is_silent(const char *name)
{
	return strcmp(name, "script") == 0 || strcmp(name, "style") == 0;
}

static void on_start(void *arg, const xmlChar *tag, const xmlChar **atts)
{
	struct reader *r = arg;
	const char *name = (const char *)tag;
	struct attributes a = { 0 };

	r->out->n_tags++;
	r->depth++;
	if (r->depth < DEPTH_MAX)
		r->styles[r->depth] = r->styles[r->depth - 1];
	take_attributes(r, atts, &a);
	r->silent += is_silent(name);
	r->in_title = strcmp(name, "title") == 0;
	if (one_of(name, blocks, MR_COUNT(blocks))) {
		end_line(&r->text);
		end_line(&r->hidden);
		r->space = false;
	}
	take_tag(r, name, &a);
}

static void on_end(void *arg, const xmlChar *tag)
{
	struct reader *r = arg;
	const char *name = (const char *)tag;

	if (r->depth > 0)
		r->depth--;
	if (is_silent(name) && r->silent > 0)
		r->silent--;
	r->in_title = false;
	if (strcmp(name, "a") == 0)
		close_link(r);
	if (one_of(name, blocks, MR_COUNT(blocks))) {
		end_line(&r->text);
		end_line(&r->hidden);
		r->space = false;
	}
}

/* -- text -- */

static void add_folded(struct reader *r, struct mr_buf *to, struct mr_slice s)
{
	if (r->folding != to)
		r->space = to->n > 0 && to->p[to->n - 1] != '\n' && to->p[to->n - 1] != ' ';
	r->folding = to;
	for (size_t i = 0; i < s.n;) {
		size_t from = i;

		if (is_white(s.p[i])) {
			r->space = to->n > 0 && to->p[to->n - 1] != '\n';
			i++;
			continue;
		}
		while (i < s.n && !is_white(s.p[i]))
			i++;
		if (r->space)
			mr_buf_putc(to, ' ');
		r->space = false;
		mr_buf_add(to, (struct mr_slice){ s.p + from, i - from });
	}
}

static void on_text(void *arg, const xmlChar *text, int n)
{
	struct reader *r = arg;
	struct mr_slice s = { (const char *)text, (size_t)n };
	bool invisible;

	if (r->silent)
		return;
	if (r->in_title) {
		add_folded(r, &r->title, s);
		return;
	}
	invisible = mr_html_style_invisible(style(r));
	add_folded(r, invisible ? &r->hidden : &r->text, s);
}

static void say_nothing(void *arg, const char *fmt, ...)
{
	(void)arg, (void)fmt;
}

/* -- bounds -- */

/* A copy in which no tag has more attributes than the bound: those behind it become white space. */
static struct mr_slice with_few_attributes(struct mr_slice html, struct mr_arena *arena)
{
	char *copy = mr_arena_slice(arena, html), quote = 0;
	size_t attributes = 0;
	bool in_tag = false, in_word = false;

	for (size_t i = 0; i < html.n; i++) {
		char c = copy[i];

		if (!in_tag) {
			in_tag = c == '<' && i + 1 < html.n && mr_lower(copy[i + 1]) >= 'a' && mr_lower(copy[i + 1]) <= 'z';
			attributes = 0;
			in_word = true;
			continue;
		}
		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (c == '>') {
			in_tag = false;
			continue;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else {
			bool blank = is_white(c) || c == '/';

			attributes += !blank && !in_word;
			in_word = !blank;
		}
		if (attributes > MR_HTML_ATTRS_MAX)
			copy[i] = ' ';
	}
	return (struct mr_slice){ copy, html.n };
}

static void parse(struct reader *r, struct mr_slice html)
{
	htmlSAXHandler sax = { .startElement = on_start,
			       .endElement = on_end,
			       .characters = on_text,
			       .cdataBlock = on_text,
			       .ignorableWhitespace = on_text,
			       .error = say_nothing,
			       .warning = say_nothing };
	htmlParserCtxtPtr ctx = htmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);

	if (!ctx)
		return;
	htmlCtxtUseOptions(ctx, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
	while (html.n) {
		size_t n = html.n < CHUNK ? html.n : CHUNK;

		htmlParseChunk(ctx, html.p, (int)n, 0);
		html = mr_slice_from(html, n);
	}
	htmlParseChunk(ctx, "", 0, 1);
	htmlFreeParserCtxt(ctx);
}

void mr_html_read(struct mr_slice html, struct mr_arena *arena, struct mr_html *out)
{
	struct reader *r = mr_arena_alloc(arena, sizeof(*r));

	*out = (struct mr_html){ 0 };
	r->arena = arena;
	r->out = out;
	r->text = r->hidden = MR_BUF(TEXT_MAX);
	r->title = MR_BUF(4096);
	r->styles[0] = (struct mr_html_style){ .colour = MR_HTML_NO_COLOUR, .ground = 0xffffff };
	out->cut = html.n > MR_HTML_BYTES_MAX;
	if (out->cut)
		html.n = MR_HTML_BYTES_MAX;
	parse(r, with_few_attributes(html, arena));
	close_link(r);
	out->text = mr_slice_trim(mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&r->text))));
	out->hidden = mr_slice_trim(mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&r->hidden))));
	out->title = mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&r->title)));
	mr_buf_done(&r->text);
	mr_buf_done(&r->hidden);
	mr_buf_done(&r->title);
}
