/* sign: see sign.h. */

/* system */
#include <errno.h>
#include <pthread.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "base/mem.h"
#include "base/seal.h"
#include "mail/dkim.h"
#include "milter-stats.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "sign.h"

#define PEM_MAX        16384
#define VALUE_MAX      16384
#define NAME_BYTES_MAX (2 * PEM_MAX)
#define CACHED_MAX     1000 /* keys held ready; the one used longest ago makes room */

/* A key that was opened before, by what it was opened from. */
struct cached {
	char *name; /* purpose, line end, sealed key */
	struct mr_sign_key *key;
	UT_hash_handle hh;
};

/* `lock` guards both. Parsing a key takes about as long as a signature, so it may happen under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mr_keyring ring;
static struct cached *cache; /* in the order of their last use */

static void forget(struct cached *c)
{
	HASH_DEL(cache, c);
	mr_sign_key_unref(c->key);
	free(c->name);
	free(c);
}

static void forget_all(void)
{
	struct cached *c, *next;

	HASH_ITER (hh, cache, c, next)
		forget(c);
}

int mr_sign_load(const char *keyring_file, struct mr_diag *diag)
{
	struct mr_keyring fresh = { 0 };
	int r = keyring_file[0] ? mr_keyring_load(keyring_file, &fresh, diag) : 0;

	if (r == 0) {
		pthread_mutex_lock(&lock);
		mr_keyring_wipe(&ring);
		ring = fresh;
		forget_all();
		pthread_mutex_unlock(&lock);
	}
	mr_keyring_wipe(&fresh);
	return r;
}

void mr_sign_wipe(void)
{
	pthread_mutex_lock(&lock);
	mr_keyring_wipe(&ring);
	forget_all();
	pthread_mutex_unlock(&lock);
}

static int open_key(struct mr_slice purpose, struct mr_slice sealed, struct mr_sign_key **out, struct mr_diag *diag)
{
	struct mr_buf pem = MR_BUF(PEM_MAX);
	int r = mr_unseal(&ring, purpose, sealed, &pem);

	if (r < 0)
		mr_diag_set(diag, r, "the key cannot be unsealed: %s", strerror(-r));
	else
		r = mr_sign_key_new(mr_buf_slice(&pem), out, diag);
	if (r == 0)
		atomic_fetch_add(&mr_milter_counters.keys_opened, 1);
	if (pem.p)
		mr_wipe(pem.p, pem.cap);
	mr_buf_done(&pem);
	return r;
}

static int add_cached(const char *name, struct mr_slice purpose, struct mr_slice sealed, struct cached **out, struct mr_diag *diag)
{
	struct mr_sign_key *key;
	int r = open_key(purpose, sealed, &key, diag);

	if (r < 0)
		return r;
	if (HASH_COUNT(cache) >= CACHED_MAX)
		forget(cache);
	*out = mr_new(struct cached, 1);
	**out = (struct cached){ .name = mr_strdup(name), .key = key };
	HASH_ADD_KEYPTR(hh, cache, (*out)->name, strlen((*out)->name), *out);
	return 0;
}

/* The key by its name, "dkim:DOMAIN:SELECTOR" of `purpose` bytes, a line end and the sealed text. One reference. */
static int get_key(const struct mr_buf *name, size_t purpose, struct mr_sign_key **out, struct mr_diag *diag)
{
	struct mr_slice all = mr_buf_slice(name);
	struct cached *c;
	int r = 0;

	pthread_mutex_lock(&lock);
	HASH_FIND_STR(cache, name->p, c);
	if (c) { /* to the end of the order */
		HASH_DEL(cache, c);
		HASH_ADD_KEYPTR(hh, cache, c->name, strlen(c->name), c);
	} else {
		r = add_cached(name->p, (struct mr_slice){ all.p, purpose }, mr_slice_from(all, purpose + 1), &c, diag);
	}
	if (r == 0)
		*out = mr_sign_key_ref(c->key);
	pthread_mutex_unlock(&lock);
	return r;
}

/* The job's key by its sealed text. One reference. */
static int find_key(const struct mr_job *j, const struct mr_job_key *k, struct mr_sign_key **out, struct mr_diag *diag)
{
	struct mr_buf name = MR_BUF(NAME_BYTES_MAX);
	size_t purpose;
	int r;

	mr_buf_printf(&name, "dkim:%.*s:%.*s", (int)j->sign_domain.n, j->sign_domain.p, (int)k->selector.n, k->selector.p);
	purpose = name.n;
	mr_buf_printf(&name, "\n%.*s", (int)k->sealed.n, k->sealed.p);
	r = name.full ? mr_diag_set(diag, -EINVAL, "the sealed key is too long") : get_key(&name, purpose, out, diag);
	mr_buf_done(&name);
	return r;
}

static int sign(const struct mr_job *j, const struct mr_job_key *k, const struct mr_message *m, struct mr_buf *out, struct mr_diag *diag)
{
	struct mr_dkim_sign how = { .domain = j->sign_domain, .selector = k->selector, .now = mr_wall() };
	struct mr_sign_key *key = NULL;
	int r = find_key(j, k, &key, diag);

	how.key = key;
	if (r == 0)
		r = mr_dkim_sign(m, &how, out, diag);
	mr_sign_key_unref(key);
	return r;
}

int mr_sign_message(const struct mr_job *j, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag)
{
	struct mr_buf value = MR_BUF(VALUE_MAX);
	struct mr_message m;
	int r = 0;

	mr_message_parse(j->message, arena, &m);
	for (size_t i = 0; i < j->n_keys && r == 0; i++) {
		mr_buf_reset(&value);
		r = sign(j, &j->keys[i], &m, &value, diag);
		if (r == 0)
			out[i] = mr_slice_of(mr_arena_slice(arena, mr_buf_slice(&value)));
	}
	mr_buf_done(&value);
	return r;
}

int mr_sign_seal(const struct mr_job *j, struct mr_arena *arena, struct mr_arc_set *out, struct mr_diag *diag)
{
	struct mr_arc_seal how = { .domain = j->sign_domain,
				   .selector = j->keys[0].selector,
				   .authserv_id = mr_slice_of(j->settings->hostname),
				   .now = mr_wall() };
	struct mr_sign_key *key = NULL;
	struct mr_message m;
	int r = find_key(j, &j->keys[0], &key, diag);

	mr_message_parse(j->message, arena, &m);
	how.key = key;
	if (r == 0)
		r = mr_arc_seal(&m, &how, out, diag);
	mr_sign_key_unref(key);
	return r;
}
