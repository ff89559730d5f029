/* Prepared statements: text and numbers in, text out. */
#include "store/query.h"

/* system */
#include <errno.h>
#include <math.h>
#include <time.h>

/* ours */
#include "base/hash.h"
#include "base/parse.h"
#include "store/connection.h"

#define COLUMNS_MAX 24
#define CELL_MAX    512 /* bytes; longer ones are fetched a second time */

static int statement_failed(struct mr_db *db, MYSQL_STMT *st, struct mr_diag *diag)
{
	return mr_db_failed(db, mysql_stmt_errno(st), mysql_stmt_error(st), diag);
}

MYSQL_STMT *mr_query_known(const struct mr_db *db, const char *sql)
{
	for (size_t i = 0; i < db->n_statements; i++)
		if (db->statements[i].sql == sql)
			return db->statements[i].st;
	return NULL;
}

void mr_query_keep(struct mr_db *db, const char *sql, MYSQL_STMT *st)
{
	db->statements[db->n_statements++] = (struct mr_statement){ .sql = sql, .st = st };
}

static int statement(struct mr_db *db, const char *sql, MYSQL_STMT **out, struct mr_diag *diag)
{
	MYSQL_STMT *st = mr_query_known(db, sql);

	*out = st;
	if (st)
		return 0;
	if (db->n_statements == MR_STATEMENTS_MAX)
		return mr_diag_set(diag, -ENOSPC, "database: more than %d distinct statements", MR_STATEMENTS_MAX);
	st = mysql_stmt_init(db->my);
	if (!st)
		return mr_db_failed(db, mysql_errno(db->my), mysql_error(db->my), diag);
	if (mysql_stmt_prepare(st, sql, strlen(sql))) {
		int r = statement_failed(db, st, diag);

		mysql_stmt_close(st);
		return r;
	}
	mr_query_keep(db, sql, st);
	*out = st;
	return 0;
}

int mr_query_bind(struct mr_db *db, MYSQL_STMT *st, const struct mr_param *params, size_t n, struct mr_diag *diag)
{
	MYSQL_BIND bind[MR_PARAMS_MAX];

	if (n > MR_PARAMS_MAX || mysql_stmt_param_count(st) != n)
		return mr_diag_set(diag, -EINVAL, "database: statement with %lu parameters got %zu", mysql_stmt_param_count(st), n);
	for (size_t i = 0; i < n; i++) {
		const struct mr_param *p = &params[i];

		bind[i] = (MYSQL_BIND){ 0 };
		bind[i].buffer_type = p->number ? MYSQL_TYPE_LONGLONG : p->text ? MYSQL_TYPE_STRING : MYSQL_TYPE_NULL;
		bind[i].buffer = p->number ? (void *)(uintptr_t)&p->i : (void *)(uintptr_t)p->text;
		bind[i].buffer_length = p->number || !p->text ? 0 : strlen(p->text);
	}
	return n && mysql_stmt_bind_param(st, bind) ? statement_failed(db, st, diag) : 0;
}

static int run(struct mr_db *db, const char *sql, const struct mr_param *params, size_t n, MYSQL_STMT **out, struct mr_diag *diag)
{
	MYSQL_STMT *st = NULL;
	int r;

	if (db->broken)
		return mr_diag_set(diag, -EAGAIN, "database %s: connection lost", db->where);
	db->last_errno = 0;
	r = statement(db, sql, &st, diag);
	if (r == 0)
		r = mr_query_bind(db, st, params, n, diag);
	if (r < 0)
		return r;
	if (mysql_stmt_execute(st))
		return statement_failed(db, st, diag);
	*out = st;
	return 0;
}

/* Column i of the row that was fetched into `scratch`; NULL past the arena's maximum. */
static char *take_cell(MYSQL_STMT *st, unsigned i, const char *scratch, unsigned long length, struct mr_arena *arena)
{
	char *p = mr_arena_try(arena, length + 1);
	MYSQL_BIND again = { .buffer_type = MYSQL_TYPE_STRING, .buffer = p, .buffer_length = length };

	if (!p)
		return NULL;
	if (length <= CELL_MAX)
		memcpy(p, scratch, length);
	else if (mysql_stmt_fetch_column(st, &again, i, 0))
		return NULL;
	return p;
}

static int fetch(struct mr_db *db, MYSQL_STMT *st, struct mr_arena *arena, struct mr_rows *rows, struct mr_diag *diag)
{
	char scratch[COLUMNS_MAX][CELL_MAX];
	unsigned long length[COLUMNS_MAX] = { 0 };
	my_bool null[COLUMNS_MAX] = { 0 };
	MYSQL_BIND bind[COLUMNS_MAX] = { 0 };
	int status;

	for (unsigned i = 0; i < rows->columns; i++)
		bind[i] = (MYSQL_BIND){ .buffer_type = MYSQL_TYPE_STRING,
					.buffer = scratch[i],
					.buffer_length = CELL_MAX,
					.length = &length[i],
					.is_null = &null[i] };
	if (mysql_stmt_bind_result(st, bind))
		return statement_failed(db, st, diag);
	for (size_t row = 0; row < rows->n; row++) {
		status = mysql_stmt_fetch(st);
		if (status != 0 && status != MYSQL_DATA_TRUNCATED)
			return statement_failed(db, st, diag);
		for (unsigned i = 0; i < rows->columns; i++) {
			char **cell = &rows->cells[row * rows->columns + i];

			*cell = null[i] ? NULL : take_cell(st, i, scratch[i], length[i], arena);
			if (!null[i] && !*cell)
				return mr_diag_set(diag, -EAGAIN, "database %s: the answer is too large", db->where);
		}
	}
	return 0;
}

