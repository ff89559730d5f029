/* charset: see charset.h. glibc's iconv through GMime's table of names. */
/* system */
#include <errno.h>
#include <iconv.h>

/* libraries */
#include <gmime/gmime.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/charset.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define UTF8_MAX    3              /* bytes of a character of the tables */
#define NAME_MAX_   64             /* bytes of a charset's name */
#define CHUNK       8192

static const char *const common[] = {
	"us-ascii",     "utf-8",        "utf-7",        "utf-16",       "utf-16le",     "utf-16be",     "utf-32",       "iso-8859-1",
	"iso-8859-2",   "iso-8859-3",   "iso-8859-4",   "iso-8859-5",   "iso-8859-6",   "iso-8859-7",   "iso-8859-8",   "iso-8859-9",
	"iso-8859-10",  "iso-8859-11",  "iso-8859-13",  "iso-8859-14",  "iso-8859-15",  "iso-8859-16",  "windows-1250", "windows-1251",
	"windows-1252", "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "windows-874",
	"koi8-r",       "koi8-u",       "gb2312",       "gbk",          "gb18030",      "big5",         "big5-hkscs",   "shift_jis",
	"euc-jp",       "iso-2022-jp",  "euc-kr",       "iso-2022-kr",  "cp949",        "tis-620",      "macintosh",    "ibm850",
	"ibm437",       "ibm866",       "hz-gb-2312",   "euc-tw",       "euc-cn",
};

/* Of charsets in which each byte is a character: a look-up is faster than a converter. */
static struct table {
	bool single, ascii; /* ascii: its first half is that, but for NUL */
	unsigned char n[256];
	char utf8[256][UTF8_MAX];
} tables[MR_COUNT(common)];

/* False: there are characters of several bytes, or bytes that change what comes behind them. */
static bool fill(struct table *t, iconv_t cd)
{
	for (size_t c = 0; c < MR_COUNT(t->n); c++) {
		char byte = (char)c, *from = &byte, *to = t->utf8[c];
		size_t left = 1, room = UTF8_MAX;

		iconv(cd, NULL, NULL, NULL, NULL);
		if (iconv(cd, &from, &left, &to, &room) == (size_t)-1) {
			if (errno != EILSEQ)
				return false;
			to = mempcpy(t->utf8[c], REPLACEMENT, UTF8_MAX);
		}
		t->n[c] = (unsigned char)(to - t->utf8[c]);
		if (!t->n[c])
			return false;
	}
	t->utf8[0][0] = ' ';
	t->ascii = true;
	for (size_t c = 1; c < 0x80; c++)
		t->ascii &= t->n[c] == 1 && t->utf8[c][0] == (char)c;
	return true;
}

void mr_charset_init(void)
{
	/* Never closed: the open converters keep their tables loaded. */
	static iconv_t open[MR_COUNT(common)];

	for (size_t i = 0; i < MR_COUNT(common) && !open[i]; i++) {
		open[i] = iconv_open("UTF-8", g_mime_charset_iconv_name(common[i]));
		tables[i].single = open[i] != (iconv_t)-1 && fill(&tables[i], open[i]);
	}
}

static const struct table *table_of(struct mr_slice charset)
{
	for (size_t i = 0; i < MR_COUNT(common); i++)
		if (mr_slice_ieq(charset, mr_slice_of(common[i])))
			return tables[i].single ? &tables[i] : NULL;
	return NULL;
}

static bool is_plain(struct mr_slice in)
{
	return mr_ascii(in) && mr_slice_chr(in, '\0') < 0;
}

/* False: it is no such charset, or there may be too little room. */
static bool look_up(struct mr_slice charset, struct mr_slice in, struct mr_buf *out)
{
	const struct table *t = table_of(charset);
	char *to, *from;

	if (!t || in.n > (out->max - out->n) / UTF8_MAX)
		return false;
	if (t->ascii && is_plain(in))
		return mr_buf_add(out, in) == 0;
	if (!(from = to = mr_buf_reserve(out, UTF8_MAX * in.n)))
		return false;
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];

		memcpy(to, t->utf8[c], UTF8_MAX);
		to += t->n[c];
	}
	mr_buf_filled(out, (size_t)(to - from));
	return true;
}

