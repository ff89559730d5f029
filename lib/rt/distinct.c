/* distinct: see distinct.h */

/* ours */
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
 * member is there, ms since the oldest where it is full }. Written is only what changes something: a member that is young already stays,
 * and what is past its window counts no more but goes when the set is full. */
static const char text[] =
    "local time = redis.call('TIME')\n"
    "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "local answer, kept = { 0 }, {}\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local op, member, window = ARGV[i * 4 - 3], ARGV[i * 4 - 2], tonumber(ARGV[i * 4 - 1])\n"
    "  local since = string.format('(%.0f', now - window)\n"
    "  local count = redis.call('ZCOUNT', key, since, '+inf')\n"
    "  local at = count > 0 and member ~= '' and tonumber(redis.call('ZSCORE', key, member) or 0) or 0\n"
    "  local has, oldest = at > now - window, 0\n"
    "  if op == 'take' and not has and count >= tonumber(ARGV[i * 4]) then\n"
    "    oldest = math.max(0, now - redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2])\n"
    "    if answer[1] == 0 then\n"
    "      answer[1] = i\n"
    "    end\n"
    "  end\n"
    "  kept[i] = op == 'take' and has or op == 'note' and at > now - window / 12\n"
    "  answer[#answer + 1] = count\n"
    "  answer[#answer + 1] = has and 1 or 0\n"
    "  answer[#answer + 1] = oldest\n"
    "end\n"
    "for i, key in ipairs(KEYS) do\n"
    "  local op, member = ARGV[i * 4 - 3], ARGV[i * 4 - 2]\n"
    "  if op == 'drop' then\n"
    "    redis.call('ZREM', key, member)\n"
    "  elseif op == 'clear' then\n"
    "    redis.call('DEL', key)\n"
    "  elseif op ~= 'look' and answer[1] == 0 and not kept[i] then\n"
    "    redis.call('ZADD', key, now, member)\n"
    "    redis.call('ZREMRANGEBYRANK', key, 0, -(tonumber(ARGV[i * 4]) + 1))\n"
    "    redis.call('PEXPIRE', key, ARGV[i * 4 - 1])\n"
    "  end\n"
    "end\n"
    "return answer\n";

struct question {
	struct mr_script_ask ask; /* first */
	struct mr_distinct_store *store;
	mr_distinct_cb *cb;
	void *arg;
	struct mr_distinct_item *v; /* names with the prefix */
	size_t n;
};

struct mr_distinct_store {
	struct mr_script script;
	struct mr_seen *seen;
};

struct mr_distinct_store *mr_distinct_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix)
{
	struct mr_distinct_store *s = mr_alloc(sizeof(*s));

	mr_script_init(&s->script, l, redis, prefix, text);
	s->seen = mr_seen_new(KEYS_MAX, MEMBERS_MAX);
	return s;
}

void mr_distinct_free(struct mr_distinct_store *s)
{
	if (!s)
		return;
	mr_script_done(&s->script);
	mr_seen_free(s->seen);
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

static void on_answer(struct mr_script_ask *a, const int64_t *v)
{
	struct question *q = (struct question *)a;
	struct mr_distincts answer = { .shared = true }, alone = { 0 };

	if (!v || (uint64_t)v[0] > q->n) {
		apply(q, &alone, SIZE_MAX);
		q->cb(&alone, q->arg);
		return;
	}
	answer.full = v[0] > 0 ? (size_t)v[0] - 1 : q->n;
	apply(q, &alone, answer.full);
	for (size_t i = 0; i < q->n; i++) {
		const int64_t *of = v + 1 + i * PER_ANSWER;

		answer.v[i] = (struct mr_distinct){ (uint64_t)of[0], of[1] == 1, (uint64_t)of[2] };
		if (q->v[i].op == MR_DISTINCT_LOOK)
			answer.v[i].has |= alone.v[i].has;
	}
	q->cb(&answer, q->arg);
}

void mr_distinct_ask(struct mr_distinct_store *s, uint64_t timeout_ms, const struct mr_distinct_item *v, size_t n, mr_distinct_cb *cb,
		     void *arg)
{
	static const char *const ops[] = { "look", "take", "note", "drop", "clear" };
	size_t n_items = n < MR_DISTINCT_MAX ? n : MR_DISTINCT_MAX;
	struct question *q = mr_script_ask_new(&s->script, sizeof(*q), n_items * PER_ITEM);

	q->store = s;
	q->cb = cb;
	q->arg = arg;
	q->n = n_items;
	q->v = mr_arena_alloc(q->ask.arena, (n_items + 1) * sizeof(*q->v));
	for (size_t i = 0; i < n_items; i++) {
		q->v[i] = v[i];
		q->v[i].name = mr_script_name(&q->ask, v[i].name);
		q->v[i].member = (struct mr_slice){ mr_arena_slice(q->ask.arena, v[i].member), v[i].member.n };
		mr_script_word(&q->ask, q->v[i].name);
	}
	for (size_t i = 0; i < n_items; i++) {
		mr_script_word(&q->ask, mr_slice_of(ops[v[i].op]));
		mr_script_word(&q->ask, q->v[i].member);
		mr_script_number(&q->ask, v[i].window);
		mr_script_number(&q->ask, v[i].max);
	}
	q->ask.done = on_answer;
	q->ask.answers = 1 + n_items * PER_ANSWER;
	mr_script_ask_send(&q->ask, n_items, timeout_ms);
}
