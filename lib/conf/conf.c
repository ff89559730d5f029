/* conf: option tables and files → the program's struct; see conf.h */

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "conf/file.h"
#include "conf/syntax.h"
#include "conf/value.h"

#define VALUE_MAX 8192 /* bytes of an expanded path */

/* Sections that exist: a name that is none of these is an error in every program. */
static const char *const sections[] = { "lookup", "policyd", "milter", "verbs", "setup", "keeper", "admin", "hostd", NULL };

struct target {
	const struct mr_option *const *tables;
	void *conf;
};

/* Walks the rows of all tables: for (struct cursor c = { tables, tables[0] }; (o = next(&c));) */
struct cursor {
	const struct mr_option *const *tables;
	const struct mr_option *row;
};

static const struct mr_option *next(struct cursor *c)
{
	while (c->row && !c->row->name)
		c->row = *++c->tables;
	return c->row ? c->row++ : NULL;
}

static bool in_section(const struct mr_option *o, struct mr_slice section)
{
	return mr_slice_eq(mr_slice_of(o->section), section);
}

static const struct mr_option *find(const struct mr_option *const tables[], struct mr_slice section, struct mr_slice name)
{
	const struct mr_option *o;

	for (struct cursor c = { tables, tables[0] }; (o = next(&c));)
		if (in_section(o, section) && mr_slice_eq(mr_slice_of(o->name), name))
			return o;
	return NULL;
}

static bool section_exists(struct mr_slice section)
{
	for (const char *const *s = sections; *s; s++)
		if (mr_slice_eq(mr_slice_of(*s), section))
			return true;
	return false;
}

/* A section of ours has at least one row in the tables. */
static bool section_ours(const struct mr_option *const tables[], struct mr_slice section)
{
	const struct mr_option *o;

	for (struct cursor c = { tables, tables[0] }; (o = next(&c));)
		if (in_section(o, section))
			return true;
	return false;
}

static int take(const struct mr_conf_item *item, void *arg, struct mr_diag *why)
{
	const struct target *t = arg;
	const char *dot = item->section.n ? "." : "";
	const struct mr_option *o;
	struct mr_diag value = { 0 };
	int err = 0;

	if (item->section.n > 0 && !section_exists(item->section))
		return mr_diag_set(why, -EINVAL, "%.*s: no such section", (int)item->section.n, item->section.p);
	if (item->name.n == 0 || (item->section.n > 0 && !section_ours(t->tables, item->section)))
		return 0;
	o = find(t->tables, item->section, item->name);
	if (!o)
		mr_diag_set(&value, err = -EINVAL, "no such option");
	else if (item->list && !mr_value_is_list(o))
		mr_diag_set(&value, err = -EINVAL, "one value, not a list");
	else
		err = mr_value_set(o, t->conf, item->values, item->n, &value);
	if (err < 0)
		mr_diag_set(why, err, "%.*s%s%.*s: %s", (int)item->section.n, item->section.p, dot, (int)item->name.n, item->name.p,
			    value.text);
	return err;
}

static int load_file(const char *path, struct target *t, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(MR_CONF_FILE_MAX);
	struct mr_diag why = { 0 };
	unsigned line = 0;
	int err = mr_conf_file_read(path, &text, diag);

	if (err == 0) {
		err = mr_conf_syntax(mr_buf_slice(&text), take, t, &line, &why);
		if (err < 0)
			mr_diag_set(diag, err, "%s:%u: %s", path, line, why.text);
	}
	mr_buf_done(&text);
	return err;
}

static int load_folder(const char *beside, struct target *t, struct mr_diag *diag)
{
	const char *slash = strrchr(beside, '/');
	struct mr_buf path = MR_BUF(VALUE_MAX);
	size_t folder, n = 0;
	char **names = NULL;
	int err;

	mr_buf_printf(&path, "%.*sconf.d", slash ? (int)(slash - beside) + 1 : 0, beside);
	err = path.full ? mr_diag_set(diag, -ENAMETOOLONG, "the path is too long") : mr_conf_folder_list(path.p, &names, &n, diag);
	folder = path.n;
	for (size_t i = 0; i < n; i++) {
		mr_buf_truncate(&path, folder);
		mr_buf_printf(&path, "/%s", names[i]);
		if (err == 0)
			err = load_file(path.p, t, diag);
		free(names[i]);
	}
	free(names);
	mr_buf_done(&path);
	return err;
}

