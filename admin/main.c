/* mailreeve-admin: writes what daemons may not write themselves, a request a process: locks accounts, tells people. */

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* ours */
#include "app/service.h"
#include "base/arena.h"
#include "base/mem.h"
#include "rt/log.h"
#include "store/validate.h"
#include "verbs/acknowledge.h"
#include "verbs/lockdown.h"
#include "verbs/notice.h"

#define LIFETIME    240  /* seconds: the root helper may take its time */
#define WAIT_MS     2000 /* for the lookups of all hosts */
#define MISSING_MAX 4096
#define LOCK        "lock"
#define OF_HOST     "content-held"

static int open_database(const struct verbs_conf *conf, struct mr_db **out, struct mr_diag *diag)
{
	struct mr_conf_shared c = conf->shared;
	int r;

	if (*conf->admin_db_user) {
		c.db_user = conf->admin_db_user;
		c.db_password_file = conf->admin_db_password_file;
	} else if (*c.db_password_file) { /* the shared user is lookup's, who only reads */
		return mr_diag_set(diag, -EINVAL, "admin.db_user: the shared db_user is for reading");
	}
	r = mr_db_open(&c, MR_DB_WRITE, out, diag);
	return r < 0 ? r : mr_db_check_schema(*out, diag);
}

/* What does not work beside the lock itself is logged, and no failure: the account is locked. */
static int lock(const struct verbs_conf *conf, struct mr_db *db, const char *address, const char *reason, struct mr_diag *diag)
{
	struct mr_buf missing = MR_BUF(MISSING_MAX);
	struct lockdown done = { 0 };
	struct mr_diag why = { 0 };
	uint64_t change;
	int r = lockdown_lock(db, address, reason, &done, diag);

	if (r < 0)
		return r;
	change = mr_db_noted(db);
	if (change)
		acknowledge_change(conf, change, WAIT_MS, &missing);
	if (missing.n)
		mr_log(MR_LOG_WARNING, "not-applied-yet", mr_s("address", done.address), mr_sl("by", mr_buf_slice(&missing)));
	mr_buf_done(&missing);
	lockdown_end(&conf->shared, done.address, 1, &done); /* lookup goes on */
	if (*done.hostd_diag.text)
		mr_log(MR_LOG_WARNING, "sessions-left", mr_s("address", done.address), mr_s("why", done.hostd_diag.text));
	if (done.changed && notice_send(conf, db, "lock", done.address, reason, &why) < 0)
		mr_log(MR_LOG_WARNING, "notice-failed", mr_s("address", done.address), mr_s("why", why.text));
	return 0;
}

/* The request of this word; NULL: there is none. */
static const char *known(struct mr_slice verb)
{
	static const char *const all[] = { LOCK, "limit-defer", "limit-reject", "limit-hold", "hijack-hold", "hijack-notice", OF_HOST };

	for (size_t i = 0; i < MR_COUNT(all); i++)
		if (mr_slice_eq(verb, mr_slice_of(all[i])))
			return all[i];
	return NULL;
}

static int run(const struct verbs_conf *conf, const char *verb, const char *address, const char *text, struct mr_diag *diag)
{
	struct mr_db *db = NULL;
	int r = open_database(conf, &db, diag);

	if (r == 0 && strcmp(verb, LOCK) == 0)
		r = lock(conf, db, address, text, diag);
	else if (r == 0)
		r = address ? notice_send(conf, db, verb, address, text, diag) : notice_send_of_host(conf, db, verb, text, diag);
	mr_db_close(db);
	return r;
}

/* VERB ADDRESS TEXT, or of what is no account's VERB TEXT. */
static int serve(const void *arg, const struct mr_peer *peer, const struct mr_control_request *q, struct mr_buf *out, struct mr_diag *diag)
{
	const struct verbs_conf *conf = arg;
	mr_autoarena arena = mr_arena_new(0);
	const char *verb = known(q->verb), *address = NULL, *text;
	struct mr_slice rest = q->arg, word = { 0 };
	bool of_host = verb && strcmp(verb, OF_HOST) == 0;
	int r;

	(void)out;
	if (!mr_peer_is(peer, &conf->admin_peers) && !(of_host && mr_peer_is(peer, &conf->admin_notifiers)))
		return mr_diag_set(diag, -EPERM, "not allowed");
	if (!verb)
		return mr_diag_set(diag, -EINVAL, "unknown request");
	if (!of_host) {
		mr_slice_next(&rest, ' ', &word);
		address = mr_arena_slice(arena, word);
		rest = mr_slice_from(q->arg, word.n + 1);
	}
	text = mr_arena_slice(arena, rest);
	r = of_host ? mr_validate_reason(text, diag) : notice_check(address, text, diag);
	return r < 0 ? r : run(conf, verb, address, text, diag);
}

int main(int argc, char **argv)
{
	static const struct mr_service service = {
		.name = "admin", .options = admin_options, .conf_size = sizeof(struct verbs_conf), .lifetime = LIFETIME, .serve = serve
	};

	/* postdrop, which sendmail runs, goes by our own group then, not by the one on its file. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return mr_service_main(argc, argv, &service);
}
