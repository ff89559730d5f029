/* sa/decode: transfer encodings, charsets and encoded words as SpamAssassin undoes them: what is wrong is decoded as far as it goes. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/charset.h"
#include "mail/sa/internal.h"

/* -- transfer encodings -- */

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (sa_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The characters of base64 in s, '=' among them. *foreign: there are others, or the number does not fit. */
static size_t count_base64(struct mr_slice s, bool *foreign)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (sextet(s.p[i]) >= 0 || s.p[i] == '=')
			n++;
		else if (!sa_is_space(s.p[i]))
			*foreign = true;
	}
	if (n % 4 != 0)
		*foreign = true;
	return n;
}

struct mr_slice sa_base64(struct mr_arena *a, struct mr_slice s)
{
	bool foreign = false;
	size_t n = count_base64(s, &foreign), seen = 0, padding = 0, m = 0;
	unsigned bits = 0, have = 0;
	char *out = mr_arena_alloc(a, n / 4 * 3 + 4);

	for (size_t i = s.n; i > 0; i--) {
		if (s.p[i - 1] == '=')
			padding++;
		else if (sextet(s.p[i - 1]) >= 0)
			break;
	}
	n -= padding;
	if (foreign && n % 4 == 1)
		n--;
	for (size_t i = 0; i < s.n && seen < n; i++) {
		int v = s.p[i] == '=' ? (foreign ? 63 : 0) : sextet(s.p[i]);

		if (v < 0)
			continue;
		seen++;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[m++] = (char)(bits >> have & 0xff);
		}
	}
	return (struct mr_slice){ out, m };
}

