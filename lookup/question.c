#include "question.h"

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "stats.h"

#define ARENA_MAX  (64u << 20)
#define ANSWER_MAX (2u << 20)
#define ROUNDS_MAX 64 /* more runs than any chain of aliases needs */

/* A row that the question fetches, or has. */
struct need {
	struct mr_question *q;
	struct mr_row_wait wait;
	struct mr_row *row;
	enum { NEED_MISSING, NEED_WAITING, NEED_HERE, NEED_FAILED } state;
	size_t key_len;
	UT_hash_handle hh;
	char key[]; /* kind and text */
};

struct mr_question {
	struct mr_view view; /* first: the view's get() finds the question */
	struct mr_questions *qs;
	struct mr_ask ask;
	struct mr_arena *arena;
	struct need *needs;
	size_t waiting;   /* reads under way */
	bool last_chance; /* no more fetching: stale rows, or TEMP */
	unsigned rounds;
	uint64_t began_ms;
	struct mr_timer *timer;
	char *keys; /* copies of ask.key and ask.extra, once it waits */
	struct mr_question *next, *prev;
};

struct mr_questions {
	struct mr_loop *loop;
	struct mr_questions_config conf;
	struct mr_rows *rows;
	const struct mr_site *site;
	struct mr_question *open;
	size_t n_open;
	struct mr_question *spare; /* most questions need no waiting: they all use this one */
	struct mr_buf out;
};

static enum mr_row_state of_row(const struct mr_row *in, const struct mr_row **row)
{
	if (in->exists)
		*row = in;
	return in->exists ? MR_ROW_FOUND : MR_ROW_NONE;
}

static void need_add(struct mr_question *q, const struct mr_row_key *key)
{
	struct need *n = mr_alloc(sizeof(*n) + key->n + 1);

	*n = (struct need){ .q = q, .key_len = key->n };
	memcpy(n->key, key->bytes, key->n);
	HASH_ADD_KEYPTR(hh, q->needs, n->key, n->key_len, n);
}

/* What there is when nothing more will come: past its age, too. */
static enum mr_row_state get_any(struct mr_question *q, enum mr_row_kind kind, struct mr_slice key, const struct mr_row **row)
{
	struct mr_row *cached;
	bool stale = false;

	if (mr_rows_get(q->qs->rows, kind, key, true, &stale, &cached) == MR_ROW_UNKNOWN)
		return MR_ROW_TEMP;
	q->view.stale |= stale;
	return of_row(cached, row);
}

static enum mr_row_state get_needed(struct mr_question *q, const struct need *n, enum mr_row_kind kind, struct mr_slice key,
				    const struct mr_row **row)
{
	q->view.passing = true;
	if (n->state == NEED_HERE)
		return of_row(n->row, row);
	return n->state == NEED_FAILED || q->last_chance ? get_any(q, kind, key, row) : MR_ROW_UNKNOWN;
}

static enum mr_row_state view_get(struct mr_view *v, enum mr_row_kind kind, struct mr_slice key, const struct mr_row **row)
{
	struct mr_question *q = (struct mr_question *)v;
	struct mr_row_key k;
	struct mr_row *cached;
	struct need *n;
	bool stale = false;

	if (!mr_row_key_set(&k, kind, key))
		return MR_ROW_NONE;
	HASH_FIND(hh, q->needs, k.bytes, k.n, n);
	if (n != NULL)
		return get_needed(q, n, kind, key, row);
	if (q->last_chance)
		return get_any(q, kind, key, row);
	if (mr_rows_get(q->qs->rows, kind, key, false, &stale, &cached) == MR_ROW_UNKNOWN) {
		need_add(q, &k);
		return MR_ROW_UNKNOWN;
	}
	q->view.stale |= stale;
	return of_row(cached, row);
}

static struct mr_question *question_new(struct mr_questions *qs)
{
	struct mr_question *q = mr_new(struct mr_question, 1);

	q->arena = mr_arena_new(ARENA_MAX);
	q->view.get = view_get;
	q->qs = qs;
	return q;
}

static void needs_free(struct mr_question *q)
{
	struct need *n, *next;

	HASH_ITER (hh, q->needs, n, next) {
		HASH_DEL(q->needs, n);
		mr_rows_cancel(&n->wait);
		mr_row_unref(n->row);
		free(n);
	}
}

static void question_free(struct mr_question *q)
{
	if (q == NULL)
		return;
	needs_free(q);
	mr_timer_cancel(&q->timer);
	mr_arena_free(q->arena);
	free(q->keys);
	free(q);
}

/* True when the answer was given. */
static bool run(struct mr_question *q)
{
	struct mr_questions *qs = q->qs;
	struct mr_walk w = { .view = &q->view, .site = qs->site, .arena = q->arena, .now = mr_wall() };

	mr_arena_reset(q->arena);
	mr_buf_reset(&qs->out);
	q->view.stale = q->view.passing = false;
	if (!q->ask.run(&q->ask, &w, &qs->out))
		return false;
	q->ask.answer(&q->ask, mr_buf_slice(&qs->out));
	return true;
}

