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
#include "mail/key-record.h"
#include "print.h"
#include "resolve.h"
#include "store/list.h"
#include "store/write.h"

static const char usage[] = "usage: mailreeve dkim show DOMAIN [--json]\n"
			    "       mailreeve dkim status DOMAIN [--json]\n"
			    "       mailreeve dkim enable DOMAIN\n"
			    "       mailreeve dkim disable DOMAIN [--yes]\n";

struct flags {
	int json, yes;
};
static const struct verb_flag table[] = {
	{ "json", "show status", FLAG_SWITCH, offsetof(struct flags, json), 1 },
	{ "yes", "disable", FLAG_SWITCH, offsetof(struct flags, yes), 1 },
	{ 0 },
};
#define RESOLVE_MS     10000 /* for the records of all keys */
#define TXT_STRING_MAX 255   /* RFC 1035 section 3.3 */

/* One line of a zone file; a long value is cut into strings. */
static void print_record(const char *name, const char *value)
{
	size_t n = strlen(value);

	printf("%s. IN TXT (", name);
	for (size_t at = 0; at < n; at += TXT_STRING_MAX)
		printf(" \"%.*s\"", TXT_STRING_MAX, value + at);
	printf(" )\n");
}

static const char *record_name(const struct mr_dkim_entry *k, const char *domain, struct mr_arena *arena)
{
	return mr_arena_printf(arena, "%s._domainkey.%s", k->selector, domain);
}

static const char *record_value(const struct mr_dkim_entry *k, struct mr_arena *arena)
{
	return mr_arena_printf(arena, "v=DKIM1; k=%s; p=%s", k->algorithm, k->public_key);
}

static int list_keys(const struct verbs_conf *conf, const char *domain, struct mr_arena *arena, struct mr_dkim_entry **keys, size_t *n,
		     struct mr_diag *diag)
{
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, diag);

	if (r == 0)
		r = mr_list_dkim(db, domain, arena, keys, n, diag);
	if (r == 0 && *n == 0)
		r = mr_diag_set(diag, -ENOENT, "there are no keys for a domain %s", domain);
	return r;
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *domain = mr_address_lower(mr_slice_of(argv[0]), arena).p, *name, *value;
	bool json = ((const struct flags *)flags)->json;
	struct mr_dkim_entry *keys = NULL;
	json_t *all = json_array();
	struct mr_diag diag = { 0 };
	size_t n = 0;
	int r = list_keys(conf, domain, arena, &keys, &n, &diag);

	for (size_t i = 0; i < n; i++) {
		name = record_name(&keys[i], domain, arena);
		value = record_value(&keys[i], arena);
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

/* One key of a domain and what DNS shows at its name. */
struct published {
	const struct mr_dkim_entry *key;
	const char *name, *expected;
	const struct mr_dns_answer *found;
	const char *problem; /* NULL: as it should be */
};

static json_t *status_json(const struct published *p)
{
	json_t *current = json_array();

	for (size_t i = 0; i < p->found->n_rrs; i++) {
		json_t *text = json_stringn(p->found->rrs[i].data.p, p->found->rrs[i].data.n);

		json_array_append_new(current, text ? text : json_null()); /* it is not UTF-8 */
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:b, s:s?}", "name", p->name, "type", "TXT", "expected", p->expected, "current",
			 current, "selector", p->key->selector, "algorithm", p->key->algorithm, "signing", p->key->signing, "problem",
			 p->problem);
}

static void print_status(const struct published *p)
{
	printf("%s %s %s: %s\n", p->name, p->key->algorithm, p->key->signing ? "signing" : "stored", p->problem ? p->problem : "published");
}

/* Asks for the records of all keys at once. Returns whether every key that signs is published, or -errno. */
static int compare(const struct verbs_conf *conf, struct published *all, size_t n, struct mr_dns_view *view, struct mr_arena *arena,
		   struct mr_diag *diag)
{
	int good = 1, r;

	for (size_t i = 0; i < n; i++)
		mr_dns_view_get(view, mr_slice_of(all[i].name), MR_DNS_TXT);
	r = verbs_resolve(conf->shared.resolver, view, RESOLVE_MS, diag);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		bool ed25519 = mr_slice_eq(mr_slice_of(all[i].key->algorithm), MR_LIT("ed25519"));

		all[i].found = mr_dns_view_get(view, mr_slice_of(all[i].name), MR_DNS_TXT);
		all[i].problem = mr_key_published(all[i].found, ed25519, mr_slice_of(all[i].key->public_key), arena);
		if (all[i].problem && all[i].key->signing)
			good = 0;
	}
	return good;
}

static int status(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_dns_view *view = mr_dns_view_new();
	const char *domain = mr_address_lower(mr_slice_of(argv[0]), arena).p;
	bool json = ((const struct flags *)flags)->json;
	struct mr_dkim_entry *keys = NULL;
	struct published *all = NULL;
	struct mr_diag diag = { 0 };
	json_t *out = json_array();
	size_t n = 0;
	int r = list_keys(conf, domain, arena, &keys, &n, &diag);

	if (r == 0) {
		all = mr_arena_alloc(arena, n * sizeof(*all));
		for (size_t i = 0; i < n; i++)
			all[i] = (struct published){ .key = &keys[i],
						     .name = record_name(&keys[i], domain, arena),
						     .expected = record_value(&keys[i], arena) };
		r = compare(conf, all, n, view, arena, &diag);
	}
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (json)
			json_array_append_new(out, status_json(&all[i]));
		else
			print_status(&all[i]);
	}
	if (r >= 0 && json)
		print_json(out);
	else
		json_decref(out);
	mr_dns_view_free(view);
	return r < 0 ? verb_failed(&diag) : !r;
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
		{ "show", 1, 1, show }, { "status", 1, 1, status }, { "enable", 1, 1, enable }, { "disable", 1, 1, disable }, { 0 }
	};
	struct flags flags = { 0 };

	return verb_dispatch("dkim", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "dkim", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
