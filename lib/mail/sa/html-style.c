/* sa/html-style: see html-style.h */
/* system */
#include <stdint.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/html-style.h"
#include "mail/sa/html-style.h"
#include "mail/sa/internal.h"

#define FAINT       12.0 /* difference of brightness that is hardly seen */
#define STACK_FIRST 16
#define TRANSPARENT (UINT32_MAX - 2)

/* -- colours -- */

static int hex(char c)
{
	return sa_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "#abc", "#aabbcc", and what is near to it. */
static uint32_t hash_colour(struct mr_slice s)
{
	char digits[7] = "";
	size_t n = 0;
	uint32_t v = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (hex(s.p[i]) < 0)
			continue;
		if (n < 6)
			digits[n] = s.p[i];
		n++;
	}
	if (n > 6)
		n = 6;
	if (n > 3 && n < 6)
		n = 3;
	if (!n)
		return SA_COLOUR_EMPTY;
	while (n % 3 && n < 6)
		digits[n++] = '0';
	for (size_t i = 0; i < n; i++) {
		v = v << 4 | (uint32_t)hex(digits[i]);
		if (n == 3)
			v = v << 4 | (uint32_t)hex(digits[i]);
	}
	return v;
}

/* Numbers up to 255, of which there may be too few. */
static uint32_t rgb_colour(struct mr_slice s)
{
	uint32_t v = 0;
	size_t i = 0;

	for (int part = 0; part < 3; part++) {
		uint32_t n = 0;

		while (i < s.n && s.p[i] != ',') {
			if (sa_is_digit(s.p[i]) && n < 1000)
				n = n * 10 + (uint32_t)(s.p[i] - '0');
			i++;
		}
		i++;
		v = v << 8 | (n > 255 ? 255 : n);
	}
	return v;
}

/* A colour as an attribute has it; lower case. */
static uint32_t colour(struct mr_slice s)
{
	uint32_t named;

	s = sa_trim(s);
	named = mr_html_colour_name(s);
	if (named != MR_HTML_NO_COLOUR)
		return named;
	if (sa_has(s, MR_LIT("rgb(")) && mr_slice_chr(s, ')') > 0)
		return rgb_colour(mr_slice_from(s, (size_t)sa_find(s, 0, MR_LIT("rgb(")) + 4));
	if (!s.n || s.p[0] != '#')
		return SA_COLOUR_INVALID;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '#' && hex(s.p[i]) < 0)
			return SA_COLOUR_INVALID;
	return hash_colour(s);
}

/* -- style sheets, as they stand in attributes -- */

static uint32_t css_colour(struct mr_slice s, uint32_t old)
{
	ptrdiff_t important = sa_find(s, 0, MR_LIT("!"));

	if (important >= 0 && mr_slice_eq(sa_trim(mr_slice_from(s, (size_t)important + 1)), MR_LIT("important")))
		s = sa_trim(sa_sub(s, 0, (size_t)important));
	if (sa_has(s, MR_LIT("rgb"))) {
		size_t i = 0;

		while (i < s.n && !sa_is_digit(s.p[i]) && s.p[i] != ',')
			i++;
		return rgb_colour(mr_slice_from(s, i));
	}
	if (mr_slice_eq(s, MR_LIT("inherit")))
		return old;
	return mr_slice_eq(s, MR_LIT("transparent")) ? TRANSPARENT : colour(s);
}

/* "background: url(x) #fff": the first colour of the last layer. */
static void css_background(struct sa_style *st, struct mr_slice s)
{
	ptrdiff_t comma = -1;
	int depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		depth += s.p[i] == '(' ? 1 : s.p[i] == ')' && depth ? -1 : 0;
		if (s.p[i] == ',' && !depth)
			comma = (ptrdiff_t)i;
	}
	for (size_t i = (size_t)(comma + 1); i < s.n;) {
		size_t end = i;
		uint32_t found;

		while (end < s.n && s.p[end] != ' ' && s.p[end] != '(')
			end++;
		if (end < s.n && s.p[end] == '(') {
			while (end < s.n && s.p[end] != ')')
				end++;
			end += end < s.n;
		}
		found = end > i ? colour(sa_sub(s, i, end)) : SA_COLOUR_INVALID;
		if (found != SA_COLOUR_INVALID) {
			st->ground = found;
			return;
		}
		i = end + (end < s.n && s.p[end] == ' ');
	}
}

