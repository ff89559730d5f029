/* html-style: see html-style.h. CSS as far as it hides text; a declaration that is not understood says nothing. */
/* system */
#include <stdlib.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "mail/html-style.h"

#define NEAR 24 /* difference of each of the three colours that no eye sees */

static int hex(char c)
{
	c = mr_lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint32_t hash_colour(struct mr_slice s)
{
	uint32_t v = 0;

	if (s.n != 3 && s.n != 6)
		return MR_HTML_NO_COLOUR;
	for (size_t i = 0; i < s.n; i++) {
		int d = hex(s.p[i]);

		if (d < 0)
			return MR_HTML_NO_COLOUR;
		v = s.n == 3 ? v << 8 | (uint32_t)d << 4 | (uint32_t)d : v << 4 | (uint32_t)d;
	}
	return v;
}

static uint32_t rgb_colour(struct mr_slice s)
{
	struct mr_slice part;
	uint32_t v = 0;
	uint64_t n;

	for (int i = 0; i < 3; i++) {
		if (!mr_slice_next(&s, ',', &part) || mr_parse_u64(mr_slice_trim(part), 0, 255, &n) < 0)
			return MR_HTML_NO_COLOUR;
		v = v << 8 | (uint32_t)n;
	}
	return v;
}

uint32_t mr_html_colour(struct mr_slice s)
{
	s = mr_slice_trim(s);
	if (s.n && s.p[0] == '#')
		return hash_colour(mr_slice_from(s, 1));
	if (mr_slice_istarts(s, MR_LIT("rgb(")) && s.p[s.n - 1] == ')')
		return rgb_colour((struct mr_slice){ s.p + 4, s.n - 5 });
	return mr_html_colour_name(s);
}

/* "0", "0px", "1px", "0.5pt": nothing that can be read. Units other than px and pt count only for nought. */
static bool is_tiny(struct mr_slice v)
{
	char text[16];
	char *unit;
	double n;

	if (v.n == 0 || v.n >= sizeof(text))
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	n = strtod(text, &unit);
	if (unit == text)
		return false;
	return n <= 0 || (n <= 1 && (mr_slice_ieq(mr_slice_of(unit), MR_LIT("px")) || mr_slice_ieq(mr_slice_of(unit), MR_LIT("pt"))));
}

static void declaration(struct mr_html_style *s, struct mr_slice name, struct mr_slice value)
{
	ptrdiff_t important = mr_slice_chr(value, '!');

	if (important >= 0)
		value = mr_slice_trim((struct mr_slice){ value.p, (size_t)important });
	if (mr_slice_ieq(name, MR_LIT("display")))
		s->hidden |= mr_slice_ieq(value, MR_LIT("none"));
	else if (mr_slice_ieq(name, MR_LIT("visibility")))
		s->hidden |= mr_slice_ieq(value, MR_LIT("hidden"));
	else if (mr_slice_ieq(name, MR_LIT("mso-hide")))
		s->hidden |= mr_slice_ieq(value, MR_LIT("all"));
	else if (mr_slice_ieq(name, MR_LIT("font-size")))
		s->hidden |= is_tiny(value);
	else if (mr_slice_ieq(name, MR_LIT("opacity")))
		s->hidden |= is_tiny(value) && !mr_slice_starts(value, MR_LIT("1"));
	else if (mr_slice_ieq(name, MR_LIT("color")))
		s->colour = mr_html_colour(value);
	else if ((mr_slice_ieq(name, MR_LIT("background-color")) || mr_slice_ieq(name, MR_LIT("background"))) &&
		 mr_html_colour(value) != MR_HTML_NO_COLOUR)
		s->ground = mr_html_colour(value);
}

void mr_html_style_attribute(struct mr_html_style *s, struct mr_slice name, struct mr_slice value)
{
	struct mr_slice rest = value, one;

	if (mr_slice_eq(name, MR_LIT("hidden"))) {
		s->hidden = true;
	} else if (mr_slice_eq(name, MR_LIT("color")) || mr_slice_eq(name, MR_LIT("text"))) {
		s->colour = mr_html_colour(value);
	} else if (mr_slice_eq(name, MR_LIT("bgcolor"))) {
		s->ground = mr_html_colour(value);
	} else if (mr_slice_eq(name, MR_LIT("style"))) {
		while (rest.n && mr_slice_next(&rest, ';', &one)) {
			ptrdiff_t colon = mr_slice_chr(one, ':');

			if (colon > 0)
				declaration(s, mr_slice_trim((struct mr_slice){ one.p, (size_t)colon }),
					    mr_slice_trim(mr_slice_from(one, (size_t)colon + 1)));
		}
	}
}

bool mr_html_style_invisible(const struct mr_html_style *s)
{
	if (s->hidden)
		return true;
	if (s->colour == MR_HTML_NO_COLOUR || s->ground == MR_HTML_NO_COLOUR)
		return false;
	for (int shift = 0; shift < 24; shift += 8)
		if (abs((int)(s->colour >> shift & 0xff) - (int)(s->ground >> shift & 0xff)) > NEAR)
			return false;
	return true;
}
