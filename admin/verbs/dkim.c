/* mailreeve dkim: a domain's signing keys, the records to publish, and how new keys take over from old ones. */
/* system */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "base/parse.h"
#include "dkim-keys.h"
#include "input.h"
#include "print.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "store/write.h"

static const char usage[] = "usage: mailreeve dkim show DOMAIN [--json]\n"
			    "       mailreeve dkim status DOMAIN [--json]\n"
			    "       mailreeve dkim rotate DOMAIN [--algorithm rsa|ed25519] [--wait DURATION]\n"
			    "       mailreeve dkim advance [DOMAIN] [--wait DURATION | --quiet]\n"
			    "       mailreeve dkim enable DOMAIN\n"
			    "       mailreeve dkim disable DOMAIN [--yes]\n";

struct flags {
	int json, yes, quiet;
	const char *algorithm, *wait;
};
static const struct verb_flag table[] = {
	{ "json", "show status", FLAG_SWITCH, offsetof(struct flags, json), 1 },
	{ "yes", "disable", FLAG_SWITCH, offsetof(struct flags, yes), 1 },
	{ "algorithm", "rotate", FLAG_TEXT, offsetof(struct flags, algorithm), 0 },
	{ "wait", "rotate advance", FLAG_TEXT, offsetof(struct flags, wait), 0 },
	{ "quiet", "advance", FLAG_SWITCH, offsetof(struct flags, quiet), 1 },
	{ 0 },
};
#define TXT_STRING_MAX 255 /* RFC 1035 section 3.3 */
#define DAY            (24 * 60 * 60)
#define WAIT_MAX       ((uint64_t)30 * DAY * 1000)
#define PAUSE_S        5 /* between two looks at DNS while waiting */

/* -- showing -- */

/* One line of a zone file; a long value is cut into strings. */
static void print_record(const struct dkim_key *k)
{
	size_t n = strlen(k->expected);

	printf("%s. IN TXT (", k->name);
	for (size_t at = 0; at < n; at += TXT_STRING_MAX)
		printf(" \"%.*s\"", TXT_STRING_MAX, k->expected + at);
	printf(" )\n");
}

/* Seconds for which the record of a retired key must stay; 0 for none. */
static int64_t kept(const struct verbs_conf *conf, const struct mr_dkim_entry *e)
{
	int64_t keep = (int64_t)(conf->shared.dkim_keep_record / 1000);

	return e->state == MR_KEY_RETIRED && e->age < keep ? keep - e->age : 0;
}

static bool is_needed(const struct verbs_conf *conf, const struct mr_dkim_entry *e)
{
	return e->state != MR_KEY_RETIRED || kept(conf, e) > 0;
}

static int open_and_load(const struct verbs_conf *conf, const char *domain, struct mr_arena *arena, struct dkim_keys *keys,
			 struct mr_diag *diag)
{
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, diag);

	return r < 0 ? r : dkim_load(db, domain, arena, keys, diag);
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	bool json = ((const struct flags *)flags)->json;
	struct dkim_keys keys = { 0 };
	struct mr_diag diag = { 0 };
	json_t *all = json_array();
	int r = open_and_load(conf, argv[0], arena, &keys, &diag);

	for (size_t i = 0; i < keys.n; i++) {
		const struct dkim_key *k = &keys.v[i];

		if (!is_needed(conf, k->entry))
			continue;
		if (!json)
			print_record(k);
		json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", k->name, "value", k->expected, "selector",
						     k->entry->selector, "algorithm", k->entry->algorithm, "state",
						     mr_key_state_str(k->entry->state), "signing", k->entry->state == MR_KEY_SIGNING));
	}
	if (r == 0 && json)
		return print_json(all);
	json_decref(all);
	return r < 0 ? verb_failed(&diag) : 0;
}

static void add_values(json_t *to, const struct dkim_shown *s)
{
	for (size_t i = 0; i < s->n; i++) {
		json_t *text = json_stringn(s->values[i].p, s->values[i].n), *known;
		bool have = false;
		size_t at;

		if (!text)
			text = json_null(); /* it is not UTF-8 */
		json_array_foreach(to, at, known) have = have || json_equal(known, text);
		if (!have)
			json_array_append(to, text);
		json_decref(text);
	}
}

