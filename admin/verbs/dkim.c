/* mailreeve dkim: a domain's signing keys and the records to publish. */
/* system */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "database.h"
#include "input.h"
#include "mail/address.h"
#include "print.h"
#include "store/list.h"
#include "store/write.h"

static const char usage[] = "usage: mailreeve dkim show DOMAIN [--json]\n"
			    "       mailreeve dkim enable DOMAIN\n"
			    "       mailreeve dkim disable DOMAIN [--yes]\n";

struct flags {
	int json, yes;
};
static const struct verb_flag table[] = {
	{ "json", "show", FLAG_SWITCH, offsetof(struct flags, json), 1 },
	{ "yes", "disable", FLAG_SWITCH, offsetof(struct flags, yes), 1 },
	{ 0 },
};
#define TXT_STRING_MAX 255 /* RFC 1035 section 3.3 */

/* One line of a zone file; a long value is cut into strings. */
static void print_record(const char *name, const char *value)
{
	size_t n = strlen(value);

	printf("%s. IN TXT (", name);
	for (size_t at = 0; at < n; at += TXT_STRING_MAX)
		printf(" \"%.*s\"", TXT_STRING_MAX, value + at);
	printf(" )\n");
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *domain = mr_address_lower(mr_slice_of(argv[0]), arena).p, *name, *value;
	bool json = ((const struct flags *)flags)->json;
	struct mr_dkim_entry *keys = NULL;
	json_t *all = json_array();
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	size_t n = 0;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_list_dkim(db, domain, arena, &keys, &n, &diag);
	if (r == 0 && n == 0)
		r = mr_diag_set(&diag, -ENOENT, "there are no keys for a domain %s", domain);
	for (size_t i = 0; i < n; i++) {
		name = mr_arena_printf(arena, "%s._domainkey.%s", keys[i].selector, domain);
		value = mr_arena_printf(arena, "v=DKIM1; k=%s; p=%s", keys[i].algorithm, keys[i].public_key);
		if (!json)
			print_record(name, value);
		json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", name, "value", value, "selector",
						     keys[i].selector, "algorithm", keys[i].algorithm, "signing", keys[i].signing));
	}
	if (r == 0 && json)
		return print_json(all);
	json_decref(all);
	return r < 0 ? verb_failed(&diag) : 0;
}

static int switch_to(const struct verbs_conf *conf, const char *domain, bool on)
{
	struct mr_domain_set set = MR_DOMAIN_SET_NONE;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	set.dkim = on;
	if (r == 0)
		r = mr_write_domain_set(db, domain, &set, &diag);
	return verbs_changed(conf, r, &diag);
}

static int enable(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	return switch_to(conf, argv[0], true);
}

static int disable(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };

	if (!((const struct flags *)flags)->yes && !input_confirm("Mail of this domain will leave unsigned from the next message on.")) {
		mr_diag_set(&diag, -ECANCELED, "not confirmed (--yes for scripts); nothing was changed");
		return verb_failed(&diag);
	}
	return switch_to(conf, argv[0], false);
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = {
		{ "show", 1, 1, show }, { "enable", 1, 1, enable }, { "disable", 1, 1, disable }, { 0 }
	};
	struct flags flags = { 0 };

	return verb_dispatch("dkim", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "dkim", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
