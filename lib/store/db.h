/* db: one connection to MariaDB, and a small pool of threads with one each for daemons with a loop. No SQL outside this folder. */
#pragma once
#include "base/arena.h"
#include "base/diag.h"
#include "conf/shared.h"
#include "rt/loop.h"

struct mr_db;

/* Errors of this folder: -EAGAIN back end away, refusing or too slow (try later); -ENOENT no such row; -EEXIST there is one already;
 * -EINVAL refused by validation; -EROFS the server takes no changes; -EPROTO the schema is out of range. The diagnosis is distinct for: no
 * schema, wrong credentials, unknown host, refused connection, unknown database, schema too old, schema too new (F113). */
enum mr_db_use { MR_DB_READ, MR_DB_WRITE };
/* The first of the servers that answers; for writing the first that is not read only. Where all are, the first of them: it can be read, and
 * mr_transaction() refuses there with -EROFS. */
int mr_db_open(const struct mr_conf_shared *conf, enum mr_db_use use, struct mr_db **out, struct mr_diag *diag);
uint64_t mr_db_noted(const struct mr_db *db); /* id of the newest entry of change_log that was written over it, 0 = none */
/* What is wrong with the list of servers: 0 or -EINVAL. */
int mr_db_check_conf(const struct mr_conf_shared *conf, struct mr_diag *diag);
void mr_db_close(struct mr_db *db);

#define MR_SCHEMA_OLDEST 11 /* these programs work with schema versions in this range */
#define MR_SCHEMA_NEWEST 11
/* 0, -EAGAIN, -EPROTO. */
int mr_db_check_schema(struct mr_db *db, struct mr_diag *diag);

/* What a server must show before rows are read from it: the entries of the change log that were applied last, `n` with ids of first..last,
 * the last one of that kind and key (kind "": of any). Replicas apply in the order of commits, so who has these has all that was seen
 * before. n 0: nothing. */
struct mr_db_expect {
	uint64_t first, last, n;
	char kind[16], key[322];
};

/* The pool: job() runs on a pool thread with an open, schema-checked connection (or db == NULL and *diag set, when there is none); then
 * done() on the loop. Reconnects by itself with back-off; logs database-lost and database-connected once each. A job whose connection broke
 * at once, as that of a server does that was started again, is run once more: job() must be repeatable. */
/*
 * Where conf names several servers the first that will do is used: it answers within SEVERAL_MAX_MS (db.c), its schema fits, it is a ready
 * member of its cluster, and it shows what is expected. One that will not do is tried again with growing pauses; a better one than that in
 * use is gone back to, and while one is in use nobody but the watcher waits for another. A job whose connection broke is run once more,
 * however long that took. A server that is not read only, but lacks what is expected, is taken as the truth after all servers have failed
 * for db_take_over: a replica was promoted, and the last changes are lost. */
struct mr_db_pool;
struct mr_db_job {
	void (*job)(struct mr_db *db, const struct mr_diag *why, void *arg);
	void (*done)(void *arg);
	void *arg;
};
/* -EINVAL: what mr_db_check_conf() finds, too. */
int mr_db_pool_new(struct mr_loop *l, const struct mr_conf_shared *conf, unsigned threads, unsigned queue_max, struct mr_db_pool **out,
		   struct mr_diag *diag);
/* -EAGAIN when the queue is full or the pool is being freed; then neither function is called. */
int mr_db_pool_submit(struct mr_db_pool *p, const struct mr_db_job *job);
/* An open connection for who waits for it by himself. db: one that was given before and is to be looked at, or NULL; it goes over. given()
 * comes on the loop with that one, with another, or with NULL; what is given is the taker's. */
int mr_db_pool_lend(struct mr_db_pool *p, struct mr_db *db, void (*given)(void *arg, struct mr_db *db), void *arg);
/* Would a job be given this one, too, as far as is known here? */
bool mr_db_pool_fits(struct mr_db_pool *p, const struct mr_db *db);
bool mr_db_pool_up(const struct mr_db_pool *p);
/* Holds for every job that is submitted from now on. No effect with one server, which cannot lag behind itself. */
void mr_db_pool_expect(struct mr_db_pool *p, const struct mr_db_expect *e);
/* Which server's answers a job gets: `server` is another number after a change of the server, `lost` after changes were lost by a
 * take-over.
 */
struct mr_db_origin {
	uint64_t server, lost;
};
struct mr_db_origin mr_db_origin(const struct mr_db *db);
/* Text of the server in use, in the arena. */
const char *mr_db_pool_server(const struct mr_db_pool *p, struct mr_arena *arena);
void mr_db_pool_free(struct mr_db_pool *p); /* waits for the jobs under way; done() of jobs that never ran is called with job() not run */
