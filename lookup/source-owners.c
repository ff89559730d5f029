/* source-owners: which addresses have an alias, patterns, limits: three statements, hashed and put in order on the pool's thread. */
#include "source-pool.h"

/* system */
#include <errno.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"

#define ARENA_MAX (32u << 20) /* bytes of one statement's answer */

struct owners_job {
	struct mr_source_owners ask;
	struct mr_owner_set sets[MR_OWNED];
	int err;
};

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void mr_owner_set_make(struct mr_owner_set *s, char *const *addresses, size_t n)
{
	*s = (struct mr_owner_set){ .v = mr_new(uint64_t, n + 1), .n = n };
	for (size_t i = 0; i < n; i++)
		s->v[i] = mr_hash(addresses[i], strlen(addresses[i]));
	qsort(s->v, n, sizeof(*s->v), by_number);
}

void mr_owner_set_done(struct mr_owner_set *s)
{
	free(s->v);
	*s = (struct mr_owner_set){ 0 };
}

static int read_set(struct mr_db *db, enum mr_owned what, unsigned max, struct mr_owner_set *out)
{
	mr_autoarena arena = mr_arena_new(ARENA_MAX);
	char **addresses;
	size_t n;
	int err = mr_read_owners(db, what, max + 1, arena, &addresses, &n, NULL);

	if (err == 0 && n > max)
		out->many = true;
	else if (err == 0)
		mr_owner_set_make(out, addresses, n);
	return err;
}

static void run(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct owners_job *j = arg;

	j->err = db == NULL ? -EAGAIN : 0;
	for (size_t i = 0; i < MR_OWNED && j->err == 0; i++) {
		mr_owner_set_done(&j->sets[i]); /* of a run whose connection broke */
		j->err = read_set(db, (enum mr_owned)i, j->ask.max, &j->sets[i]);
	}
}

static void done(void *arg)
{
	struct owners_job *j = arg;

	j->ask.done(j->ask.arg, j->err, j->sets);
	for (size_t i = 0; i < MR_OWNED; i++)
		mr_owner_set_done(&j->sets[i]);
	free(j);
}

int pool_read_owners(struct mr_source *s, const struct mr_source_owners *r)
{
	struct owners_job *j = mr_new(struct owners_job, 1);
	int err;

	*j = (struct owners_job){ .ask = *r, .err = -EAGAIN };
	err = mr_db_pool_submit(((struct pool_source *)s)->pool, &(struct mr_db_job){ .job = run, .done = done, .arg = j });
	if (err != 0)
		free(j);
	return err;
}
