/* shelf: see shelf.h */

/* system */
#include <string.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "base/shelf.h"

#define WAYS 8

struct mr_shelf {
	size_t places, item, key;
	uint64_t *stamps; /* of each place; 0: it is free */
	uint8_t *items;
};

struct mr_shelf *mr_shelf_new(size_t places, size_t item, size_t key)
{
	struct mr_shelf *s = mr_alloc(sizeof(*s));

	s->places = places;
	s->item = item;
	s->key = key;
	s->stamps = mr_new(uint64_t, places);
	s->items = mr_realloc_zero(item, places);
	return s;
}

void mr_shelf_free(struct mr_shelf *s)
{
	if (!s)
		return;
	free(s->stamps);
	free(s->items);
	free(s);
}

static uint8_t *item_at(const struct mr_shelf *s, size_t place)
{
	return s->items + place * s->item;
}

/* The first of the key's places. The hash is seeded: nobody can make keys that all want the same ones. */
static size_t first_place(const struct mr_shelf *s, const void *key)
{
	return (size_t)mr_hash(key, s->key) % (s->places / WAYS) * WAYS;
}

/* s->places: it is not there. */
static size_t place_of(const struct mr_shelf *s, const void *key)
{
	size_t first = first_place(s, key);

	for (size_t at = first; at < first + WAYS; at++)
		if (s->stamps[at] != 0 && memcmp(item_at(s, at), key, s->key) == 0)
			return at;
	return s->places;
}

void *mr_shelf_find(const struct mr_shelf *s, const void *key, uint64_t since)
{
	size_t at = place_of(s, key);

	return at < s->places && s->stamps[at] >= since ? item_at(s, at) : NULL;
}

static size_t least(const struct mr_shelf *s, size_t first)
{
	size_t at = first;

	for (size_t other = first + 1; other < first + WAYS; other++)
		if (s->stamps[other] < s->stamps[at])
			at = other;
	return at;
}

void *mr_shelf_put(struct mr_shelf *s, const void *key, uint64_t stamp)
{
	size_t at = place_of(s, key);

	if (at == s->places) {
		at = least(s, first_place(s, key));
		memset(item_at(s, at), 0, s->item);
		memcpy(item_at(s, at), key, s->key);
	}
	s->stamps[at] = stamp;
	return item_at(s, at);
}

void mr_shelf_drop(struct mr_shelf *s, const void *key)
{
	size_t at = place_of(s, key);

	if (at < s->places)
		s->stamps[at] = 0;
}