/* What is no UTF-8 is replaced byte by byte. */
static void add_utf8(struct mr_slice in, struct mr_buf *out)
{
	while (in.n && !out->full) {
		const char *end = in.p + in.n;
		size_t good;

		if (!is_plain(in))
			g_utf8_validate_len(in.p, in.n, &end);
		good = (size_t)(end - in.p);
		mr_buf_add(out, (struct mr_slice){ in.p, good });
		in = mr_slice_from(in, good);
		if (!in.n)
			break;
		mr_buf_puts(out, *in.p ? REPLACEMENT : " ");
		in = mr_slice_from(in, 1);
	}
}

static void convert(iconv_t cd, struct mr_slice in, struct mr_buf *out)
{
	char *from = (char *)in.p; /* iconv() takes what it does not change */
	char chunk[CHUNK];
	size_t left = in.n;

	while (left && !out->full) {
		char *to = chunk;
		size_t room = sizeof(chunk);
		size_t r = iconv(cd, &from, &left, &to, &room);

		/* iconv's own UTF-8 may hold NUL and what Unicode forbids. */
		add_utf8((struct mr_slice){ chunk, (size_t)(to - chunk) }, out);
		if (r != (size_t)-1 || errno == E2BIG)
			continue;
		mr_buf_puts(out, REPLACEMENT);
		from++;
		left--;
	}
}

static iconv_t open_converter(struct mr_slice charset)
{
	char name[NAME_MAX_];

	if (!charset.n || charset.n >= sizeof(name))
		return (iconv_t)-1;
	for (size_t i = 0; i < charset.n; i++) {
		char c = charset.p[i];

		/* "//TRANSLIT" and paths have no place in the name of a charset. */
		if (!g_ascii_isalnum(c) && !strchr("-_.:+", c))
			return (iconv_t)-1;
		name[i] = c;
	}
	name[charset.n] = '\0';
	return iconv_open("UTF-8", g_mime_charset_iconv_name(name));
}

static bool says_ascii_or_utf8(struct mr_slice charset)
{
	return !charset.n || mr_slice_ieq(charset, MR_LIT("us-ascii")) || mr_slice_ieq(charset, MR_LIT("ascii")) ||
	       mr_slice_ieq(charset, MR_LIT("utf-8")) || mr_slice_ieq(charset, MR_LIT("utf8"));
}

bool mr_charset_to_utf8(struct mr_slice in, struct mr_slice charset, struct mr_buf *out)
{
	bool utf8 = says_ascii_or_utf8(charset), known = utf8;
	iconv_t cd = (iconv_t)-1;

	if (!utf8) {
		if (look_up(charset, in, out))
			return true;
		cd = open_converter(charset);
		known = cd != (iconv_t)-1;
	}
	if (in.n && cd == (iconv_t)-1 && !mr_slice_istarts(charset, MR_LIT("utf"))) {
		if (is_plain(in) || g_utf8_validate_len(in.p, in.n, NULL)) {
			mr_buf_add(out, in);
			return known;
		}
		if (look_up(MR_LIT("windows-1252"), in, out))
			return known;
		cd = open_converter(MR_LIT("windows-1252"));
	}
	if (cd != (iconv_t)-1) {
		convert(cd, in, out);
		iconv_close(cd);
	} else {
		add_utf8(in, out);
	}
	return known;
}

bool mr_charset_strict(struct mr_slice in, struct mr_slice charset, struct mr_buf *out)
{
	iconv_t cd = open_converter(charset);
	char *from = (char *)in.p, chunk[CHUNK];
	size_t left = in.n, start = out->n;
	bool good = cd != (iconv_t)-1;

	while (good && left) {
		char *to = chunk;
		size_t room = sizeof(chunk), r = iconv(cd, &from, &left, &to, &room);

		good = (r != (size_t)-1 || errno == E2BIG) && mr_buf_add(out, (struct mr_slice){ chunk, (size_t)(to - chunk) }) == 0;
	}
	if (cd != (iconv_t)-1)
		iconv_close(cd);
	if (!good)
		mr_buf_truncate(out, start);
	return good;
}
