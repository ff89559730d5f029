/* The source of the daemon: jobs of store's pool. A job reads into its own arena on a pool thread; its done() hands the result over on the
 * loop. */
#include "source-pool.h"

/* system */
#include <errno.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "rt/log.h"

#define ARENA_MAX      (16u << 20) /* bytes of one read: all rules of a map, a page of addresses */
#define NEAR_ARENA_MAX (16u << 20)

struct row_job {
	struct mr_source_row ask;
	char *key;
	int err;
	struct mr_row *row;
	size_t ignored; /* rules that cannot be used */
	char first_ignored[128];
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

static int read_rules(struct mr_db *db, struct row_job *j, struct mr_arena *arena)
{
	struct mr_row_rules rules = { 0 };
	int err = mr_read_rules(db, j->key, arena, &rules, NULL);

	j->ignored = rules.ignored;
	snprintf(j->first_ignored, sizeof(j->first_ignored), "%s", rules.first_ignored ? rules.first_ignored : "");
	return outcome(err, MR_ROW_RULES, err ? NULL : mr_row_of_rules(&rules), &j->row);
}

static int read_relay(struct mr_db *db, const char *key, struct mr_arena *arena, struct mr_row **out)
{
	struct mr_row_relay relay;
	int err = mr_read_relay(db, key, arena, &relay, NULL);

	return outcome(err, MR_ROW_RELAY, err ? NULL : mr_row_of_relay(&relay), out);
}

static void row_job(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct row_job *j = arg;
	mr_autoarena arena = mr_arena_new(ARENA_MAX);

	if (db == NULL)
		return;
	switch (j->ask.kind) {
	case MR_ROW_DOMAIN:
		j->err = read_domain(db, j->key, arena, &j->row);
		break;
	case MR_ROW_GLOBAL:
		j->err = read_global(db, arena, &j->row);
		break;
	case MR_ROW_RULES:
		j->err = read_rules(db, j, arena);
		break;
	case MR_ROW_RELAY:
		j->err = read_relay(db, j->key, arena, &j->row);
		break;
	case MR_ROW_MAILBOX:
	case MR_ROW_ALIAS: /* source-addresses.c */
	case MR_ROW_VIEW:  /* source-views.c */
		break;
	}
}

static void row_done(void *arg)
{
	struct row_job *j = arg;

	if (j->ignored > 0) /* the administrator can set that right */
		mr_log(MR_LOG_WARNING, "rules-ignored", mr_s("map", j->key), mr_u("rules", j->ignored), mr_s("first", j->first_ignored));
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
	if (r->kind == MR_ROW_VIEW)
		return pool_read_view((struct pool_source *)s, r);
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
	j->list.origin = mr_db_origin(db);
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

static void pool_expect(struct mr_source *s, const struct mr_db_expect *e)
{
	mr_db_pool_expect(((struct pool_source *)s)->pool, e);
}

struct near_job {
	struct mr_source_near ask;
	char *after;
	struct mr_near_row *v;
	size_t n;
	char *end;
	int err;
};

static void near_job(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct near_job *j = arg;
	mr_autoarena arena = mr_arena_new(NEAR_ARENA_MAX);
	struct mr_read_near near;

	if (db != NULL)
		j->err = mr_read_near(db, j->after, j->ask.limit, arena, &near, NULL);
	if (j->err != 0)
		return;
	j->end = near.end ? mr_strdup(near.end) : NULL;
	j->v = mr_new(struct mr_near_row, 2 * near.keys.n + 1);
	for (size_t i = 0; i < near.keys.n; i++) {
		const struct mr_row_mailbox *m = &near.mailboxes[i];
		const struct mr_row_alias *a = &near.aliases[i];
		char *key = mr_strdup(near.keys.v[i]);
		j->v[j->n++] =
		    (struct mr_near_row){ MR_ROW_MAILBOX, key, m->address ? mr_row_of_mailbox(m) : mr_row_absent(MR_ROW_MAILBOX) };
		j->v[j->n++] = (struct mr_near_row){ MR_ROW_ALIAS, key, a->address ? mr_row_of_alias(a) : mr_row_absent(MR_ROW_ALIAS) };
	}
}

static void near_free(struct near_job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		mr_row_unref(j->v[i].row);
		if (i % 2 == 0)
			free((char *)(uintptr_t)j->v[i].key); /* of both rows */
	}
	free(j->v);
	free(j->end);
	free(j->after);
	free(j);
}

static void near_done(void *arg)
{
	struct near_job *j = arg;

	j->ask.done(j->ask.arg, j->err, &(struct mr_near_list){ j->v, j->n, j->end });
	near_free(j);
}

static int pool_read_near(struct mr_source *s, const struct mr_source_near *r)
{
	struct near_job *j = mr_new(struct near_job, 1);

	*j = (struct near_job){ .ask = *r, .after = mr_slice_dup(r->after), .err = -EAGAIN };
	int err = submit(s, near_job, near_done, j);
	if (err != 0)
		near_free(j);
	return err;
}

struct mr_source *mr_source_pool_new(struct mr_loop *l, struct mr_db_pool *pool, unsigned threads)
{
	struct pool_source *p = mr_new(struct pool_source, 1);

	p->source = (struct mr_source){ .read_row = pool_read_row,
					.read_changes = pool_read_changes,
					.read_mailboxes = pool_read_mailboxes,
					.read_near = pool_read_near,
					.read_owners = pool_read_owners,
					.expect = pool_expect };
	p->loop = l;
	p->pool = pool;
	for (size_t i = 0; i < MR_COUNT(p->lines); i++)
		p->lines[i] = mr_line_new(l, pool);
	p->at_once = threads > 1 ? threads - 1 : 1; /* one is left for the change log */
	return &p->source;
}

void mr_source_pool_free(struct mr_source *s)
{
	struct pool_source *p = (struct pool_source *)s;
	struct mr_line *lines[MR_COUNT(p->lines)];

	if (p == NULL)
		return;
	memcpy(lines, p->lines, sizeof(lines));
	memset(p->lines, 0, sizeof(p->lines));
	p->pool = NULL;
	for (size_t i = 0; i < MR_COUNT(lines); i++)
		mr_line_free(lines[i]);
	pool_addresses_end(p);
	pool_views_end(p);
	free(p);
}
