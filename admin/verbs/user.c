/* mailreeve user: the mailboxes. */
/* system */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "base/parse.h"
#include "database.h"
#include "input.h"
#include "lockdown.h"
#include "notice.h"
#include "print.h"
#include "store/list.h"
#include "store/validate.h"
#include "store/write.h"
#include "thresholds.h"

static const char usage[] =
    "usage: mailreeve user add ADDRESS [--quota MB] [--send-only | --receive-only] [--expires WHEN] [--disabled] [--hash]\n"
    "       mailreeve user list [DOMAIN] [--json]\n"
    "       mailreeve user show ADDRESS [--json]\n"
    "       mailreeve user set ADDRESS [--enable | --disable] [--send-only | --no-send-only] [--quota MB] [--password | --hash]\n"
    "                          [--header-score N|default] [--greylist-score N|default] [--junk-score N|default]\n"
    "                          [--quarantine-score N|default] [--reject-score N|default]\n"
    "                          [--outbound-score N|default] [--outbound-reject-score N|default]\n"
    "                          [--allow PATTERN]... [--deny PATTERN]...\n"
    "                          [--unlist PATTERN] [--receive-only | --no-receive-only] [--expires WHEN|never]\n"
    "       mailreeve user del ADDRESS\n"
    "       mailreeve user lock ADDRESS [--reason TEXT]\n"
    "       mailreeve user unlock ADDRESS\n"
    "The password is read from standard input; with --hash it is a hash such as {BLF-CRYPT}$2y$...\n"
    "WHEN is 30d, 2026-12-31 or 2026-12-31T18:00 (UTC).\n";

struct flags {
	struct mr_user_set set;
	const char *quota, *reason;
	int json, password, hash;
};
#define FLAG(member) offsetof(struct flags, member)
static const struct verb_flag table[] = {
	{ "json", "list show", FLAG_SWITCH, FLAG(json), 1 },
	{ "enable", "set", FLAG_SWITCH, FLAG(set.enabled), 1 },
	{ "disable", "set", FLAG_SWITCH, FLAG(set.enabled), 0 },
	{ "disabled", "add", FLAG_SWITCH, FLAG(set.enabled), 0 },
	{ "send-only", "add set", FLAG_SWITCH, FLAG(set.send_only), 1 },
	{ "no-send-only", "set", FLAG_SWITCH, FLAG(set.send_only), 0 },
	{ "receive-only", "add set", FLAG_SWITCH, FLAG(set.receive_only), 1 },
	{ "no-receive-only", "set", FLAG_SWITCH, FLAG(set.receive_only), 0 },
	{ "expires", "add set", FLAG_TEXT, FLAG(set.expires), 0 },
	{ "quota", "add set", FLAG_TEXT, FLAG(quota), 0 },
	{ "password", "set", FLAG_SWITCH, FLAG(password), 1 },
	{ "hash", "add set", FLAG_SWITCH, FLAG(hash), 1 },
	THRESHOLD_FLAGS(FLAG(set.thresholds)),
	{ "allow", "add set", FLAG_TEXTS, FLAG(set.allow), 0 },
	{ "deny", "add set", FLAG_TEXTS, FLAG(set.deny), 0 },
	{ "unlist", "set", FLAG_TEXTS, FLAG(set.unlist), 0 },
	{ "reason", "lock", FLAG_TEXT, FLAG(reason), 0 },
	{ 0 },
};

typedef int write_fn(struct mr_db *db, const char *address, const struct mr_user_set *set, struct mr_diag *diag);

static int write_user(const struct verbs_conf *conf, const struct flags *f, bool password, const char *address, write_fn *write)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_user_set set = f->set;
	struct mr_account account;
	struct mr_buf secret = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = 0;

	if (f->quota && mr_parse_i64(mr_slice_of(f->quota), 0, INT64_MAX, &set.quota_mb) < 0)
		return verb_usage("--quota: a number of MB, 0 for unlimited");
	if (password || f->hash) {
		/* What cannot be is said before somebody types a password. */
		r = mr_validate_account(address, arena, &account, &diag);
		if (r == 0)
			r = input_password(&secret, &diag);
		set.password = secret.p;
		set.password_is_hash = f->hash;
	}
	if (r == 0)
		r = verbs_open(conf, &db, &diag);
	if (r == 0)
		r = write(db, address, &set, &diag);
	mr_wipe(secret.p, secret.cap);
	mr_buf_done(&secret);
	return verbs_changed(conf, r, &diag);
}

static int add(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	return write_user(conf, flags, true, argv[0], mr_write_user_add);
}

static int set(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const struct flags *f = flags;
	const struct mr_user_set *s = &f->set;

	if (s->enabled < 0 && s->send_only < 0 && s->receive_only < 0 && !s->expires && !f->quota && !f->password && !f->hash &&
	    !thresholds_given(s->thresholds) && !s->allow && !s->deny && !s->unlist)
		return verb_usage("nothing to set (--help tells)");
	return write_user(conf, f, f->password, argv[0], mr_write_user_set);
}

