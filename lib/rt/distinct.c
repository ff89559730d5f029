/* distinct: see distinct.h */

/* system */
#include <inttypes.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/arena.h"
#include "base/mem.h"
#include "base/seen.h"
#include "rt/clock.h"
#include "rt/distinct.h"
#include "rt/redis-script.h"

#define KEYS_MAX    20000  /* that this process remembers */
#define MEMBERS_MAX 400000 /* of them all, 16 bytes each */
#define PER_ITEM    5      /* key, and what ARGV says of it */
#define PER_ANSWER  3

/* ARGV of each key: what to do, member, window, max. Answers { index of the first that is full or 0, then of each count, whether the
 * member is there, ms since the oldest }. */
static const char text[] = "local time = redis.call('TIME')\n"
			   "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
			   "local answer = { 0 }\n"
			   "for i, key in ipairs(KEYS) do\n"
			   "  local op, member = ARGV[i * 4 - 3], ARGV[i * 4 - 2]\n"
			   "  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - ARGV[i * 4 - 1])\n"
			   "  local count, has = redis.call('ZCARD', key), redis.call('ZSCORE', key, member)\n"
			   "  local oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')\n"
			   "  answer[#answer + 1] = count\n"
			   "  answer[#answer + 1] = has and 1 or 0\n"
			   "  answer[#answer + 1] = count > 0 and math.max(0, now - oldest[2]) or 0\n"
			   "  if op == 'take' and answer[1] == 0 and not has and count >= tonumber(ARGV[i * 4]) then\n"
			   "    answer[1] = i\n"
			   "  end\n"
			   "end\n"
			   "for i, key in ipairs(KEYS) do\n"
			   "  local op, member, max = ARGV[i * 4 - 3], ARGV[i * 4 - 2], tonumber(ARGV[i * 4])\n"
			   "  if op == 'drop' then\n"
			   "    redis.call('ZREM', key, member)\n"
			   "  elseif op == 'clear' then\n"
			   "    redis.call('DEL', key)\n"
			   "  elseif op ~= 'look' and answer[1] == 0 then\n"
			   "    if op == 'take' then\n"
			   "      redis.call('ZADD', key, 'NX', now, member)\n"
			   "    else\n"
			   "      redis.call('ZADD', key, now, member)\n"
			   "    end\n"
			   "    redis.call('ZREMRANGEBYRANK', key, 0, -(max + 1))\n"
			   "    redis.call('PEXPIRE', key, ARGV[i * 4 - 1])\n"
			   "  end\n"
			   "end\n"
			   "return answer\n";

struct question {
	struct question *prev, *next;
	struct mr_distinct_store *store;
	struct mr_timer *timer; /* without Redis */
	struct mr_arena *arena;
	mr_distinct_cb *cb;
	void *arg;
	struct mr_distinct_item *v; /* names with the prefix */
	size_t n;
	uint64_t timeout;
	bool whole; /* the script itself was sent */
};

struct mr_distinct_store {
	struct mr_loop *loop;
	struct mr_redis *redis;
	char *prefix;
	struct mr_redis_script script;
	struct mr_seen *seen;
	struct question *questions;
};

struct mr_distinct_store *mr_distinct_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix)
{
	struct mr_distinct_store *s = mr_alloc(sizeof(*s));

	s->loop = l;
	s->redis = redis;
	s->prefix = mr_strdup(prefix);
	s->seen = mr_seen_new(KEYS_MAX, MEMBERS_MAX);
	mr_redis_script_init(&s->script, text);
	return s;
}

static void question_free(struct question *q)
{
	DL_DELETE(q->store->questions, q);
	mr_timer_cancel(&q->timer);
	mr_arena_free(q->arena);
}

void mr_distinct_free(struct mr_distinct_store *s)
{
	struct question *q, *next;

	if (!s)
		return;
	DL_FOREACH_SAFE (s->questions, q, next)
		question_free(q);
	mr_seen_free(s->seen);
	free(s->prefix);
	free(s);
}

/* What this process knows, and from now on knows. */
static void apply(struct question *q, struct mr_distincts *alone, size_t full)
{
	struct mr_seen *seen = q->store->seen;
	uint64_t now = mr_now_ms();

	alone->full = q->n;
	for (size_t i = 0; i < q->n; i++) {
		const struct mr_distinct_item *v = &q->v[i];
		struct mr_seen_state state = mr_seen_look(seen, v->name, v->member, v->window, now);

		alone->v[i] = (struct mr_distinct){ state.count, state.has, state.oldest };
		if (v->op == MR_DISTINCT_TAKE && alone->full == q->n && !state.has && state.count >= v->max)
			alone->full = i;
	}
	if (full == SIZE_MAX)
		full = alone->full;
	for (size_t i = 0; i < q->n; i++) {
		const struct mr_distinct_item *v = &q->v[i];

		switch (v->op) {
		case MR_DISTINCT_LOOK:
			break;
		case MR_DISTINCT_TAKE:
		case MR_DISTINCT_NOTE:
			if (full == q->n)
				mr_seen_add(seen, v->name, v->member, now, v->max, v->op == MR_DISTINCT_NOTE);
			break;
		case MR_DISTINCT_DROP:
			mr_seen_drop(seen, v->name, v->member);
			break;
		case MR_DISTINCT_CLEAR:
			mr_seen_clear(seen, v->name);
			break;
		}
	}
}

