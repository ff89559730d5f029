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
#include "mail/address.h"
#include "print.h"
#include "rt/counters.h"
#include "store/list.h"
#include "store/write.h"

#define RULES_MAX 128
#define WAIT_MS   2000

static const char usage[] =
    "usage: mailreeve limit set user|domain OWNER messages|recipients LIMIT... [--action defer|reject|hold|lock]\n"
    "       mailreeve limit set address|network OWNER messages|recipients LIMIT... [--action defer|reject|hold|lock]\n"
    "       mailreeve limit show [ADDRESS] [--json]\n"
    "A LIMIT is AMOUNT/WINDOW such as 100/1h, or the word unlimited, or default to go back to the limits of the level above.\n"
    "OWNER is the word default, a domain (user: each of its users) or a user; of address and network default or a network of clients.\n";

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

struct used {
	struct mr_loop *loop;
	struct mr_counted answer;
};

static void on_counted(const struct mr_counted *c, void *arg)
{
	struct used *u = arg;

	u->answer = *c;
	mr_loop_stop(u->loop);
}

static void stop(void *arg)
{
	mr_loop_stop(arg);
}

/* False where Redis cannot tell. */
static bool ask_used(const struct verbs_conf *conf, const struct mr_count *counts, size_t n, struct mr_counted *out)
{
	const struct mr_redis_config config = mr_redis_config(&conf->shared);
	struct used u = { .loop = mr_loop_new() };
	struct mr_counters *counters = NULL;
	struct mr_redis *redis = NULL;

	if (mr_redis_wanted(&config) && mr_redis_new(u.loop, &config, &redis, NULL) == 0) {
		for (unsigned i = 0; i < WAIT_MS / 10 && !mr_redis_up(redis); i++) {
			mr_timer_start(u.loop, 10, stop, u.loop);
			mr_loop_run(u.loop);
		}
		counters = mr_counters_new(u.loop, redis, conf->shared.redis_prefix);
		if (!mr_counters_ask(counters, false, WAIT_MS, counts, n, &u.answer, on_counted, &u))
			mr_loop_run(u.loop);
	}
	mr_redis_free(redis);
	mr_counters_free(counters);
	mr_loop_free(u.loop);
	*out = u.answer;
	return u.answer.shared;
}

/* Those of a user that can be named without a client: its own and its domain's. */
static size_t read_rules(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_limit *out, int *r, struct mr_diag *diag)
{
	struct mr_slice lines[RULES_MAX];
	struct mr_row_mailbox m = { 0 };
	struct mr_row_domain d = { 0 };
	const char *everybody = NULL;
	size_t n = 0, all;

	*r = mr_read_mailbox(db, address, arena, &m, diag);
	if (*r == -ENOENT)
		mr_diag_set(diag, *r, "there is no user %s", address);
	if (*r == 0)
		*r = mr_read_domain(db, strrchr(address, '@') + 1, arena, &d, diag);
	if (*r == 0)
		*r = mr_read_global_limits(db, arena, &everybody, diag);
	if (*r < 0)
		return 0;
	all = mr_limits_hold((const char *const[]){ m.limits, d.limits, everybody }, lines, RULES_MAX);
	for (size_t i = 0; i < all && n < MR_COUNTERS_MAX; i++)
		n += mr_limit_parse(lines[i], &out[n]) == 0 && out[n].amount > 0 && !mr_limit_of_client(out[n].scope);
	return n;
}

static void print_used(const struct mr_limit *rules, const struct mr_counted *used, size_t n, bool known, struct mr_arena *arena)
{
	const char **cells = mr_arena_alloc(arena, (n + 1) * 3 * sizeof(*cells)), **c = cells;

	*c++ = "LIMIT", *c++ = "USED", *c++ = "LEFT";
	for (size_t i = 0; i < n; i++) {
		uint64_t total = used->totals[i], left = total < rules[i].amount ? rules[i].amount - total : 0;
		struct mr_buf text = MR_BUF(MR_LIMIT_TEXT_MAX);

		mr_limit_add(&text, &rules[i]);
		*c++ = mr_arena_strdup(arena, text.p);
		*c++ = known ? mr_arena_printf(arena, "%" PRIu64, total) : "?";
		*c++ = known ? mr_arena_printf(arena, "%" PRIu64, left) : "?";
		mr_buf_done(&text);
	}
	print_table(cells, n + 1, 3);
}

static int json_used(const struct mr_limit *rules, const struct mr_counted *used, size_t n, bool known)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		uint64_t total = used->totals[i], left = total < rules[i].amount ? rules[i].amount - total : 0;
		struct mr_buf text = MR_BUF(MR_LIMIT_TEXT_MAX);

		mr_limit_add(&text, &rules[i]);
		json_array_append_new(all, json_pack("{s:s, s:o, s:o}", "rule", text.p, "used",
						     known ? json_integer((json_int_t)total) : json_null(), "left",
						     known ? json_integer((json_int_t)left) : json_null()));
		mr_buf_done(&text);
	}
	return print_json(all);
}

static int show_user(const struct verbs_conf *conf, struct mr_db *db, const struct flags *f, const char *word)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice address = mr_address_lower(mr_slice_of(word), arena);
	struct mr_count counts[MR_COUNTERS_MAX];
	struct mr_limit rules[RULES_MAX];
	struct mr_counted used = { 0 };
	struct mr_diag diag = { 0 };
	bool known;
	int r = 0;
	size_t n;

	if (mr_slice_rchr(address, '@') < 0)
		return verb_usage("%s: the address of a user", word);
	n = read_rules(db, address.p, arena, rules, &r, &diag);
	if (r < 0)
		return verb_failed(&diag);
	for (size_t i = 0; i < n; i++) {
		bool user = rules[i].scope == MR_LIMIT_USER;
		struct mr_slice whom = user ? address : mr_slice_from(address, (size_t)mr_slice_rchr(address, '@') + 1);

		counts[i] = (struct mr_count){ mr_slice_of(mr_limit_name(arena, &rules[i], whom)), rules[i].window, rules[i].amount, 0 };
	}
	known = n > 0 && ask_used(conf, counts, n, &used);
	if (f->json)
		return json_used(rules, &used, n, known);
	print_used(rules, &used, n, known, arena);
	return 0;
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;

	if (verbs_open(conf, &db, &diag) < 0)
		return verb_failed(&diag);
	return argc ? show_user(conf, db, flags, argv[0]) : show_all(db, flags);
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
