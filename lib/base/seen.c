/* seen: see seen.h */

/* libraries */
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/seen.h"

struct member {
	uint64_t hash, at; /* ms */
};

struct entry {
	UT_hash_handle hh;
	struct member *v; /* the oldest first */
	size_t n, cap;
	char key[];
};

struct mr_seen {
	struct entry *entries; /* in the order of their last addition */
	size_t keys_max, members_max, members;
};

struct mr_seen *mr_seen_new(size_t keys_max, size_t members_max)
{
	struct mr_seen *s = mr_alloc(sizeof(*s));

	s->keys_max = keys_max;
	s->members_max = members_max;
	return s;
}

static void forget(struct mr_seen *s, struct entry *e)
{
	HASH_DEL(s->entries, e);
	s->members -= e->n;
	free(e->v);
	free(e);
}

void mr_seen_free(struct mr_seen *s)
{
	if (!s)
		return;
	while (s->entries)
		forget(s, s->entries);
	free(s);
}

static struct entry *find(const struct mr_seen *s, struct mr_slice key)
{
	struct entry *e;

	HASH_FIND(hh, s->entries, key.p, key.n, e);
	return e;
}

/* Its place, or n. */
static size_t place(const struct entry *e, uint64_t hash)
{
	size_t i = 0;

	while (i < e->n && e->v[i].hash != hash)
		i++;
	return i;
}

static void take_out(struct mr_seen *s, struct entry *e, size_t first, size_t n)
{
	memmove(e->v + first, e->v + first + n, (e->n - first - n) * sizeof(*e->v));
	e->n -= n;
	s->members -= n;
}

static void expire(struct mr_seen *s, struct entry *e, uint64_t window, uint64_t now)
{
	size_t old = 0;

	while (old < e->n && now >= e->v[old].at && now - e->v[old].at >= window)
		old++;
	take_out(s, e, 0, old);
}

struct mr_seen_state mr_seen_look(struct mr_seen *s, struct mr_slice key, struct mr_slice member, uint64_t window, uint64_t now)
{
	struct entry *e = find(s, key);
	struct mr_seen_state state = { 0 };

	if (!e)
		return state;
	expire(s, e, window, now);
	state.count = e->n;
	state.has = place(e, mr_hash(member.p, member.n)) < e->n;
	if (e->n > 0 && now > e->v[0].at)
		state.oldest = now - e->v[0].at;
	if (e->n == 0)
		forget(s, e);
	return state;
}

static struct entry *entry_new(struct mr_slice key)
{
	struct entry *e = mr_alloc(sizeof(*e) + key.n);

	memcpy(e->key, key.p, key.n);
	return e;
}

static void append(struct mr_seen *s, struct entry *e, uint64_t hash, uint64_t now)
{
	if (e->n == e->cap) {
		e->cap = e->cap ? 2 * e->cap : 4;
		e->v = mr_realloc_array(e->v, e->cap, sizeof(*e->v));
	}
	e->v[e->n++] = (struct member){ hash, now };
	s->members++;
}

void mr_seen_add(struct mr_seen *s, struct mr_slice key, struct mr_slice member, uint64_t now, uint64_t max, bool again)
{
	uint64_t hash = mr_hash(member.p, member.n);
	struct entry *e = find(s, key);
	size_t at;

	if (max == 0)
		return;
	if (e)
		HASH_DEL(s->entries, e);
	else
		e = entry_new(key);
	at = place(e, hash);
	if (at < e->n && again)
		take_out(s, e, at, 1);
	if (at == e->n || again)
		append(s, e, hash, now);
	if (e->n > max)
		take_out(s, e, 0, e->n - max);
	HASH_ADD_KEYPTR(hh, s->entries, e->key, key.n, e);
	while (s->entries != e && (HASH_COUNT(s->entries) > s->keys_max || s->members > s->members_max))
		forget(s, s->entries);
}

void mr_seen_drop(struct mr_seen *s, struct mr_slice key, struct mr_slice member)
{
	struct entry *e = find(s, key);
	size_t at = e ? place(e, mr_hash(member.p, member.n)) : 0;

	if (e && at < e->n)
		take_out(s, e, at, 1);
}

void mr_seen_clear(struct mr_seen *s, struct mr_slice key)
{
	struct entry *e = find(s, key);

	if (e)
		forget(s, e);
}
