/* connection: inside of struct mr_db, shared by db.c and query.c only. */
#pragma once
#include <mysql.h>
#include "store/db.h"

#define MR_STATEMENTS_MAX 128 /* distinct statements a connection; there are about 80 in this folder, and views of the site */
struct mr_db {
	MYSQL *my;
	bool broken;         /* nothing more can come over this connection */
	bool unready;        /* a node of a cluster that takes no part in it now */
	size_t at;           /* which of the places */
	uint64_t epoch;      /* of the pool's expectation that it was found to fulfil */
	uint64_t noted;      /* newest entry that it added to change_log, 0 = none */
	uint64_t lost;       /* take-overs before it was opened */
	unsigned last_errno; /* of the server or the client library, 0 = none */
	struct mr_statement {
		const char *sql;
		MYSQL_STMT *st;
	} statements[MR_STATEMENTS_MAX];
	size_t n_statements;
	char *where, *user, *name; /* for diagnoses */
	char *instead;             /* why it is not the preferred server; NULL: it is */
	struct source *source;     /* of one for writing by mr_db_open(): what another is made of; else NULL */
};
/* Sets broken and last_errno, and says what happened in words. Returns the error of db.h for it. */
int mr_db_failed(struct mr_db *db, unsigned err, const char *text, struct mr_diag *diag);
bool mr_db_broken(const struct mr_db *db);
/* No use to go on with it where there are other servers. */
bool mr_db_useless(const struct mr_db *db);
/* From another thread: what it waits for fails now. */
void mr_db_interrupt(const struct mr_db *db);
int mr_db_ping(struct mr_db *db);
uint64_t mr_db_timeout(const struct mr_db *db); /* ms; of one with a source */
/* Of one with a source: a new connection in the place of the old one, be it to another server, with the right schema. -EAGAIN, -EPROTO: it
 * is as it was. */
int mr_db_reopen(struct mr_db *db, struct mr_diag *diag);

/* The steps of a statement, of query.c, for who waits between them by himself. */
struct mr_param;
struct mr_rows;
MYSQL_STMT *mr_query_known(const struct mr_db *db, const char *sql); /* prepared; NULL: it is not */
void mr_query_keep(struct mr_db *db, const char *sql, MYSQL_STMT *st);
int mr_query_bind(struct mr_db *db, MYSQL_STMT *st, const struct mr_param *params, size_t n, struct mr_diag *diag);
/* Once the result is stored; frees it. */
int mr_query_take(struct mr_db *db, MYSQL_STMT *st, struct mr_arena *arena, struct mr_rows *out, struct mr_diag *diag);