static void list_table(const struct mr_row_mailbox *v, size_t n, struct mr_arena *arena)
{
	const char **cells = mr_arena_alloc(arena, (n + 1) * 5 * sizeof(*cells)), **c = cells;

	*c++ = "ADDRESS", *c++ = "ENABLED", *c++ = "LOCKED", *c++ = "SEND-ONLY", *c++ = "QUOTA";
	for (size_t i = 0; i < n; i++) {
		*c++ = v[i].address;
		*c++ = print_yes(v[i].enabled);
		*c++ = print_yes(v[i].locked);
		*c++ = print_yes(v[i].send_only);
		*c++ = print_quota(v[i].quota_bytes, arena);
	}
	print_table(cells, n + 1, 5);
}

static json_t *user_json(const struct mr_row_mailbox *m)
{
	json_t *o = json_pack("{s:s, s:b, s:b, s:b, s:b, s:o, s:I}", "address", m->address, "enabled", m->enabled, "locked", m->locked,
			      "send_only", m->send_only, "receive_only", m->receive_only, "expires", json_end(m->expires), "quota_mb",
			      (json_int_t)(m->quota_bytes / 1048576));

	thresholds_json(&m->thresholds, o);
	return o;
}

static int list(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *domain = argc ? verb_name(argv[0], arena) : NULL;
	struct mr_row_mailbox *v = NULL;
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	json_t *all;
	size_t n = 0;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_list_users(db, domain, arena, &v, &n, &diag);
	if (r < 0)
		return verb_failed(&diag);
	if (!((const struct flags *)flags)->json) {
		list_table(v, n, arena);
		return 0;
	}
	all = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, user_json(&v[i]));
	return print_json(all);
}

static int show(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *address = verb_name(argv[0], arena);
	struct mr_row_mailbox m = { 0 };
	struct mr_lock_entry lock = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	json_t *one;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_read_mailbox(db, address, arena, &m, &diag);
	if (r == -ENOENT)
		mr_diag_set(&diag, r, "there is no user %s", address);
	if (r == 0 && m.locked)
		r = mr_list_lock(db, address, arena, &lock, &diag);
	if (r < 0)
		return verb_failed(&diag);
	if (((const struct flags *)flags)->json) {
		one = user_json(&m);
		json_object_set_new(one, "locked_at", lock.at ? json_string(lock.at) : json_null());
		json_object_set_new(one, "locked_reason", lock.at ? json_string(lock.reason) : json_null());
		json_object_set_new(one, "lists", json_patterns(m.patterns, m.n_patterns));
		return print_json(one);
	}
	printf("address       %s\nenabled       %s\nsend-only     %s\nquota         %s\n", m.address, print_yes(m.enabled),
	       print_yes(m.send_only), print_quota(m.quota_bytes, arena));
	thresholds_print(&m.thresholds, arena);
	if (m.receive_only)
		printf("receive-only  yes\n");
	if (m.expires)
		printf("expires       %s\n", print_end(m.expires, arena));
	if (lock.at)
		printf("locked        since %s UTC: %s\n", lock.at, lock.reason);
	print_patterns(m.patterns, m.n_patterns);
	return 0;
}

static int del(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag);

	if (r == 0)
		r = mr_write_user_del(db, argv[0], &diag);
	return verbs_changed(conf, r, &diag);
}

/* What could not be done beside the database is said, and is no failure: the lock holds. */
static void report(const struct lockdown *done, bool locked)
{
	if (*done->hostd_diag.text)
		verb_note("%s: %s", locked ? "open sessions and queued messages are left as they are" : "held messages are not looked for",
			  done->hostd_diag.text);
	else if (locked)
		printf("open sessions are dropped, queued messages on hold: %llu\n", (unsigned long long)done->held);
	else if (done->held)
		printf("queued messages on hold: %llu (mailreeve queue list, release, delete)\n", (unsigned long long)done->held);
	if (done->in_part)
		verb_note("the queue is not looked at as a whole; mailreeve queue %s --sender %s goes on", locked ? "hold" : "list",
			  done->address);
}

static int lock(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const struct flags *f = flags;
	const char *reason = f->reason ? f->reason : "locked by the administrator";
	struct lockdown done = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag), code;

	if (r == 0)
		r = lockdown_lock(db, argv[0], reason, &done, &diag);
	code = verbs_changed(conf, r, &diag);
	if (r < 0)
		return code;
	lockdown_end(&conf->shared, done.address, HOSTD_ALL, &done);
	printf("%s %s\n", done.address, done.changed ? "is locked" : "was locked already");
	report(&done, true);
	if (done.changed && notice_send(conf, db, "lock", done.address, reason, &diag) < 0)
		verb_note("the user and the administrator are not told: %s", diag.text);
	return code;
}

static int unlock(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct lockdown done = { 0 };
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	int r = verbs_open(conf, &db, &diag), code;

	if (r == 0)
		r = lockdown_unlock(db, argv[0], &done, &diag);
	code = verbs_changed(conf, r, &diag);
	if (r < 0)
		return code;
	lockdown_count_held(&conf->shared, done.address, HOSTD_ALL, &done);
	printf("%s %s\n", done.address, done.changed ? "is not locked any more" : "was not locked");
	report(&done, false);
	return code;
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = { { "add", 1, 1, add },       { "list", 0, 1, list },
						      { "show", 1, 1, show },     { "set", 1, 1, set },
						      { "del", 1, 1, del },       { "lock", 1, 1, lock },
						      { "unlock", 1, 1, unlock }, { 0 } };
	struct flags flags = { .set = MR_USER_SET_NONE };

	return verb_dispatch("user", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "user", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
