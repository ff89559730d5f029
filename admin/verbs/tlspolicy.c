/* mailreeve tlspolicy: how mail must be protected on the way to other hosts. */
/* system */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "database.h"
#include "print.h"
#include "proto/wire.h"
#include "rt/sock.h"
#include "store/list.h"
#include "store/write.h"

static const char usage[] = "usage: mailreeve tlspolicy set DOMAIN LEVEL [NAME=VALUE...]\n"
			    "       mailreeve tlspolicy show DOMAIN\n"
			    "       mailreeve tlspolicy list [--json]\n"
			    "       mailreeve tlspolicy del DOMAIN\n"
			    "DOMAIN is example.org, .example.org for its sub-domains, or a host that is sent to by name: [HOST]:PORT.\n"
			    "LEVEL is none, may, encrypt, dane, dane-only, fingerprint, verify or secure, as in smtp_tls_policy_maps.\n";

struct flags {
	int json;
};
static const struct verb_flag table[] = { { "json", "list", FLAG_SWITCH, offsetof(struct flags, json), 1 }, { 0 } };
#define WORDS_MAX 20
#define WAIT_MS   15000 /* longer than lookup takes */

static int set(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_buf value = MR_BUF(2 * MR_RULE_VALUE_MAX);
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = 0;

	for (int i = 1; i < argc && r == 0; i++)
		r = mr_buf_printf(&value, "%s%s", i > 1 ? " " : "", argv[i]);
	if (r < 0)
		mr_diag_set(&diag, r, "a policy has at most %d characters", MR_RULE_VALUE_MAX);
	if (r == 0)
		r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_rule_set(db, MR_RULE_TLS, argv[0], value.p, &diag);
	mr_buf_done(&value);
	return verbs_changed(conf, r, &diag);
}

/* One question to lookup, which knows what others publish. The answer's fields are in the arena. */
static int ask_lookup(const struct verbs_conf *conf, const char *domain, struct mr_arena *arena, struct mr_wire *out, struct mr_diag *diag)
{
	const char *path = mr_arena_printf(arena, "%s/lookup/directory.sock", conf->shared.run_dir);
	struct mr_buf in = MR_BUF(MR_WIRE_MAX + 32), question = MR_BUF(4096);
	int fd = mr_connect_unix_wait(path, WAIT_MS), r = fd < 0 ? fd : 0;
	struct mr_wire_out w;
	ssize_t n = 0;
	size_t used;

	mr_wire_begin(&w, "cmd", "tls", 1);
	mr_wire_puts(&w, "domain", domain);
	mr_wire_end(&w, &question);
	if (r == 0 && write(fd, question.p, question.n) != (ssize_t)question.n)
		r = -EIO;
	while (r == 0) {
		char *room = mr_buf_reserve(&in, 4096);
		n = room ? read(fd, room, 4096) : 0;
		r = n > 0 ? 0 : n == 0 ? -ECONNRESET : -errno;
		if (r < 0)
			break;
		mr_buf_filled(&in, (size_t)n);
		r = mr_wire_next(mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&in))), arena, out, &used);
		if (r == 1)
			break;
	}
	if (fd >= 0)
		close(fd);
	mr_buf_done(&in);
	mr_buf_done(&question);
	return r == 1 ? 0 : mr_diag_set(diag, r, "lookup does not answer at %s: %s", path, strerror(-r));
}

/* What the domain publishes, where no rule says otherwise. */
static int show_published(const struct verbs_conf *conf, const char *domain, struct mr_arena *arena, struct mr_diag *diag)
{
	struct mr_wire w;
	int r = ask_lookup(conf, domain, arena, &w, diag);
	struct mr_slice status, policy;

	if (r < 0)
		return r;
	status = mr_wire_get(&w, "status");
	policy = mr_wire_get(&w, "policy");
	if (mr_slice_eq(status, MR_LIT("bad"))) {
		printf("published:     not asked for: %s\n", mr_arena_slice(arena, mr_wire_get(&w, "reason")));
		printf("%s: as Postfix is set up (smtp_tls_security_level)\n", domain);
		return 0;
	}
	printf("DANE:          %s\n", mr_arena_slice(arena, mr_wire_get(&w, "dane")));
	printf("MTA-STS:       %s\n", mr_arena_slice(arena, mr_wire_get(&w, "mta-sts")));
	if (!mr_slice_eq(status, MR_LIT("ok")))
		printf("%s: not known now, mail waits\n", domain);
	else if (policy.n > 0)
		printf("%s: %s\n", domain, mr_arena_slice(arena, policy));
	else
		printf("%s: as Postfix is set up (smtp_tls_security_level)\n", domain);
	return 0;
}

/* Step by step, as lookup's map comes to its answer. */
static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const struct mr_rule *rule = NULL;
	struct mr_row_rules rules = { 0 };
	struct mr_rule asked = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_rule_pattern_check(MR_RULE_TLS, argv[0], arena, &asked, &diag);
	if (r == 0)
		r = mr_read_rules(db, mr_rule_map_str(MR_RULE_TLS), arena, &rules, &diag);
	if (r < 0)
		return verb_failed(&diag);
	rule = mr_rules_find(rules.v, rules.n, mr_slice_of(asked.pattern), arena);
	if (rule != NULL) {
		printf("administrator: tlspolicy set %s\n%s: %s\n", rule->pattern, asked.pattern, rule->value);
		return 0;
	}
	printf("administrator: no policy\n");
	if (asked.pattern[0] == '[' || asked.pattern[0] == '.')
		printf("%s: as Postfix is set up (smtp_tls_security_level)\n", asked.pattern);
	else
		r = show_published(conf, asked.pattern, arena, &diag);
	return r < 0 ? verb_failed(&diag) : 0;
}

static int list(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rule_entry *v = NULL;
	struct mr_diag diag = { 0 };
	const char **cells, **c;
	verbs_autodb db = NULL;
	json_t *all;
	size_t n = 0;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_list_rules(db, mr_rule_map_str(MR_RULE_TLS), arena, &v, &n, &diag);
	if (r < 0)
		return verb_failed(&diag);
	if (((const struct flags *)flags)->json) {
		all = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(all, json_pack("{s:s, s:s}", "destination", v[i].pattern, "policy", v[i].value));
		return print_json(all);
	}
	c = cells = mr_arena_alloc(arena, (n + 1) * 2 * sizeof(*cells));
	*c++ = "DESTINATION", *c++ = "POLICY";
	for (size_t i = 0; i < n; i++)
		*c++ = v[i].pattern, *c++ = v[i].value;
	print_table(cells, n + 1, 2);
	return 0;
}

static int del(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_rule_del(db, MR_RULE_TLS, argv[0], &diag);
	return verbs_changed(conf, r, &diag);
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = {
		{ "set", 2, WORDS_MAX, set }, { "show", 1, 1, show }, { "list", 0, 0, list }, { "del", 1, 1, del }, { 0 }
	};
	struct flags flags = { 0 };

	return verb_dispatch("tlspolicy", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "tlspolicy", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
