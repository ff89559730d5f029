/* mailreeve rule: the administrator's lines of Postfix's access, milter and transport maps. */
/* system */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/buf.h"
#include "base/mem.h"
#include "database.h"
#include "print.h"
#include "store/list.h"
#include "store/write.h"

static const char usage[] = "usage: mailreeve rule set MAP PATTERN VALUE...\n"
			    "       mailreeve rule list [MAP] [--json]\n"
			    "       mailreeve rule find MAP KEY             (which one holds for this client or address)\n"
			    "       mailreeve rule del MAP PATTERN\n"
			    "MAP        PATTERN                              VALUE\n"
			    "client     address, network, name, .domain      REJECT|DEFER|HOLD|WARN [TEXT], or DUNNO\n"
			    "sender     address, domain, .domain, <>         the same\n"
			    "recipient  address, domain, .domain             the same\n"
			    "milter     address, network                     DISABLE, or milters: inet:HOST:PORT, unix:PATH\n"
			    "transport  address, domain, .domain             a transport: smtp:[192.0.2.1]:25\n";

struct flags {
	int json;
};
static const struct verb_flag table[] = { { "json", "list", FLAG_SWITCH, offsetof(struct flags, json), 1 }, { 0 } };
#define WORDS_MAX 100

/* 0, or the exit code of a usage error. TLS policies have a verb of their own. */
static int take_map(const char *word, enum mr_rule_map *out)
{
	return mr_rule_map_parse(word, out) && *out != MR_RULE_TLS ? 0
								   : verb_usage("%s: client, sender, recipient, milter or transport", word);
}

static int set(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_buf value = MR_BUF(2 * MR_RULE_VALUE_MAX);
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	enum mr_rule_map map;
	int r = take_map(argv[0], &map);

	if (r)
		return r;
	for (int i = 2; i < argc; i++) {
		mr_buf_puts(&value, i > 2 ? " " : "");
		mr_buf_puts(&value, argv[i]);
	}
	if (value.full || value.n == 0)
		r = mr_diag_set(&diag, -EINVAL, "the value has 1 to %d characters", MR_RULE_VALUE_MAX);
	if (r == 0)
		r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_rule_set(db, map, argv[1], value.p, &diag);
	mr_buf_done(&value);
	return verbs_changed(conf, r, &diag);
}

static int del(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	enum mr_rule_map map;
	int r = take_map(argv[0], &map);

	if (r)
		return r;
	r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_rule_del(db, map, argv[1], &diag);
	return verbs_changed(conf, r, &diag);
}

static void list_table(const struct mr_rule_entry *v, size_t n, struct mr_arena *arena)
{
	const char **cells = mr_arena_alloc(arena, (n + 1) * 3 * sizeof(*cells)), **c = cells;

	*c++ = "MAP", *c++ = "PATTERN", *c++ = "VALUE";
	for (size_t i = 0; i < n; i++)
		*c++ = v[i].map, *c++ = v[i].pattern, *c++ = v[i].value;
	print_table(cells, n + 1, 3);
}

static int list(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rule_entry *v = NULL;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	enum mr_rule_map map;
	json_t *all;
	size_t n = 0;
	int r = argc ? take_map(argv[0], &map) : 0;

	if (r)
		return r;
	r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_list_rules(db, argc ? argv[0] : NULL, arena, &v, &n, &diag);
	if (r < 0)
		return verb_failed(&diag);
	if (!((const struct flags *)flags)->json) {
		list_table(v, n, arena);
		return 0;
	}
	all = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "map", v[i].map, "pattern", v[i].pattern, "value", v[i].value));
	return print_json(all);
}

static int find(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_rule *rule = NULL;
	struct mr_row_rules rules = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	enum mr_rule_map map;
	int r = take_map(argv[0], &map);

	if (r)
		return r;
	r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_read_rules(db, argv[0], arena, &rules, &diag);
	if (r == 0)
		rule = mr_rules_find(rules.v, rules.n, mr_slice_of(argv[1]), arena);
	if (r == 0 && rule == NULL)
		r = mr_diag_set(&diag, -ENOENT, "no rule of the map %s holds for %s", argv[0], argv[1]);
	if (r < 0)
		return verb_failed(&diag);
	printf("%s  %s\n", rule->pattern, rule->value);
	return 0;
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = {
		{ "set", 3, WORDS_MAX, set }, { "list", 0, 1, list }, { "find", 2, 2, find }, { "del", 2, 2, del }, { 0 }
	};
	struct flags flags = { 0 };

	return verb_dispatch("rule", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "rule", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
