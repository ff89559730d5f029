/* opening: reads a regular expression as far as its matches' first bytes need it; see opening.h. Whatever is not plainly understood makes
 * the whole expression unknown. Lookaheads and the like are taken as always true: that only lets more through. */

/* system */
#include <string.h>

/* libraries */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "opening.h"

#define DEPTH_MAX  60
#define REPEAT_MAX 100000
#define RARE       1e-5 /* a share: places of a text that need not be told apart any further */

struct reader {
	struct mr_slice text;
	size_t at;
	uint32_t options;
	unsigned depth;
	bool failed;
	bool deaf; /* what is read now changes nothing any more */
};

static bool ended(const struct reader *r)
{
	return r->failed || r->at >= r->text.n;
}

static char peek(const struct reader *r)
{
	return ended(r) ? 0 : r->text.p[r->at];
}

static bool take(struct reader *r, const char *what)
{
	if (r->failed || !mr_slice_starts(mr_slice_from(r->text, r->at), mr_slice_of(what)))
		return false;
	r->at += mr_slice_of(what).n;
	return true;
}

static void fail(struct reader *r)
{
	r->failed = true;
}

/* -- classes -- */

static void put(struct mr_rules_class *c, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to && i < 256; i++)
		c->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static void negate(struct mr_rules_class *c)
{
	for (unsigned i = 0; i < 4; i++)
		c->bits[i] = ~c->bits[i];
}

static void unite(struct mr_rules_class *c, const struct mr_rules_class *other)
{
	for (unsigned i = 0; i < 4; i++)
		c->bits[i] |= other->bits[i];
}

/* Letters of ASCII in both cases, where the expression says so. */
static void fold(const struct reader *r, struct mr_rules_class *c)
{
	const uint64_t letters = UINT64_C(0x7fffffe);
	uint64_t both = (c->bits[1] & letters) | (c->bits[1] >> 32 & letters);

	if (r->options & PCRE2_CASELESS)
		c->bits[1] |= both | both << 32;
}

/* \d \w \s \h \v, and their opposites in capitals. */
static bool named_by_letter(char letter, struct mr_rules_class *c)
{
	*c = (struct mr_rules_class){ 0 };
	switch (mr_lower(letter)) {
	case 'w':
		put(c, 'a', 'z');
		put(c, 'A', 'Z');
		put(c, '_', '_');
		put(c, '0', '9');
		break;
	case 'd':
		put(c, '0', '9');
		break;
	case 's':
		put(c, '\t', '\r');
		put(c, ' ', ' ');
		break;
	case 'h':
		put(c, '\t', '\t');
		put(c, ' ', ' ');
		put(c, 0xa0, 0xa0);
		break;
	case 'v':
		put(c, '\n', '\r');
		put(c, 0x85, 0x85);
		break;
	default:
		return false;
	}
	if (letter < 'a')
		negate(c);
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
			put(c, (unsigned char)p[0], (unsigned char)p[1]);
		if (mr_slice_eq(name, MR_LIT("cntrl")))
			put(c, 0, 0);
		return true;
	}
	return false;
}

/* "\x41", "\x{41}" after the x; other than a byte: failed. */
static unsigned hexadecimal(struct reader *r)
{
	static const char digits[] = "0123456789abcdef";
	bool braces = take(r, "{");
	unsigned n = 0, read = 0;
	const char *digit;

	for (; !ended(r) && read < (braces ? 8u : 2u) && n < 256; read++) {
		digit = peek(r) ? strchr(digits, mr_lower(peek(r))) : NULL;
		if (!digit)
			break;
		n = n * 16 + (unsigned)(digit - digits);
		r->at++;
	}
	if (n > 255 || (braces && (!read || !take(r, "}"))))
		fail(r);
	return n & 255;
}

/* The byte of an escape that stands for one, after the backslash and its letter. */
static unsigned escaped_byte(struct reader *r, char letter)
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
		for (unsigned i = 0; i < 2 && peek(r) >= '0' && peek(r) <= '7'; i++)
			n = n * 8 + (unsigned)(r->text.p[r->at++] - '0');
		return n;
	default:
		if (mr_lower(letter) >= 'a' && mr_lower(letter) <= 'z')
			fail(r);
		if (letter >= '1' && letter <= '9')
			fail(r);
		return (unsigned char)letter;
	}
}

/* One byte, or a class, of those within brackets. True: a byte. */
static bool member(struct reader *r, unsigned *byte, struct mr_rules_class *c)
{
	char letter;

	if (take(r, "[:")) {
		struct mr_slice rest = mr_slice_from(r->text, r->at);
		ptrdiff_t end = mr_slice_chr(rest, ':');
		bool inverse = take(r, "^");

		if (end < 0 || !named_by_word((struct mr_slice){ rest.p + inverse, (size_t)end - inverse }, c))
			fail(r);
		r->at += end < 0 ? 0 : (size_t)end - inverse;
		if (!take(r, ":]"))
			fail(r);
		if (inverse)
			negate(c);
		return false;
	}
	letter = r->text.p[r->at++];
	*byte = (unsigned char)letter;
	if (letter != '\\')
		return true;
	if (ended(r)) {
		fail(r);
		return true;
	}
	letter = r->text.p[r->at++];
	if (named_by_letter(letter, c))
		return false;
	*byte = letter == 'b' ? '\b' : escaped_byte(r, letter);
	return true;
}

