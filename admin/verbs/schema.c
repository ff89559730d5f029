/* mailreeve schema: the tables of the database, and who may use them. */
/* system */
#include <stddef.h>
#include <stdio.h>

/* ours */
#include "app/verb.h"
#include "args.h"
#include "base/mem.h"
#include "database.h"
#include "store/grants.h"
#include "store/schema.h"

static const char usage[] =
    "usage: mailreeve schema grants [--host HOST] | mariadb    (once, as the database's root: database, users, rights)\n"
    "       mailreeve schema apply                            (creates or upgrades the tables)\n"
    "       mailreeve schema version\n";

struct flags {
	const char *host;
};
static const struct verb_flag table[] = { { "host", "grants", FLAG_TEXT, offsetof(struct flags, host), 0 }, { 0 } };
#define MIGRATION_MS (30 * 60 * 1000) /* one statement may copy a large table */
#define GRANTS_MAX   65536

static void said(const char *line, void *arg)
{
	printf("%s\n", line);
}

static int apply(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_conf_shared c = verbs_database(conf);
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	unsigned version = 0;
	int r;

	c.db_timeout = MIGRATION_MS;
	r = mr_db_open(&c, MR_DB_WRITE, &db, &diag);
	if (r == 0)
		r = mr_schema_apply(db, said, NULL, &diag);
	if (r == 0)
		r = mr_schema_version(db, &version, &diag);
	if (r < 0)
		return verb_failed(&diag);
	printf("schema %u\n", version);
	return 0;
}

static int version(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	struct mr_conf_shared c = verbs_database(conf);
	struct mr_diag diag = { 0 };
	verbs_autodb db = NULL;
	unsigned v = 0;
	int r = mr_db_open(&c, MR_DB_WRITE, &db, &diag);

	if (r == 0)
		r = mr_schema_version(db, &v, &diag);
	if (r < 0)
		return verb_failed(&diag);
	printf("%u\n", v);
	return 0;
}

static int grants(const struct verbs_conf *conf, const void *flags, int argc, char **argv)
{
	const struct mr_conf_shared writer = verbs_database(conf);
	struct mr_conf_shared admin = conf->shared;
	struct mr_buf out = MR_BUF(GRANTS_MAX);
	struct mr_diag diag = { 0 };
	int r;

	admin.db_user = conf->admin_db_user;
	admin.db_password_file = conf->admin_db_password_file;
	r = mr_schema_grants(&conf->shared, &writer, &admin, ((const struct flags *)flags)->host, &out, &diag);

	if (r == 0)
		fwrite(out.p, 1, out.n, stdout);
	mr_wipe(out.p, out.cap);
	mr_buf_done(&out);
	return r < 0 ? verb_failed(&diag) : 0;
}

static int run(const void *conf, int argc, char **argv)
{
	static const struct verb_action actions[] = {
		{ "apply", 0, 0, apply }, { "version", 0, 0, version }, { "grants", 0, 0, grants }, { 0 }
	};
	struct flags flags = { 0 };

	return verb_dispatch("schema", actions, table, &flags, conf, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct mr_verb verb = { "schema", usage, verbs_options, sizeof(struct verbs_conf), run };

	return mr_verb_main(argc, argv, &verb);
}
