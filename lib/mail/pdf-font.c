/* pdf-font: which font a content stream means, and which characters its codes are (ISO 32000-1 sections 7.8.3, 9.7, 9.10.3); see
 * pdf-internal.h. A name of a font counts where the stream, its page, or what they take their resources from says so; else the last font
 * of that name in the file that has a map does. */
/* system */
#include <stdlib.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "mail/pdf-internal.h"

#define SAME_NAME_MAX 20 /* fonts of one name that are looked at */
#define PARENTS_MAX   4  /* of a page */
#define CODE_MAX      0xffffu

/* -- who names whom -- */

uint32_t pdf_name(struct mr_slice name)
{
	return name.n ? (uint32_t)mr_hash(name.p, name.n) : 0;
}

void pdf_edge(struct pdf_reading *r, unsigned long from, uint32_t name, unsigned long to)
{
	if (r->see || !name || r->n_edges == PDF_EDGES_MAX || from > UINT32_MAX || to > UINT32_MAX)
		return;
	r->edges = mr_arena_more(r->arena, r->edges, r->n_edges, &r->edges_room, PDF_EDGES_MAX, sizeof(*r->edges));
	r->edges[r->n_edges] = (struct pdf_edge){ .name = name, .from = (uint32_t)from, .to = (uint32_t)to, .order = (uint32_t)r->n_edges };
	r->n_edges++;
}

static int by_name(const void *a, const void *b)
{
	const struct pdf_edge *x = a, *y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void pdf_edges_sort(struct pdf_reading *r)
{
	if (r->n_edges)
		qsort(r->edges, r->n_edges, sizeof(*r->edges), by_name);
}

/* The first edge of that name that is from there or further on. */
static size_t first_of(const struct pdf_reading *r, uint32_t name, uint64_t from)
{
	size_t low = 0, high = r->n_edges;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct pdf_edge *e = &r->edges[mid];

		if (e->name < name || (e->name == name && e->from < from))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The last one of that name from there: a later object of the same number replaces the one before. NULL: none. */
static const struct pdf_edge *edge_of(const struct pdf_reading *r, uint32_t name, uint32_t from)
{
	size_t after = first_of(r, name, (uint64_t)from + 1);
	const struct pdf_edge *e = after ? &r->edges[after - 1] : NULL;

	return e && e->name == name && e->from == from ? e : NULL;
}

static void add_owner(struct pdf_owners *o, uint32_t number)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i] == number)
			return;
	if (o->n < PDF_OWNERS_MAX)
		o->v[o->n++] = number;
}

/* Those that the ones up to n name so. */
static void add_named(const struct pdf_reading *r, struct pdf_owners *o, size_t n, const char *name)
{
	uint32_t key = pdf_name(mr_slice_of(name));

	for (size_t i = 0; i < n; i++) {
		const struct pdf_edge *e = edge_of(r, key, o->v[i]);

		if (e)
			add_owner(o, e->to);
	}
}

struct pdf_owners pdf_owners(const struct pdf_reading *r, unsigned long content)
{
	uint32_t contents = pdf_name(MR_LIT("Contents"));
	struct pdf_owners o = { .v = { (uint32_t)content }, .n = 1 };

	for (size_t i = first_of(r, contents, 0); i < r->n_edges && r->edges[i].name == contents && o.n == 1; i++)
		if (r->edges[i].to == content)
			add_owner(&o, r->edges[i].from);
	for (int i = 0; i < PARENTS_MAX; i++)
		add_named(r, &o, o.n, "Parent");
	add_named(r, &o, o.n, "Resources");
	add_named(r, &o, o.n, "Font");
	return o;
}

bool pdf_is_map(const struct pdf_reading *r, unsigned long stream)
{
	uint32_t name = pdf_name(MR_LIT("ToUnicode"));

	for (size_t i = first_of(r, name, 0); i < r->n_edges && r->edges[i].name == name; i++)
		if (r->edges[i].to == stream)
			return true;
	return false;
}

/* -- what codes mean -- */

static unsigned code_of(struct mr_slice s)
{
	unsigned code = 0;

	for (size_t i = 0; i < s.n && code <= CODE_MAX; i++)
		code = code << 8 | (unsigned char)s.p[i];
	return code;
}

static void add_codes(struct pdf_reading *r, struct pdf_font *f, unsigned low, unsigned high, struct mr_slice to)
{
	struct pdf_codes c = { .low = (uint16_t)low, .high = (uint16_t)high };

	if (high < low || high > CODE_MAX || !to.n || r->n_codes == PDF_CODES_MAX)
		return;
	r->n_codes++;
	for (size_t i = 0; i + 1 < to.n && c.n < PDF_UNITS_MAX; i += 2)
		c.units[c.n++] = (uint16_t)((unsigned char)to.p[i] << 8 | (unsigned char)to.p[i + 1]);
	if (to.n == 1)
		c.units[c.n++] = (unsigned char)to.p[0];
	f->codes = mr_arena_more(r->arena, f->codes, f->n, &f->room, PDF_CODES_MAX, sizeof(*f->codes));
	f->codes[f->n++] = c;
}