static json_t *status_json(const struct verbs_conf *conf, const struct dkim_key *k)
{
	json_t *current = json_array(), *servers = json_array();
	const struct mr_dkim_entry *e = k->entry;

	for (size_t i = 0; i < k->n_shown; i++) {
		const struct dkim_shown *s = &k->shown[i];

		add_values(current, s);
		json_array_append_new(servers,
				      json_pack("{s:s, s:s, s:s?}", "name", s->server, "address", s->address, "problem", s->problem));
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:b, s:I, s:s?}", "name", k->name, "type", "TXT", "expected",
			 k->expected, "current", current, "servers", servers, "selector", e->selector, "algorithm", e->algorithm, "state",
			 mr_key_state_str(e->state), "signing", e->state == MR_KEY_SIGNING, "keep_seconds", (json_int_t)kept(conf, e),
			 "problem", e->state == MR_KEY_RETIRED ? NULL : k->problem);
}

static void print_retired(const struct verbs_conf *conf, const struct dkim_key *k)
{
	int64_t left = kept(conf, k->entry);

	printf("%s %s retired: ", k->name, k->entry->algorithm);
	if (left > 0)
		printf("mail under way may need the record for %lld more days\n", (long long)((left + DAY - 1) / DAY));
	else
		puts(k->absent ? "the record is gone" : "the record may be taken out of DNS");
}

static void print_status(const struct verbs_conf *conf, const struct dkim_key *k)
{
	json_t *current = json_array(), *value;
	size_t at;

	if (k->entry->state == MR_KEY_RETIRED) {
		print_retired(conf, k);
		json_decref(current);
		return;
	}
	printf("%s %s %s: %s\n", k->name, k->entry->algorithm, mr_key_state_str(k->entry->state), k->problem ? k->problem : "published");
	for (size_t i = 0; i < k->n_shown && k->problem; i++)
		add_values(current, &k->shown[i]);
	if (k->problem)
		printf("  expected: %s\n", k->expected);
	json_array_foreach(current, at, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

		printf("  current:  %s\n", text ? text : "?");
		free(text);
	}
	json_decref(current);
}

static int status(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	bool json = ((const struct flags *)flags)->json, good = true;
	struct dkim_keys keys = { 0 };
	struct mr_diag diag = { 0 };
	json_t *out = json_array();
	int r = open_and_load(conf, argv[0], arena, &keys, &diag);

	if (r == 0)
		r = dkim_look(conf, &keys, arena, &diag);
	for (size_t i = 0; i < keys.n && r == 0; i++) {
		good = good && !(keys.v[i].problem && keys.v[i].entry->state == MR_KEY_SIGNING);
		if (json)
			json_array_append_new(out, status_json(conf, &keys.v[i]));
		else
			print_status(conf, &keys.v[i]);
	}
	if (r == 0 && json)
		print_json(out);
	else
		json_decref(out);
	return r < 0 ? verb_failed(&diag) : !good;
}

/* -- keys that take over -- */

static const char *day_of(int64_t when, struct mr_arena *arena)
{
	time_t t = (time_t)when;
	char text[16];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return mr_arena_strdup(arena, text);
}

static void print_step(const struct verbs_conf *conf, const char *domain, const struct mr_dkim_step *s, struct mr_arena *arena)
{
	int64_t until = mr_wall() + (int64_t)(conf->shared.dkim_keep_record / 1000);

	switch (s->to) {
	case MR_KEY_WAITING:
		break;
	case MR_KEY_SIGNING:
		printf("%s: %s signs from now on\n", domain, s->selector);
		break;
	case MR_KEY_RETIRED:
		printf("%s: %s is retired; keep its record until %s\n", domain, s->selector, day_of(until, arena));
		break;
	case MR_KEY_GONE:
		printf("%s: %s is gone\n", domain, s->selector);
		break;
	}
}

/* Looks at DNS and takes the steps that follow. Sets *waits to the first key that still waits, or NULL. 1: there was a step. */
static int advance_one(const struct verbs_conf *conf, struct mr_db *db, const char *domain, struct mr_arena *arena,
		       const struct dkim_key **waits, struct mr_diag *diag)
{
	struct mr_dkim_finding *found = NULL;
	struct mr_dkim_step *steps = NULL;
	struct dkim_keys keys = { 0 };
	size_t n = 0, gone;
	int r = dkim_load(db, domain, arena, &keys, diag);

	*waits = NULL;
	if (r == 0)
		r = dkim_look(conf, &keys, arena, diag);
	if (r < 0)
		return r;
	found = mr_arena_alloc(arena, keys.n * sizeof(*found));
	for (size_t i = 0; i < keys.n; i++) {
		const struct dkim_key *k = &keys.v[i];

		found[i] = (struct mr_dkim_finding){ k->entry->selector, k->entry->public_key, k->problem ? k->problem : "", k->absent };
	}
	r = mr_write_dkim_found(db, keys.domain, found, keys.n, (int64_t)(conf->shared.dkim_keep_record / 1000), arena, &steps, &n, diag);
	for (size_t i = 0; i < n && r == 0; i++)
		print_step(conf, keys.domain, &steps[i], arena);
	for (size_t i = 0; i < keys.n && r == 0; i++) {
		for (gone = 0; gone < n && strcmp(steps[gone].selector, keys.v[i].entry->selector) != 0;)
			gone++;
		if (keys.v[i].entry->state == MR_KEY_WAITING && gone == n && !*waits)
			*waits = &keys.v[i];
	}
	return r < 0 ? r : n > 0;
}

