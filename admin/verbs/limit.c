/* mailreeve limit: how much authenticated mail may be sent, and what is left of it. */
/* system */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "database.h"
#include "limit-used.h"
#include "print.h"
#include "store/list.h"
#include "store/write.h"

static const char usage[] =
    "usage: mailreeve limit set user|domain OWNER messages|recipients LIMIT... [--action defer|reject|hold|lock]\n"
    "       mailreeve limit set address|network OWNER messages|recipients LIMIT... [--action defer|reject|hold|lock]\n"
    "       mailreeve limit show [WHOM] [--json]\n"
    "A LIMIT is AMOUNT/WINDOW such as 100/1h, or the word unlimited, or default to go back to the limits of the level above.\n"
    "OWNER is the word default, a domain (user: each of its users) or a user; of address and network default or a network of clients.\n"
    "WHOM is a user, a domain, the address of a client, or a network of clients.\n";

struct flags {
	const char *action;
	int json;
};
static const struct verb_flag table[] = {
	{ "action", "set", FLAG_TEXT, offsetof(struct flags, action), 0 },
	{ "json", "show", FLAG_SWITCH, offsetof(struct flags, json), 1 },
	{ 0 },
};

/* The words after WHAT. 0 or the exit code. */
static int parse_rules(const struct flags *f, int argc, char **argv, struct mr_limit *rules, size_t *n)
{
	enum mr_limit_action action = MR_LIMIT_DEFER;

	if (f->action && mr_limit_action_parse(mr_slice_of(f->action), &action) < 0)
		return verb_usage("--action: defer, reject, hold or lock");
	if (argc == 1 && mr_slice_eq(mr_slice_of(argv[0]), MR_LIT("default")))
		return 0;
	for (int i = 0; i < argc; i++) {
		rules[i].action = action;
		if (mr_limit_rate_parse(mr_slice_of(argv[i]), &rules[i]) < 0)
			return verb_usage("%s: a limit is AMOUNT/WINDOW, such as 100/1h, at most %" PRIu64
					  " in 1 s to 31 d, or the word unlimited or default",
					  argv[i], MR_LIMIT_AMOUNT_MAX);
	}
	*n = (size_t)argc;
	return 0;
}

static int set(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_limit rules[MR_LIMIT_RULES_MAX] = { 0 };
	struct mr_diag diag = { 0 };
	enum mr_limit_scope scope;
	enum mr_limit_what what;
	verbs_autodb db = NULL;
	size_t n = 0;
	int r;

	if (mr_limit_scope_parse(mr_slice_of(argv[0]), &scope) < 0)
		return verb_usage("%s: user, domain, address or network", argv[0]);
	if (mr_limit_what_parse(mr_slice_of(argv[2]), &what) < 0)
		return verb_usage("%s: messages or recipients", argv[2]);
	r = parse_rules(flags, argc - 3, argv + 3, rules, &n);
	if (r)
		return r;
	r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_limit_set(db, scope, argv[1], what, rules, n, &diag);
	return verbs_changed(conf, r, &diag);
}

static int show_all(struct mr_db *db, const struct flags *f)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_limit_entry *v = NULL;
	struct mr_diag diag = { 0 };
	const char **cells, **c;
	json_t *all;
	size_t n = 0;

	if (mr_list_limits(db, arena, &v, &n, &diag) < 0)
		return verb_failed(&diag);
	if (f->json) {
		all = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(all, json_pack("{s:s, s:s}", "owner", v[i].owner, "rule", v[i].rule));
		return print_json(all);
	}
	c = cells = mr_arena_alloc(arena, (n + 1) * 2 * sizeof(*cells));
	*c++ = "OWNER", *c++ = "LIMIT";
	for (size_t i = 0; i < n; i++) {
		*c++ = v[i].owner;
		*c++ = v[i].rule;
	}
	print_table(cells, n + 1, 2);
	return 0;
}

static uint64_t left_of(const struct limit_used *u)
{
	return u->used.total < u->rule.amount ? u->rule.amount - u->used.total : 0;
}

static const char *rule_of(const struct limit_used *u, struct mr_arena *arena)
{
	struct mr_buf text = MR_BUF(MR_LIMIT_TEXT_MAX);
	const char *rule;

	mr_limit_add(&text, &u->rule);
	rule = mr_arena_strdup(arena, text.p);
	mr_buf_done(&text);
	return rule;
}

static void print_used(const struct limit_used *v, size_t n, struct mr_arena *arena)
{
	const char **cells = mr_arena_alloc(arena, (n + 1) * 5 * sizeof(*cells)), **c = cells;

	*c++ = "LIMIT", *c++ = "USED", *c++ = "LEFT", *c++ = "MORE IN", *c++ = "ENDS IN";
	for (size_t i = 0; i < n; i++) {
		bool some = v[i].used.total > 0;

		*c++ = rule_of(&v[i], arena);
		*c++ = v[i].known ? mr_arena_printf(arena, "%" PRIu64, v[i].used.total) : "?";
		*c++ = v[i].known ? mr_arena_printf(arena, "%" PRIu64, left_of(&v[i])) : "?";
		*c++ = !v[i].known ? "?" : some ? print_duration(v[i].used.more_ms, arena) : "-";
		*c++ = !v[i].known ? "?" : some ? print_duration(v[i].used.ends_ms, arena) : "-";
	}
	print_table(cells, n + 1, 5);
}

static json_t *json_number(bool known, uint64_t n)
{
	return known ? json_integer((json_int_t)n) : json_null();
}

static int json_used(const struct limit_used *v, size_t n, struct mr_arena *arena)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		bool some = v[i].known && v[i].used.total > 0;

		json_array_append_new(
		    all, json_pack("{s:s, s:o, s:o, s:o, s:o}", "rule", rule_of(&v[i], arena), "used",
				   json_number(v[i].known, v[i].used.total), "left", json_number(v[i].known, left_of(&v[i])), "more_in",
				   json_number(some, v[i].used.more_ms / 1000), "ends_in", json_number(some, v[i].used.ends_ms / 1000)));
	}
	return print_json(all);
}

static int show_used(const struct verbs_conf *conf, struct mr_db *db, const struct flags *f, const char *whom)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_diag diag = { 0 };
	struct limit_used *v = NULL;
	size_t n = 0;

	if (limit_used(conf, db, whom, arena, &v, &n, &diag) < 0)
		return verb_failed(&diag);
	if (f->json)
		return json_used(v, n, arena);
	print_used(v, n, arena);
	return 0;
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;

	if (verbs_open(conf, &db, &diag) < 0)
		return verb_failed(&diag);
	return argc ? show_used(conf, db, flags, argv[0]) : show_all(db, flags);
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = { { "set", 4, 3 + MR_LIMIT_RULES_MAX, set }, { "show", 0, 1, show }, { 0 } };
	struct flags flags = { 0 };

	return verb_dispatch("limit", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "limit", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
