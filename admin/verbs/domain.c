/* mailreeve domain: the domains that are hosted here. */
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
#include "print.h"
#include "rt/file.h"
#include "store/list.h"
#include "store/write.h"
#include "thresholds.h"

static const char usage[] =
    "usage: mailreeve domain add DOMAIN [--disabled] [--junk-score N and further options of set]\n"
    "                            [--alias-of DOMAIN | --relay TRANSPORT [--recipients any|listed]]\n"
    "       mailreeve domain list [--json]\n"
    "       mailreeve domain show DOMAIN [--json]\n"
    "       mailreeve domain set DOMAIN [--enable | --disable] [--header-score N|default] [--greylist-score N|default]\n"
    "                            [--junk-score N|default] [--quarantine-score N|default] [--reject-score N|default]\n"
    "                            [--outbound-score N|default] [--outbound-reject-score N|default]\n"
    "                            [--allow PATTERN]... [--deny PATTERN]... [--unlist PATTERN]...\n"
    "                            [--alias-of DOMAIN|none] [--relay TRANSPORT|none] [--recipients any|listed]\n"
    "       mailreeve domain del DOMAIN\n"
    "       mailreeve domain set default [--allow PATTERN]... [--deny PATTERN]... [--unlist PATTERN]...   (lists of the whole site)\n"
    "       mailreeve domain show default [--json]\n"
    "TRANSPORT is where the mailboxes are, as in Postfix's transport(5): smtp:[192.0.2.1]:25\n";

struct flags {
	struct mr_domain_set set;
	const char *recipients;
	int json;
};
#define FLAG(member) offsetof(struct flags, member)
static const struct verb_flag table[] = {
	{ "json", "list show", FLAG_SWITCH, FLAG(json), 1 },
	{ "enable", "set", FLAG_SWITCH, FLAG(set.enabled), 1 },
	{ "disable", "set", FLAG_SWITCH, FLAG(set.enabled), 0 },
	{ "disabled", "add", FLAG_SWITCH, FLAG(set.enabled), 0 },
	THRESHOLD_FLAGS(FLAG(set.thresholds)),
	{ "allow", "add set", FLAG_TEXTS, FLAG(set.allow), 0 },
	{ "deny", "add set", FLAG_TEXTS, FLAG(set.deny), 0 },
	{ "unlist", "set", FLAG_TEXTS, FLAG(set.unlist), 0 },
	{ "alias-of", "add set", FLAG_TEXT, FLAG(set.alias_of), 0 },
	{ "relay", "add set", FLAG_TEXT, FLAG(set.relay_to), 0 },
	{ "recipients", "add set", FLAG_TEXT, FLAG(recipients), 0 },
	{ 0 },
};

/* 0, or the exit code of a usage error. */
static int take_recipients(const struct flags *f, struct mr_domain_set *set)
{
	struct mr_slice word = mr_slice_of(f->recipients);

	*set = f->set;
	if (!f->recipients)
		return 0;
	set->relay_listed = mr_slice_eq(word, MR_LIT("listed"));
	return set->relay_listed || mr_slice_eq(word, MR_LIT("any")) ? 0 : verb_usage("--recipients: any or listed");
}

static int add(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_domain_set s;
	struct mr_keyring ring = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = take_recipients(flags, &s);

	if (r)
		return r;
	r = mr_keyring_load(conf->shared.dkim_keyring_file, &ring, &diag);
	if (r == 0)
		r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_domain_add(db, argv[0], &s, &ring, &diag);
	mr_keyring_wipe(&ring);
	if (r == 0)
		printf("domain added; publish its DKIM records: mailreeve dkim show %s\n", argv[0]);
	return verbs_changed(conf, r, &diag);
}

static json_t *json_text(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static void list_table(const struct mr_domain_entry *v, size_t n, struct mr_arena *arena)
{
	const char **cells = mr_arena_alloc(arena, (n + 1) * 6 * sizeof(*cells)), **c = cells;

	*c++ = "DOMAIN", *c++ = "ENABLED", *c++ = "DKIM", *c++ = "USERS", *c++ = "ALIASES", *c++ = "GOES-TO";
	for (size_t i = 0; i < n; i++) {
		*c++ = v[i].name;
		*c++ = print_yes(v[i].enabled);
		*c++ = print_yes(v[i].dkim);
		*c++ = mr_arena_printf(arena, "%" PRIu64, v[i].users);
		*c++ = mr_arena_printf(arena, "%" PRIu64, v[i].aliases);
		*c++ = *v[i].alias_of ? v[i].alias_of : *v[i].relay_to ? v[i].relay_to : "here";
	}
	print_table(cells, n + 1, 6);
}

static int list(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_domain_entry *v = NULL;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	json_t *all;
	size_t n = 0;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_list_domains(db, arena, &v, &n, &diag);
	if (r < 0)
		return verb_failed(&diag);
	if (!((const struct flags *)flags)->json) {
		list_table(v, n, arena);
		return 0;
	}
	all = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all,
				      json_pack("{s:s, s:b, s:b, s:I, s:I, s:o, s:o}", "domain", v[i].name, "enabled", v[i].enabled, "dkim",
						v[i].dkim, "users", (json_int_t)v[i].users, "aliases", (json_int_t)v[i].aliases, "alias_of",
						json_text(v[i].alias_of), "relay", json_text(v[i].relay_to)));
	return print_json(all);
}

