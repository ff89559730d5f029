/* db: one connection to MariaDB, and a small pool of threads with one each for daemons with a loop. No SQL outside this folder. */
#pragma once
#include "base/arena.h"
#include "base/diag.h"
#include "conf/shared.h"
#include "rt/loop.h"

struct mr_db;

/* Errors of this folder: -EAGAIN back end away, refusing or too slow (try later); -ENOENT no such row; -EEXIST there is one already;
 * -EINVAL refused by validation; -EPROTO the schema is out of range. The diagnosis is distinct for: no schema, wrong credentials, unknown
 * host, refused connection, unknown database, schema too old, schema too new (F113). */
int mr_db_open(const struct mr_conf_shared *conf, struct mr_db **out, struct mr_diag *diag);
void mr_db_close(struct mr_db *db);

#define MR_SCHEMA_OLDEST 5 /* these programs work with schema versions in this range */
#define MR_SCHEMA_NEWEST 5
/* 0, -EAGAIN, -EPROTO. */
int mr_db_check_schema(struct mr_db *db, struct mr_diag *diag);

/* The pool: job() runs on a pool thread with an open, schema-checked connection (or db == NULL and *diag set, when there is none); then
 * done() on the loop. Reconnects by itself with back-off; logs database-lost and database-connected once each. */
struct mr_db_pool;
struct mr_db_job {
	void (*job)(struct mr_db *db, const struct mr_diag *why, void *arg);
	void (*done)(void *arg);
	void *arg;
};
struct mr_db_pool *mr_db_pool_new(struct mr_loop *l, const struct mr_conf_shared *conf, unsigned threads, unsigned queue_max);
/* -EAGAIN when the queue is full or the pool is being freed; then neither function is called. */
int mr_db_pool_submit(struct mr_db_pool *p, const struct mr_db_job *job);
bool mr_db_pool_up(const struct mr_db_pool *p);
void mr_db_pool_free(struct mr_db_pool *p); /* waits for the jobs under way; done() of jobs that never ran is called with job() not run */
