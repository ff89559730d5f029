/* distinct: see distinct.h */

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/seen.h"
#include "rt/clock.h"
#include "rt/distinct.h"
#include "rt/redis-script.h"

#define KEYS_MAX    20000  /* that this process remembers */
#define MEMBERS_MAX 400000 /* of them all, 16 bytes each */
#define OWED_MAX    100000 /* bytes of changes that Redis has not heard of, some 600 */
#define BILLS_MAX   4      /* of MR_DISTINCT_MAX changes each, under way at a time: each takes some memory */
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
	uint64_t owed_at; /* ms; of one that tells what is owed */
};

/* A change that was made here while Redis did not answer. */
struct owed {
	struct owed *prev, *next;
	struct mr_distinct_item v; /* name with the prefix */
	uint64_t at;               /* ms */
};

struct mr_distinct_store {
	struct mr_script script;
	struct mr_seen *seen;
	struct owed *owed;      /* oldest first */
	struct mr_arena *debts; /* in which they live, until nothing is owed */
	unsigned n_bills;       /* under way */
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
	mr_arena_free(s->debts);
	mr_script_done(&s->script);
	mr_seen_free(s->seen);
	free(s);
}

static bool forgets(const struct mr_distinct_item *v)
{
	return v->op == MR_DISTINCT_DROP || v->op == MR_DISTINCT_CLEAR;
}

/* What comes when so much is owed already counts for this process alone; twice as much for what is forgotten, or it would come back. */
static void owe(struct mr_distinct_store *s, const struct mr_distinct_item *v, uint64_t at)
{
	struct owed *o;

	if (v->op == MR_DISTINCT_LOOK || !s->script.redis || (s->debts && mr_arena_used(s->debts) > (forgets(v) ? 2 * OWED_MAX : OWED_MAX)))
		return;
	if (!s->debts)
		s->debts = mr_arena_new(0);
	o = mr_arena_alloc(s->debts, sizeof(*o));
	o->v = *v;
	o->v.name.p = mr_arena_slice(s->debts, v->name);
	o->v.member.p = mr_arena_slice(s->debts, v->member);
	o->at = at;
	if (v->op == MR_DISTINCT_TAKE)
		o->v.op = MR_DISTINCT_NOTE; /* it was taken: there is no question any more whether it may be */
	DL_APPEND(s->owed, o);
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
		for (size_t i = 0; i < q->n; i++)
			if (alone.full == q->n || forgets(&q->v[i]))
				owe(q->store, &q->v[i], mr_now_ms());
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

static struct question *question_new(struct mr_distinct_store *s, size_t n)
{
	struct question *q = mr_script_ask_new(&s->script, sizeof(*q), n * PER_ITEM);

	q->store = s;
	q->n = n;
	q->v = mr_arena_alloc(q->ask.arena, (n + 1) * sizeof(*q->v));
	return q;
}

static void send(struct question *q, uint64_t timeout_ms, void (*done)(struct mr_script_ask *, const int64_t *))
{
	static const char *const ops[] = { "look", "take", "note", "drop", "clear" };

	for (size_t i = 0; i < q->n; i++)
		mr_script_word(&q->ask, q->v[i].name);
	for (size_t i = 0; i < q->n; i++) {
		mr_script_word(&q->ask, mr_slice_of(ops[q->v[i].op]));
		mr_script_word(&q->ask, q->v[i].member);
		mr_script_number(&q->ask, q->v[i].window);
		mr_script_number(&q->ask, q->v[i].max);
	}
	q->ask.done = done;
	q->ask.answers = 1 + q->n * PER_ANSWER;
	mr_script_ask_send(&q->ask, q->n, timeout_ms);
}

static struct mr_slice kept(struct question *q, struct mr_slice s)
{
	return (struct mr_slice){ mr_arena_slice(q->ask.arena, s), s.n };
}

static void on_paid(struct mr_script_ask *a, const int64_t *v);

/* The oldest ones, in their order: what is forgotten ends a question, as its script looks at all before it changes anything. A window that
 * is over owes nothing. */
static struct question *bill(struct mr_distinct_store *s, uint64_t now)
{
	struct question *q = question_new(s, MR_DISTINCT_MAX);
	bool over = false;

	q->owed_at = s->owed->at;
	for (q->n = 0; s->owed && q->n < MR_DISTINCT_MAX && !over;) {
		struct owed *o = s->owed;

		DL_DELETE(s->owed, o);
		if (now - o->at >= o->v.window)
			continue;
		over = forgets(&o->v);
		q->v[q->n] = o->v;
		q->v[q->n].name = kept(q, o->v.name);
		q->v[q->n++].member = kept(q, o->v.member);
	}
	return q;
}

/* Before the next question, which Redis answers after it has heard these; when there is much, some at a time, the next when these are
 * heard. */
static void send_owed(struct mr_distinct_store *s, uint64_t timeout_ms)
{
	while (s->owed && s->n_bills < BILLS_MAX && mr_redis_up(s->script.redis)) {
		struct question *q = bill(s, mr_now_ms());

		if (q->n == 0) {
			mr_script_ask_drop(&q->ask);
			continue;
		}
		s->n_bills++;
		send(q, timeout_ms, on_paid);
	}
	if (!s->owed && s->debts) {
		mr_arena_free(s->debts);
		s->debts = NULL;
	}
}

static void on_paid(struct mr_script_ask *a, const int64_t *v)
{
	struct question *q = (struct question *)a;

	q->store->n_bills--;
	for (size_t i = 0; !v && i < q->n; i++)
		owe(q->store, &q->v[i], q->owed_at);
	if (v)
		send_owed(q->store, q->ask.timeout);
}

void mr_distinct_ask(struct mr_distinct_store *s, uint64_t timeout_ms, const struct mr_distinct_item *v, size_t n, mr_distinct_cb *cb,
		     void *arg)
{
	struct question *q = question_new(s, n < MR_DISTINCT_MAX ? n : MR_DISTINCT_MAX);

	send_owed(s, timeout_ms);
	q->cb = cb;
	q->arg = arg;
	for (size_t i = 0; i < q->n; i++) {
		q->v[i] = v[i];
		q->v[i].name = mr_script_name(&q->ask, v[i].name);
		q->v[i].member = kept(q, v[i].member);
		if (s->owed && forgets(&q->v[i]))
			owe(s, &q->v[i], mr_now_ms()); /* once more behind what is told later, or that would bring it back */
	}
	send(q, timeout_ms, on_answer);
}