static int show_json(const struct mr_row_domain *d)
{
	json_t *keys = json_array(), *o;

	for (size_t i = 0; i < d->n_keys; i++)
		json_array_append_new(keys, json_pack("{s:s, s:s}", "selector", d->keys[i].selector, "algorithm", d->keys[i].algorithm));
	o = json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:s}", "domain", d->name, "enabled", d->enabled, "dkim", d->dkim, "lists",
		      json_patterns(d->patterns, d->n_patterns), "signing_keys", keys, "alias_of", json_text(d->alias_of), "relay",
		      json_text(d->relay_to), "recipients", d->relay_listed ? "listed" : "any");
	thresholds_json(&d->thresholds, o);
	return print_json(o);
}

/* The whole site in place of a domain. */
static bool is_site(const char *name)
{
	return mr_slice_ieq(mr_slice_of(name), MR_LIT("default"));
}

static int show_site(const struct verbs_conf *conf, bool json)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_row_pattern *patterns = NULL;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	size_t n = 0;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_read_global_patterns(db, arena, &patterns, &n, &diag);
	if (r < 0)
		return verb_failed(&diag);
	if (json)
		return print_json(json_pack("{s:o}", "lists", json_patterns(patterns, n)));
	print_patterns(patterns, n);
	return 0;
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *name = verb_name(argv[0], arena);
	struct mr_row_domain d = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r;

	if (is_site(name))
		return show_site(conf, ((const struct flags *)flags)->json);
	r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_read_domain(db, name, arena, &d, &diag);
	if (r == -ENOENT)
		mr_diag_set(&diag, r, "there is no domain %s here", name);
	if (r < 0)
		return verb_failed(&diag);
	if (((const struct flags *)flags)->json)
		return show_json(&d);
	printf("domain        %s\nenabled       %s\ndkim          %s\n", d.name, print_yes(d.enabled), print_yes(d.dkim));
	thresholds_print(&d.thresholds, arena);
	if (*d.alias_of)
		printf("alias of      %s\n", d.alias_of);
	if (*d.relay_to)
		printf("relay         %s\nrecipients    %s\n", d.relay_to, d.relay_listed ? "listed" : "any");
	for (size_t i = 0; i < d.n_keys; i++)
		printf("signing key   %s (%s)\n", d.keys[i].selector, d.keys[i].algorithm);
	print_patterns(d.patterns, d.n_patterns);
	return 0;
}

static int set_site(const struct verbs_conf *conf, const struct mr_domain_set *s)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r;

	if (s->enabled >= 0 || thresholds_given(s->thresholds) || s->alias_of || s->relay_to || s->relay_listed >= 0)
		return verb_usage("the whole site has --allow, --deny and --unlist only");
	r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_site_lists(db, s->allow, s->deny, s->unlist, &diag);
	return verbs_changed(conf, r, &diag);
}

static int set(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_domain_set s;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = take_recipients(flags, &s);

	if (r)
		return r;
	if (s.enabled < 0 && !thresholds_given(s.thresholds) && !s.allow && !s.deny && !s.unlist && !s.alias_of && !s.relay_to &&
	    s.relay_listed < 0)
		return verb_usage("nothing to set (--help tells)");
	if (is_site(argv[0]))
		return set_site(conf, &s);
	r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_domain_set(db, argv[0], &s, &diag);
	return verbs_changed(conf, r, &diag);
}

static int del(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_domain_del(db, argv[0], &diag);
	return verbs_changed(conf, r, &diag);
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = { { "add", 1, 1, add }, { "list", 0, 0, list }, { "show", 1, 1, show },
						      { "set", 1, 1, set }, { "del", 1, 1, del },   { 0 } };
	struct flags flags = { .set = MR_DOMAIN_SET_NONE };

	return verb_dispatch("domain", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "domain", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
