/* counters: see counters.h */

/* system */
#include <inttypes.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/arena.h"
#include "base/mem.h"
#include "base/tally.h"
#include "rt/clock.h"
#include "rt/counters.h"
#include "rt/redis-script.h"

#define KEYS_MAX  50000 /* that this process remembers, some 250 bytes each */
#define ARGS      (MR_REDIS_SCRIPT_WORDS + 1 + MR_COUNTERS_MAX * 6)
#define FIRST_KEY "first "

/* A hash a name: slot number → count, "first" → slot of the first refusal. KEYS: the names. ARGV: take or look, then of each name window,
 * limit, n, what was granted without Redis, and what the asker knows of: a hash lives twice its window, so where there is none Redis has
 * lost it. Answers { index of the first that is full or 0, is that the first refusal, totals... }. */
static const char script[] = "local now = redis.call('TIME')\n"
			     "local ms = now[1] * 1000 + math.floor(now[2] / 1000)\n"
			     "local answer, slots = { 0, 0 }, {}\n"
			     "for i, key in ipairs(KEYS) do\n"
			     "  local window, limit, n = tonumber(ARGV[i * 5 - 3]), tonumber(ARGV[i * 5 - 2]), tonumber(ARGV[i * 5 - 1])\n"
			     "  local owed, known = tonumber(ARGV[i * 5]), tonumber(ARGV[i * 5 + 1])\n"
			     "  local slot = math.floor(ms / math.floor(window / 12))\n"
			     "  local all, refused = redis.call('HGETALL', key), false\n"
			     "  if #all == 0 and known > owed then\n"
			     "    owed = known\n"
			     "  end\n"
			     "  local total = owed\n"
			     "  for j = 1, #all, 2 do\n"
			     "    if all[j] == 'first' then\n"
			     "      refused = slot - all[j + 1] <= 12\n"
			     "    elseif slot - all[j] <= 12 then\n"
			     "      total = total + all[j + 1]\n"
			     "    else\n"
			     "      redis.call('HDEL', key, all[j])\n"
			     "    end\n"
			     "  end\n"
			     "  slots[i] = slot\n"
			     "  answer[i + 2] = total\n"
			     "  if owed > 0 then\n"
			     "    redis.call('HINCRBY', key, slot, owed)\n"
			     "    redis.call('PEXPIRE', key, window * 2)\n"
			     "  end\n"
			     "  if answer[1] == 0 and total + n > limit then\n"
			     "    answer[1] = i\n"
			     "    if not refused then\n"
			     "      redis.call('HSET', key, 'first', slot)\n"
			     "      redis.call('PEXPIRE', key, window * 2)\n"
			     "      answer[2] = 1\n"
			     "    end\n"
			     "  end\n"
			     "end\n"
			     "if answer[1] == 0 and ARGV[1] == 'take' then\n"
			     "  for i, key in ipairs(KEYS) do\n"
			     "    redis.call('HINCRBY', key, slots[i], ARGV[i * 5 - 1])\n"
			     "    redis.call('PEXPIRE', key, ARGV[i * 5 - 3] * 2)\n"
			     "  end\n"
			     "end\n"
			     "return answer\n";

struct question {
	struct question *prev, *next;
	struct mr_counters *counters;
	struct mr_timer *timer; /* without Redis */
	struct mr_arena *arena;
	mr_counters_cb *cb;
	void *arg;
	uint64_t timeout;
	bool take, whole;   /* whole: the script itself was sent */
	struct mr_count *v; /* names with the prefix */
	uint64_t *owed;     /* sent along */
	size_t n;
};

struct mr_counters {
	struct mr_loop *loop;
	struct mr_redis *redis;
	char *prefix;
	struct mr_redis_script script;
	struct mr_tally *known; /* totals as last told, and what was granted since */
	struct mr_tally *owed;  /* granted here, not yet told to Redis */
	struct question *questions;
};

struct mr_counters *mr_counters_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix)
{
	struct mr_counters *c = mr_alloc(sizeof(*c));

	c->loop = l;
	c->redis = redis;
	c->prefix = mr_strdup(prefix);
	c->known = mr_tally_new(KEYS_MAX);
	c->owed = mr_tally_new(KEYS_MAX);
	mr_redis_script_init(&c->script, script);
	return c;
}

static void question_free(struct question *q)
{
	DL_DELETE(q->counters->questions, q);
	mr_timer_cancel(&q->timer);
	mr_arena_free(q->arena);
}

void mr_counters_free(struct mr_counters *c)
{
	struct question *q, *next;

	if (!c)
		return;
	DL_FOREACH_SAFE (c->questions, q, next)
		question_free(q);
	mr_tally_free(c->known);
	mr_tally_free(c->owed);
	free(c->prefix);
	free(c);
}

static void tell(struct question *q, const struct mr_counted *answer)
{
	q->cb(answer, q->arg);
	question_free(q);
}

static struct mr_slice first_key(const struct question *q, size_t i)
{
	return mr_slice_of(mr_arena_printf(q->arena, FIRST_KEY "%.*s", (int)q->v[i].name.n, q->v[i].name.p));
}

