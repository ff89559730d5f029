/* kept: see kept.h */

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "directory/kept.h"
#include "rt/clock.h"
#include "rt/generation.h"

/* libraries */
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

#define KEPT_MAX 4096
#define KEPT_MS  1000

struct answer {
	UT_hash_handle hh;
	struct mr_arena *arena;
	struct mr_dir_account account; /* in the arena, its address too, which is the key */
	uint64_t asked;
};

struct kept {
	char *path;
	struct mr_generation *generation; /* of the lookup that is connected; NULL: none, or it tells none */
	struct answer *answers;           /* in the order they came */
};

struct kept *kept_new(const char *generation_path)
{
	struct kept *k = mr_alloc(sizeof(*k));

	k->path = mr_strdup(generation_path);
	return k;
}

static void forget(struct kept *k, struct answer *a)
{
	HASH_DEL(k->answers, a);
	mr_arena_free(a->arena);
	free(a);
}

void kept_connected(struct kept *k, bool up)
{
	while (k->answers)
		forget(k, k->answers);
	mr_generation_free(k->generation);
	k->generation = up ? mr_generation_open(k->path) : NULL;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	kept_connected(k, false);
	free(k->path);
	free(k);
}

static struct answer *find(const struct kept *k, struct mr_slice address)
{
	struct answer *a;

	HASH_FIND(hh, k->answers, address.p, address.n, a);
	return a;
}

/* Usage changes without a generation. */
static void copy(struct mr_arena *arena, const struct mr_dir_account *from, struct mr_dir_account *to)
{
	*to = *from;
	to->used_bytes = MR_DIR_UNKNOWN;
	to->address.p = mr_arena_slice(arena, from->address);
	to->patterns = mr_arena_alloc(arena, (from->n_patterns + 1) * sizeof(*to->patterns));
	for (size_t i = 0; i < from->n_patterns; i++) {
		to->patterns[i] = from->patterns[i];
		to->patterns[i].pattern.p = mr_arena_slice(arena, from->patterns[i].pattern);
	}
	to->limits = mr_arena_alloc(arena, (from->n_limits + 1) * sizeof(*to->limits));
	for (size_t i = 0; i < from->n_limits; i++)
		to->limits[i] = (struct mr_slice){ mr_arena_slice(arena, from->limits[i]), from->limits[i].n };
}

void kept_add(struct kept *k, const struct mr_dir_account *account, uint64_t asked)
{
	struct answer *a = find(k, account->address);

	if (a)
		forget(k, a);
	if (!k->generation)
		return;
	a = mr_alloc(sizeof(*a));
	a->arena = mr_arena_new(0);
	a->asked = asked;
	copy(a->arena, account, &a->account);
	HASH_ADD_KEYPTR(hh, k->answers, a->account.address.p, a->account.address.n, a);
	if (HASH_COUNT(k->answers) > KEPT_MAX)
		forget(k, k->answers);
}

const struct mr_dir_account *kept_find(struct kept *k, struct mr_slice address)
{
	const struct answer *a = find(k, address);
	bool holds = a && k->generation && a->account.generation == mr_generation_now(k->generation);

	return holds && mr_now_ms() - a->asked < KEPT_MS ? &a->account : NULL;
}
