/* Migrations under a lease row, and which schema versions this program may work with. */
#include "store/schema.h"

/* system */
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "store/connection.h"
#include "store/migration.h"
#include "store/query.h"

#define LEASE_SECONDS 600
#define LEASE_WAIT_MS 60000
#define HOLDER_MAX    128

struct run {
	struct mr_db *db;
	char holder[HOLDER_MAX];
	void (*said)(const char *line, void *arg);
	void *arg;
};

int mr_schema_version(struct mr_db *db, unsigned *version, struct mr_diag *diag)
{
	struct mr_diag why = { 0 };
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db, "SELECT COALESCE(MAX(version), 0) FROM v_schema", MR_NO_PARAMS, arena, &rows, &why);

	if (r == -EPROTO) {
		*version = 0;
		return 0;
	}
	if (r < 0)
		return mr_diag_set(diag, r, "%s", why.text);
	*version = (unsigned)mr_cell_u64(&rows, 0, 0);
	return 0;
}

/* A schema one step ahead is fine unless its step names a later program than this one. */
static int check_newer(struct mr_db *db, unsigned version, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r =
	    mr_query(db, "SELECT oldest_program FROM v_schema WHERE version > ?", MR_PARAMS(mr_num(MR_SCHEMA_NEWEST)), arena, &rows, diag);

	if (r < 0)
		return r;
	for (size_t i = 0; i < rows.n; i++)
		if (strverscmp(mr_cell(&rows, i, 0), MR_VERSION) > 0)
			return mr_diag_set(diag, -EPROTO, "database %s: schema %u is too new: it wants programs of version %s, this is %s",
					   db->where, version, mr_cell(&rows, i, 0), MR_VERSION);
	return 0;
}

int mr_db_check_schema(struct mr_db *db, struct mr_diag *diag)
{
	unsigned version = 0;
	int r = mr_schema_version(db, &version, diag);

	if (r < 0)
		return r;
	if (version == 0)
		return mr_diag_set(diag, -EPROTO, "database %s: no schema in \"%s\" (run mailreeve schema apply)", db->where, db->name);
	if (version < MR_SCHEMA_OLDEST)
		return mr_diag_set(diag, -EPROTO, "database %s: schema %u is too old, this program needs %d (run mailreeve schema apply)",
				   db->where, version, MR_SCHEMA_OLDEST);
	if (version > MR_SCHEMA_NEWEST + 1)
		return mr_diag_set(diag, -EPROTO, "database %s: schema %u is too new, this program knows %d", db->where, version,
				   MR_SCHEMA_NEWEST);
	return version > MR_SCHEMA_NEWEST ? check_newer(db, version, diag) : 0;
}

/* Each statement can be run again, so a step that was cut off is simply begun anew. */
static int run_statement(struct run *run, const char *sql, struct mr_diag *diag)
{
	struct mr_diag why = { 0 };
	int r = 0;

	for (unsigned i = 0; i < MR_RETRIES; i++) {
		why = (struct mr_diag){ 0 };
		r = mr_exec_direct(run->db, sql, &why);
		if (r != -EAGAIN || mr_db_broken(run->db) || !mr_db_retry(run->db))
			break;
		mr_retry_pause(i);
	}
	return r < 0 ? mr_diag_set(diag, r, "%s", why.text) : 0;
}

static int run_step(struct run *run, const struct mr_migration *m, struct mr_diag *diag)
{
	struct mr_diag why = { 0 };
	char line[128];
	int r = 0;

	for (const char *const *s = m->statements; *s && r == 0; s++)
		r = run_statement(run, *s, &why);
	if (r == 0 && m->version > 0)
		r = mr_exec(run->db, "INSERT IGNORE INTO schema_version (version, oldest_program, applied) VALUES (?, ?, UTC_TIMESTAMP())",
			    MR_PARAMS(mr_num(m->version), mr_text(m->oldest_program)), NULL, &why);
	if (r < 0)
		return mr_diag_set(diag, r, "schema step %s: %s", m->name, why.text);
	snprintf(line, sizeof line, "applied %s", m->name);
	if (m->version > 0)
		run->said(line, run->arg);
	return 0;
}

/* A row, not GET_LOCK(), which does not reach over the servers of a cluster. A holder that died loses it when it expires. */
static int lease_try(struct run *run, bool *got, struct mr_diag *diag)
{
	uint64_t changed = 0;
	int r =
	    mr_exec(run->db, "INSERT IGNORE INTO lease (name, holder, expires) VALUES ('schema', '', UTC_TIMESTAMP() - INTERVAL 1 SECOND)",
		    MR_NO_PARAMS, NULL, diag);

	if (r == 0)
		r = mr_exec(run->db,
			    "UPDATE lease SET holder = ?, expires = UTC_TIMESTAMP() + INTERVAL ? SECOND WHERE name = 'schema' AND expires "
			    "< UTC_TIMESTAMP()",
			    MR_PARAMS(mr_text(run->holder), mr_num(LEASE_SECONDS)), &changed, diag);
	if (r == 0)
		*got = changed == 1;
	return r;
}

static int lease_take(struct run *run, struct mr_diag *diag)
{
	uint64_t until = mr_now_ms() + LEASE_WAIT_MS;
	struct mr_diag why = { 0 };
	bool got = false;
	int r;

	for (unsigned i = 0;; i++) {
		why = (struct mr_diag){ 0 };
		r = lease_try(run, &got, &why);
		if (r < 0 && (mr_db_broken(run->db) || !mr_db_retry(run->db)))
			return mr_diag_set(diag, r, "%s", why.text);
		if (got)
			return 0;
		if (mr_now_ms() > until)
			return mr_diag_set(
			    diag, -EAGAIN,
			    "schema: another host or process has been changing it for %d s; its lease ends by itself after %d s",
			    LEASE_WAIT_MS / 1000, LEASE_SECONDS);
		mr_retry_pause(i < 3 ? i : 3);
	}
}

static void lease_give_back(struct run *run)
{
	struct mr_diag ignored = { 0 };

	mr_exec(run->db, "DELETE FROM lease WHERE name = 'schema' AND holder = ?", MR_PARAMS(mr_text(run->holder)), NULL, &ignored);
}

static int apply_missing(struct run *run, struct mr_diag *diag)
{
	unsigned version = 0;
	int r = mr_schema_version(run->db, &version, diag);

	for (const struct mr_migration *m = mr_migrations; r == 0 && m->name; m++)
		if (m->version > version)
			r = run_step(run, m, diag);
	return r;
}

int mr_schema_apply(struct mr_db *db, void (*said)(const char *line, void *arg), void *arg, struct mr_diag *diag)
{
	struct run run = { .db = db, .said = said, .arg = arg };
	char host[65] = "";
	unsigned version = 0;
	int r = mr_schema_version(db, &version, diag);

	if (r < 0 || version >= MR_SCHEMA_NEWEST)
		return r;
	r = mr_db_writable(db, diag);
	if (r < 0)
		return r;
	gethostname(host, sizeof host - 1);
	snprintf(run.holder, sizeof run.holder, "%s:%ld", host, (long)getpid());
	r = run_step(&run, &mr_migrations[0], diag);
	if (r == 0)
		r = lease_take(&run, diag);
	if (r < 0)
		return r;
	r = apply_missing(&run, diag);
	lease_give_back(&run);
	return r;
}
