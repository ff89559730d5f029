/* line: see line.h. The client library's non-blocking calls: each is started, and gone on with when the socket is ready, until it waits for
 * nothing any more. */
#include "store/line.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/connection.h"
#include "store/query.h"

#define ANSWER_MS 2000 /* a server that takes longer is left to the pool's threads, which wait for longer */

struct mr_line {
	struct mr_loop *loop;
	struct mr_db_pool *pool;
	struct mr_db *db;
	bool lent;              /* the pool looks for a connection */
	struct mr_io *io;       /* of db */
	struct mr_timer *timer; /* of the statement under way */
	struct mr_later told;   /* tells of one that was over at once */
	enum { LINE_IDLE, LINE_PREPARE, LINE_EXECUTE, LINE_STORE, LINE_OVER } phase;
	MYSQL_STMT *st;
	bool known; /* the statement is among db's, else it is still being prepared */
	int ret, err;
	struct mr_line_ask ask;
};

static void on_io(int fd, int what, void *arg);

/* --- the connection */

static void drop(struct mr_line *l)
{
	mr_io_cancel(&l->io);
	mr_db_close(l->db);
	l->db = NULL;
}

static void given(void *arg, struct mr_db *db)
{
	struct mr_line *l = arg;

	l->lent = false;
	l->db = db;
	if (db == NULL)
		return;
	mysql_options(db->my, MYSQL_OPT_NONBLOCK, NULL);
	l->io = mr_io_start(l->loop, mysql_get_socket(db->my), MR_READ, on_io, l);
}

/* Has the pool look for one; the one there is, too, when it is no longer known to be good. */
static bool ready(struct mr_line *l)
{
	struct mr_db *db = l->db;

	if (l->lent || (db != NULL && mr_db_pool_fits(l->pool, db)))
		return !l->lent;
	mr_io_cancel(&l->io);
	l->db = NULL;
	l->lent = mr_db_pool_lend(l->pool, db, given, l) == 0;
	if (!l->lent)
		mr_db_close(db);
	return false;
}

/* --- the statement */

static void finish(struct mr_line *l)
{
	const struct mr_line_ask ask = l->ask;
	struct mr_rows rows = { 0 };
	struct mr_diag why = { 0 };
	int err = l->err;

	mr_timer_cancel(&l->timer);
	l->phase = LINE_IDLE;
	if (err == 0)
		err = mr_query_take(l->db, l->st, ask.arena, &rows, &why);
	if (err < 0)
		drop(l);
	ask.done(ask.arg, err, &rows);
}

static void on_told(void *arg)
{
	finish(arg);
}

static void failed(struct mr_line *l)
{
	struct mr_diag why = { 0 };

	mr_db_failed(l->db, mysql_stmt_errno(l->st), mysql_stmt_error(l->st), &why);
	l->err = -EAGAIN;
	if (!l->known)
		mysql_stmt_close(l->st);
	l->phase = LINE_OVER;
}

/* One call of the library: what it waits for, 0 when it is over. came: what it waited for; 0: it begins. */
static int call(struct mr_line *l, int came)
{
	switch (l->phase) {
	case LINE_PREPARE:
		return came ? mysql_stmt_prepare_cont(&l->ret, l->st, came)
			    : mysql_stmt_prepare_start(&l->ret, l->st, l->ask.sql, strlen(l->ask.sql));
	case LINE_EXECUTE:
		return came ? mysql_stmt_execute_cont(&l->ret, l->st, came) : mysql_stmt_execute_start(&l->ret, l->st);
	case LINE_STORE:
		return came ? mysql_stmt_store_result_cont(&l->ret, l->st, came) : mysql_stmt_store_result_start(&l->ret, l->st);
	case LINE_IDLE:
	case LINE_OVER:
		break;
	}
	return 0;
}

/* What comes after the phase that is over. */
static void next_phase(struct mr_line *l)
{
	if (l->ret != 0) {
		failed(l);
		return;
	}
	if (l->phase == LINE_PREPARE) {
		mr_query_keep(l->db, l->ask.sql, l->st);
		l->known = true;
	}
	l->phase = l->phase == LINE_PREPARE ? LINE_EXECUTE : l->phase == LINE_EXECUTE ? LINE_STORE : LINE_OVER;
	if (l->phase == LINE_EXECUTE && (l->err = mr_query_bind(l->db, l->st, l->ask.params, l->ask.n, NULL)) < 0)
		l->phase = LINE_OVER;
}

/* As far as it goes without waiting. */
static void go_on(struct mr_line *l, int came)
{
	int wait = 0;

	while (l->phase != LINE_OVER && (wait = call(l, came)) == 0) {
		next_phase(l);
		came = 0;
	}
	if (l->phase != LINE_OVER)
		mr_io_change(l->io, MR_READ | (wait & MYSQL_WAIT_WRITE ? MR_WRITE : 0));
}

static void on_io(int fd, int what, void *arg)
{
	struct mr_line *l = arg;
	int came = (what & MR_READ ? MYSQL_WAIT_READ : 0) | (what & MR_WRITE ? MYSQL_WAIT_WRITE : 0);

	if (l->phase == LINE_IDLE) { /* the server has ended it */
		drop(l);
		return;
	}
	if (l->phase != LINE_OVER)
		go_on(l, came);
	if (l->phase == LINE_OVER && !l->told.waits)
		finish(l);
}

/* Nothing comes any more over this connection: the call under way ends with an error. */
static void give_up(struct mr_line *l)
{
	mr_db_interrupt(l->db);
	l->db->broken = true;
	while (l->phase != LINE_OVER)
		go_on(l, MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
	l->err = -EAGAIN;
}

static void on_timer(void *arg)
{
	struct mr_line *l = arg;

	l->timer = NULL;
	if (l->phase == LINE_OVER)
		return; /* it is about to be told */
	give_up(l);
	finish(l);
}

bool mr_line_ask(struct mr_line *l, const struct mr_line_ask *ask)
{
	if (l->phase != LINE_IDLE || !ready(l))
		return false;
	l->ask = *ask;
	l->err = 0;
	l->ret = 0;
	l->st = mr_query_known(l->db, ask->sql);
	l->known = l->st != NULL;
	l->phase = l->known ? LINE_EXECUTE : LINE_PREPARE;
	if (!l->known)
		l->st = mysql_stmt_init(l->db->my);
	if (l->st == NULL || (l->known && mr_query_bind(l->db, l->st, ask->params, ask->n, NULL) < 0)) {
		l->phase = LINE_IDLE;
		return false;
	}
	l->timer = mr_timer_start(l->loop, ANSWER_MS, on_timer, l);
	go_on(l, 0);
	if (l->phase == LINE_OVER)
		mr_later_start(l->loop, &l->told);
	return true;
}

struct mr_line *mr_line_new(struct mr_loop *loop, struct mr_db_pool *pool)
{
	struct mr_line *l = mr_new(struct mr_line, 1);

	*l = (struct mr_line){ .loop = loop, .pool = pool };
	l->told = (struct mr_later){ .fn = on_told, .arg = l };
	return l;
}

void mr_line_free(struct mr_line *l)
{
	if (l == NULL)
		return;
	mr_later_cancel(l->loop, &l->told);
	if (l->phase != LINE_IDLE) {
		give_up(l);
		finish(l);
	}
	drop(l);
	free(l);
}
