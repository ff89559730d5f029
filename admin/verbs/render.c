/* Templates. */
#include "render.h"

/* system */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"

static const struct mr_option *find(struct mr_slice name)
{
	const struct mr_option *tables[] = { mr_conf_shared_options, verbs_options };

	for (size_t t = 0; t < MR_COUNT(tables); t++)
		for (const struct mr_option *o = tables[t]; o->name; o++)
			if (mr_slice_eq(name, mr_slice_of(o->name)) &&
			    (!o->section || mr_slice_eq(mr_slice_of(o->section), MR_LIT("setup"))))
				return o;
	return NULL;
}

/* Sizes are bytes, durations seconds (rounded up), as Postfix and Dovecot take them; lists are separated by spaces. */
static int add_value(const struct verbs_conf *conf, const struct mr_option *o, struct mr_buf *out)
{
	const void *at = (const char *)conf + o->offset;
	const struct mr_conf_strings *list;

	switch (o->type) {
	case MR_OPT_STRING:
	case MR_OPT_PATH:
	case MR_OPT_ADDRESS:
	case MR_OPT_DOMAIN:
	case MR_OPT_HOSTPORT:
		return mr_buf_puts(out, *(char *const *)at);
	case MR_OPT_BOOL:
		return mr_buf_puts(out, *(const bool *)at ? "yes" : "no");
	case MR_OPT_INT:
		return mr_buf_printf(out, "%" PRId64, *(const int64_t *)at);
	case MR_OPT_SIZE:
		return mr_buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
	case MR_OPT_DURATION:
		return mr_buf_printf(out, "%" PRIu64 "s", (*(const uint64_t *)at + 999) / 1000);
	case MR_OPT_SCORE:
		return mr_buf_printf(out, "%g", *(const double *)at);
	case MR_OPT_STRINGS:
		list = at;
		for (size_t i = 0; i < list->n; i++)
			mr_buf_printf(out, "%s%s", i ? " " : "", list->v[i]);
		return 0;
	case MR_OPT_ENUM:
	case MR_OPT_NETS:
		return -EINVAL; /* nothing that templates name is of these types */
	}
	return -EINVAL;
}

static int add_name(const struct verbs_conf *conf, const char *data_dir, struct mr_slice name, struct mr_buf *out)
{
	const struct mr_option *o = find(name);
	char host[256] = "";

	if (mr_slice_eq(name, MR_LIT("data_dir")))
		return mr_buf_puts(out, data_dir);
	if (mr_slice_eq(name, MR_LIT("hostname")) && !*conf->shared.hostname) {
		gethostname(host, sizeof(host) - 1);
		return mr_buf_puts(out, host);
	}
	return o ? add_value(conf, o, out) : -ENOENT;
}

int render(const struct verbs_conf *conf, const char *data_dir, const char *file, struct mr_slice text, struct mr_buf *out,
	   struct mr_diag *diag)
{
	unsigned line = 1;
	size_t end;

	for (size_t i = 0; i < text.n; i++) {
		line += text.p[i] == '\n';
		if (!mr_slice_starts(mr_slice_from(text, i), MR_LIT("{{"))) {
			mr_buf_putc(out, text.p[i]);
			continue;
		}
		for (end = i + 2; end < text.n && text.p[end] != '}' && text.p[end] != '\n'; end++)
			;
		if (!mr_slice_starts(mr_slice_from(text, end), MR_LIT("}}")) ||
		    add_name(conf, data_dir, (struct mr_slice){ text.p + i + 2, end - i - 2 }, out) < 0)
			return mr_diag_set(diag, -EINVAL, "%s:%u: no option of that name: %.*s", file, line, (int)(end - i), text.p + i);
		i = end + 1;
	}
	return out->full ? mr_diag_set(diag, -ENOBUFS, "%s: too long", file) : 0;
}
