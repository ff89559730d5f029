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
	uint64_t asked, generation;
	bool of_account;
	/* of_account */
	struct mr_arena *arena;
	struct mr_dir_account account; /* in the arena, its address too, which is the key */
	/* else */
	struct mr_wire wire; /* behind this in one block, as its question, which is the key */
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

static struct answer *find(const struct kept *k, bool of_account, struct mr_slice key)
{
	struct answer *a;

	HASH_FIND(hh, k->answers, key.p, key.n, a);
	return a && a->of_account == of_account ? a : NULL;
}

static struct answer *find_good(const struct kept *k, bool of_account, struct mr_slice key)
{
	struct answer *a = find(k, of_account, key);
	bool holds = a && k->generation && a->generation == mr_generation_now(k->generation);

	return holds && mr_now_ms() - a->asked < KEPT_MS ? a : NULL;
}

static void add(struct kept *k, struct answer *a, struct mr_slice key)
{
	HASH_ADD_KEYPTR(hh, k->answers, key.p, key.n, a);
	if (HASH_COUNT(k->answers) > KEPT_MAX)
		forget(k, k->answers);
}

/* -- accounts -- */

/* Usage changes without a generation. */
static void copy_account(struct mr_arena *arena, const struct mr_dir_account *from, struct mr_dir_account *to)
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

void kept_add_account(struct kept *k, const struct mr_dir_account *account, uint64_t asked)
{
	struct answer *a = find(k, true, account->address);

	if (a)
		forget(k, a);
	if (!k->generation)
		return;
	a = mr_alloc(sizeof(*a));
	a->of_account = true;
	a->arena = mr_arena_new(0);
	a->asked = asked;
	a->generation = account->generation;
	copy_account(a->arena, account, &a->account);
	add(k, a, a->account.address);
}

const struct mr_dir_account *kept_find_account(struct kept *k, struct mr_slice address)
{
	const struct answer *a = find_good(k, true, address);

	return a ? &a->account : NULL;
}

/* -- answers as they are -- */

static struct mr_slice put(char **at, struct mr_slice s)
{
	struct mr_slice out = { *at, s.n };

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return out;
}

static size_t size_of(const struct mr_wire *w)
{
	size_t bytes = w->n * sizeof(*w->fields);

	for (size_t i = 0; i < w->n; i++)
		bytes += w->fields[i].key.n + w->fields[i].value.n;
	return bytes;
}

/* Into a block of size_of() bytes. Where that ends. */
static char *copy_wire(void *block, const struct mr_wire *from, struct mr_wire *to)
{
	char *at = (char *)block + from->n * sizeof(*from->fields);

	*to = (struct mr_wire){ .fields = block, .n = from->n };
	for (size_t i = 0; i < from->n; i++)
		to->fields[i] = (struct mr_wire_field){ put(&at, from->fields[i].key), put(&at, from->fields[i].value) };
	return at;
}

/* In one block: answers are short, and there may be KEPT_MAX of them. */
void kept_add(struct kept *k, struct mr_slice question, const struct mr_wire *answer, uint64_t asked)
{
	struct answer *a = find(k, false, question);
	uint64_t generation;
	char *end;

	if (a)
		forget(k, a);
	if (!k->generation || mr_wire_u64(answer, "generation", UINT64_MAX, &generation) < 0)
		return;
	a = mr_alloc(sizeof(*a) + size_of(answer) + question.n);
	a->asked = asked;
	a->generation = generation;
	end = copy_wire(a + 1, answer, &a->wire);
	add(k, a, put(&end, question));
}

bool kept_has(const struct kept *k, struct mr_slice question)
{
	return find_good(k, false, question) != NULL;
}

bool kept_find(const struct kept *k, struct mr_slice question, struct mr_arena *arena, struct mr_wire *out)
{
	const struct answer *a = find_good(k, false, question);

	if (a)
		copy_wire(mr_arena_alloc(arena, size_of(&a->wire)), &a->wire, out);
	return a != NULL;
}
