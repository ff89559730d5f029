#include "row-table.h"

/* ours */
#include "base/mem.h"

#define FIRST_CAP 64

static size_t next(const struct mr_row_table *t, size_t at)
{
	return (at + 1) & (t->cap - 1);
}

static size_t home(const struct mr_row_table *t, uint64_t hash)
{
	return (size_t)hash & (t->cap - 1);
}

void *mr_row_table_find(const struct mr_row_table *t, uint64_t hash, bool (*is)(const void *item, const void *key), const void *key)
{
	if (t->cap == 0)
		return NULL;
	for (size_t at = home(t, hash); t->v[at].item != NULL; at = next(t, at)) {
		if (t->v[at].hash == hash && is(t->v[at].item, key))
			return t->v[at].item;
	}
	return NULL;
}

static void put(struct mr_row_table *t, uint64_t hash, void *item)
{
	size_t at = home(t, hash);

	while (t->v[at].item != NULL)
		at = next(t, at);
	t->v[at] = (struct mr_row_place){ item, hash };
}

static void grow(struct mr_row_table *t)
{
	const struct mr_row_table old = *t;

	t->cap = old.cap ? 2 * old.cap : FIRST_CAP;
	t->v = mr_new(struct mr_row_place, t->cap);
	for (size_t i = 0; i < old.cap; i++) {
		if (old.v[i].item != NULL)
			put(t, old.v[i].hash, old.v[i].item);
	}
	free(old.v);
}

void mr_row_table_add(struct mr_row_table *t, uint64_t hash, void *item)
{
	if (3 * (t->n + 1) > 2 * t->cap)
		grow(t);
	put(t, hash, item);
	t->n++;
}

/* What stands behind moves up, where it may: a look never has to pass a place that was taken once. */
static void close_gap(struct mr_row_table *t, size_t gap)
{
	for (size_t at = next(t, gap); t->v[at].item != NULL; at = next(t, at)) {
		size_t from_home = (at - home(t, t->v[at].hash)) & (t->cap - 1), from_gap = (at - gap) & (t->cap - 1);
		if (from_home < from_gap)
			continue;
		t->v[gap] = t->v[at];
		gap = at;
	}
	t->v[gap].item = NULL;
}

void mr_row_table_del(struct mr_row_table *t, uint64_t hash, const void *item)
{
	if (t->cap == 0)
		return;
	for (size_t at = home(t, hash); t->v[at].item != NULL; at = next(t, at)) {
		if (t->v[at].item != item)
			continue;
		close_gap(t, at);
		t->n--;
		return;
	}
}

void mr_row_table_done(struct mr_row_table *t)
{
	free(t->v);
	*t = (struct mr_row_table){ 0 };
}
