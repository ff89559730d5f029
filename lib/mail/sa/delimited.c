/* sa/delimited: see delimited.h. */
/* system */
#include <errno.h>

/* libraries */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ours */
#include "mail/sa/delimited.h"
#include "mail/sa/internal.h"

static int modifiers(struct mr_slice mods, uint32_t *options, struct mr_diag *diag)
{
	for (size_t i = 0; i < mods.n; i++) {
		switch (mods.p[i]) {
		case 'i':
			*options |= PCRE2_CASELESS;
			break;
		case 'm':
			*options |= PCRE2_MULTILINE;
			break;
		case 's':
			*options |= PCRE2_DOTALL;
			break;
		case 'x':
			*options |= *options & PCRE2_EXTENDED ? PCRE2_EXTENDED_MORE : PCRE2_EXTENDED;
			break;
		case 'n':
			*options |= PCRE2_NO_AUTO_CAPTURE;
			break;
		case 'a': /* so it is */
		case 'p':
			break;
		default:
			return mr_diag_set(diag, -EINVAL, "modifier \"%c\" is not known", mods.p[i]);
		}
	}
	return 0;
}

/* Where the regular expression begins, and how it ends; 0: it has no delimiters. */
static size_t opening(struct mr_slice text, char *close)
{
	static const char pairs[] = "{}()<>[]";
	size_t n = 0;
	const char *pair;

	if (text.n && text.p[0] == '/') {
		*close = '/';
		return 1;
	}
	if (mr_slice_starts(text, MR_LIT("qr")))
		n = 2;
	else if (mr_slice_starts(text, MR_LIT("m")))
		n = 1;
	if (!n || n >= text.n || text.p[n] == '\\' || sa_is_space(text.p[n]) || sa_is_word(text.p[n]))
		return 0;
	pair = text.p[n] ? strchr(pairs, text.p[n]) : NULL;
	*close = pair && (pair - pairs) % 2 == 0 ? pair[1] : text.p[n];
	return n + 1;
}

int mr_sa_delimited(struct mr_slice in, struct mr_slice *out, uint32_t *options, struct mr_diag *diag)
{
	struct mr_slice text;
	char close = 0;
	size_t from = opening(in, &close);
	ptrdiff_t to = from ? mr_slice_rchr(in, close) : -1;

	if (!from)
		return mr_diag_set(diag, -EINVAL, "a regular expression between delimiters, /like this/, is missing");
	if (to < (ptrdiff_t)from)
		return mr_diag_set(diag, -EINVAL, "the regular expression does not end");
	text = (struct mr_slice){ in.p + from, (size_t)to - from };
	*options = 0;
	if (!text.n)
		return mr_diag_set(diag, -EINVAL, "the regular expression is empty");
	if (modifiers(mr_slice_from(in, (size_t)to + 1), options, diag) < 0)
		return -EINVAL;
	if (memmem(text.p, text.n, "(?{", 3) || memmem(text.p, text.n, "(??{", 4))
		return mr_diag_set(diag, -EINVAL, "a regular expression must not hold a program");
	for (size_t i = 0; close == '/' && i < text.n; i++) {
		if (text.p[i] == '\\')
			i++;
		else if (text.p[i] == '/')
			return mr_diag_set(diag, -EINVAL, "a / within the regular expression must be written \\/");
	}
	*out = text;
	return 0;
}
