/* read: the lines of a rule file: comments, conditions, includes, and who takes the rest. See rules.h. */

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "base/mem.h"
#include "private.h"

/* "lang en ..." is ours: SpamAssassin's default where the system has no language. */
#define LANGUAGE  "en_us"
#define ARENA_MAX (1u << 30)

struct mr_rules *mr_rules_new(const struct mr_rules_config *config)
{
	struct mr_rules *r = mr_new(struct mr_rules, 1);

	*r = (struct mr_rules){
		.config = *config, .arena = mr_arena_new(ARENA_MAX), .replace_start = MR_LIT("<"), .replace_end = MR_LIT(">")
	};
	r->conf = mr_sa_conf_new();
	r->problems = mr_new(struct mr_rules_problem, MR_RULES_PROBLEMS_MAX);
	return r;
}

const char *mr_rules_problem_add(struct mr_rules *r, struct mr_rules_problem p)
{
	r->counted[p.fault]++;
	if (r->n_problems < MR_RULES_PROBLEMS_MAX)
		r->problems[r->n_problems++] = p;
	return p.text;
}

void mr_rules_problem(struct mr_rules *r, enum mr_rules_fault fault, struct mr_rules_rule *rule, const char *fmt, ...)
{
	struct mr_buf text = MR_BUF(MR_DIAG_MAX);
	const char *why;
	va_list ap;

	if (r->at ? r->at->of_others : rule->of_others)
		fault = MR_RULES_UNSUPPORTED;
	if ((rule && rule->failed) || r->n_problems == MR_RULES_PROBLEMS_MAX) {
		r->counted[fault]++;
		if (rule)
			rule->failed = true;
		return;
	}
	va_start(ap, fmt);
	mr_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	why = mr_rules_problem_add(r, (struct mr_rules_problem){ .fault = fault,
								 .brought = r->at ? r->at->brought : rule->brought,
								 .file = r->at ? r->at->name : rule->file,
								 .line = r->at ? r->at->line : rule->line,
								 .rule = rule ? rule->name : NULL,
								 .text = mr_arena_slice(r->arena, mr_buf_slice(&text)) });
	if (rule) {
		rule->failed = true;
		rule->why = why;
	}
	mr_buf_done(&text);
}

bool mr_rules_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct mr_slice mr_rules_word(struct mr_slice *rest)
{
	struct mr_slice word;
	size_t n = 0;

	while (n < rest->n && !mr_rules_space(rest->p[n]))
		n++;
	word = (struct mr_slice){ rest->p, n };
	while (n < rest->n && mr_rules_space(rest->p[n]))
		n++;
	*rest = mr_slice_from(*rest, n);
	return word;
}

/* Without comment and white space at the ends, \# as #; in the arena. */
static struct mr_slice clean(struct mr_rules *r, struct mr_slice line)
{
	char *out = mr_arena_alloc(r->arena, line.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '#') {
			if (i == 0 || line.p[i - 1] != '\\')
				break;
			n--;
		}
		if (n > 0 || !mr_rules_space(line.p[i]))
			out[n++] = line.p[i];
	}
	while (n > 0 && mr_rules_space(out[n - 1]))
		n--;
	out[n] = 0;
	return (struct mr_slice){ out, n };
}

static void begin_condition(struct mr_rules *r, struct mr_rules_file *f, struct mr_slice text)
{
	struct mr_diag diag = { 0 };
	bool holds = false;

	if (f->n_conditions == MR_COUNT(f->conditions)) {
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "too many conditions in each other");
		return;
	}
	f->conditions[f->n_conditions].skip = f->skip;
	f->conditions[f->n_conditions++].line = f->line;
	if (!f->skip && mr_rules_condition(r, text, &holds, &diag) < 0)
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "%s", diag.text);
	f->skip = f->skip || !holds;
}

static void other_branch(struct mr_rules *r, struct mr_rules_file *f)
{
	if (!f->n_conditions)
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "else without if");
	else
		f->skip = f->conditions[f->n_conditions - 1].skip || !f->skip;
}

static void end_condition(struct mr_rules *r, struct mr_rules_file *f)
{
	if (!f->n_conditions)
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "endif without if");
	else
		f->skip = f->conditions[--f->n_conditions].skip;
}

static void include(struct mr_rules *r, struct mr_rules_file *f, struct mr_slice value)
{
	const char *slash = strrchr(f->name, '/');
	struct mr_diag diag = { 0 };
	const char *path;

	if (!value.n || !r->config.include || r->includes >= MR_RULES_INCLUDES_MAX) {
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "include: %s",
				 !value.n            ? "no file is named"
				 : r->config.include ? "too many files in each other"
						     : "not possible here");
		return;
	}
	if (value.p[0] == '/' || !slash)
		path = mr_arena_slice(r->arena, value);
	else
		path = mr_arena_printf(r->arena, "%.*s/%.*s", (int)(slash - f->name), f->name, (int)value.n, value.p);
	if (r->config.include(r->config.arg, r, path, &diag) < 0) {
		r->at = f;
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "include: %s", diag.text);
	}
}

static void load_plugin(struct mr_rules *r, struct mr_slice value)
{
	struct mr_slice name = mr_rules_word(&value);
	struct mr_rules_tag *p;

	if (!mr_rules_known_plugin(name)) {
		mr_rules_problem(r, MR_RULES_UNSUPPORTED, NULL, "loadplugin: %.*s is none that is known here", (int)name.n, name.p);
		return;
	}
	HASH_FIND(hh, r->plugins, name.p, name.n, p);
	if (p)
		return;
	p = mr_arena_alloc(r->arena, sizeof(*p));
	p->name = mr_arena_slice(r->arena, name);
	HASH_ADD_KEYPTR(hh, r->plugins, p->name, name.n, p);
}

