/* query: statements on one connection. For this folder only. Statements are prepared once a connection; `sql` must be a string literal (or
 * live as long as the connection), since its address is the key. Errors as in db.h. */
#pragma once
#include <stdint.h>
#include "store/db.h"

struct mr_param {
	const char *text; /* NULL with number false: SQL NULL */
	int64_t i;
	bool number;
};
static inline struct mr_param mr_text(const char *s)
{
	return (struct mr_param){ .text = s };
}
static inline struct mr_param mr_num(int64_t i)
{
	return (struct mr_param){ .i = i, .number = true };
}
#define MR_PARAMS_MAX 256
/* Two arguments: MR_PARAMS(mr_text(a), mr_num(b)) */
#define MR_PARAMS(...) ((const struct mr_param[]){ __VA_ARGS__ }), (sizeof((struct mr_param[]){ __VA_ARGS__ }) / sizeof(struct mr_param))
#define MR_NO_PARAMS   NULL, 0

struct mr_rows {
	size_t n, columns;
	char **cells; /* row after row, in the arena; NULL is SQL NULL */
};
static inline char *mr_cell(const struct mr_rows *r, size_t row, size_t column)
{
	return r->cells[row * r->columns + column];
}

static inline const char *mr_cell_text(const struct mr_rows *r, size_t row, size_t column) /* "" for NULL */
{
	const char *text = mr_cell(r, row, column);

	return text ? text : "";
}

bool mr_cell_true(const struct mr_rows *r, size_t row, size_t column);    /* the text "1" */
uint64_t mr_cell_u64(const struct mr_rows *r, size_t row, size_t column); /* 0 for NULL */
int64_t mr_cell_i64(const struct mr_rows *r, size_t row, size_t column);  /* 0 for NULL */
double mr_cell_score(const struct mr_rows *r, size_t row, size_t column); /* NAN for NULL */

/* On a cluster a read waits for everything committed elsewhere before; on a single server that is nothing. */
#define MR_CURRENT "SET STATEMENT wsrep_sync_wait=1 FOR "

/* The sending limits of one owner as a column, so that they cost no question of their own. */
#define MR_LIMITS(level, owner)                                                                                                            \
	"(SELECT GROUP_CONCAT(rule ORDER BY rule SEPARATOR '\\n') FROM v_limit WHERE level = '" level "' AND owner = " owner ")"

struct mr_row_mailbox;
struct mr_thresholds;
/* In the order of enum mr_threshold. */
#define MR_THRESHOLD_COLUMNS                                                                                                               \
	"header_score, greylist_score, junk_score, quarantine_score, reject_score, outbound_score, outbound_reject_score"
struct mr_thresholds mr_thresholds_of(const struct mr_rows *rows, size_t row, size_t first_column);
/* A row of v_mailbox. */
#define MR_MAILBOX_COLUMNS "address, password, enabled, send_only, quota_bytes, locked, receive_only, expires, " MR_THRESHOLD_COLUMNS
struct mr_row_mailbox mr_mailbox_of(const struct mr_rows *rows, size_t row);

/* A statement on a line (line.h), with everything in place until done() comes. As mr_line_read_addresses(). */
struct mr_line_ask {
	const char *sql;
	const struct mr_param *params;
	size_t n;
	struct mr_arena *arena;
	void (*done)(void *arg, int err, const struct mr_rows *rows);
	void *arg;
};
struct mr_line;
bool mr_line_ask(struct mr_line *line, const struct mr_line_ask *ask);

/* 0 or an error; -EAGAIN too when the answer does not fit into the arena. */
int mr_query(struct mr_db *db, const char *sql, const struct mr_param *params, size_t n, struct mr_arena *arena, struct mr_rows *out,
	     struct mr_diag *diag);
/* affected may be NULL. -EEXIST: a unique key is taken. */
int mr_exec(struct mr_db *db, const char *sql, const struct mr_param *params, size_t n, uint64_t *affected, struct mr_diag *diag);
/* One row with AUTO_INCREMENT, and its id. */
int mr_insert(struct mr_db *db, const char *sql, const struct mr_param *params, size_t n, uint64_t *id, struct mr_diag *diag);
/* Not prepared: DDL and transaction statements. */
int mr_exec_direct(struct mr_db *db, const char *sql, struct mr_diag *diag);
/* *yes: the server takes no changes (read_only), whatever the rights of the user. */
int mr_db_read_only(struct mr_db *db, bool *yes, struct mr_diag *diag);
/* 0, -EROFS, or an error. */
int mr_db_writable(struct mr_db *db, struct mr_diag *diag);
/* Did the last error ask for the whole transaction to be tried again (deadlock, lock wait, rolled back, cluster not ready)? */
bool mr_db_retry(const struct mr_db *db);

/* Runs body() in one transaction: commit on 0, else roll back; again, with growing pauses, when the server asks for that, has rolled back
 * by itself, or, within db_timeout, over a new connection when this one was lost before COMMIT was sent. Lost after that, the diagnosis
 * says that nobody knows. body() must be repeatable. It sees what was committed before, on a cluster through other nodes, too. */
int mr_transaction(struct mr_db *db, int (*body)(struct mr_db *db, void *arg, struct mr_diag *diag), void *arg, struct mr_diag *diag);
/* The pause before try number `attempt` (from 0): some 50 ms, doubled each time. */
void mr_retry_pause(unsigned attempt);
#define MR_RETRIES 6