static void declaration(struct mr_arena *a, struct sa_style *st, struct mr_slice one)
{
	ptrdiff_t colon = mr_slice_chr(one, ':');
	struct mr_slice name, value, lower;

	if (colon <= 0)
		return;
	name = sa_sub(one, 0, (size_t)colon);
	while (name.n && sa_is_space(name.p[0]))
		name = mr_slice_from(name, 1);
	value = sa_trim(mr_slice_from(one, (size_t)colon + 1));
	if (!value.n || mr_slice_chr(value, '\n') >= 0)
		return;
	lower = sa_lower(a, value);
	if (mr_slice_ieq(name, MR_LIT("color")))
		st->colour = css_colour(lower, st->colour);
	else if (mr_slice_ieq(name, MR_LIT("background-color")))
		st->ground = css_colour(lower, st->ground);
	else if (mr_slice_eq(name, MR_LIT("background")))
		css_background(st, lower);
	else if (mr_slice_eq(sa_trim(name), MR_LIT("display")))
		st->none = mr_slice_eq(lower, MR_LIT("none"));
	else if (mr_slice_eq(sa_trim(name), MR_LIT("visibility")))
		st->hidden = mr_slice_eq(lower, MR_LIT("hidden"));
}

static void style_sheet(struct mr_arena *a, struct sa_style *st, const struct sa_style *outer, struct mr_slice value)
{
	struct mr_slice rest = value, one;

	while (rest.n && mr_slice_next(&rest, ';', &one))
		declaration(a, st, one);
	if (st->ground == TRANSPARENT)
		st->ground = outer->ground;
	if (st->colour == TRANSPARENT)
		st->colour = st->ground;
}

/* -- elements -- */

static struct sa_style *top(struct sa_styles *s)
{
	return &s->stack[s->n - 1];
}

void sa_styles_init(struct sa_styles *s, struct mr_arena *arena)
{
	*s = (struct sa_styles){ .arena = arena,
				 .stack = mr_arena_alloc(arena, STACK_FIRST * sizeof(*s->stack)),
				 .n = 1,
				 .room = STACK_FIRST,
				 .base_size = 3,
				 .min_size = 3,
				 .max_size = 3 };
	s->stack[0] = (struct sa_style){ .ground = 0xffffff, .size = 3 };
}

static void push(struct sa_styles *s, const struct sa_style *st)
{
	if (s->n == MR_SA_HTML_DEPTH_MAX)
		return;
	if (s->n == s->room) {
		struct sa_style *more = mr_arena_alloc(s->arena, 4 * s->room * sizeof(*more));

		memcpy(more, s->stack, s->n * sizeof(*more));
		s->stack = more;
		s->room *= 4;
	}
	s->stack[s->n++] = *st;
	s->open[st->tag]++;
}

static void pop(struct sa_styles *s)
{
	s->open[top(s)->tag]--;
	s->n--;
}

/* <td> and <tr> need no end tags. */
static void close_cell(struct sa_styles *s, enum sa_style_tag tag)
{
	while (s->open[tag] && s->n > 1) {
		enum sa_style_tag t = top(s)->tag;

		if (t != SA_STYLE_FONT && t != SA_STYLE_TD && !(tag == SA_STYLE_TR && t == SA_STYLE_TR))
			break;
		pop(s);
	}
}

static bool leading_number(struct mr_slice s, bool sign, int *n)
{
	size_t i = 0;
	int v = 0, factor = 1;

	while (i < s.n && sa_is_space(s.p[i]))
		i++;
	if (sign) {
		if (i >= s.n || (s.p[i] != '+' && s.p[i] != '-'))
			return false;
		factor = s.p[i++] == '-' ? -1 : 1;
	}
	if (i >= s.n || !sa_is_digit(s.p[i]))
		return false;
	while (i < s.n && sa_is_digit(s.p[i]) && v < 100000)
		v = v * 10 + (s.p[i++] - '0');
	*n = factor * v;
	return true;
}

