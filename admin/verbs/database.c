/* The verbs' connection to the database, and the wake-up for lookup. */
#include "database.h"

/* system */
#include <unistd.h>

/* ours */
#include "acknowledge.h"
#include "args.h"
#include "base/buf.h"

#define MISSING_MAX 65536
#define NOT_APPLIED 3 /* exit code */

static struct mr_db *writer; /* the connection of this process */

struct mr_conf_shared verbs_database(const struct verbs_conf *conf)
{
	struct mr_conf_shared c = conf->shared;

	bool root = geteuid() == 0; /* else mailreeve-admin, as a timer */

	if (root && *conf->db_user) {
		c.db_user = conf->db_user;
		c.db_password_file = conf->db_password_file;
	} else if (!root && *conf->admin_db_user) {
		c.db_user = conf->admin_db_user;
		c.db_password_file = conf->admin_db_password_file;
	}
	if (*conf->db_socket)
		c.db_socket = conf->db_socket;
	return c;
}

int verbs_open(const struct verbs_conf *conf, struct mr_db **out, struct mr_diag *diag)
{
	struct mr_conf_shared c = verbs_database(conf);
	struct mr_db *db = NULL;
	int r = mr_db_open(&c, MR_DB_WRITE, &db, diag);

	if (r == 0)
		r = mr_db_check_schema(db, diag);
	if (r == 0)
		*out = writer = db;
	else
		mr_db_close(db);
	return r;
}

void verbs_close_(struct mr_db **db)
{
	mr_db_close(*db);
	writer = NULL;
}

int verbs_changed(const struct verbs_conf *conf, int r, const struct mr_diag *diag)
{
	struct mr_buf missing = MR_BUF(MISSING_MAX);
	uint64_t wait_ms, change = writer ? mr_db_noted(writer) : 0;
	bool given;

	if (r < 0)
		return verb_failed(diag);
	wait_ms = verb_wait_ms(&given);
	if (change)
		acknowledge_change(conf, change, wait_ms, &missing);
	r = missing.n && given ? NOT_APPLIED : 0;
	if (missing.n)
		verb_note("done, but not yet applied by %s", missing.p);
	mr_buf_done(&missing);
	return r;
}
