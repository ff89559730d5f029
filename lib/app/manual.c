/* manual: what a manual page has to say about the tables, between the same two comments as there. */

/* system */
#include <stdio.h>

/* ours */
#include "app/instance.h"
#include "base/buf.h"

#define MANUAL_MAX (1024 * 1024)

void mr_app_manual(const struct mr_option *options, const struct mr_stat *stats)
{
	struct mr_buf out = MR_BUF(MANUAL_MAX);

	mr_buf_puts(&out, ".\\\" BEGIN shared\n");
	mr_conf_manual(mr_conf_shared_options, &out);
	mr_buf_puts(&out, ".\\\" END shared\n.\\\" BEGIN options\n");
	if (options)
		mr_conf_manual(options, &out);
	mr_buf_puts(&out, ".\\\" END options\n.\\\" BEGIN stats\n");
	for (const struct mr_stat *s = stats; s && s->name; s++)
		mr_buf_printf(&out, ".It Ic %s\n%s\n", s->name, s->help);
	mr_buf_puts(&out, ".\\\" END stats\n");
	fwrite(out.p, 1, out.n, stdout);
	mr_buf_done(&out);
}
