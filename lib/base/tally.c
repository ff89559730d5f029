/* tally: see tally.h */

/* libraries */
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/tally.h"

#define RING (MR_TALLY_SLOTS + 1) /* the slot under way, and a whole window before it */

struct entry {
	UT_hash_handle hh;
	uint64_t slots[RING]; /* slot s at s % RING */
	uint64_t newest;      /* number of the newest slot */
	char key[];
};

struct mr_tally {
	struct entry *entries; /* in the order of their last addition */
	size_t max;
};

struct mr_tally *mr_tally_new(size_t keys_max)
{
	struct mr_tally *t = mr_alloc(sizeof(*t));

	t->max = keys_max;
	return t;
}

static void forget(struct mr_tally *t, struct entry *e)
{
	HASH_DEL(t->entries, e);
	free(e);
}

void mr_tally_free(struct mr_tally *t)
{
	if (!t)
		return;
	while (t->entries)
		forget(t, t->entries);
	free(t);
}

static uint64_t slot_of(uint64_t window, uint64_t now)
{
	return now / (window / MR_TALLY_SLOTS);
}

static struct entry *find(const struct mr_tally *t, struct mr_slice key)
{
	struct entry *e;

	HASH_FIND(hh, t->entries, key.p, key.n, e);
	return e;
}

/* What slots up to `slot` still hold of the window. */
static uint64_t total_at(const struct entry *e, uint64_t slot)
{
	uint64_t total = 0;

	for (uint64_t s = slot > MR_TALLY_SLOTS ? slot - MR_TALLY_SLOTS : 0; s <= e->newest; s++)
		if (s + RING > e->newest)
			total += e->slots[s % RING];
	return total;
}

uint64_t mr_tally_total(const struct mr_tally *t, struct mr_slice key, uint64_t window, uint64_t now)
{
	const struct entry *e = find(t, key);

	return e ? total_at(e, slot_of(window, now)) : 0;
}

static struct entry *entry_new(struct mr_slice key, uint64_t slot)
{
	struct entry *e = mr_alloc(sizeof(*e) + key.n);

	memcpy(e->key, key.p, key.n);
	e->newest = slot;
	return e;
}

/* Empties the slots between the newest and this one. */
static void advance(struct entry *e, uint64_t slot)
{
	if (slot <= e->newest)
		return;
	if (slot - e->newest >= RING)
		memset(e->slots, 0, sizeof(e->slots));
	else
		for (uint64_t s = e->newest + 1; s <= slot; s++)
			e->slots[s % RING] = 0;
	e->newest = slot;
}

void mr_tally_add(struct mr_tally *t, struct mr_slice key, uint64_t window, uint64_t now, uint64_t n)
{
	uint64_t slot = slot_of(window, now);
	struct entry *e = find(t, key);

	if (n == 0)
		return;
	if (e)
		HASH_DEL(t->entries, e);
	else
		e = entry_new(key, slot);
	advance(e, slot);
	e->slots[e->newest % RING] += n;
	HASH_ADD_KEYPTR(hh, t->entries, e->key, key.n, e);
	if (HASH_COUNT(t->entries) > t->max)
		forget(t, t->entries);
}

void mr_tally_raise(struct mr_tally *t, struct mr_slice key, uint64_t window, uint64_t now, uint64_t total)
{
	uint64_t have = mr_tally_total(t, key, window, now);

	mr_tally_add(t, key, window, now, total > have ? total - have : 0);
}

uint64_t mr_tally_take(struct mr_tally *t, struct mr_slice key, uint64_t window, uint64_t now)
{
	struct entry *e = find(t, key);
	uint64_t total = e ? total_at(e, slot_of(window, now)) : 0;

	if (e)
		forget(t, e);
	return total;
}

size_t mr_tally_keys(const struct mr_tally *t)
{
	return HASH_COUNT(t->entries);
}