static void decide_alone(struct question *q)
{
	struct mr_distincts answer = { 0 };

	apply(q, &answer, SIZE_MAX);
	q->cb(&answer, q->arg);
	question_free(q);
}

static bool understood(const struct question *q, const struct mr_redis_reply *r, struct mr_distincts *out)
{
	if (!r->ok || r->type != MR_REDIS_ARRAY || r->n_items != 1 + q->n * PER_ANSWER)
		return false;
	for (size_t i = 0; i < r->n_items; i++)
		if (r->items[i].type != MR_REDIS_INT || r->items[i].integer < 0)
			return false;
	if ((uint64_t)r->items[0].integer > q->n)
		return false;
	*out = (struct mr_distincts){ .shared = true };
	out->full = r->items[0].integer ? (size_t)r->items[0].integer - 1 : q->n;
	for (size_t i = 0; i < q->n; i++) {
		const struct mr_redis_reply *item = &r->items[1 + i * PER_ANSWER];

		out->v[i] = (struct mr_distinct){ (uint64_t)item[0].integer, item[1].integer == 1, (uint64_t)item[2].integer };
	}
	return true;
}

static void send_question(struct question *q, bool whole);

static void on_reply(const struct mr_redis_reply *r, void *arg)
{
	struct question *q = arg;
	struct mr_distincts answer, alone = { 0 };

	if (!q->whole && mr_redis_script_unknown(r)) {
		send_question(q, true);
		return;
	}
	if (!understood(q, r, &answer)) {
		decide_alone(q);
		return;
	}
	apply(q, &alone, answer.full);
	for (size_t i = 0; i < q->n; i++)
		if (q->v[i].op == MR_DISTINCT_LOOK)
			answer.v[i].has |= alone.v[i].has;
	q->cb(&answer, q->arg);
	question_free(q);
}

static struct mr_slice number(struct mr_arena *arena, uint64_t n)
{
	return mr_slice_of(mr_arena_printf(arena, "%" PRIu64, n));
}

static void send_question(struct question *q, bool whole)
{
	static const char *const ops[] = { "look", "take", "note", "drop", "clear" };
	struct mr_slice argv[MR_REDIS_SCRIPT_WORDS + MR_DISTINCT_MAX * PER_ITEM];
	size_t argc = MR_REDIS_SCRIPT_WORDS;

	q->whole = whole;
	mr_redis_script_words(&q->store->script, whole, number(q->arena, q->n), argv);
	for (size_t i = 0; i < q->n; i++)
		argv[argc++] = q->v[i].name;
	for (size_t i = 0; i < q->n; i++) {
		argv[argc++] = mr_slice_of(ops[q->v[i].op]);
		argv[argc++] = q->v[i].member;
		argv[argc++] = number(q->arena, q->v[i].window);
		argv[argc++] = number(q->arena, q->v[i].max);
	}
	mr_redis_command(q->store->redis, q->timeout, on_reply, q, argc, argv);
}

static void on_timer(void *arg)
{
	struct question *q = arg;

	q->timer = NULL;
	decide_alone(q);
}

void mr_distinct_ask(struct mr_distinct_store *s, uint64_t timeout_ms, const struct mr_distinct_item *v, size_t n, mr_distinct_cb *cb,
		     void *arg)
{
	struct mr_arena *arena = mr_arena_new(0);
	struct question *q = mr_arena_alloc(arena, sizeof(*q));

	*q = (struct question){ .store = s, .arena = arena, .cb = cb, .arg = arg, .timeout = timeout_ms };
	q->n = n < MR_DISTINCT_MAX ? n : MR_DISTINCT_MAX;
	q->v = mr_arena_alloc(arena, (q->n + 1) * sizeof(*q->v));
	for (size_t i = 0; i < q->n; i++) {
		q->v[i] = v[i];
		q->v[i].name = mr_slice_of(mr_arena_printf(arena, "%s%.*s", s->prefix, (int)v[i].name.n, v[i].name.p));
		q->v[i].member = (struct mr_slice){ mr_arena_slice(arena, v[i].member), v[i].member.n };
	}
	DL_APPEND(s->questions, q);
	if (s->redis)
		send_question(q, false);
	else
		q->timer = mr_timer_start(s->loop, 0, on_timer, q);
}