static bool permitted(enum sa_style_tag tag, struct mr_slice name)
{
	static const char *const of[SA_STYLE_TAGS] = {
		[SA_STYLE_BODY] = " text bgcolor link alink vlink background ",
		[SA_STYLE_FONT] = " color face size ",
		[SA_STYLE_TABLE] = " bgcolor style ",
		[SA_STYLE_TR] = " bgcolor style ",
		[SA_STYLE_TD] = " bgcolor style ",
		[SA_STYLE_BASEFONT] = " color face size ",
		[SA_STYLE_MARQUEE] = " bgcolor background ",
		[SA_STYLE_SPAN] = " style ",
		[SA_STYLE_P] = " style ",
		[SA_STYLE_DIV] = " style ",
		[SA_STYLE_A] = " style ",
	};
	char word[16];

	if (!of[tag] || name.n > sizeof(word) - 3)
		return false;
	word[0] = ' ';
	for (size_t i = 0; i < name.n; i++)
		word[i + 1] = mr_lower(name.p[i]);
	word[name.n + 1] = ' ';
	word[name.n + 2] = '\0';
	return strstr(of[tag], word) != NULL;
}

static void attribute(struct sa_styles *s, struct sa_style *st, const struct sa_attribute *at)
{
	int n;

	if (mr_slice_ieq(at->name, MR_LIT("text")) || mr_slice_ieq(at->name, MR_LIT("color"))) {
		st->colour = colour(sa_lower(s->arena, at->value));
	} else if (mr_slice_ieq(at->name, MR_LIT("size"))) {
		if (leading_number(at->value, true, &n))
			st->size = s->base_size + n;
		else if (leading_number(at->value, false, &n))
			st->size = n;
	} else if (mr_slice_ieq(at->name, MR_LIT("style"))) {
		style_sheet(s->arena, st, top(s), at->value);
	}
	/* A ground by attribute is none that SpamAssassin knows. */
	if (st->size > s->max_size)
		s->max_size = st->size;
	else if (st->size < s->min_size)
		s->min_size = st->size;
}

static bool seen_before(const struct sa_token *t, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (mr_slice_ieq(t->attributes[k].name, t->attributes[i].name))
			return true;
	return false;
}

void sa_style_open(struct sa_styles *s, enum sa_style_tag tag, const struct sa_token *t)
{
	struct sa_style st;
	int n;

	if (tag == SA_STYLE_BASEFONT)
		for (size_t i = 0; i < t->n_attributes; i++)
			if (mr_slice_ieq(t->attributes[i].name, MR_LIT("size")) && leading_number(t->attributes[i].value, false, &n)) {
				s->base_size = n;
				return;
			}
	if (tag == SA_STYLE_TD || tag == SA_STYLE_TR)
		close_cell(s, tag);
	st = *top(s);
	st.tag = tag;
	if (tag == SA_STYLE_BIG || tag == SA_STYLE_SMALL) {
		st.size += tag == SA_STYLE_BIG ? 1 : -1;
		push(s, &st);
		return;
	}
	for (size_t i = 0; i < t->n_attributes; i++) {
		if (!permitted(tag, t->attributes[i].name) || seen_before(t, i))
			continue;
		attribute(s, &st, &t->attributes[i]);
	}
	push(s, &st);
}

void sa_style_close(struct sa_styles *s, enum sa_style_tag tag)
{
	if (tag == SA_STYLE_BODY || !s->open[tag])
		return;
	while (s->n > 1) {
		bool last = top(s)->tag == tag;

		pop(s);
		if (last)
			break;
	}
}

static bool is_colour(uint32_t c)
{
	return c <= 0xffffff;
}

/* How far apart two colours are to the eye, squared. */
static double distance2(uint32_t a, uint32_t b)
{
	static const double weight[] = { 0.0722, 0.7152, 0.2126 };
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		double d = weight[i] * ((double)(a >> 8 * i & 0xff) - (double)(b >> 8 * i & 0xff));

		sum += d * d;
	}
	return sum;
}

bool sa_style_invisible(const struct sa_styles *s, struct mr_sa_html *out)
{
	const struct sa_style *st = &s->stack[s->n - 1];

	if (st->colour == st->ground ||
	    (is_colour(st->colour) && is_colour(st->ground) && distance2(st->colour, st->ground) < FAINT * FAINT)) {
		out->font_low_contrast = true;
		return true;
	}
	if (st->colour == SA_COLOUR_INVALID || st->ground == SA_COLOUR_INVALID) {
		out->font_invalid_color = true;
		return true;
	}
	return st->size <= 1 || st->none || st->hidden;
}