static void finish(struct mr_question *q)
{
	DL_DELETE(q->qs->open, q);
	q->qs->n_open--;
	question_free(q);
}

static void advance(struct mr_question *q);

static void on_time(void *arg)
{
	struct mr_question *q = arg;

	q->timer = NULL;
	q->last_chance = true;
	mr_stat_late++;
	advance(q);
}

static void on_row(struct mr_row_wait *w, int err, struct mr_row *row)
{
	struct need *n = (struct need *)((char *)w - offsetof(struct need, wait));
	struct mr_question *q = n->q;

	n->state = err == 0 ? NEED_HERE : NEED_FAILED;
	n->row = err == 0 ? mr_row_ref(row) : NULL;
	if (--q->waiting == 0)
		advance(q);
}

static void set_timer(struct mr_question *q, bool all_stale)
{
	uint64_t spent = mr_now_ms() - q->began_ms, limit = all_stale ? q->qs->conf.stale_wait_ms : q->qs->conf.deadline_ms;

	mr_timer_cancel(&q->timer);
	q->timer = mr_timer_start(q->qs->loop, limit > spent ? limit - spent : 0, on_time, q);
}

/* Starts reading every missing row; how many are under way. A read that cannot even be started has failed. */
static size_t fetch_missing(struct mr_question *q)
{
	struct need *n, *next;
	bool all_stale = true;

	HASH_ITER (hh, q->needs, n, next) {
		enum mr_row_kind kind = mr_row_key_kind(n->key);
		struct mr_slice key = mr_row_key_text(n->key, n->key_len);
		if (n->state != NEED_MISSING)
			continue;
		all_stale = mr_rows_has(q->qs->rows, kind, key) && all_stale;
		n->wait.done = on_row;
		n->state = mr_rows_fetch(q->qs->rows, kind, key, &n->wait) == 0 ? NEED_WAITING : NEED_FAILED;
		q->waiting += n->state == NEED_WAITING;
	}
	if (q->waiting > 0)
		set_timer(q, all_stale);
	return q->waiting;
}

/* Until it waits for rows or has its answer. With last_chance no row is missing, so there always is an end. */
static void advance(struct mr_question *q)
{
	while (!run(q)) {
		if (++q->rounds >= ROUNDS_MAX)
			q->last_chance = true;
		else if (fetch_missing(q) > 0)
			return;
	}
	finish(q);
}

/* It outlives the caller's bytes now. */
static void settle_down(struct mr_question *q)
{
	struct mr_ask *ask = &q->ask;

	q->keys = mr_alloc(ask->key.n + ask->extra.n + 1);
	if (ask->key.n > 0)
		memcpy(q->keys, ask->key.p, ask->key.n);
	if (ask->extra.n > 0)
		memcpy(q->keys + ask->key.n, ask->extra.p, ask->extra.n);
	ask->key.p = q->keys;
	ask->extra.p = q->keys + ask->key.n;
	DL_APPEND(q->qs->open, q);
	q->qs->n_open++;
	if (ask->waits)
		ask->waits(ask);
}

void mr_question_start(struct mr_questions *qs, const struct mr_ask *ask)
{
	struct mr_question *q = qs->spare ? qs->spare : question_new(qs);

	qs->spare = NULL;
	q->ask = *ask;
	q->began_ms = mr_now_ms();
	if (!run(q)) {
		q->last_chance = qs->n_open >= qs->conf.open_max;
		settle_down(q);
		if (q->last_chance || fetch_missing(q) == 0)
			advance(q);
		return;
	}
	needs_free(q);
	if (qs->spare == NULL)
		qs->spare = q;
	else
		question_free(q);
}

struct mr_questions *mr_questions_new(struct mr_loop *l, const struct mr_questions_config *c, struct mr_rows *rows,
				      const struct mr_site *site)
{
	struct mr_questions *qs = mr_new(struct mr_questions, 1);

	*qs = (struct mr_questions){ .loop = l, .conf = *c, .rows = rows, .site = site, .out = MR_BUF(ANSWER_MAX) };
	return qs;
}

void mr_questions_free(struct mr_questions *qs)
{
	if (qs == NULL)
		return;
	while (qs->open != NULL) {
		qs->open->last_chance = true;
		advance(qs->open);
	}
	question_free(qs->spare);
	mr_buf_done(&qs->out);
	free(qs);
}

void mr_questions_configure(struct mr_questions *qs, const struct mr_questions_config *c, const struct mr_site *site)
{
	qs->conf = *c;
	qs->site = site;
}

size_t mr_questions_open(const struct mr_questions *qs)
{
	return qs->n_open;
}
