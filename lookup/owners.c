#include "owners.h"

/* system */
#include <string.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "rt/clock.h"

#define DROPPED_MAX   256   /* addresses dropped since the read; with more nothing is known any more */
#define MISSES_FIRST  16    /* before owners are read at all */
#define OWNERS_A_MISS 50    /* read for one address that was not in memory: that costs about as much as the parts that it saves */
#define REST_MS       60000 /* after a read that failed */

struct mr_owners {
	struct mr_source *source;
	struct mr_owner_set sets[MR_OWNED];
	uint64_t read_ms; /* when the read of them began; 0 = nothing is known */
	uint64_t dropped[DROPPED_MAX];
	size_t n_dropped;
	/* The read under way. */
	bool reading, overtaken; /* overtaken: of what was dropped since it began not all is in `dropped` */
	size_t began_at;         /* in `dropped` */
	uint64_t began_ms, rests_until_ms;
	size_t misses, enough; /* since the last read; that pay for the next one */
};

struct mr_owners *mr_owners_new(struct mr_source *source)
{
	struct mr_owners *o = mr_new(struct mr_owners, 1);

	o->source = source;
	o->enough = MISSES_FIRST;
	return o;
}

static void free_sets(struct mr_owners *o)
{
	for (size_t i = 0; i < MR_OWNED; i++)
		mr_owner_set_done(&o->sets[i]);
}

void mr_owners_free(struct mr_owners *o)
{
	if (o == NULL)
		return;
	free_sets(o);
	free(o);
}

static bool has(const struct mr_owner_set *s, uint64_t hash)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->v[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n && s->v[low] == hash;
}

bool mr_owners_lacks(const struct mr_owners *o, enum mr_owned what, struct mr_slice address, uint64_t *as_of_ms)
{
	uint64_t hash;

	if (o->read_ms == 0 || o->sets[what].many)
		return false;
	hash = mr_hash(address.p, address.n);
	for (size_t i = 0; i < o->n_dropped; i++)
		if (o->dropped[i] == hash)
			return false;
	*as_of_ms = o->read_ms;
	return !has(&o->sets[what], hash);
}

/* What was dropped since the read began is not known by it. */
static void take(struct mr_owners *o, struct mr_owner_set *sets)
{
	size_t n = 0;

	free_sets(o);
	for (size_t i = 0; i < MR_OWNED; i++) {
		o->sets[i] = sets[i];
		n += sets[i].many ? MR_OWNERS_MAX : sets[i].n;
		sets[i] = (struct mr_owner_set){ 0 };
	}
	o->n_dropped -= o->began_at;
	memmove(o->dropped, o->dropped + o->began_at, o->n_dropped * sizeof(*o->dropped));
	o->read_ms = o->began_ms;
	o->enough = MISSES_FIRST + n / OWNERS_A_MISS;
}

static void arrived(void *arg, int err, struct mr_owner_set *sets)
{
	struct mr_owners *o = arg;

	o->reading = false;
	if (err != 0)
		o->rests_until_ms = mr_now_ms() + REST_MS;
	else if (!o->overtaken)
		take(o, sets);
}

void mr_owners_missed(struct mr_owners *o, uint64_t max_age_ms)
{
	const struct mr_source_owners ask = { .max = MR_OWNERS_MAX, .done = arrived, .arg = o };
	uint64_t now = mr_now_ms();
	bool known = o->read_ms != 0 && now - o->read_ms <= max_age_ms;

	o->misses++;
	if (known || o->reading || o->misses < o->enough || now < o->rests_until_ms)
		return;
	o->misses = 0;
	o->overtaken = false;
	o->began_at = o->n_dropped;
	o->began_ms = now;
	o->reading = o->source->read_owners(o->source, &ask) == 0;
}

void mr_owners_drop(struct mr_owners *o, struct mr_slice address)
{
	if (o->n_dropped == DROPPED_MAX)
		mr_owners_drop_all(o);
	else if (o->read_ms != 0 || o->reading)
		o->dropped[o->n_dropped++] = mr_hash(address.p, address.n);
}

void mr_owners_drop_all(struct mr_owners *o)
{
	free_sets(o);
	o->read_ms = 0;
	o->n_dropped = 0;
	o->began_at = 0;
	o->overtaken = true;
}
