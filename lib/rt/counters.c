/* counters: see counters.h */

/* system */
#include <inttypes.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/stock.h"
#include "base/tally.h"
#include "rt/clock.h"
#include "rt/counters-script.h"
#include "rt/counters.h"
#include "rt/redis-script.h"

#define KEYS_MAX    50000 /* that this process remembers, some 250 bytes each */
#define STOCK_MAX   20000
#define FIRST_KEY   "first "
#define MARGIN_MS   20   /* before its end from which on a lot is not used any more: this turn may have begun a while ago */
#define REPORT_MS   2000 /* that Redis may take for a report */
#define SPARE_MS    500  /* of the asker's time that Redis may need to answer once more */
#define RETRY_MS    1000
#define ID_TEXT     20
#define ARGS_OF_ALL 3 /* what ARGV says of all names together */

/* What somebody wants to know, until he is told; or a report, which nobody waits for. */
struct question {
	struct question *prev, *next;
	struct mr_counters *counters;
	struct mr_arena *arena;
	mr_counters_cb *cb; /* NULL: a report */
	void *arg;
	bool take;
	struct mr_count *v;
	size_t n;
	uint64_t deadline;      /* ms */
	struct mr_timer *again; /* others hold what he wants */
};

/* Redis is asked. */
struct ask {
	struct mr_script_ask ask; /* first */
	struct question *question;
	uint64_t serial, sent; /* of lots taken now; ms */
	struct part {
		uint64_t owed; /* sent along */
		bool reports, wants;
	} * parts;
};

struct mr_counters {
	struct mr_script script;
	struct mr_tally *known; /* totals as last told, and what was granted since */
	struct mr_tally *owed;  /* granted here, not yet told to Redis */
	struct mr_stock *stock;
	struct question *questions;
	struct mr_timer *due; /* lots end */
	char id[ID_TEXT];     /* of this process */
	uint64_t serial;
};

struct mr_counters *mr_counters_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix)
{
	struct mr_counters *c = mr_alloc(sizeof(*c));
	uint64_t random = 0;

	mr_random(&random, sizeof(random));
	snprintf(c->id, sizeof(c->id), "%016" PRIx64, random);
	mr_script_init(&c->script, l, redis, prefix, counters_script);
	c->known = mr_tally_new(KEYS_MAX);
	c->owed = mr_tally_new(KEYS_MAX);
	c->stock = mr_stock_new(STOCK_MAX);
	return c;
}

static void question_free(struct question *q)
{
	DL_DELETE(q->counters->questions, q);
	mr_timer_cancel(&q->again);
	mr_arena_free(q->arena);
}

void mr_counters_free(struct mr_counters *c)
{
	struct question *q, *next;

	if (!c)
		return;
	mr_script_done(&c->script);
	DL_FOREACH_SAFE (c->questions, q, next)
		question_free(q);
	mr_timer_cancel(&c->due);
	mr_tally_free(c->known);
	mr_tally_free(c->owed);
	mr_stock_free(c->stock);
	free(c);
}

static struct question *question_new(struct mr_counters *c, const struct mr_count *v, size_t n, uint64_t timeout_ms)
{
	struct mr_arena *arena = mr_arena_new(0);
	struct question *q = mr_arena_alloc(arena, sizeof(*q));

	*q = (struct question){ .counters = c, .arena = arena, .n = n, .deadline = mr_now_ms() + timeout_ms };
	q->v = mr_arena_alloc(arena, (n + 1) * sizeof(*q->v));
	for (size_t i = 0; i < n; i++) {
		q->v[i] = v[i];
		q->v[i].name.p = mr_arena_slice(arena, v[i].name);
	}
	DL_APPEND(c->questions, q);
	return q;
}

static void tell(struct question *q, const struct mr_counted *answer)
{
	if (q->cb)
		q->cb(answer, q->arg);
	question_free(q);
}

/* --- what needs no Redis */

/* By what this process has taken in advance. */
static bool from_stock(struct mr_counters *c, bool take, const struct mr_count *v, size_t n, struct mr_counted *out)
{
	uint64_t now = mr_now_ms();
	bool covered = true;

	for (size_t i = 0; i < n; i++)
		covered &= mr_stock_covers(c->stock, v[i].name, v[i].limit, v[i].n, take, now);
	if (!covered)
		return false;
	*out = (struct mr_counted){ .shared = true, .full = n };
	for (size_t i = 0; i < n; i++) {
		out->totals[i] = mr_tally_total(c->known, v[i].name, v[i].window, now);
		if (take) {
			mr_stock_use(c->stock, v[i].name, v[i].n);
			mr_tally_add(c->known, v[i].name, v[i].window, now, v[i].n);
		}
	}
	return true;
}

