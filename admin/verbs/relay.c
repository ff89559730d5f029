/* mailreeve relay: the hosts through which mail leaves, by sender. */
/* system */
#include <errno.h>
#include <stddef.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "database.h"
#include "input.h"
#include "print.h"
#include "rt/file.h"
#include "store/list.h"
#include "store/write.h"

static const char usage[] = "usage: mailreeve relay set OWNER HOST[:PORT] [--user NAME]\n"
			    "       mailreeve relay show OWNER [--json]\n"
			    "       mailreeve relay list [--json]\n"
			    "       mailreeve relay del OWNER\n"
			    "OWNER is a user, a domain, or the word default for everybody; of several the nearest holds.\n"
			    "With --user the password for the log-in at HOST is asked for, or read from standard input.\n";

struct flags {
	const char *user;
	int json;
};
static const struct verb_flag table[] = {
	{ "user", "set", FLAG_TEXT, offsetof(struct flags, user), 0 },
	{ "json", "show list", FLAG_SWITCH, offsetof(struct flags, json), 1 },
	{ 0 },
};

static int set(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_relay_set to = { .host = argv[1], .username = ((const struct flags *)flags)->user };
	struct mr_buf password = { 0 };
	struct mr_keyring ring = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = 0;

	if (to.username) {
		r = mr_keyring_load(conf->shared.relay_keyring_file, &ring, &diag);
		if (r == 0)
			r = input_password(&password, &diag);
		to.password = password.p;
	}
	if (r == 0)
		r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = mr_write_relay_set(db, argv[0], &to, &ring, &diag);
	mr_keyring_wipe(&ring);
	if (password.p)
		mr_wipe(password.p, password.cap);
	mr_buf_done(&password);
	return verbs_changed(conf, r, &diag);
}

/* owner NULL: all. The password is shown to nobody. */
static int print(const struct verbs_conf *conf, const struct flags *f, const char *owner)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_row_relay *v = NULL;
	struct mr_diag diag = { 0 };
	const char **cells, **c;
	verbs_autodb db = NULL;
	json_t *all;
	size_t n = 0;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_list_relays(db, owner, arena, &v, &n, &diag);
	if (r == 0 && owner && n == 0)
		r = mr_diag_set(&diag, -ENOENT, "%s has no relay host of its own", owner);
	if (r < 0)
		return verb_failed(&diag);
	if (f->json) {
		all = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(all, json_pack("{s:s, s:s, s:s?}", "owner", v[i].owner, "host", v[i].nexthop, "user",
							     *v[i].username ? v[i].username : NULL));
		return print_json(all);
	}
	c = cells = mr_arena_alloc(arena, (n + 1) * 3 * sizeof(*cells));
	*c++ = "OWNER", *c++ = "HOST", *c++ = "USER";
	for (size_t i = 0; i < n; i++) {
		*c++ = v[i].owner;
		*c++ = v[i].nexthop;
		*c++ = *v[i].username ? v[i].username : "-";
	}
	print_table(cells, n + 1, 3);
	return 0;
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);

	return print(conf, flags, verb_name(argv[0], arena));
}

static int list(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	return print(conf, flags, NULL);
}

static int del(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_relay_del(db, argv[0], &diag);
	return verbs_changed(conf, r, &diag);
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = {
		{ "set", 2, 2, set }, { "show", 1, 1, show }, { "list", 0, 0, list }, { "del", 1, 1, del }, { 0 }
	};
	struct flags flags = { 0 };

	return verb_dispatch("relay", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "relay", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