/* By what this process knows. */
static void decide_alone(struct question *q)
{
	struct mr_counters *c = q->counters;
	struct mr_counted answer = { .full = q->n };
	uint64_t now = mr_now_ms();

	for (size_t i = 0; i < q->n; i++) {
		const struct mr_count *v = &q->v[i];

		answer.totals[i] = mr_tally_total(c->known, v->name, v->window, now);
		if (answer.full == q->n && (v->n > v->limit || answer.totals[i] > v->limit - v->n))
			answer.full = i;
	}
	if (answer.full < q->n) {
		struct mr_slice first = first_key(q, answer.full);
		uint64_t window = q->v[answer.full].window;

		answer.first = mr_tally_total(c->known, first, window, now) == 0;
		mr_tally_raise(c->known, first, window, now, 1);
	}
	for (size_t i = 0; q->take && answer.full == q->n && i < q->n; i++) {
		mr_tally_add(c->known, q->v[i].name, q->v[i].window, now, q->v[i].n);
		if (c->redis)
			mr_tally_add(c->owed, q->v[i].name, q->v[i].window, now, q->v[i].n);
	}
	tell(q, &answer);
}

static bool understood(const struct question *q, const struct mr_redis_reply *r, struct mr_counted *out)
{
	if (!r->ok || r->type != MR_REDIS_ARRAY || r->n_items != q->n + 2)
		return false;
	for (size_t i = 0; i < r->n_items; i++)
		if (r->items[i].type != MR_REDIS_INT || r->items[i].integer < 0)
			return false;
	if ((uint64_t)r->items[0].integer > q->n)
		return false;
	*out = (struct mr_counted){ .shared = true, .first = r->items[1].integer == 1 };
	out->full = r->items[0].integer ? (size_t)r->items[0].integer - 1 : q->n;
	for (size_t i = 0; i < q->n; i++)
		out->totals[i] = (uint64_t)r->items[i + 2].integer;
	return true;
}

static void send_question(struct question *q, bool whole);

static void on_reply(const struct mr_redis_reply *r, void *arg)
{
	struct question *q = arg;
	struct mr_counters *c = q->counters;
	struct mr_counted answer;
	uint64_t now = mr_now_ms();
	bool taken;

	if (!q->whole && mr_redis_script_unknown(r)) {
		send_question(q, true);
		return;
	}
	if (!understood(q, r, &answer)) {
		for (size_t i = 0; i < q->n; i++)
			mr_tally_add(c->owed, q->v[i].name, q->v[i].window, now, q->owed[i]);
		decide_alone(q);
		return;
	}
	taken = q->take && answer.full == q->n;
	for (size_t i = 0; i < q->n; i++)
		mr_tally_raise(c->known, q->v[i].name, q->v[i].window, now, answer.totals[i] + (taken ? q->v[i].n : 0));
	tell(q, &answer);
}

static struct mr_slice number(struct mr_arena *arena, uint64_t n)
{
	return mr_slice_of(mr_arena_printf(arena, "%" PRIu64, n));
}

static void send_question(struct question *q, bool whole)
{
	struct mr_counters *c = q->counters;
	struct mr_slice argv[ARGS];
	size_t argc = MR_REDIS_SCRIPT_WORDS;

	q->whole = whole;
	mr_redis_script_words(&c->script, whole, number(q->arena, q->n), argv);
	for (size_t i = 0; i < q->n; i++)
		argv[argc++] = q->v[i].name;
	argv[argc++] = q->take ? MR_LIT("take") : MR_LIT("look");
	for (size_t i = 0; i < q->n; i++) {
		argv[argc++] = number(q->arena, q->v[i].window);
		argv[argc++] = number(q->arena, q->v[i].limit);
		argv[argc++] = number(q->arena, q->v[i].n);
		argv[argc++] = number(q->arena, q->owed[i]);
		argv[argc++] = number(q->arena, mr_tally_total(c->known, q->v[i].name, q->v[i].window, mr_now_ms()));
	}
	mr_redis_command(c->redis, q->timeout, on_reply, q, argc, argv);
}

static void on_timer(void *arg)
{
	struct question *q = arg;

	q->timer = NULL;
	decide_alone(q);
}

void mr_counters_ask(struct mr_counters *c, bool take, uint64_t timeout_ms, const struct mr_count *v, size_t n, mr_counters_cb *cb,
		     void *arg)
{
	struct mr_arena *arena = mr_arena_new(0);
	struct question *q = mr_arena_alloc(arena, sizeof(*q));

	*q = (struct question){ .counters = c, .arena = arena, .cb = cb, .arg = arg, .timeout = timeout_ms, .take = take };
	q->n = n < MR_COUNTERS_MAX ? n : MR_COUNTERS_MAX;
	q->v = mr_arena_alloc(arena, (q->n + 1) * sizeof(*q->v));
	q->owed = mr_arena_alloc(arena, (q->n + 1) * sizeof(*q->owed));
	for (size_t i = 0; i < q->n; i++) {
		q->v[i] = v[i];
		q->v[i].name = mr_slice_of(mr_arena_printf(arena, "%s%.*s", c->prefix, (int)v[i].name.n, v[i].name.p));
		q->owed[i] = mr_tally_take(c->owed, q->v[i].name, v[i].window, mr_now_ms());
	}
	DL_APPEND(c->questions, q);
	if (c->redis)
		send_question(q, false);
	else
		q->timer = mr_timer_start(c->loop, 0, on_timer, q);
}