static struct mr_slice first_key(const struct mr_count *v, struct mr_arena *arena)
{
	return mr_slice_of(mr_arena_printf(arena, FIRST_KEY "%.*s", (int)v->name.n, v->name.p));
}

/* By what this process knows. */
static void alone(struct mr_counters *c, bool take, const struct mr_count *v, size_t n, struct mr_counted *out)
{
	mr_autoarena arena = mr_arena_new(0);
	uint64_t now = mr_now_ms();

	*out = (struct mr_counted){ .full = n };
	for (size_t i = 0; i < n; i++) {
		out->totals[i] = mr_tally_total(c->known, v[i].name, v[i].window, now);
		if (out->full == n && (v[i].n > v[i].limit || out->totals[i] > v[i].limit - v[i].n))
			out->full = i;
	}
	if (out->full < n) {
		struct mr_slice first = first_key(&v[out->full], arena);
		uint64_t window = v[out->full].window;

		out->first = mr_tally_total(c->known, first, window, now) == 0;
		mr_tally_raise(c->known, first, window, now, 1);
	}
	for (size_t i = 0; take && out->full == n && i < n; i++) {
		mr_tally_add(c->known, v[i].name, v[i].window, now, v[i].n);
		if (c->script.redis)
			mr_tally_add(c->owed, v[i].name, v[i].window, now, v[i].n);
	}
}

/* --- asking Redis */

static void on_again(void *arg);
static void on_due(void *arg);

static void arm(struct mr_counters *c, uint64_t at)
{
	uint64_t now = mr_now_ms();

	if (!c->due && at != UINT64_MAX)
		c->due = mr_timer_start(c->script.loop, at > now ? at - now : 0, on_due, c);
}

/* What the answer says of one name. v: its numbers; NULL: there was no answer. */
static void take_part(const struct ask *a, size_t i, const int64_t *v)
{
	struct mr_counters *c = a->question->counters;
	const struct mr_count *count = &a->question->v[i];
	const struct part *part = &a->parts[i];
	struct mr_lot lot = { .serial = a->serial, .window = count->window, .limit = count->limit };

	if (part->reports)
		mr_stock_reported(c->stock, count->name, v != NULL);
	if (v) {
		lot.n = (uint64_t)v[1];
		lot.slot = (uint64_t)v[2];
		lot.end = a->sent + (uint64_t)v[3] - MARGIN_MS;
	} else {
		mr_tally_add(c->owed, count->name, count->window, mr_now_ms(), part->owed);
	}
	if (part->wants)
		mr_stock_got(c->stock, count->name, lot.n ? &lot : NULL);
}

static void take_totals(struct question *q, const int64_t *v, struct mr_counted *out)
{
	bool taken = q->take && out->full == q->n;

	for (size_t i = 0; i < q->n; i++) {
		const struct mr_count *count = &q->v[i];

		out->totals[i] = (uint64_t)v[i * COUNTERS_EACH];
		mr_tally_raise(q->counters->known, count->name, count->window, mr_now_ms(), out->totals[i] + (taken ? count->n : 0));
	}
}

static void on_answer(struct mr_script_ask *script_ask, const int64_t *v)
{
	struct ask *a = (struct ask *)script_ask;
	struct question *q = a->question;
	struct mr_counters *c = q->counters;
	bool good = v && (uint64_t)v[0] <= q->n;
	struct mr_counted answer = { .shared = true };

	for (size_t i = 0; i < q->n; i++)
		take_part(a, i, good ? v + COUNTERS_HEAD + i * COUNTERS_EACH : NULL);
	arm(c, good ? mr_stock_next(c->stock) : mr_now_ms() + RETRY_MS);
	if (!good) {
		if (q->cb)
			alone(c, q->take, q->v, q->n, &answer);
		tell(q, &answer);
		return;
	}
	answer.full = v[0] > 0 ? (size_t)v[0] - 1 : q->n;
	answer.first = v[1] == 1;
	take_totals(q, v + COUNTERS_HEAD, &answer);
	if (v[2] > 0 && mr_now_ms() + (uint64_t)v[2] + SPARE_MS < q->deadline)
		q->again = mr_timer_start(c->script.loop, (uint64_t)v[2], on_again, q);
	else
		tell(q, &answer);
}