static int set_default(const struct mr_option *o, void *conf, struct mr_diag *diag)
{
	struct mr_buf text = MR_BUF(VALUE_MAX);
	struct mr_diag why = { 0 };
	int err;

	if (!mr_value_is_list(o)) {
		struct mr_slice one = mr_slice_of(o->def);

		err = mr_value_set(o, conf, &one, 1, &why);
	} else {
		struct target t = { (const struct mr_option *const[]){ (const struct mr_option[]){ *o, MR_OPTIONS_END }, NULL }, conf };
		unsigned line;

		if (o->section)
			mr_buf_printf(&text, "%s {", o->section);
		mr_buf_printf(&text, "%s = {%s}", o->name, o->def);
		mr_buf_puts(&text, o->section ? "}" : "");
		err = mr_conf_syntax(mr_buf_slice(&text), take, &t, &line, &why);
	}
	if (err < 0)
		mr_diag_set(diag, err, "default of %s: %s", o->name, why.text);
	mr_buf_done(&text);
	return err;
}

/* Replaces each {{folder}} in `path`; one that is "" makes all of it "". */
static int expand_path(const struct target *t, struct mr_slice path, struct mr_buf *out)
{
	for (; path.n > 0; path = mr_slice_from(path, 1)) {
		struct mr_slice name = mr_slice_from(path, 2);
		const struct mr_option *folder;
		size_t start = out->n;

		if (!mr_slice_starts(path, MR_LIT("{{"))) {
			mr_buf_putc(out, path.p[0]);
			continue;
		}
		name.n = (size_t)mr_slice_chr(name, '}');
		folder = find(t->tables, MR_LIT(""), name);
		if (!folder)
			return -ENOENT;
		mr_value_text(folder, t->conf, out);
		if (out->n == start) {
			mr_buf_reset(out);
			return 0;
		}
		path = mr_slice_from(path, name.n + 3);
	}
	return out->full ? -ENAMETOOLONG : 0;
}

static int expand(const struct target *t, struct mr_diag *diag)
{
	const struct mr_option *o;
	int err = 0;

	for (struct cursor c = { t->tables, t->tables[0] }; (o = next(&c));) {
		char **field = (char **)((char *)t->conf + o->offset);
		struct mr_buf out = MR_BUF(VALUE_MAX);

		if (err < 0 || o->type != MR_OPT_PATH || !strstr(*field, "{{"))
			continue;
		err = expand_path(t, mr_slice_of(*field), &out);
		if (err < 0)
			mr_diag_set(diag, err, "%s: %s cannot be expanded: %s", o->name, *field, strerror(-err));
		free(*field);
		*field = mr_buf_steal(&out);
	}
	return err;
}

int mr_conf_load(const char *path, bool must_exist, const struct mr_option *const tables[], void *conf, struct mr_diag *diag)
{
	const struct mr_option *o;
	struct target t = { tables, conf };
	struct mr_diag why = { 0 };
	int err = 0;

	for (struct cursor c = { tables, tables[0] }; (o = next(&c));)
		if (err == 0)
			err = set_default(o, conf, &why);
	if (err == 0)
		err = load_file(path, &t, &why);
	if (err == -ENOENT && !must_exist) {
		why = (struct mr_diag){ 0 };
		err = 0;
	}
	if (err == 0)
		err = load_folder(path, &t, &why);
	if (err == 0)
		err = expand(&t, &why);
	if (err < 0) {
		mr_conf_free(tables, conf);
		mr_diag_set(diag, err, "%s", why.text);
	}
	return err;
}

void mr_conf_free(const struct mr_option *const tables[], void *conf)
{
	const struct mr_option *o;

	for (struct cursor c = { tables, tables[0] }; (o = next(&c));)
		mr_value_free(o, conf);
}

void mr_conf_diff(const struct mr_option *const tables[], const void *old, const void *new_conf,
		  void (*changed)(const struct mr_option *o, void *arg), void *arg)
{
	const struct mr_option *o;

	for (struct cursor c = { tables, tables[0] }; (o = next(&c));)
		if (!mr_value_equal(o, old, new_conf))
			changed(o, arg);
}

int mr_conf_text(const struct mr_option *const tables[], const void *conf, struct mr_slice name, struct mr_buf *out)
{
	const struct mr_option *o;
	ptrdiff_t dot = mr_slice_chr(name, '.');
	struct mr_slice section = { name.p, dot < 0 ? 0 : (size_t)dot };

	name = mr_slice_from(name, (size_t)(dot + 1));
	for (struct cursor c = { tables, tables[0] }; (o = next(&c));)
		if (mr_slice_eq(mr_slice_of(o->name), name) && (dot < 0 || in_section(o, section)))
			return mr_value_text(o, conf, out);
	return -ENOENT;
}
