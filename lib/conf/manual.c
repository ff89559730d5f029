/* manual: the option table as text for the manual pages; see conf.h */

/* system */
#include <errno.h>

/* ours */
#include "conf/value.h"

/* Text as mdoc takes it: no macro at the beginning, no escape inside. */
static void text_add(struct mr_buf *out, const char *s)
{
	if (*s == '.' || *s == '\'')
		mr_buf_puts(out, "\\&");
	for (; *s; s++)
		*s == '\\' ? mr_buf_puts(out, "\\e") : mr_buf_putc(out, *s);
}

int mr_conf_manual(const struct mr_option *table, struct mr_buf *out)
{
	for (const struct mr_option *o = table; o->name; o++) {
		struct mr_buf allowed = MR_BUF(1000);

		mr_value_allowed(o, &allowed);
		mr_buf_printf(out, ".It Ic %s\n", o->name);
		text_add(out, o->help);
		mr_buf_puts(out, "\n.br\nTakes ");
		text_add(out, mr_buf_slice(&allowed).p);
		mr_buf_puts(out, ".\n");
		if (o->def[0]) {
			mr_buf_puts(out, "The default is\n.Ql ");
			text_add(out, o->def);
			mr_buf_puts(out, " .\n");
		}
		if (o->reload == MR_RELOAD_RESTART)
			mr_buf_puts(out, "A change takes effect at restart.\n");
		mr_buf_done(&allowed);
	}
	return out->full ? -ENOBUFS : 0;
}