static void add_words(struct ask *a, size_t i)
{
	struct mr_counters *c = a->question->counters;
	const struct mr_count *v = &a->question->v[i];
	struct part *part = &a->parts[i];
	struct mr_lot lot = { 0 };
	uint64_t now = mr_now_ms();

	part->owed = mr_tally_take(c->owed, v->name, v->window, now);
	part->reports = mr_stock_report(c->stock, v->name, &lot);
	const uint64_t wants = a->question->cb ? mr_stock_wants(c->stock, v->name, now) : 0;
	part->wants = wants > 0;
	const uint64_t words[COUNTERS_ARGS] = {
		v->window, v->limit,   v->n,     part->owed, mr_tally_total(c->known, v->name, v->window, now),
		wants,     lot.serial, lot.slot, lot.used
	};
	for (size_t w = 0; w < COUNTERS_ARGS; w++)
		mr_script_number(&a->ask, words[w]);
}

static void ask(struct question *q)
{
	struct mr_counters *c = q->counters;
	uint64_t now = mr_now_ms();
	struct ask *a = mr_script_ask_new(&c->script, sizeof(*a), ARGS_OF_ALL + q->n * (1 + COUNTERS_ARGS));

	a->question = q;
	a->serial = ++c->serial;
	a->sent = now;
	a->parts = mr_arena_alloc(a->ask.arena, (q->n + 1) * sizeof(*a->parts));
	for (size_t i = 0; i < q->n; i++)
		mr_script_word(&a->ask, mr_script_name(&a->ask, q->v[i].name));
	mr_script_word(&a->ask, q->cb == NULL ? MR_LIT("report") : q->take ? MR_LIT("take") : MR_LIT("look"));
	mr_script_word(&a->ask, mr_slice_of(c->id));
	mr_script_number(&a->ask, a->serial);
	for (size_t i = 0; i < q->n; i++)
		add_words(a, i);
	a->ask.done = on_answer;
	a->ask.answers = COUNTERS_HEAD + q->n * COUNTERS_EACH;
	mr_script_ask_send(&a->ask, q->n, q->deadline > now ? q->deadline - now : 1);
}

static void on_again(void *arg)
{
	struct question *q = arg;
	struct mr_counted answer;

	q->again = NULL;
	if (from_stock(q->counters, q->take, q->v, q->n, &answer))
		tell(q, &answer);
	else
		ask(q);
}

bool mr_counters_ask(struct mr_counters *c, bool take, uint64_t timeout_ms, const struct mr_count *v, size_t n, struct mr_counted *now,
		     mr_counters_cb *cb, void *arg)
{
	size_t n_counts = n < MR_COUNTERS_MAX ? n : MR_COUNTERS_MAX;
	struct question *q;

	if (!c->script.redis) {
		alone(c, take, v, n_counts, now);
		return true;
	}
	if (from_stock(c, take, v, n_counts, now))
		return true;
	q = question_new(c, v, n_counts, timeout_ms);
	q->take = take;
	q->cb = cb;
	q->arg = arg;
	ask(q);
	return false;
}

/* --- giving back */

static void report(struct mr_counters *c, uint64_t now)
{
	struct mr_stock_due due[MR_COUNTERS_MAX];
	struct mr_count v[MR_COUNTERS_MAX];
	size_t n;

	while ((n = mr_stock_due(c->stock, now, due, MR_COUNTERS_MAX)) > 0) {
		for (size_t i = 0; i < n; i++)
			v[i] = (struct mr_count){ .name = due[i].key, .window = due[i].window };
		ask(question_new(c, v, n, REPORT_MS));
	}
}

static void on_due(void *arg)
{
	struct mr_counters *c = arg;

	c->due = NULL;
	report(c, mr_now_ms());
	arm(c, mr_stock_next(c->stock));
}

void mr_counters_give_back(struct mr_counters *c)
{
	report(c, UINT64_MAX);
}

size_t mr_counters_pending(const struct mr_counters *c)
{
	const struct question *q;
	size_t n = 0;

	DL_FOREACH (c->questions, q)
		n += q->cb == NULL;
	return n;
}