static void take_redirector(struct mr_rules *r, struct mr_slice value)
{
	struct mr_rules_pattern p;
	struct mr_diag diag = { 0 };

	if (mr_rules_pattern_parse(value, &p, &diag) < 0 || mr_sa_conf_redirector(r->conf, p.text, p.options, &diag) < 0)
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "redirector_pattern: %s", diag.text);
}

/* A statement that is no rule. */
static void set(struct mr_rules *r, struct mr_slice key, struct mr_slice value)
{
	struct mr_diag diag = { 0 };
	int taken;

	if (mr_slice_eq(key, MR_LIT("loadplugin")) || mr_slice_eq(key, MR_LIT("tryplugin"))) {
		load_plugin(r, value);
		return;
	}
	if (mr_slice_eq(key, MR_LIT("redirector_pattern"))) {
		take_redirector(r, value);
		return;
	}
	if (mr_slice_eq(key, MR_LIT("enable_compat"))) {
		r->compat_welcomelist |= mr_slice_eq(value, MR_LIT("welcomelist_blocklist"));
		return;
	}
	taken = mr_sa_conf_set(r->conf, key, value, &diag);
	if (taken > 0)
		return;
	if (taken < 0)
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "%.*s: %s", (int)key.n, key.p, diag.text);
	else if (mr_rules_known_setting(key))
		mr_rules_problem(r, MR_RULES_UNSUPPORTED, NULL, "%.*s: a setting that means nothing here", (int)key.n, key.p);
	else
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "\"%.*s\" is neither a rule nor a setting", (int)(key.n < 60 ? key.n : 60),
				 key.p);
}

static void statement(struct mr_rules *r, struct mr_rules_file *f, struct mr_slice key, struct mr_slice value)
{
	static const struct mr_slice language = MR_LIT(LANGUAGE);
	struct mr_slice word;

	if (mr_slice_eq(key, MR_LIT("if"))) {
		begin_condition(r, f, value);
	} else if (mr_slice_eq(key, MR_LIT("ifplugin"))) {
		begin_condition(r, f, mr_slice_of(mr_arena_printf(r->arena, "plugin(%.*s)", (int)value.n, value.p)));
	} else if (mr_slice_eq(key, MR_LIT("else"))) {
		other_branch(r, f);
	} else if (mr_slice_eq(key, MR_LIT("endif"))) {
		end_condition(r, f);
	} else if (f->skip) {
		return;
	} else if (mr_slice_eq(key, MR_LIT("include"))) {
		include(r, f, value);
	} else if (mr_slice_eq(key, MR_LIT("require_version"))) {
		return; /* what a rule needs is asked by conditions */
	} else if (mr_slice_eq(key, MR_LIT("lang"))) {
		word = mr_rules_word(&value);
		if (word.n && mr_slice_istarts(language, word)) {
			key = mr_rules_word(&value);
			statement(r, f, key, value);
		}
	} else if (!mr_rules_define(r, key, value) && !mr_rules_replace_define(r, key, value)) {
		set(r, key, value);
	}
}

static struct mr_slice key_of(struct mr_rules *r, struct mr_slice word)
{
	char *key = mr_arena_lower(r->arena, word);

	for (size_t i = 0; i < word.n; i++)
		if (key[i] == '-')
			key[i] = '_';
	return (struct mr_slice){ key, word.n };
}

void mr_rules_of_others(struct mr_rules *r, bool of_others)
{
	r->of_others = of_others;
}

void mr_rules_brought(struct mr_rules *r, bool brought)
{
	r->brought = brought;
}

void mr_rules_stock(struct mr_rules *r, bool stock)
{
	r->stock = stock;
}

void mr_rules_read(struct mr_rules *r, const char *file, struct mr_slice text)
{
	struct mr_rules_file f = {
		.name = mr_arena_strdup(r->arena, file), .of_others = r->of_others, .brought = r->brought, .stock = r->stock
	};
	const struct mr_rules_file *before = r->at;
	struct mr_slice line, value, key;

	r->includes++;
	while (text.n && mr_slice_next(&text, '\n', &line)) {
		f.line++;
		r->at = &f;
		if (line.n > MR_RULES_LINE_MAX) {
			mr_rules_problem(r, MR_RULES_ERROR, NULL, "the line is too long");
			continue;
		}
		value = clean(r, line);
		key = mr_rules_word(&value);
		if (key.n)
			statement(r, &f, key_of(r, key), value);
	}
	r->at = &f;
	if (f.n_conditions) {
		f.line = f.conditions[f.n_conditions - 1].line;
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "if without endif");
	}
	r->at = before;
	r->includes--;
}

size_t mr_rules_problems(const struct mr_rules *r, enum mr_rules_fault fault, size_t max, const struct mr_rules_problem **out)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_problems && n < max; i++)
		if (r->problems[i].fault == fault)
			out[n++] = &r->problems[i];
	return r->counted[fault];
}

int mr_rules_error(const struct mr_rules *r, struct mr_diag *diag)
{
	const struct mr_rules_problem *p = NULL;

	if (!mr_rules_problems(r, MR_RULES_ERROR, 1, &p))
		return 0;
	if (!p)
		return mr_diag_set(diag, -EINVAL, "too much is wrong in the rules");
	return mr_diag_set(diag, -EINVAL, "%s:%u: %s%s%s", p->file, p->line, p->rule ? p->rule : "", p->rule ? ": " : "", p->text);
}
