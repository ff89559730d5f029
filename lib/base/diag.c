/* diag: see diag.h */

/* system */
#include <stdarg.h>
#include <stdio.h>

/* ours */
#include "base/diag.h"
#include "base/buf.h"

static void set_escaped(struct mr_diag *d, const char *raw)
{
	size_t at = 0;

	for (const char *s = raw; *s && at + sizeof("\\xNN") <= sizeof(d->text); s++) {
		if (*s >= ' ' && *s <= '~')
			d->text[at++] = *s;
		else
			at += (size_t)snprintf(d->text + at, sizeof(d->text) - at, "\\x%02x", (unsigned char)*s);
	}
	d->text[at] = '\0';
}

int mr_diag_set(struct mr_diag *d, int err, const char *fmt, ...)
{
	char raw[MR_DIAG_MAX];
	va_list ap;

	if (!d || d->text[0])
		return err;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	set_escaped(d, raw);
	return err;
}

int mr_diag_about(struct mr_diag *d, int err, const char *what)
{
	char raw[2 * MR_DIAG_MAX];

	if (!d || err >= 0)
		return err;
	snprintf(raw, sizeof(raw), "%.*s: %s", MR_DIAG_MAX / 2, what, d->text);
	set_escaped(d, raw);
	return err;
}