/* "[...]", after the bracket. */
static struct mr_rules_class bracketed(struct reader *r)
{
	struct mr_rules_class all = { 0 };
	bool inverse = take(r, "^");

	for (bool first = true; !ended(r) && (first || peek(r) != ']'); first = false) {
		struct mr_rules_class one = { 0 };
		unsigned from = 0, to;

		if (!member(r, &from, &one)) {
			unite(&all, &one);
			continue;
		}
		to = from;
		if (peek(r) == '-' && r->at + 1 < r->text.n && r->text.p[r->at + 1] != ']') {
			r->at++;
			if (!member(r, &to, &one)) {
				unite(&all, &one); /* "a-\d" is three members */
				put(&all, '-', '-');
				to = from;
			}
		}
		put(&all, from, to);
	}
	if (!take(r, "]"))
		fail(r);
	fold(r, &all);
	if (inverse)
		negate(&all);
	return all;
}

/* -- atoms -- */

static void alternatives(struct reader *r, struct mr_rules_openset *out);

static void nothing(const struct reader *r, struct mr_rules_openset *out)
{
	if (!r->deaf)
		mr_rules_openset_nothing(out);
}

static void one_of(const struct reader *r, const struct mr_rules_class *c, struct mr_rules_openset *out)
{
	if (!r->deaf)
		mr_rules_openset_byte(out, c);
}

static void byte(struct reader *r, unsigned b, struct mr_rules_openset *out)
{
	struct mr_rules_class c = { 0 };

	put(&c, b, b);
	fold(r, &c);
	one_of(r, &c, out);
}

/* Nothing that it says is listened to. */
static void skip_group(struct reader *r)
{
	struct mr_rules_openset ignored = { 0 };
	bool was = r->deaf;

	r->deaf = true;
	alternatives(r, &ignored);
	r->deaf = was;
	free(ignored.v);
}

/* "i", "s-i", up to the colon or the parenthesis. */
static void flags(struct reader *r)
{
	bool on = true;

	for (; !ended(r) && peek(r) != ':' && peek(r) != ')'; r->at++) {
		uint32_t option = 0;

		if (peek(r) == '-')
			on = false;
		else if (peek(r) == 'i')
			option = PCRE2_CASELESS;
		else if (peek(r) == 's')
			option = PCRE2_DOTALL;
		else if (peek(r) != 'm' && peek(r) != 'n')
			fail(r);
		r->options = on ? r->options | option : r->options & ~option;
	}
}

/* "<name>", "'name'" after its opening; the group captures. */
static void skip_name(struct reader *r, char end)
{
	ptrdiff_t n = mr_slice_chr(mr_slice_from(r->text, r->at), end);

	if (n < 0)
		fail(r);
	else
		r->at += (size_t)n + 1;
}

static bool is_look(struct reader *r)
{
	return take(r, "?=") || take(r, "?!") || take(r, "?<=") || take(r, "?<!");
}

static bool is_plain(struct reader *r)
{
	if (take(r, "?:") || take(r, "?>") || take(r, "?|"))
		return true;
	if (take(r, "?<") || take(r, "?P<"))
		skip_name(r, '>');
	else if (take(r, "?'"))
		skip_name(r, '\'');
	else if (peek(r) == '?' || peek(r) == '*')
		return false;
	return true;
}

/* After the parenthesis. */
static void group(struct reader *r, struct mr_rules_openset *out)
{
	uint32_t options = r->options;

	nothing(r, out);
	if (++r->depth > DEPTH_MAX)
		fail(r);
	if (take(r, "?#")) {
		skip_name(r, ')');
		r->depth--;
		return;
	}
	if (is_look(r)) {
		skip_group(r);
	} else if (is_plain(r)) {
		alternatives(r, out);
	} else if (take(r, "?")) {
		flags(r);
		if (peek(r) == ')')
			options = r->options; /* to the end of the group around it */
		else if (take(r, ":"))
			alternatives(r, out);
	} else {
		fail(r);
	}
	if (!take(r, ")"))
		fail(r);
	r->options = options;
	r->depth--;
}

/* After the backslash. */
static void escape(struct reader *r, struct mr_rules_openset *out)
{
	struct mr_rules_class c;
	char letter;

	if (ended(r)) {
		fail(r);
		return;
	}
	letter = r->text.p[r->at++];
	if (named_by_letter(letter, &c))
		one_of(r, &c, out);
	else if ((letter == 'b' || letter == 'B') && !r->deaf)
		mr_rules_openset_edge(out, letter == 'b');
	else if (letter == 'A' && !r->deaf)
		mr_rules_openset_line(out);
	else if (letter && strchr("bBAzZ", letter))
		nothing(r, out);
	else if (letter >= '1' && letter <= '9' && !(peek(r) >= '0' && peek(r) <= '9'))
		mr_rules_openset_any(out); /* what a group has matched */
	else
		byte(r, escaped_byte(r, letter), out);
}

