/* opening-class: classes of bytes in a regular expression; see opening-private.h. */

/* system */
#include <string.h>

/* libraries */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ours */
#include "base/mem.h"
#include "opening-private.h"

void mr_opening_put(struct mr_rules_class *c, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to && i < 256; i++)
		c->bits[i / 64] |= UINT64_C(1) << i % 64;
}

void mr_opening_negate(struct mr_rules_class *c)
{
	for (unsigned i = 0; i < 4; i++)
		c->bits[i] = ~c->bits[i];
}

static void unite(struct mr_rules_class *c, const struct mr_rules_class *other)
{
	for (unsigned i = 0; i < 4; i++)
		c->bits[i] |= other->bits[i];
}

void mr_opening_fold(const struct mr_opening_reader *r, struct mr_rules_class *c)
{
	const uint64_t letters = UINT64_C(0x7fffffe);
	uint64_t both = (c->bits[1] & letters) | (c->bits[1] >> 32 & letters);

	if (r->options & PCRE2_CASELESS)
		c->bits[1] |= both | both << 32;
}

bool mr_opening_named(char letter, struct mr_rules_class *c)
{
	*c = (struct mr_rules_class){ 0 };
	switch (mr_lower(letter)) {
	case 'w':
		mr_opening_put(c, 'a', 'z');
		mr_opening_put(c, 'A', 'Z');
		mr_opening_put(c, '_', '_');
		mr_opening_put(c, '0', '9');
		break;
	case 'd':
		mr_opening_put(c, '0', '9');
		break;
	case 's':
		mr_opening_put(c, '\t', '\r');
		mr_opening_put(c, ' ', ' ');
		break;
	case 'h':
		mr_opening_put(c, '\t', '\t');
		mr_opening_put(c, ' ', ' ');
		mr_opening_put(c, 0xa0, 0xa0);
		break;
	case 'v':
		mr_opening_put(c, '\n', '\r');
		mr_opening_put(c, 0x85, 0x85);
		break;
	default:
		return false;
	}
	if (letter < 'a')
		mr_opening_negate(c);
	return true;
}

static bool named_by_word(struct mr_slice name, struct mr_rules_class *c)
{
	static const struct {
		const char *name, *ranges; /* pairs */
	} names[] = {
		{ "alpha", "azAZ" },    { "digit", "09" },      { "alnum", "azAZ09" },           { "upper", "AZ" },
		{ "lower", "az" },      { "space", "\t\r  " },  { "blank", "\t\t  " },           { "punct", "!/:@[`{~" },
		{ "word", "azAZ09__" }, { "xdigit", "09afAF" }, { "cntrl", "\001\037\177\177" }, { "graph", "!~" },
		{ "print", " ~" },
	};

	for (size_t i = 0; i < MR_COUNT(names); i++) {
		if (!mr_slice_eq(name, mr_slice_of(names[i].name)))
			continue;
		for (const char *p = names[i].ranges; *p; p += 2)
			mr_opening_put(c, (unsigned char)p[0], (unsigned char)p[1]);
		if (mr_slice_eq(name, MR_LIT("cntrl")))
			mr_opening_put(c, 0, 0);
		return true;
	}
	return false;
}

/* "\x41", "\x{41}" after the x; other than a byte: failed. */
static unsigned hexadecimal(struct mr_opening_reader *r)
{
	static const char digits[] = "0123456789abcdef";
	bool braces = mr_opening_take(r, "{");
	unsigned n = 0, read = 0;
	const char *digit;

	for (; !mr_opening_ended(r) && read < (braces ? 8u : 2u) && n < 256; read++) {
		digit = mr_opening_peek(r) ? strchr(digits, mr_lower(mr_opening_peek(r))) : NULL;
		if (!digit)
			break;
		n = n * 16 + (unsigned)(digit - digits);
		r->at++;
	}
	if (n > 255 || (braces && (!read || !mr_opening_take(r, "}"))))
		r->failed = true;
	return n & 255;
}

unsigned mr_opening_escaped(struct mr_opening_reader *r, char letter)
{
	unsigned n = 0;

	switch (letter) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'f':
		return '\f';
	case 'e':
		return 033;
	case 'a':
		return 7;
	case 'x':
		return hexadecimal(r);
	case '0':
		for (unsigned i = 0; i < 2 && mr_opening_peek(r) >= '0' && mr_opening_peek(r) <= '7'; i++)
			n = n * 8 + (unsigned)(r->text.p[r->at++] - '0');
		return n;
	default:
		if (mr_lower(letter) >= 'a' && mr_lower(letter) <= 'z')
			r->failed = true;
		if (letter >= '1' && letter <= '9')
			r->failed = true;
		return (unsigned char)letter;
	}
}

/* One byte, or a class, of those within brackets. True: a byte. */
static bool member(struct mr_opening_reader *r, unsigned *byte, struct mr_rules_class *c)
{
	char letter;

	if (mr_opening_take(r, "[:")) {
		struct mr_slice rest = mr_slice_from(r->text, r->at);
		ptrdiff_t end = mr_slice_chr(rest, ':');
		bool inverse = mr_opening_take(r, "^");

		if (end < 0 || !named_by_word((struct mr_slice){ rest.p + inverse, (size_t)end - inverse }, c))
			r->failed = true;
		r->at += end < 0 ? 0 : (size_t)end - inverse;
		if (!mr_opening_take(r, ":]"))
			r->failed = true;
		if (inverse)
			mr_opening_negate(c);
		return false;
	}
	letter = r->text.p[r->at++];
	*byte = (unsigned char)letter;
	if (letter != '\\')
		return true;
	if (mr_opening_ended(r)) {
		r->failed = true;
		return true;
	}
	letter = r->text.p[r->at++];
	if (mr_opening_named(letter, c))
		return false;
	*byte = letter == 'b' ? '\b' : mr_opening_escaped(r, letter);
	return true;
}

struct mr_rules_class mr_opening_bracketed(struct mr_opening_reader *r)
{
	struct mr_rules_class all = { 0 };
	bool inverse = mr_opening_take(r, "^");

	for (bool first = true; !mr_opening_ended(r) && (first || mr_opening_peek(r) != ']'); first = false) {
		struct mr_rules_class one = { 0 };
		unsigned from = 0, to;

		if (!member(r, &from, &one)) {
			unite(&all, &one);
			continue;
		}
		to = from;
		if (mr_opening_peek(r) == '-' && r->at + 1 < r->text.n && r->text.p[r->at + 1] != ']') {
			r->at++;
			if (!member(r, &to, &one)) {
				unite(&all, &one); /* "a-\d" is three members */
				mr_opening_put(&all, '-', '-');
				to = from;
			}
		}
		mr_opening_put(&all, from, to);
	}
	if (!mr_opening_take(r, "]"))
		r->failed = true;
	mr_opening_fold(r, &all);
	if (inverse)
		mr_opening_negate(&all);
	return all;
}
