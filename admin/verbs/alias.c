/* mailreeve alias: addresses that lead elsewhere, or nowhere; "@domain" is the catch-all. */
/* system */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "database.h"
#include "print.h"
#include "rt/clock.h"
#include "store/list.h"
#include "store/write.h"

static const char usage[] =
    "usage: mailreeve alias add ADDRESS TO... [--expires WHEN] [--note TEXT]   (ADDRESS may be @DOMAIN, the catch-all)\n"
    "       mailreeve alias mask USER [--expires WHEN] [--note TEXT]           (a new address that leads to the user)\n"
    "       mailreeve alias refuse ADDRESS [--expires WHEN] [--note TEXT]      (not even the catch-all takes it)\n"
    "       mailreeve alias list [DOMAIN] [--json]\n"
    "       mailreeve alias show ADDRESS [--json]\n"
    "       mailreeve alias set ADDRESS [TO...] [--on | --off] [--expires WHEN|never] [--note TEXT]\n"
    "                                               (these destinations in place of the old ones)\n"
    "       mailreeve alias del ADDRESS [TO...]     (all destinations, or these)\n"
    "       mailreeve alias rights ADDRESS anybody|WHO...\n"
    "                                               (who may send to it: internal, members, addresses, domains)\n"
    "WHEN is 30d, 2026-12-31 or 2026-12-31T18:00 (UTC).\n";

struct flags {
	struct mr_alias_set set;
	int json;
};
#define FLAG(member) offsetof(struct flags, member)
static const struct verb_flag table[] = {
	{ "json", "list show", FLAG_SWITCH, FLAG(json), 1 },
	{ "on", "set", FLAG_SWITCH, FLAG(set.enabled), 1 },
	{ "off", "set", FLAG_SWITCH, FLAG(set.enabled), 0 },
	{ "expires", "add mask refuse set", FLAG_TEXT, FLAG(set.expires), 0 },
	{ "note", "add mask refuse set", FLAG_TEXT, FLAG(set.note), 0 },
	{ 0 },
};
#define WORDS_MAX 1001

static struct mr_destinations behind_first(int argc, char **argv)
{
	return (struct mr_destinations){ (const char *const *)argv + 1, (size_t)argc - 1 };
}

static int add(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const struct mr_destinations to = behind_first(argc, argv);
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_alias_add(db, argv[0], &to, &((const struct flags *)flags)->set, &diag);
	return verbs_changed(conf, r, &diag);
}

static int mask(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *address = NULL;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_alias_mask(db, argv[0], &((const struct flags *)flags)->set, arena, &address, &diag);
	if (r == 0)
		printf("%s\n", address);
	return verbs_changed(conf, r, &diag);
}

static int refuse(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_alias_refuse(db, argv[0], &((const struct flags *)flags)->set, &diag);
	return verbs_changed(conf, r, &diag);
}

static int set(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const struct mr_alias_set *s = &((const struct flags *)flags)->set;
	const struct mr_destinations to = behind_first(argc, argv);
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r;

	if (to.n == 0 && s->enabled < 0 && !s->expires && !s->note)
		return verb_usage("nothing to set (--help tells)");
	r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_alias_set(db, argv[0], &to, s, &diag);
	return verbs_changed(conf, r, &diag);
}

static int del(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const struct mr_destinations to = behind_first(argc, argv);
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_alias_del(db, argv[0], &to, &diag);
	return verbs_changed(conf, r, &diag);
}

static int rights(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_alias_rights(db, argv[0], (const char *const *)argv + 1, (size_t)argc - 1, &diag);
	return verbs_changed(conf, r, &diag);
}

static json_t *senders_json(const char *senders)
{
	struct mr_slice rest = mr_slice_of(*senders ? senders : "anybody"), word;
	json_t *list = json_array();

	while (mr_slice_next(&rest, '\n', &word))
		json_array_append_new(list, json_stringn(word.p, word.n));
	return list;
}

static const char *senders_text(const char *senders, struct mr_arena *arena)
{
	char *text = mr_arena_strdup(arena, *senders ? senders : "anybody");

	for (char *p = text; *p; p++)
		*p = *p == '\n' ? ' ' : *p;
	return text;
}

static json_t *alias_json(const struct mr_alias_entry *e)
{
	const struct mr_row_alias *a = &e->alias;
	json_t *to = json_array();

	for (size_t i = 0; i < a->n_destinations; i++)
		json_array_append_new(to, json_string(a->destinations[i]));
	return json_pack("{s:s, s:o, s:b, s:b, s:o, s:s, s:o}", "address", a->address, "destinations", to, "refused",
			 a->n_destinations == 0, "enabled", a->enabled, "expires", json_end(a->expires), "note", e->note, "senders",
			 senders_json(a->senders));
}

static const char *state_of(const struct mr_row_alias *a)
{
	return !a->enabled ? "off" : a->expires != 0 && a->expires <= mr_wall() ? "expired" : "on";
}

static void list_table(const struct mr_alias_entry *v, size_t n, struct mr_arena *arena)
{
	const char **cells, **c;
	size_t rows = 1;

	for (size_t i = 0; i < n; i++)
		rows += v[i].alias.n_destinations + 1;
	cells = c = mr_arena_alloc(arena, rows * 6 * sizeof(*cells));
	*c++ = "ADDRESS", *c++ = "STATE", *c++ = "EXPIRES", *c++ = "DESTINATION", *c++ = "SENDERS", *c++ = "NOTE";
	for (size_t i = 0; i < n; i++) {
		const struct mr_row_alias *a = &v[i].alias;
		size_t lines = a->n_destinations ? a->n_destinations : 1;
		for (size_t k = 0; k < lines; k++) {
			*c++ = k == 0 ? a->address : "";
			*c++ = k == 0 ? state_of(a) : "";
			*c++ = k == 0 ? print_end(a->expires, arena) : "";
			*c++ = a->n_destinations ? a->destinations[k] : "(refused)";
			*c++ = k == 0 ? senders_text(a->senders, arena) : "";
			*c++ = k == 0 ? v[i].note : "";
		}
	}
	print_table(cells, (size_t)(c - cells) / 6, 6);
}

static int list(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *domain = argc ? verb_name(argv[0], arena) : NULL;
	struct mr_alias_entry *v = NULL;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	json_t *all;
	size_t n = 0;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_list_aliases(db, domain, arena, &v, &n, &diag);
	if (r < 0)
		return verb_failed(&diag);
	if (!((const struct flags *)flags)->json) {
		list_table(v, n, arena);
		return 0;
	}
	all = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, alias_json(&v[i]));
	return print_json(all);
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *address = verb_name(argv[0], arena);
	struct mr_alias_entry a = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_list_alias(db, address, arena, &a, &diag);
	if (r < 0)
		return verb_failed(&diag);
	if (((const struct flags *)flags)->json)
		return print_json(alias_json(&a));
	list_table(&a, 1, arena);
	return 0;
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = { { "add", 2, WORDS_MAX, add },
						      { "mask", 1, 1, mask },
						      { "refuse", 1, 1, refuse },
						      { "list", 0, 1, list },
						      { "show", 1, 1, show },
						      { "set", 1, WORDS_MAX, set },
						      { "del", 1, WORDS_MAX, del },
						      { "rights", 2, WORDS_MAX, rights },
						      { 0 } };
	struct flags flags = { .set = MR_ALIAS_SET_NONE };

	return verb_dispatch("alias", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "alias", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
