/* mailreeve alias: addresses that lead elsewhere; "@domain" is the catch-all. */
/* system */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "database.h"
#include "mail/address.h"
#include "print.h"
#include "store/list.h"
#include "store/write.h"

static const char usage[] = "usage: mailreeve alias add ADDRESS TO...       (ADDRESS may be @DOMAIN, the catch-all)\n"
			    "       mailreeve alias list [DOMAIN] [--json]\n"
			    "       mailreeve alias show ADDRESS [--json]\n"
			    "       mailreeve alias set ADDRESS TO...       (these destinations in place of the old ones)\n"
			    "       mailreeve alias del ADDRESS [TO...]     (all destinations, or these)\n";

struct flags {
	int json;
};
static const struct verb_flag table[] = { { "json", "list show", FLAG_SWITCH, offsetof(struct flags, json), 1 }, { 0 } };
#define WORDS_MAX 1001

static int add(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_alias_add(db, argv[0], (const char *const *)argv + 1, (size_t)argc - 1, &diag);
	return verbs_changed(conf, r, &diag);
}

static int set(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_alias_set(db, argv[0], (const char *const *)argv + 1, (size_t)argc - 1, &diag);
	return verbs_changed(conf, r, &diag);
}

static int del(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_alias_del(db, argv[0], (const char *const *)argv + 1, (size_t)argc - 1, &diag);
	return verbs_changed(conf, r, &diag);
}

static json_t *alias_json(const struct mr_row_alias *a)
{
	json_t *to = json_array();

	for (size_t i = 0; i < a->n_destinations; i++)
		json_array_append_new(to, json_string(a->destinations[i]));
	return json_pack("{s:s, s:o}", "address", a->address, "destinations", to);
}

static void list_table(const struct mr_row_alias *v, size_t n, struct mr_arena *arena)
{
	const char **cells, **c;
	size_t rows = 1;

	for (size_t i = 0; i < n; i++)
		rows += v[i].n_destinations;
	cells = c = mr_arena_alloc(arena, rows * 2 * sizeof(*cells));
	*c++ = "ADDRESS", *c++ = "DESTINATION";
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].n_destinations; k++) {
			*c++ = k == 0 ? v[i].address : "";
			*c++ = v[i].destinations[k];
		}
	print_table(cells, rows, 2);
}

static int list(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *domain = argc ? mr_address_lower(mr_slice_of(argv[0]), arena).p : NULL;
	struct mr_row_alias *v = NULL;
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
	const char *address = mr_address_lower(mr_slice_of(argv[0]), arena).p;
	struct mr_row_alias a = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_read_alias(db, address, arena, &a, &diag);
	if (r == -ENOENT)
		mr_diag_set(&diag, r, "there is no alias %s", address);
	if (r < 0)
		return verb_failed(&diag);
	if (((const struct flags *)flags)->json)
		return print_json(alias_json(&a));
	list_table(&a, 1, arena);
	return 0;
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = { { "add", 2, WORDS_MAX, add }, { "list", 0, 1, list },       { "show", 1, 1, show },
						      { "set", 2, WORDS_MAX, set }, { "del", 1, WORDS_MAX, del }, { 0 } };
	struct flags flags = { 0 };

	return verb_dispatch("alias", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "alias", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