static void atom(struct reader *r, struct mr_rules_openset *out)
{
	struct mr_rules_class c = { 0 };
	char first = r->text.p[r->at++];

	switch (first) {
	case '(':
		group(r, out);
		break;
	case '[':
		c = bracketed(r);
		one_of(r, &c, out);
		break;
	case '.':
		if (!(r->options & PCRE2_DOTALL))
			put(&c, '\n', '\n');
		negate(&c);
		one_of(r, &c, out);
		break;
	case '^':
		if (!r->deaf)
			mr_rules_openset_line(out);
		break;
	case '$':
		nothing(r, out);
		break;
	case '\\':
		escape(r, out);
		break;
	default:
		byte(r, (unsigned char)first, out);
	}
}

/* "{2}", "{2,}", "{2,5}"; else the brace is a character. */
static bool braces(struct reader *r, unsigned *min, unsigned *max)
{
	struct mr_slice rest = mr_slice_from(r->text, r->at), in;
	ptrdiff_t end = rest.n && rest.p[0] == '{' ? mr_slice_chr(rest, '}') : -1, comma;
	uint64_t a, b = REPEAT_MAX;

	if (end < 2)
		return false;
	in = (struct mr_slice){ rest.p + 1, (size_t)end - 1 };
	comma = mr_slice_chr(in, ',');
	if (mr_parse_u64((struct mr_slice){ in.p, comma < 0 ? in.n : (size_t)comma }, 0, REPEAT_MAX, &a) < 0)
		return false;
	if (comma >= 0 && (size_t)comma + 1 < in.n && mr_parse_u64(mr_slice_from(in, (size_t)comma + 1), 0, REPEAT_MAX, &b) < 0)
		return false;
	*min = (unsigned)a;
	*max = (unsigned)(comma < 0 ? a : b);
	r->at += (size_t)end + 1;
	return true;
}

static void quantified(struct reader *r, struct mr_rules_openset *one)
{
	unsigned min = 1, max = 1;

	if (take(r, "*"))
		min = 0, max = REPEAT_MAX;
	else if (take(r, "+"))
		max = REPEAT_MAX;
	else if (take(r, "?"))
		min = 0;
	else if (!braces(r, &min, &max))
		return;
	if (!take(r, "?"))
		take(r, "+");
	if (!r->deaf)
		mr_rules_openset_repeat(one, min, max);
}

static void sequence(struct reader *r, struct mr_rules_openset *all)
{
	bool was = r->deaf;

	nothing(r, all);
	while (!ended(r) && peek(r) != '|' && peek(r) != ')') {
		struct mr_rules_openset one = { 0 };

		r->deaf = was || !mr_rules_openset_grows(all);
		atom(r, &one);
		quantified(r, &one);
		if (!r->deaf && !r->failed)
			mr_rules_openset_then(all, &one);
		free(one.v);
	}
	r->deaf = was;
}

static void alternatives(struct reader *r, struct mr_rules_openset *out)
{
	out->n = 0;
	do {
		struct mr_rules_openset one = { 0 };

		sequence(r, &one);
		mr_rules_openset_or(out, &one);
		free(one.v);
	} while (take(r, "|"));
	if (out->n > MR_OPENINGS_MAX)
		mr_rules_openset_shrink(out, MR_OPENINGS_MAX);
}

/* So many bytes as make it rare. */
static struct mr_rules_opening trimmed(const struct mr_rules_opening *o)
{
	struct mr_rules_opening t = *o;

	for (t.n = 1; t.n < o->n && mr_rules_openings_share(&t, 1) > RARE; t.n++)
		;
	return t;
}

static bool has(const struct mr_rules_opening *v, size_t n, const struct mr_rules_opening *o)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].n == o->n && v[i].before == o->before && memcmp(v[i].bytes, o->bytes, o->n * sizeof(*o->bytes)) == 0)
			return true;
	return false;
}

size_t mr_rules_openings(struct mr_slice text, uint32_t options, struct mr_rules_opening out[MR_OPENINGS_MAX])
{
	struct reader r = { .text = text, .options = options };
	struct mr_rules_openset all = { 0 };
	size_t n = 0;

	if (options & ~(uint32_t)(PCRE2_CASELESS | PCRE2_MULTILINE | PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE))
		return 0;
	alternatives(&r, &all);
	mr_rules_openset_shrink(&all, MR_OPENINGS_MAX);
	if (r.at < r.text.n) /* a parenthesis too many */
		r.failed = true;
	for (size_t i = 0; !r.failed && i < all.n; i++) {
		struct mr_rules_opening o = trimmed(&all.v[i]);

		if (!all.v[i].n) {
			n = 0;
			break;
		}
		if (!has(out, n, &o))
			out[n++] = o;
	}
	free(all.v);
	return n;
}
