/* The source of the daemon: jobs of store's pool. A job reads into its own arena on a pool thread; its done() hands the result over on the
 * loop. */
#include "source-pool.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"

#define ARENA_MAX (8u << 20) /* bytes of one read: an alias with very many destinations, a page of addresses */

struct row_job {
	struct mr_source_row ask;
	char *key;
	int err;
	struct mr_row *row;
};

/* err of a reader → of the source, with the row or the fact that there is none. */
static int outcome(int err, enum mr_row_kind kind, struct mr_row *row, struct mr_row **out)
{
	if (err == 0)
		*out = row;
	else if (err == -ENOENT)
		*out = mr_row_absent(kind);
	return err == 0 || err == -ENOENT ? 0 : -EAGAIN;
}

static int read_domain(struct mr_db *db, const char *key, struct mr_arena *arena, struct mr_row **out)
{
	struct mr_row_domain d;
	int err = mr_read_domain(db, key, arena, &d, NULL);

	return outcome(err, MR_ROW_DOMAIN, err ? NULL : mr_row_of_domain(&d), out);
}

static int read_global(struct mr_db *db, struct mr_arena *arena, struct mr_row **out)
{
	struct mr_row_global g;
	int err = mr_read_global_patterns(db, arena, &g.patterns, &g.n_patterns, NULL);

	if (err == 0)
		err = mr_read_global_limits(db, arena, &g.limits, NULL);
	return outcome(err, MR_ROW_GLOBAL, err ? NULL : mr_row_of_global(&g), out);
}

static void row_job(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct row_job *j = arg;
	mr_autoarena arena = mr_arena_new(ARENA_MAX);

	if (db == NULL)
		return;
	j->err = j->ask.kind == MR_ROW_DOMAIN ? read_domain(db, j->key, arena, &j->row) : read_global(db, arena, &j->row);
}

static void row_done(void *arg)
{
	struct row_job *j = arg;

	j->ask.done(j->ask.arg, j->err, j->row);
	free(j->key);
	free(j);
}

static int submit(struct mr_source *s, void (*job)(struct mr_db *, const struct mr_diag *, void *), void (*done)(void *), void *arg)
{
	struct pool_source *p = (struct pool_source *)s; /* the interface is its first member */

	return mr_db_pool_submit(p->pool, &(struct mr_db_job){ .job = job, .done = done, .arg = arg });
}

static int pool_read_row(struct mr_source *s, const struct mr_source_row *r)
{
	struct row_job *j;

	if (r->kind == MR_ROW_MAILBOX || r->kind == MR_ROW_ALIAS)
		return pool_read_address((struct pool_source *)s, r);
	j = mr_new(struct row_job, 1);
	*j = (struct row_job){ .ask = *r, .key = mr_slice_dup(r->key), .err = -EAGAIN };
	int err = submit(s, row_job, row_done, j);
	if (err != 0) {
		free(j->key);
		free(j);
	}
	return err;
}

struct changes_job {
	struct mr_source_changes ask;
	struct mr_arena *arena;
	struct mr_change_list list;
	int err;
};

static void changes_job(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct changes_job *j = arg;
	struct mr_change *v;

	if (db == NULL)
		return;
	j->err = mr_read_changes(db, j->ask.after, j->ask.limit, j->arena, &v, &j->list.n, &j->list.newest, NULL);
	j->list.v = j->err == 0 ? v : NULL;
}

static void changes_done(void *arg)
{
	struct changes_job *j = arg;

	j->ask.done(j->ask.arg, j->err, &j->list);
	mr_arena_free(j->arena);
	free(j);
}

static int pool_read_changes(struct mr_source *s, const struct mr_source_changes *r)
{
	struct changes_job *j = mr_new(struct changes_job, 1);

	*j = (struct changes_job){ .ask = *r, .arena = mr_arena_new(ARENA_MAX), .err = -EAGAIN };
	int err = submit(s, changes_job, changes_done, j);
	if (err != 0) {
		mr_arena_free(j->arena);
		free(j);
	}
	return err;
}

struct mailboxes_job {
	struct mr_source_mailboxes ask;
	char *after;
	struct mr_arena *arena;
	char **addresses;
	size_t n;
	int err;
};

static void mailboxes_job(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct mailboxes_job *j = arg;

	if (db != NULL)
		j->err = mr_read_mailboxes(db, j->after, j->ask.limit, j->arena, &j->addresses, &j->n, NULL);
}

static void mailboxes_done(void *arg)
{
	struct mailboxes_job *j = arg;

	j->ask.done(j->ask.arg, j->err, j->addresses, j->n);
	mr_arena_free(j->arena);
	free(j->after);
	free(j);
}

static int pool_read_mailboxes(struct mr_source *s, const struct mr_source_mailboxes *r)
{
	struct mailboxes_job *j = mr_new(struct mailboxes_job, 1);

	*j = (struct mailboxes_job){ .ask = *r, .after = mr_slice_dup(r->after), .arena = mr_arena_new(ARENA_MAX), .err = -EAGAIN };
	int err = submit(s, mailboxes_job, mailboxes_done, j);
	if (err != 0) {
		mr_arena_free(j->arena);
		free(j->after);
		free(j);
	}
	return err;
}

struct mr_source *mr_source_pool_new(struct mr_loop *l, struct mr_db_pool *pool)
{
	struct pool_source *p = mr_new(struct pool_source, 1);

	p->source =
	    (struct mr_source){ .read_row = pool_read_row, .read_changes = pool_read_changes, .read_mailboxes = pool_read_mailboxes };
	p->loop = l;
	p->pool = pool;
	return &p->source;
}

void mr_source_pool_free(struct mr_source *s)
{
	if (s == NULL)
		return;
	pool_addresses_end((struct pool_source *)s);
	free(s);
}
