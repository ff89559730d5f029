/* mailreeve doctor: names what is missing, outdated or wrong. */
/* system */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "control.h"
#include "database.h"
#include "directory/directory.h"
#include "hostd.h"
#include "keys.h"
#include "programs.h"
#include "rt/clock.h"
#include "rt/dns.h"
#include "rt/redis.h"
#include "store/schema.h"

static const char usage[] = "usage: mailreeve doctor\n"
			    "One line a finding, \"ok\", \"absent\" (not installed) or \"problem\"; exit 1 when there is a problem.\n";

#define ASK_MS     30000 /* a daemon, about itself */
#define WAIT_MS    3000  /* a back end */
#define OUTPUT_MAX (64 * 1024)

static unsigned problems;

static void ok(const char *what)
{
	printf("ok      %s\n", what);
}

static void problem(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void problem(const char *what, const char *fmt, ...)
{
	va_list ap;

	problems++;
	printf("problem %s: ", what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static void look_at_running(const struct verbs_conf *conf, const char *daemon, const char *what)
{
	struct mr_buf answer = { 0 };
	struct mr_diag diag = { 0 };
	struct mr_slice version;
	int r = control_ask(conf->shared.run_dir, daemon, "status", &answer, &diag);

	version = control_value(mr_buf_slice(&answer), "version");
	if (r < 0)
		problem(what, "%s", diag.text);
	else if (!mr_slice_eq(version, MR_LIT(MR_VERSION)))
		problem(what, "version %.*s is running, %s is installed; restart it", (int)version.n, version.n ? version.p : "",
			MR_VERSION);
	else
		ok(what);
	mr_buf_done(&answer);
}

static void look_at_daemon(const struct verbs_conf *conf, const char *daemon)
{
	struct mr_buf said = MR_BUF(OUTPUT_MAX);
	char name[64], path[PATH_MAX], what[96];
	struct mr_slice first = { 0 }, rest;
	int code;

	snprintf(name, sizeof(name), "mailreeve-%s", daemon);
	if (program_find(name, path, sizeof(path)) < 0) {
		printf("absent  %s\n", name);
		goto out;
	}
	snprintf(what, sizeof(what), "%s configuration", name);
	code = program_ask(path, "--check-config", ASK_MS, &said);
	rest = mr_buf_slice(&said);
	mr_slice_next(&rest, '\n', &first);
	if (code == 0)
		ok(what);
	else if (first.n)
		problem(what, "%.*s", (int)first.n, first.p);
	else
		problem(what, "%s", code < 0 ? strerror(-code) : "refused without a word");
	look_at_running(conf, daemon, name);
out:
	mr_buf_done(&said);
}

/* A secret: a regular file that one group may read, and nobody else. `help`: what to do when it is not there. */
static void look_at_secret(const char *path, const char *group, const char *what, const char *help)
{
	const struct group *g = group ? getgrnam(group) : NULL;
	struct stat st;

	if (!*path)
		return;
	if (stat(path, &st) < 0)
		problem(what, "%s: %m (%s)", path, help);
	else if (!S_ISREG(st.st_mode))
		problem(what, "%s is not a file", path);
	else if ((st.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) || (group && !(st.st_mode & S_IRGRP)))
		problem(what, "%s has mode %04o, it should be 0640", path, (unsigned)st.st_mode & 07777);
	else if (g && st.st_gid != g->gr_gid)
		problem(what, "%s should belong to group %s", path, group);
	else
		ok(what);
}

static void look_at_secrets(const struct verbs_conf *conf)
{
	struct keys_file files[KEYS_FILES];

	keys_files(conf, files);
	for (unsigned i = 0; i < (*conf->shared.login_listen ? KEYS_FILES : KEYS_ALWAYS); i++)
		look_at_secret(files[i].path, files[i].group, files[i].what, "mailreeve setup keys makes it");
	look_at_secret(conf->shared.db_password_file, NULL, "password of the database", "db_password_file names it");
	look_at_secret(conf->db_password_file, NULL, "password of the database for the verbs",
		       "db_password_file of section verbs names it");
	look_at_secret(conf->shared.redis_password_file, NULL, "password of Redis", "redis_password_file names it");
	look_at_secret(conf->tls_key_file, NULL, "key of the certificate", "tls_key_file of section setup names it");
	if (access(conf->tls_cert_file, R_OK) < 0)
		problem("certificate", "%s: %m (tls_cert_file of section setup names it)", conf->tls_cert_file);
	else
		ok("certificate");
}

static void look_at_database(const struct verbs_conf *conf)
{
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	unsigned version = 0;

	if (verbs_open(conf, &db, &diag) < 0 || mr_schema_version(db, &version, &diag) < 0)
		problem("database", "%s", diag.text);
	else if (version < MR_SCHEMA_NEWEST)
		problem("database", "schema %u is outdated, %d is known (run mailreeve schema apply)", version, MR_SCHEMA_NEWEST);
	else
		ok("database");
}

struct postmaster {
	struct mr_loop *loop;
	enum mr_dir_status status;
	bool takes_mail;
};

static void on_postmaster(const struct mr_dir_resolve *a, void *arg)
{
	struct postmaster *p = arg;

	p->status = a->status;
	for (size_t i = 0; a->status == MR_DIR_OK && i < a->n_finals; i++)
		p->takes_mail |= !a->finals[i].local || a->finals[i].account.receive;
	mr_loop_stop(p->loop);
}

/* Postfix takes mail for a bare <postmaster> whatever the tables say (RFC 5321 4.5.1), and role addresses without a mailbox of their own
 * lead to the option: it must lead on to somebody. */
static void look_at_postmaster(const struct mr_conf_shared *conf)
{
	static const char what[] = "postmaster";
	char socket[PATH_MAX];
	struct postmaster p = { .loop = mr_loop_new() };
	struct mr_directory *d;

	snprintf(socket, sizeof(socket), "%s/lookup/directory.sock", conf->run_dir);
	d = mr_directory_new(p.loop, &(struct mr_directory_config){ .socket = socket });
	if (!*conf->postmaster) {
		problem(what, "option postmaster is empty: mail to the postmaster of this host reaches nobody");
		goto out;
	}
	mr_directory_resolve(d, mr_slice_of(conf->postmaster), mr_now_ms() + WAIT_MS, on_postmaster, &p);
	mr_loop_run(p.loop);
	if (p.takes_mail)
		ok(what);
	else if (p.status == MR_DIR_TEMP)
		problem(what, "whether %s takes mail is not known while lookup does not answer", conf->postmaster);
	else
		problem(what, "%s, of option postmaster, takes no mail: make it a mailbox or an alias", conf->postmaster);
out:
	mr_directory_free(d);
	mr_loop_free(p.loop);
}

static void look_at(const char *what, int r, const struct mr_diag *diag)
{
	if (r < 0)
		problem(what, "%s", diag->text);
	else
		ok(what);
}

static void look_at_back_ends(const struct mr_conf_shared *conf)
{
	const struct mr_redis_config redis = mr_redis_config(conf);
	struct mr_diag diag = { 0 };

	if (mr_redis_wanted(&redis))
		look_at("redis", mr_redis_check(&redis, WAIT_MS, &diag), &diag);
	diag = (struct mr_diag){ 0 };
	look_at("resolver", mr_dns_check(conf->resolver, WAIT_MS, &diag), &diag);
}

/* What is on hold waits for a person. Without mailreeve-hostd, of which look_at_daemon() tells, nobody knows. */
static void look_at_queue(const struct mr_conf_shared *conf)
{
	struct mr_diag diag = { 0 };
	uint64_t held = 0;
	int r = hostd_held(conf, NULL, 1, &held, &diag);

	if (held > 0)
		problem("queue", "%ju message%s on hold and wait%s for you: mailreeve queue list, release, delete", (uintmax_t)held,
			held == 1 ? " is" : "s are", held == 1 ? "s" : "");
	else if (r == 0)
		ok("queue");
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_flag table[] = { { 0 } };
	const struct verbs_conf *c = conf;
	int code = verb_flags("doctor", table, NULL, &argc, &argv);

	if (code || argc)
		return code ? code : verb_usage("too many words (--help tells)");
	if (geteuid() != 0)
		problem("rights", "doctor is for root: what others may not read looks broken to them");
	for (size_t i = 0; program_daemons[i]; i++)
		look_at_daemon(c, program_daemons[i]);
	look_at_secrets(c);
	look_at_database(c);
	look_at_back_ends(&c->shared);
	look_at_postmaster(&c->shared);
	look_at_queue(&c->shared);
	return problems ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "doctor", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
