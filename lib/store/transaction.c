/* Transactions: whole ones, begun anew where another change came first, or the connection was lost before the end. */

/* system */
#include <errno.h>

/* ours */
#include "rt/clock.h"
#include "store/connection.h"
#include "store/query.h"

#define CONNECTIONS_MAX 20 /* new ones for one transaction */
#define PAUSE_MAX       4  /* the fifth pause, 0.8 s, is not doubled any more */

typedef int body_fn(struct mr_db *db, void *arg, struct mr_diag *diag);

/* On a cluster a transaction can be rolled back, since another node's came first, in the midst of it without a word (MariaDB 10.11: while a
 * statement is being prepared). What follows would be committed without what came before; so nothing is committed by itself, and the
 * savepoint, which goes with the transaction, must still be there at the end. */
#define WHOLE "whole_transaction"

static int begin(struct mr_db *db, struct mr_diag *diag)
{
	int r = mr_exec_direct(db, "SET autocommit=0", diag);

	return r == 0 ? mr_exec_direct(db, "SAVEPOINT " WHOLE, diag) : r;
}

/* *sent: it may be that it was done, whatever the answer is. */
static int commit(struct mr_db *db, bool *sent, struct mr_diag *diag)
{
	int r = mr_exec_direct(db, "RELEASE SAVEPOINT " WHOLE, diag);

	if (r < 0)
		return r;
	*sent = true;
	return mr_exec_direct(db, "COMMIT", diag);
}

/* The rights of root would write through read_only, and what is written into a replica is lost, or breaks it. It is asked before the
 * transaction begins, which so sees what was committed elsewhere before. */
static int attempt(struct mr_db *db, body_fn *body, void *arg, bool *sent, struct mr_diag *diag)
{
	struct mr_diag ignored = { 0 };
	const uint64_t noted = db->noted;
	unsigned why;
	int r = mr_db_writable(db, diag);

	if (r == 0)
		r = begin(db, diag);
	if (r == 0)
		r = body(db, arg, diag);
	if (r == 0)
		r = commit(db, sent, diag);
	why = db->last_errno;
	if (r < 0)
		db->noted = noted;
	if (r < 0 && mr_exec_direct(db, "ROLLBACK", &ignored) < 0)
		db->broken = true; /* whatever is left of it, nothing commits that */
	if (!db->broken)
		mr_exec_direct(db, "SET autocommit=1", &ignored);
	db->last_errno = why;
	return r;
}

/* New connections for one transaction. */
struct anew {
	unsigned n;
	uint64_t until; /* ms: db_timeout after the first one was lost */
};

/* To the same server, which was started again, or to another one; why says what was wrong with the old one, and then with all new ones. */
static bool connect_anew(struct mr_db *db, struct anew *a, struct mr_diag *why)
{
	const struct mr_diag lost = *why;
	struct mr_diag last = { 0 };
	int r = -EAGAIN;

	if (!db->source)
		return false;
	if (a->n == 0)
		a->until = mr_now_ms() + mr_db_timeout(db);
	while (r == -EAGAIN && a->n < CONNECTIONS_MAX && (a->n == 0 || mr_now_ms() < a->until)) {
		mr_retry_pause(a->n < PAUSE_MAX ? a->n : PAUSE_MAX);
		a->n++;
		last = (struct mr_diag){ 0 };
		r = mr_db_reopen(db, &last);
	}
	if (r < 0 && last.text[0]) {
		*why = (struct mr_diag){ 0 };
		mr_diag_set(why, r, "%.*s; there is no new connection: %s", MR_DIAG_MAX / 2, lost.text, last.text);
	}
	return r == 0;
}

int mr_transaction(struct mr_db *db, body_fn *body, void *arg, struct mr_diag *diag)
{
	struct mr_diag why = { 0 };
	struct anew anew = { 0 };
	bool sent = false, again = true;
	unsigned conflicts = 0;
	int r = 0;

	while (again) {
		why = (struct mr_diag){ 0 };
		sent = false;
		r = attempt(db, body, arg, &sent, &why);
		if (r != -EAGAIN || (db->broken && sent))
			break;
		if (db->broken) {
			again = connect_anew(db, &anew, &why);
		} else {
			again = mr_db_retry(db) && conflicts + 1 < MR_RETRIES;
			if (again)
				mr_retry_pause(conflicts++);
		}
	}
	if (r == -EAGAIN && db->broken && sent)
		return mr_diag_set(
		    diag, r,
		    "database %s: the connection was lost while the change was being committed: it is not known whether it was "
		    "made; look at it (show, list) before it is repeated",
		    db->where);
	return r < 0 ? mr_diag_set(diag, r, "%s", why.text) : 0;
}