static int hex(char c)
{
	c = mr_lower(c);
	return sa_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of a line break at i: 0, 1 or 2. */
static size_t break_at(struct mr_slice s, size_t i)
{
	if (i < s.n && s.p[i] == '\n')
		return 1;
	return i + 1 < s.n && s.p[i] == '\r' && s.p[i + 1] == '\n' ? 2 : 0;
}

struct mr_slice sa_quoted_printable(struct mr_arena *a, struct mr_slice s)
{
	char *out = mr_arena_alloc(a, s.n + 1);
	size_t m = 0, n = 0, joined = 0; /* joined: where the last line that was continued ends */

	/* Lines first, so that "=4=\n1" is "A". */
	for (size_t i = 0; i < s.n;) {
		size_t end = i;

		while (end < s.n && (s.p[end] == ' ' || s.p[end] == '\t'))
			end++;
		if (end > i && !break_at(s, end)) {
			memcpy(out + m, s.p + i, end - i);
			m += end - i;
			i = end;
			continue;
		}
		i = end;
		if (i < s.n)
			out[m++] = s.p[i++];
		n = m >= joined + 3 && out[m - 2] == '\r' ? 3 : 2;
		if (m >= joined + n && out[m - 1] == '\n' && out[m - n] == '=')
			joined = m -= n;
	}
	n = 0;
	for (size_t i = 0; i < m; i++) {
		if (out[i] == '=' && i + 2 < m && hex(out[i + 1]) >= 0 && hex(out[i + 2]) >= 0) {
			out[n++] = (char)(hex(out[i + 1]) << 4 | hex(out[i + 2]));
			i += 2;
		} else {
			out[n++] = out[i];
		}
	}
	return (struct mr_slice){ out, n };
}

/* -- charsets -- */

/* Charsets whose first half is ASCII. */
static bool contains_ascii(struct mr_slice c)
{
	static const char *const names[] = {
		"us-ascii",      "ascii",         "ansi_x3.4-1968", "ansi_x3.4-1986", "ansi x3.4-1968", "ansi x3.4-1986",
		"ansix3.4-1968", "ansix3.4-1986", "iso646-us",      "utf-8",          "utf8",           "big5",
		"gbk",           "gb18030",       "gb-18030",       "gb 18030"
	};

	for (size_t i = 0; i < MR_COUNT(names); i++)
		if (mr_slice_ieq(c, mr_slice_of(names[i])))
			return true;
	return mr_slice_istarts(c, MR_LIT("iso-8859")) || mr_slice_istarts(c, MR_LIT("iso8859")) ||
	       mr_slice_istarts(c, MR_LIT("iso 8859")) || mr_slice_istarts(c, MR_LIT("windows-1")) ||
	       mr_slice_istarts(c, MR_LIT("koi8-")) || mr_slice_istarts(c, MR_LIT("euc-"));
}

static bool is_latin1(struct mr_slice c)
{
	return mr_slice_ieq(c, MR_LIT("iso-8859-1")) || mr_slice_ieq(c, MR_LIT("iso8859-1")) || mr_slice_ieq(c, MR_LIT("windows-1252")) ||
	       mr_slice_ieq(c, MR_LIT("cp1252"));
}

static bool is_utf8_name(struct mr_slice c)
{
	return mr_slice_ieq(c, MR_LIT("utf-8")) || mr_slice_ieq(c, MR_LIT("utf8"));
}

static bool is_ascii_name(struct mr_slice c)
{
	return mr_slice_ieq(c, MR_LIT("us-ascii")) || mr_slice_ieq(c, MR_LIT("ascii"));
}

/* UTF-16 without a mark of its byte order: what most of the zeros and spaces say. */
static struct mr_slice utf16_name(struct mr_slice s)
{
	size_t even = 0, odd = 0, little = 0, big = 0;

	if (s.n >= 2 && (memcmp(s.p, "\xff\xfe", 2) == 0 || memcmp(s.p, "\xfe\xff", 2) == 0))
		return (struct mr_slice){ 0 };
	for (size_t i = 0; i + 1 < s.n; i += 2) {
		unsigned char a = (unsigned char)s.p[i], b = (unsigned char)s.p[i + 1];

		even += (a >> 4) + (a & 15u);
		odd += (b >> 4) + (b & 15u);
		little += a == ' ' && b == 0;
		big += a == 0 && b == ' ';
	}
	little += even > 4 * odd;
	big += 4 * odd > even;
	return little > big ? MR_LIT("utf-16le") : big > little ? MR_LIT("utf-16be") : (struct mr_slice){ 0 };
}

static bool decode_as(struct mr_slice in, struct mr_slice charset, bool insist, struct mr_buf *out)
{
	struct mr_slice wanted = is_latin1(charset) ? MR_LIT("windows-1252") : charset;

	if (mr_slice_istarts(charset, MR_LIT("utf-16")) || mr_slice_istarts(charset, MR_LIT("utf16"))) {
		wanted = utf16_name(in);
		return wanted.n && mr_charset_strict(in, wanted, out);
	}
	if (mr_slice_istarts(charset, MR_LIT("gb18030")) || mr_slice_istarts(charset, MR_LIT("gb-18030")))
		wanted = MR_LIT("gbk");
	else if (sa_ihas(charset, MR_LIT("gb2312")) || sa_ihas(charset, MR_LIT("gb_2312")))
		wanted = MR_LIT("euc-cn"); /* and no more: GMime's gb2312 is GBK */
	if (insist) {
		if (mr_charset_to_utf8(in, wanted, out))
			return true;
		mr_buf_truncate(out, 0);
		return false;
	}
	return mr_charset_strict(in, wanted, out);
}

struct mr_slice sa_normalize(struct mr_arena *a, struct mr_slice in, struct mr_slice charset, bool insist, bool *wide)
{
	bool high = !mr_ascii(in), tried_utf8 = false;
	struct mr_buf out = MR_BUF(4 * in.n + 16);

	*wide = false;
	if (!high && contains_ascii(charset))
		return in;
	if (high && !insist) {
		if (mr_utf8_valid(in)) {
			*wide = true;
			return in;
		}
		tried_utf8 = true;
	}
	if (is_ascii_name(charset) && !insist)
		*wide = false;
	else if (!(tried_utf8 && is_utf8_name(charset)))
		*wide = charset.n && decode_as(in, charset, insist, &out);
	if (!*wide && !high) {
		mr_buf_done(&out);
		return in;
	}
	if (!*wide)
		mr_charset_to_utf8(in, MR_LIT("windows-1252"), &out);
	*wide = true;
	return sa_keep_buf(a, &out);
}

/* -- encoded words, RFC 2047 -- */

struct word {
	struct mr_slice charset, data;
	bool base64;
	size_t end; /* in the value */
};

/* "=?charset?Q?data?=" at i. */
static bool word_at(struct mr_slice s, size_t i, struct word *w)
{
	size_t at = i + 2, data;
	ptrdiff_t mark;

	if (i + 8 > s.n || s.p[i] != '=' || s.p[i + 1] != '?')
		return false;
	while (at < s.n && (sa_is_word(s.p[at]) || s.p[at] == '*' || s.p[at] == '-'))
		at++;
	if (at == i + 2 || at + 4 > s.n || s.p[at] != '?' || !strchr("bBqQ", s.p[at + 1]) || s.p[at + 2] != '?')
		return false;
	data = at + 3;
	mark = mr_slice_chr(mr_slice_from(s, data), '?');
	if (mark < 0 || data + (size_t)mark + 1 >= s.n || s.p[data + (size_t)mark + 1] != '=')
		return false;
	*w = (struct word){ .charset = sa_sub(s, i + 2, at),
			    .data = sa_sub(s, data, data + (size_t)mark),
			    .base64 = mr_lower(s.p[at + 1]) == 'b',
			    .end = data + (size_t)mark + 2 };
	return true;
}

static struct mr_slice word_bytes(struct mr_arena *a, const struct word *w)
{
	char *copy;

	if (w->base64)
		return sa_base64(a, w->data);
	copy = mr_arena_slice(a, w->data);
	for (size_t i = 0; i < w->data.n; i++)
		if (copy[i] == '_')
			copy[i] = ' ';
	/* A space at the end that came from "_" is no white space of quoted-printable; there is no line break here. */
	return sa_quoted_printable(a, (struct mr_slice){ copy, w->data.n });
}

struct words {
	struct mr_arena *arena;
	struct mr_buf out, section; /* section: bytes of words of one charset that stand side by side */
	struct mr_slice charset;
};

static void end_section(struct words *w)
{
	struct mr_slice name = w->charset, text;
	ptrdiff_t language = mr_slice_chr(name, '*');
	bool wide;

	if (!w->section.n)
		return;
	if (language >= 0)
		name.n = (size_t)language;
	text = name.n ? sa_normalize(w->arena, mr_buf_slice(&w->section), name, true, &wide) : mr_buf_slice(&w->section);
	mr_buf_add(&w->out, text);
	mr_buf_reset(&w->section);
}

static void add_section(struct words *w, struct mr_slice charset, struct mr_slice bytes)
{
	if (!mr_slice_ieq(charset, w->charset))
		end_section(w);
	w->charset = charset;
	mr_buf_add(&w->section, bytes);
}

static struct mr_slice decode_words(struct mr_arena *a, struct mr_slice s)
{
	struct words w = { .arena = a, .out = MR_BUF(4 * s.n + 64), .section = MR_BUF(s.n + 64) };
	struct mr_slice out;

	for (size_t i = 0; i < s.n;) {
		struct word word;
		size_t end = i + 1;

		if (word_at(s, i, &word)) {
			struct word next;

			add_section(&w, word.charset, word_bytes(a, &word));
			for (end = word.end; end < s.n && sa_is_space(s.p[end]);)
				end++;
			/* White space between two words is none of the text. */
			i = end > word.end && word_at(s, end, &next) ? end : word.end;
			continue;
		}
		while (s.p[i] != '=' && end < s.n && s.p[end] != '=')
			end++;
		add_section(&w, (struct mr_slice){ 0 }, sa_sub(s, i, end));
		i = end;
	}
	end_section(&w);
	out = sa_keep_buf(a, &w.out);
	mr_buf_done(&w.section);
	return out;
}

static bool never_encoded(struct mr_slice name)
{
	static const char *const names[] = { "received",    "message-id",   "resent-message-id", "date",
					     "resent-date", "mime-version", "references",        "in-reply-to" };

	for (size_t i = 0; i < MR_COUNT(names); i++)
		if (mr_slice_ieq(name, mr_slice_of(names[i])))
			return true;
	return mr_slice_istarts(name, MR_LIT("list-"));
}

/* Without line breaks; a tab that begins a folded line becomes a space. */
static struct mr_slice without_breaks(struct mr_arena *a, struct mr_slice s)
{
	char *out;
	size_t n = 0;

	if (mr_slice_chr(s, '\n') < 0)
		return s;
	out = mr_arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' || (s.p[i] == '\r' && break_at(s, i)))
			continue;
		out[n++] = s.p[i] == '\t' && i && s.p[i - 1] == '\n' ? ' ' : s.p[i];
	}
	return (struct mr_slice){ out, n };
}

struct mr_slice sa_decode_words(struct mr_arena *a, struct mr_slice value, struct mr_slice name)
{
	bool wide;

	value = without_breaks(a, value);
	if (!mr_ascii(value))
		value = sa_normalize(a, value, MR_LIT("utf-8"), false, &wide);
	if (never_encoded(name) || !sa_has(value, MR_LIT("=?")))
		return value;
	return decode_words(a, value);
}