static const char *why_waiting(const struct dkim_key *k)
{
	return k->problem ? k->problem : "the RSA key beside it must be seen first";
}

/* Until no key of the domain waits, or the time is over. quiet: of what another look may mend nothing is said. */
static int advance_domain(const struct verbs_conf *conf, struct mr_db *db, const char *domain, uint64_t wait_ms, bool quiet)
{
	uint64_t until = mr_now_ms() + wait_ms;

	for (;;) {
		mr_autoarena arena = mr_arena_new(0);
		const struct dkim_key *waits;
		struct mr_diag diag = { 0 };
		int r = advance_one(conf, db, domain, arena, &waits, &diag);
		bool over = mr_now_ms() + PAUSE_S * 1000 > until;

		if (r == 1)
			verbs_changed(conf, 0, &diag);
		if ((r < 0 && r != -EAGAIN) || (r < 0 && over && !quiet))
			return verb_failed(&diag);
		if (r >= 0 && waits && over && !quiet)
			printf("%s: %s waits: %s\n", domain, waits->entry->selector, why_waiting(waits));
		if (over || (r >= 0 && !waits))
			return wait_ms && waits ? 1 : 0;
		fflush(stdout);
		sleep(PAUSE_S);
	}
}

static int take_wait(const char *text, uint64_t *ms)
{
	*ms = 0;
	if (text && mr_parse_duration(mr_slice_of(text), WAIT_MAX, ms) < 0)
		return verb_usage("--wait: a duration up to 30d, such as 1h");
	return 0;
}

static int rotate(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const struct flags *f = flags;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_keyring ring = { 0 };
	struct dkim_keys keys = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	uint64_t wait_ms;
	size_t made = 0;
	int r;

	if (f->algorithm && strcmp(f->algorithm, "rsa") != 0 && strcmp(f->algorithm, "ed25519") != 0)
		return verb_usage("--algorithm: rsa or ed25519");
	r = take_wait(f->wait, &wait_ms);
	if (r)
		return r;
	r = mr_keyring_load(conf->shared.dkim_keyring_file, &ring, &diag);
	if (r == 0)
		r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_dkim_rotate(db, argv[0], f->algorithm, &ring, &made, &diag);
	mr_keyring_wipe(&ring);
	if (r == 0)
		r = dkim_load(db, argv[0], arena, &keys, &diag);
	if (r < 0)
		return verb_failed(&diag);
	puts("Publish these records; the keys before them sign until every name server shows them:");
	for (size_t i = 0; i < keys.n; i++)
		if (keys.v[i].entry->state == MR_KEY_WAITING)
			print_record(&keys.v[i]);
	fflush(stdout);
	return wait_ms ? advance_domain(conf, db, keys.domain, wait_ms, false) : 0;
}

static int advance(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_domain_entry *domains;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	const struct flags *f = flags;
	uint64_t wait_ms;
	size_t n = 0;
	int r = take_wait(f->wait, &wait_ms), worst = 0;

	if (r)
		return r;
	if (wait_ms && (argc == 0 || f->quiet))
		return verb_usage(f->quiet ? "--wait or --quiet" : "--wait: for one domain only");
	r = verbs_open(conf, &db, &diag);
	if (r == 0 && argc == 1)
		return advance_domain(conf, db, argv[0], wait_ms, f->quiet);
	if (r == 0)
		r = mr_list_domains(db, arena, &domains, &n, &diag);
	if (r < 0)
		return verb_failed(&diag);
	for (size_t i = 0; i < n; i++) {
		if (domains[i].enabled && domains[i].dkim && advance_domain(conf, db, domains[i].name, 0, f->quiet))
			worst = 1;
	}
	return worst;
}

/* -- on and off -- */

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
	static const struct verb_action actions[] = { { "show", 1, 1, show },
						      { "status", 1, 1, status },
						      { "rotate", 1, 1, rotate },
						      { "advance", 0, 1, advance },
						      { "enable", 1, 1, enable },
						      { "disable", 1, 1, disable },
						      { 0 } };
	struct flags flags = { 0 };

	return verb_dispatch("dkim", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "dkim", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