int mr_query_take(struct mr_db *db, MYSQL_STMT *st, struct mr_arena *arena, struct mr_rows *out, struct mr_diag *diag)
{
	struct mr_rows rows = { .n = mysql_stmt_num_rows(st), .columns = mysql_stmt_field_count(st) };
	int r = 0;

	if (rows.columns > COLUMNS_MAX)
		r = mr_diag_set(diag, -EINVAL, "database: a statement answers %zu columns", rows.columns);
	rows.cells = r == 0 ? mr_arena_try(arena, (rows.n * rows.columns + 1) * sizeof(char *)) : NULL;
	if (r == 0 && !rows.cells)
		r = mr_diag_set(diag, -EAGAIN, "database %s: the answer is too large", db->where);
	if (r == 0)
		r = fetch(db, st, arena, &rows, diag);
	if (r == 0)
		*out = rows;
	mysql_stmt_free_result(st);
	return r;
}

int mr_query(struct mr_db *db, const char *sql, const struct mr_param *params, size_t n, struct mr_arena *arena, struct mr_rows *out,
	     struct mr_diag *diag)
{
	MYSQL_STMT *st = NULL;
	int r = run(db, sql, params, n, &st, diag);

	if (r < 0)
		return r;
	if (mysql_stmt_store_result(st)) {
		r = statement_failed(db, st, diag);
		mysql_stmt_free_result(st);
		return r;
	}
	return mr_query_take(db, st, arena, out, diag);
}

bool mr_cell_true(const struct mr_rows *r, size_t row, size_t column)
{
	return mr_slice_eq(mr_slice_of(mr_cell(r, row, column)), MR_LIT("1"));
}

uint64_t mr_cell_u64(const struct mr_rows *r, size_t row, size_t column)
{
	uint64_t v = 0;

	mr_parse_u64(mr_slice_of(mr_cell(r, row, column)), 0, UINT64_MAX, &v);
	return v;
}

int64_t mr_cell_i64(const struct mr_rows *r, size_t row, size_t column)
{
	int64_t v = 0;

	mr_parse_i64(mr_slice_of(mr_cell(r, row, column)), INT64_MIN, INT64_MAX, &v);
	return v;
}

double mr_cell_score(const struct mr_rows *r, size_t row, size_t column)
{
	double v = NAN;

	mr_parse_double(mr_slice_of(mr_cell(r, row, column)), -1e6, 1e6, &v);
	return v;
}

int mr_exec(struct mr_db *db, const char *sql, const struct mr_param *params, size_t n, uint64_t *affected, struct mr_diag *diag)
{
	MYSQL_STMT *st = NULL;
	int r = run(db, sql, params, n, &st, diag);

	if (r == 0 && affected)
		*affected = mysql_stmt_affected_rows(st);
	return r;
}

int mr_insert(struct mr_db *db, const char *sql, const struct mr_param *params, size_t n, uint64_t *id, struct mr_diag *diag)
{
	MYSQL_STMT *st = NULL;
	int r = run(db, sql, params, n, &st, diag);

	if (r == 0)
		*id = mysql_stmt_insert_id(st);
	return r;
}

int mr_exec_direct(struct mr_db *db, const char *sql, struct mr_diag *diag)
{
	if (db->broken)
		return mr_diag_set(diag, -EAGAIN, "database %s: connection lost", db->where);
	db->last_errno = 0;
	if (mysql_real_query(db->my, sql, strlen(sql)))
		return mr_db_failed(db, mysql_errno(db->my), mysql_error(db->my), diag);
	return 0;
}

void mr_retry_pause(unsigned attempt)
{
	uint8_t random = 0;
	uint64_t ms;
	struct timespec pause;

	mr_random(&random, sizeof random);
	ms = (50u << attempt) + random / 8;
	pause = (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
	nanosleep(&pause, NULL);
}

int mr_db_read_only(struct mr_db *db, bool *yes, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = mr_query(db, MR_CURRENT "SELECT @@global.read_only", MR_NO_PARAMS, arena, &rows, diag);

	if (r == 0)
		*yes = mr_cell_true(&rows, 0, 0);
	return r;
}

int mr_db_writable(struct mr_db *db, struct mr_diag *diag)
{
	bool read_only = false;
	int r = mr_db_read_only(db, &read_only, diag);

	if (r == 0 && read_only)
		r = mr_diag_set(diag, -EROFS, "database %s: the server is read only, and no other one takes the change%s%s", db->where,
				db->instead ? ": " : "", db->instead ? db->instead : "");
	return r;
}
