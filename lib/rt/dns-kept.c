/* dns-kept: see dns-kept.h */

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/dns-kept.h"

/* libraries */
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

#define ANSWER_MAX (1u << 20) /* bytes of one */

struct answer {
	UT_hash_handle hh;
	char *key; /* in the arena, as the answer */
	struct mr_arena *arena;
	struct mr_dns_answer answer;
	uint64_t until; /* ms */
};

struct mr_dns_kept {
	struct answer *answers; /* in the order they came */
};

struct mr_dns_kept *mr_dns_kept_new(void)
{
	return mr_new(struct mr_dns_kept, 1);
}

static void forget(struct mr_dns_kept *k, struct answer *a)
{
	HASH_DEL(k->answers, a);
	mr_arena_free(a->arena);
	free(a);
}

void mr_dns_kept_free(struct mr_dns_kept *k)
{
	while (k && k->answers)
		forget(k, k->answers);
	free(k);
}

/* "16 example.org" */
static size_t write_key(char *out, size_t size, const char *name, unsigned type)
{
	int n = snprintf(out, size, "%u %s", type, name);

	return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

static struct answer *find(const struct mr_dns_kept *k, const char *key, size_t n)
{
	struct answer *a;

	HASH_FIND(hh, k->answers, key, n, a);
	return a;
}

static bool may_be_kept(const struct mr_dns_answer *a)
{
	return (a->status == MR_DNS_OK && a->ttl > 0) || a->status == MR_DNS_NODATA || a->status == MR_DNS_NXDOMAIN;
}

/* False: it is too large. */
static bool copy(struct answer *to, const struct mr_dns_answer *a, const char *key)
{
	struct mr_dns_rr *rrs;
	bool fits;

	to->key = mr_arena_strdup(to->arena, key);
	to->answer = *a;
	to->answer.name = mr_arena_strdup(to->arena, a->name);
	rrs = mr_arena_try(to->arena, a->n_rrs * sizeof(*rrs) + 1);
	fits = rrs != NULL;
	for (size_t i = 0; i < a->n_rrs && fits; i++) {
		char *data = mr_arena_try(to->arena, a->rrs[i].data.n + 1);

		fits = data != NULL;
		if (!fits)
			break;
		if (a->rrs[i].data.n)
			memcpy(data, a->rrs[i].data.p, a->rrs[i].data.n);
		rrs[i] = a->rrs[i];
		rrs[i].data.p = data;
	}
	to->answer.rrs = rrs;
	return fits;
}

void mr_dns_kept_add(struct mr_dns_kept *k, const char *name, const struct mr_dns_answer *a)
{
	char key[MR_DNS_NAME_MAX + 16];
	size_t n = may_be_kept(a) ? write_key(key, sizeof(key), name, a->type) : 0;
	struct answer *own = n ? find(k, key, n) : NULL;

	if (!n)
		return;
	if (own)
		forget(k, own);
	if (HASH_COUNT(k->answers) >= MR_DNS_KEPT_MAX)
		forget(k, k->answers);
	own = mr_new(struct answer, 1);
	own->arena = mr_arena_new(ANSWER_MAX + sizeof(key) + MR_DNS_NAME_MAX);
	own->until = mr_now_ms() + MR_DNS_KEPT_MS;
	if (copy(own, a, key)) {
		HASH_ADD_KEYPTR(hh, k->answers, own->key, n, own);
	} else {
		mr_arena_free(own->arena);
		free(own);
	}
}

const struct mr_dns_answer *mr_dns_kept_find(struct mr_dns_kept *k, const char *name, enum mr_dns_type type)
{
	char key[MR_DNS_NAME_MAX + 16];
	size_t n = write_key(key, sizeof(key), name, type);
	uint64_t now = mr_now_ms();
	struct answer *a;

	while (k->answers && k->answers->until <= now)
		forget(k, k->answers);
	a = n ? find(k, key, n) : NULL;
	return a ? &a->answer : NULL;
}