/* "beginbfchar <code> <text> ...", "beginbfrange <low> <high> <text>", or "[<text> ...]" for one after the other. */
static void read_map(struct pdf_reading *r, struct mr_slice map, struct pdf_font *f)
{
	struct pdf_lexer l = { .at = map.p, .end = map.p + map.n, .text = &r->text };
	enum { NOTHING, CHARS = 1, RANGES = 2 } in = NOTHING; /* how many codes stand before the text */
	unsigned codes[RANGES] = { 0 };
	size_t n = 0;
	enum pdf_token t;

	while ((t = pdf_next(&l)) != PDF_END) {
		struct mr_slice s = mr_buf_slice(&r->text);

		if (t == PDF_WORD) {
			in = mr_slice_eq(l.word, MR_LIT("beginbfchar"))    ? CHARS
			     : mr_slice_eq(l.word, MR_LIT("beginbfrange")) ? RANGES
									   : NOTHING;
			n = 0;
		} else if (t == PDF_ARRAY_END) {
			n = 0;
		} else if (t == PDF_HEX && in && n < (size_t)in) {
			codes[n++] = code_of(s);
		} else if (t == PDF_HEX && in) {
			bool one = in == CHARS || n > RANGES;

			add_codes(r, f, codes[0], one ? codes[0] : codes[1], s);
			codes[0]++;
			n = one && in == RANGES ? n : 0;
		} else if (t == PDF_ARRAY && in == RANGES && n == RANGES) {
			n++; /* in it each text is of one code */
		}
	}
}

static int by_code(const void *a, const void *b)
{
	const struct pdf_codes *x = a, *y = b;

	return (int)x->low - (int)y->low;
}

static void read_font(struct pdf_reading *r, struct pdf_font *f)
{
	const struct pdf_edge *map = edge_of(r, pdf_name(MR_LIT("ToUnicode")), f->number);
	struct mr_buf own = { 0 };

	f->wide = edge_of(r, pdf_name(MR_LIT(PDF_NAME_TYPE0)), f->number) != NULL;
	for (size_t i = r->n_contents; map && i-- > 0;) {
		const struct pdf_content *c = &r->contents[i];

		if (c->number != map->to)
			continue;
		read_map(r, pdf_open(r, c, MR_PDF_STREAM_MAX, &own), f);
		break;
	}
	if (f->n)
		qsort(f->codes, f->n, sizeof(*f->codes), by_code);
	mr_buf_done(&own);
}

static const struct pdf_font *font_of(struct pdf_reading *r, uint32_t number)
{
	struct pdf_font *f;

	for (size_t i = 0; i < r->n_fonts; i++)
		if (r->fonts[i].number == number)
			return &r->fonts[i];
	if (r->n_fonts == PDF_FONTS_MAX)
		return NULL;
	if (!r->fonts)
		r->fonts = mr_arena_alloc(r->arena, PDF_FONTS_MAX * sizeof(*r->fonts));
	f = &r->fonts[r->n_fonts++];
	*f = (struct pdf_font){ .number = number };
	read_font(r, f);
	return f;
}

const struct pdf_font *pdf_font(struct pdf_reading *r, const struct pdf_owners *owners, uint32_t name)
{
	uint32_t map = pdf_name(MR_LIT("ToUnicode"));
	size_t end = first_of(r, name, UINT64_MAX);

	for (size_t i = 0; i < owners->n; i++) {
		const struct pdf_edge *e = edge_of(r, name, owners->v[i]);

		if (e)
			return font_of(r, e->to);
	}
	for (size_t i = end; i-- > 0 && end - i <= SAME_NAME_MAX && r->edges[i].name == name;)
		if (edge_of(r, map, r->edges[i].to))
			return font_of(r, r->edges[i].to);
	return NULL;
}

/* -- text -- */

/* What is no character of text is left out. */
static void add_character(uint32_t c, struct mr_buf *out)
{
	char s[4];
	size_t n = 0;

	if (c < ' ' || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000) || c >= 0x110000)
		return;
	if (c < 0x80) {
		s[n++] = (char)c;
	} else if (c < 0x800) {
		s[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		s[n++] = (char)(0xe0 | c >> 12);
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		s[n++] = (char)(0xf0 | c >> 18);
		s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		s[n++] = (char)(0x80 | (c & 0x3f));
	mr_buf_add(out, (struct mr_slice){ s, n });
}

static void add_units(const struct pdf_codes *c, unsigned code, struct mr_buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		uint32_t u = c->units[i], next = i + 1 < c->n ? c->units[i + 1] : 0;

		if (i + 1 == c->n)
			u += code - c->low;
		if (i + 2 == c->n)
			next += code - c->low;
		if (u >= 0xd800 && u < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
			u = 0x10000 + ((u - 0xd800) << 10) + (next - 0xdc00);
			i++;
		}
		add_character(u, out);
	}
}

/* Windows-1252. */
static void add_byte(unsigned char c, struct mr_buf *out)
{
	static const uint16_t from_80[32] = { 0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
					      0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
					      0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178 };

	add_character(c >= 0x80 && c < 0xa0 ? from_80[c - 0x80] : c, out);
}

static const struct pdf_codes *find_code(const struct pdf_font *f, unsigned code)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->codes[mid].low <= code)
			low = mid + 1;
		else
			high = mid;
	}
	return low && f->codes[low - 1].high >= code ? &f->codes[low - 1] : NULL;
}

void pdf_add_codes(const struct pdf_font *f, struct mr_slice s, struct mr_buf *out)
{
	size_t size = f && f->wide ? 2 : 1;

	for (size_t i = 0; i + size <= s.n; i += size) {
		unsigned code = code_of((struct mr_slice){ s.p + i, size });
		const struct pdf_codes *c = f ? find_code(f, code) : NULL;

		if (c)
			add_units(c, code, out);
		else if (size == 1)
			add_byte((unsigned char)code, out);
	}
}
