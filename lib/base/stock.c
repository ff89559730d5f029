/* stock: see stock.h */

/* libraries */
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>
#include <utlist.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/stock.h"

#define SECOND   1000 /* ms: uses are counted by the second */
#define BUSY     4    /* uses a second from which on a lot pays */
#define LOT_MAX  128
#define LOT_USES 2 /* seconds' worth: growing demand is met */

struct entry {
	UT_hash_handle hh;
	struct entry *prev, *next; /* of those with something to report some day */
	struct mr_lot lot, old;    /* in use; to be reported */
	bool listed;
	bool asked, reporting;      /* under way: a question for a lot; the report of the old one */
	uint64_t since;             /* ms: uses are counted from there */
	uint64_t uses, uses_before; /* in this second, in the one before */
	size_t key_len;
	char key[];
};

struct mr_stock {
	struct entry *entries; /* in the order they came */
	struct entry *listed;
	size_t max;
};

struct mr_stock *mr_stock_new(size_t keys_max)
{
	struct mr_stock *s = mr_alloc(sizeof(*s));

	s->max = keys_max;
	return s;
}

static void unlist(struct mr_stock *s, struct entry *e)
{
	if (e->listed)
		DL_DELETE(s->listed, e);
	e->listed = false;
}

static void list(struct mr_stock *s, struct entry *e)
{
	if (!e->listed)
		DL_APPEND(s->listed, e);
	e->listed = true;
}

static void forget(struct mr_stock *s, struct entry *e)
{
	unlist(s, e);
	HASH_DEL(s->entries, e);
	free(e);
}

void mr_stock_free(struct mr_stock *s)
{
	if (!s)
		return;
	while (s->entries)
		forget(s, s->entries);
	free(s);
}

static struct entry *find(const struct mr_stock *s, struct mr_slice key)
{
	struct entry *e;

	HASH_FIND(hh, s->entries, key.p, key.n, e);
	return e;
}

static struct entry *find_or_add(struct mr_stock *s, struct mr_slice key)
{
	struct entry *e = find(s, key);

	if (e)
		return e;
	e = mr_alloc(sizeof(*e) + key.n);
	memcpy(e->key, key.p, key.n);
	e->key_len = key.n;
	HASH_ADD_KEYPTR(hh, s->entries, e->key, e->key_len, e);
	if (HASH_COUNT(s->entries) > s->max)
		forget(s, s->entries);
	return e;
}

static void count_use(struct entry *e, uint64_t n, uint64_t now)
{
	if (now - e->since >= SECOND) {
		e->uses_before = now - e->since < 2 * SECOND ? e->uses : 0;
		e->uses = 0;
		e->since = now;
	}
	e->uses += n;
}

bool mr_stock_covers(struct mr_stock *s, struct mr_slice key, uint64_t limit, uint64_t n, bool take, uint64_t now)
{
	struct entry *e = find_or_add(s, key);

	count_use(e, take ? n : 1, now);
	return e->lot.serial && now < e->lot.end && e->lot.limit == limit && n <= e->lot.n - e->lot.used;
}

void mr_stock_use(struct mr_stock *s, struct mr_slice key, uint64_t n)
{
	struct entry *e = find(s, key);

	if (e)
		e->lot.used += n;
}

uint64_t mr_stock_wants(struct mr_stock *s, struct mr_slice key, uint64_t now)
{
	struct entry *e = find(s, key);
	uint64_t uses = !e ? 0 : e->uses > e->uses_before ? e->uses : e->uses_before;

	if (!e || e->asked || e->lot.serial || uses < BUSY)
		return 0;
	e->asked = true;
	return uses < LOT_MAX / LOT_USES ? uses * LOT_USES : LOT_MAX;
}

void mr_stock_got(struct mr_stock *s, struct mr_slice key, const struct mr_lot *lot)
{
	struct entry *e = find(s, key);

	if (!e)
		return;
	e->asked = false;
	if (!lot)
		return;
	e->lot = *lot;
	list(s, e);
}

bool mr_stock_report(struct mr_stock *s, struct mr_slice key, struct mr_lot *lot)
{
	struct entry *e = find(s, key);

	if (!e || e->reporting)
		return false;
	if (!e->old.serial) {
		e->old = e->lot;
		e->lot = (struct mr_lot){ 0 };
	}
	e->reporting = e->old.serial != 0;
	*lot = e->old;
	return e->reporting;
}

void mr_stock_reported(struct mr_stock *s, struct mr_slice key, bool arrived)
{
	struct entry *e = find(s, key);

	if (!e)
		return;
	e->reporting = false;
	if (arrived)
		e->old = (struct mr_lot){ 0 };
	if (!e->old.serial && !e->lot.serial)
		unlist(s, e);
}

static bool is_due(const struct entry *e, uint64_t now)
{
	return !e->reporting && (e->old.serial || (e->lot.serial && e->lot.end <= now));
}

size_t mr_stock_due(const struct mr_stock *s, uint64_t now, struct mr_stock_due *out, size_t max)
{
	const struct entry *e;
	size_t n = 0;

	DL_FOREACH (s->listed, e) {
		if (n == max)
			break;
		if (is_due(e, now))
			out[n++] = (struct mr_stock_due){ { e->key, e->key_len }, e->old.serial ? e->old.window : e->lot.window };
	}
	return n;
}

uint64_t mr_stock_next(const struct mr_stock *s)
{
	uint64_t next = UINT64_MAX;
	const struct entry *e;

	DL_FOREACH (s->listed, e)
		if (e->lot.serial && e->lot.end < next)
			next = e->lot.end;
	return next;
}
