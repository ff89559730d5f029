/* sa/eval-charset: is a text written in a charset of a language that the site does not read? Only where ok_locales says which it reads;
 * what western languages and Unicode use is always near. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

#define CHARSET_MAX 40

/* Letters and digits of charsets, in capitals; a language is the first two letters of its locale. */
static const struct {
	const char *locale, *charsets;
} near_by[] = {
	{ "ja",
	  " EUCJP JISX020119760 JISX020819830 JISX020819900 JISX020819970 JISX021219900 JISX021320001 JISX021320002 SHIFTJIS ISO2022JP SJIS"
	  " JIS7 JISX0201 JISX0208 JISX0212 " },
	{ "ko", " EUCKR KSC56011987 " },
	{ "ru", " KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866 " },
	{ "ka", " KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866 " },
	{ "tg", " KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866 " },
	{ "be", " KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866 " },
	{ "uk", " KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866 " },
	{ "bg", " KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866 " },
	{ "th", " TIS620 " },
	{ "zh", " GB1988 GB2312 GB231219800 GB18030 GBK BIG5HKSCS BIG5 EUCTW ISO2022CN " },
};

static bool of_western(const char *name)
{
	static const char *const whole[] = { "USASCII", "ASCII", "IBM852", "XUNKNOWN", "ISO" };
	static const char *const begin[] = { "ISO8859", "ISO10646", "UTF", "UCS", "CP125", "WINDOWS", "UNICODE11UTF" };

	for (size_t i = 0; i < MR_COUNT(whole); i++)
		if (strcmp(name, whole[i]) == 0)
			return true;
	for (size_t i = 0; i < MR_COUNT(begin); i++)
		if (strncmp(name, begin[i], strlen(begin[i])) == 0)
			return true;
	return false;
}

static bool of_locale(struct mr_slice locale, const char *name)
{
	char word[CHARSET_MAX + 3];

	snprintf(word, sizeof(word), " %s ", name);
	for (size_t i = 0; i < MR_COUNT(near_by); i++)
		if (mr_slice_istarts(locale, mr_slice_of(near_by[i].locale)) && strstr(near_by[i].charsets, word))
			return true;
	return false;
}

bool sa_charset_far(const struct mr_sa_conf *c, struct mr_slice charset)
{
	struct mr_slice locales = mr_sa_conf_locales(c), one;
	char name[CHARSET_MAX + 1];
	size_t n = 0, i = mr_slice_istarts(charset, MR_LIT("3D")) ? 2 : 0; /* what is left of "=" in bad quoted-printable */

	if (!locales.n)
		return false;
	for (; i < charset.n && n < CHARSET_MAX; i++) {
		char l = mr_lower(charset.p[i]);

		if (sa_is_alpha(l) || sa_is_digit(l))
			name[n++] = sa_is_alpha(l) ? (char)(l - 'a' + 'A') : l;
	}
	name[n] = '\0';
	if (of_western(name))
		return false;
	while (locales.n && mr_slice_next(&locales, ' ', &one))
		if (of_locale(one, name))
			return false;
	return true;
}

/* charset="x", charset='x', charset=x */
static struct mr_slice named(struct mr_sa *sa, struct mr_slice type)
{
	ptrdiff_t at = sa_find(sa_lower(sa->arena, type), 0, MR_LIT("charset="));
	struct mr_slice value;
	size_t n = 0;
	ptrdiff_t end;

	if (at < 0)
		return (struct mr_slice){ 0 };
	value = mr_slice_from(type, (size_t)at + 8);
	if (value.n && (value.p[0] == '"' || value.p[0] == '\'')) {
		end = mr_slice_chr(mr_slice_from(value, 1), value.p[0]);
		if (end > 0)
			return sa_sub(value, 1, (size_t)end + 1);
	}
	while (n < value.n && !sa_is_space(value.p[n]))
		n++;
	return sa_sub(value, 0, n);
}

/* Many charsets have ASCII, too: more than half must be something else. */
static int body_far(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice charset = named(sa, sa_scalar(sa, "Content-Type"));
	const struct mr_sa_list *body;
	size_t high = 0, all = 0;

	(void)args;
	if (!charset.n || !sa_charset_far(sa->conf, charset))
		return 0;
	body = mr_sa_body(sa);
	for (size_t i = 0; i < body->n; i++) {
		all += body->items[i].n + (i > 0);
		for (size_t k = 0; k < body->items[i].n; k++)
			high += (body->items[i].p[k] & 0x80) != 0;
	}
	return high > 3 && all - high <= high;
}

/* In encoded words. */
static bool words_far(struct mr_sa *sa, struct mr_slice s)
{
	ptrdiff_t at = 0;

	while ((at = sa_find(s, (size_t)at, MR_LIT("=?"))) >= 0) {
		struct mr_slice charset = mr_slice_from(s, (size_t)at + 2);
		ptrdiff_t end = mr_slice_chr(charset, '?');

		at += 2;
		if (end > 0 && sa_find(charset, (size_t)end, MR_LIT("?=")) >= 0 &&
		    sa_charset_far(sa->conf, sa_sub(charset, 0, (size_t)end)))
			return true;
		at += end > 0 ? end + 3 : 0; /* "?B?" */
		at = at > (ptrdiff_t)s.n ? (ptrdiff_t)s.n : at;
		end = sa_find(s, (size_t)at, MR_LIT("?="));
		at = end < 0 ? (ptrdiff_t)s.n : end + 2;
	}
	return false;
}

static int header_far(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return words_far(sa, sa_scalar(sa, "From:raw")) || words_far(sa, sa_scalar(sa, "Subject:raw"));
}

/* SpamAssassin 4.0.1 looks for what <meta> says where it does not keep it. */
static int html_far(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)sa, (void)args;
	return 0;
}

const struct mr_sa_eval sa_evals_charset[] = {
	{ "check_for_faraway_charset", NULL, body_far },
	{ "check_for_faraway_charset_in_headers", NULL, header_far },
	{ "html_charset_faraway", NULL, html_far },
	{ 0 },
};
