/* counters: see counters.h */

/* ours */
#include "base/mem.h"
#include "base/tally.h"
#include "rt/clock.h"
#include "rt/counters.h"
#include "rt/redis-script.h"

#define PER_COUNT 6     /* key, and what ARGV says of it */
#define KEYS_MAX  50000 /* that this process remembers, some 250 bytes each */
#define FIRST_KEY "first "

/* A hash a name: slot number → count, "first" → slot of the first refusal. KEYS: the names. ARGV: take or look, then of each name window,
 * limit, n, what was granted without Redis, and what the asker knows of: a hash lives twice its window, so where there is none Redis has
 * lost it. Answers { index of the first that is full or 0, is that the first refusal, totals... }. */
static const char script[] = "local now = redis.call('TIME')\n"
			     "local ms = now[1] * 1000 + math.floor(now[2] / 1000)\n"
			     "local answer, slots, begun = { 0, 0 }, {}, {}\n"
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
			     "      begun[i] = begun[i] or tonumber(all[j]) == slot\n"
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
			     "    if not begun[i] then\n"
			     "      redis.call('PEXPIRE', key, ARGV[i * 5 - 3] * 2)\n"
			     "    end\n"
			     "  end\n"
			     "end\n"
			     "return answer\n";

struct question {
	struct mr_script_ask ask; /* first */
	struct mr_counters *counters;
	mr_counters_cb *cb;
	void *arg;
	bool take;
	struct mr_count *v; /* names with the prefix */
	uint64_t *owed;     /* sent along */
	size_t n;
};

struct mr_counters {
	struct mr_script script;
	struct mr_tally *known; /* totals as last told, and what was granted since */
	struct mr_tally *owed;  /* granted here, not yet told to Redis */
};

struct mr_counters *mr_counters_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix)
{
	struct mr_counters *c = mr_alloc(sizeof(*c));

	mr_script_init(&c->script, l, redis, prefix, script);
	c->known = mr_tally_new(KEYS_MAX);
	c->owed = mr_tally_new(KEYS_MAX);
	return c;
}

void mr_counters_free(struct mr_counters *c)
{
	if (!c)
		return;
	mr_script_done(&c->script);
	mr_tally_free(c->known);
	mr_tally_free(c->owed);
	free(c);
}

static struct mr_slice first_key(const struct question *q, size_t i)
{
	return mr_slice_of(mr_arena_printf(q->ask.arena, FIRST_KEY "%.*s", (int)q->v[i].name.n, q->v[i].name.p));
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
		if (c->script.redis)
			mr_tally_add(c->owed, q->v[i].name, q->v[i].window, now, q->v[i].n);
	}
	q->cb(&answer, q->arg);
}

static void on_answer(struct mr_script_ask *a, const int64_t *v)
{
	struct question *q = (struct question *)a;
	struct mr_counters *c = q->counters;
	struct mr_counted answer = { .shared = true };
	uint64_t now = mr_now_ms();
	bool taken;

	if (!v || (uint64_t)v[0] > q->n) {
		for (size_t i = 0; i < q->n; i++)
			mr_tally_add(c->owed, q->v[i].name, q->v[i].window, now, q->owed[i]);
		decide_alone(q);
		return;
	}
	answer.full = v[0] > 0 ? (size_t)v[0] - 1 : q->n;
	answer.first = v[1] == 1;
	taken = q->take && answer.full == q->n;
	for (size_t i = 0; i < q->n; i++) {
		answer.totals[i] = (uint64_t)v[i + 2];
		mr_tally_raise(c->known, q->v[i].name, q->v[i].window, now, answer.totals[i] + (taken ? q->v[i].n : 0));
	}
	q->cb(&answer, q->arg);
}

void mr_counters_ask(struct mr_counters *c, bool take, uint64_t timeout_ms, const struct mr_count *v, size_t n, mr_counters_cb *cb,
		     void *arg)
{
	size_t n_counts = n < MR_COUNTERS_MAX ? n : MR_COUNTERS_MAX;
	struct question *q = mr_script_ask_new(&c->script, sizeof(*q), 1 + n_counts * PER_COUNT);
	uint64_t now = mr_now_ms();

	q->counters = c;
	q->cb = cb;
	q->arg = arg;
	q->take = take;
	q->n = n_counts;
	q->v = mr_arena_alloc(q->ask.arena, (n_counts + 1) * sizeof(*q->v));
	q->owed = mr_arena_alloc(q->ask.arena, (n_counts + 1) * sizeof(*q->owed));
	for (size_t i = 0; i < n_counts; i++) {
		q->v[i] = v[i];
		q->v[i].name = mr_script_name(&q->ask, v[i].name);
		q->owed[i] = mr_tally_take(c->owed, q->v[i].name, v[i].window, now);
		mr_script_word(&q->ask, q->v[i].name);
	}
	mr_script_word(&q->ask, take ? MR_LIT("take") : MR_LIT("look"));
	for (size_t i = 0; i < n_counts; i++) {
		mr_script_number(&q->ask, v[i].window);
		mr_script_number(&q->ask, v[i].limit);
		mr_script_number(&q->ask, v[i].n);
		mr_script_number(&q->ask, q->owed[i]);
		mr_script_number(&q->ask, mr_tally_total(c->known, q->v[i].name, v[i].window, now));
	}
	q->ask.done = on_answer;
	q->ask.answers = 2 + n_counts;
	mr_script_ask_send(&q->ask, n_counts, timeout_ms);
}
