/* greylist: see greylist.h */

/* system */
#include <stdio.h>
#include <string.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "rt/clock.h"
#include "rt/greylist.h"
#include "rt/redis-script.h"

#define GREY_KEYS_MAX 100000            /* triples and clients that this process remembers, some 130 bytes each */
#define COUNT_MS      UINT64_C(3600000) /* a client's triples count once in this time */
#define BELIEVE_MS    UINT64_C(3600000) /* that something passes is not asked again for so long */
#define KEY_MAX       128               /* bytes of a name in Redis without its prefix */
#define WORDS         7                 /* keys and arguments */

/* KEYS: the triple, "FIRST" (ms) or "+" once it has passed; the client, "TRIPLES LAST". ARGV: delay, retry, max_age, clients_after, and
 * what the asker knows: ms since the triple was first seen, "+" or "". Answers { state as enum grey_state, ms left, is the client known }.
 */
static const char script[] = "local time = redis.call('TIME')\n"
			     "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
			     "local delay, retry, age, after = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])\n"
			     "local n, last = 0, 0\n"
			     "if after > 0 then\n"
			     "  local client = redis.call('GET', KEYS[2])\n"
			     "  if client then\n"
			     "    local a, b = string.match(client, '^(%d+) (%d+)$')\n"
			     "    n, last = tonumber(a) or 0, tonumber(b) or 0\n"
			     "  end\n"
			     "  if n >= after then\n"
			     "    redis.call('PEXPIRE', KEYS[2], age)\n"
			     "    return { 2, 0, 1 }\n"
			     "  end\n"
			     "end\n"
			     "local state = redis.call('GET', KEYS[1])\n"
			     "local fresh = not state\n"
			     "if fresh then\n"
			     "  state = ARGV[5] == '+' and '+' or now - (tonumber(ARGV[5]) or 0)\n"
			     "end\n"
			     "if state ~= '+' then\n"
			     "  state = tonumber(state) or now\n"
			     "  if now - state < delay then\n"
			     "    if fresh then\n"
			     "      redis.call('SET', KEYS[1], string.format('%.0f', state), 'PX', retry)\n"
			     "    end\n"
			     "    return { 1, delay - (now - state), 0 }\n"
			     "  end\n"
			     "end\n"
			     "redis.call('SET', KEYS[1], '+', 'PX', age)\n"
			     "if after > 0 and now - last >= 3600000 then\n"
			     "  n = n + 1\n"
			     "  redis.call('SET', KEYS[2], n .. ' ' .. string.format('%.0f', now), 'PX', age)\n"
			     "end\n"
			     "return { 2, 0, after > 0 and n >= after and 1 or 0 }\n";

enum grey_state { GREY_NEW, GREY_WAITING, GREY_PASSED };

/* What this process knows of a triple, or of a client. */
struct entry {
	UT_hash_handle hh;
	uint8_t key[MR_SHA1_LEN];
	enum grey_state state; /* of a client: PASSED once it is known */
	uint64_t since;        /* ms: WAITING: first seen; PASSED: seen last; NEW, a client: the last triple that counted */
	uint64_t told;         /* ms: when Redis said so; 0: it did not */
	int64_t triples;       /* of a client: that have passed */
};

struct question {
	struct mr_script_ask ask; /* first */
	struct mr_greylist *greylist;
	mr_grey_cb *cb;
	void *arg;
	struct mr_grey_rules rules;
	uint8_t triple[MR_SHA1_LEN], client[MR_SHA1_LEN];
	bool learn_alone;
};

struct mr_greylist {
	struct mr_script script;
	struct entry *entries; /* in the order of their last use */
};

struct mr_greylist *mr_greylist_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix)
{
	struct mr_greylist *g = mr_alloc(sizeof(*g));

	mr_script_init(&g->script, l, redis, prefix, script);
	return g;
}

static void forget(struct mr_greylist *g, struct entry *e)
{
	HASH_DEL(g->entries, e);
	free(e);
}

void mr_greylist_free(struct mr_greylist *g)
{
	if (!g)
		return;
	mr_script_done(&g->script);
	while (g->entries)
		forget(g, g->entries);
	free(g);
}

/* How long an entry means something without being used. */
static uint64_t life(const struct entry *e, const struct mr_grey_rules *rules)
{
	return e->state == GREY_WAITING ? rules->retry : rules->max_age;
}

/* NULL: nothing is known. */
static struct entry *find(struct mr_greylist *g, const uint8_t *key, const struct mr_grey_rules *rules, uint64_t now)
{
	struct entry *e;

	HASH_FIND(hh, g->entries, key, MR_SHA1_LEN, e);
	if (e && now - e->since > life(e, rules)) {
		forget(g, e);
		e = NULL;
	}
	return e;
}

/* The entry, made if need be, as the one used last. */
static struct entry *use(struct mr_greylist *g, const uint8_t *key, const struct mr_grey_rules *rules, uint64_t now)
{
	struct entry *e = find(g, key, rules, now);

	if (e) {
		HASH_DEL(g->entries, e);
	} else {
		e = mr_alloc(sizeof(*e));
		memcpy(e->key, key, MR_SHA1_LEN);
		e->since = now;
	}
	HASH_ADD(hh, g->entries, key, MR_SHA1_LEN, e);
	if (HASH_COUNT(g->entries) > GREY_KEYS_MAX)
		forget(g, g->entries);
	return e;
}

static void set(struct mr_greylist *g, const uint8_t *key, const struct mr_grey_rules *rules, enum grey_state state, uint64_t since,
		bool told)
{
	uint64_t now = mr_now_ms();
	struct entry *e = use(g, key, rules, now);

	e->state = state;
	e->since = since;
	e->told = told ? now : 0;
}

static void tell(struct question *q, enum mr_grey kind, uint64_t left)
{
	struct mr_grey_answer answer = { kind, left };

	q->cb(&answer, q->arg);
}

/* A triple passes by what this process knows. */
static void pass_alone(struct question *q, uint64_t now)
{
	struct mr_greylist *g = q->greylist;
	struct entry *client = q->rules.clients_after > 0 ? use(g, q->client, &q->rules, now) : NULL;

	set(g, q->triple, &q->rules, GREY_PASSED, now, false);
	if (client && client->state == GREY_NEW && (client->triples == 0 || now - client->since >= COUNT_MS)) {
		client->since = now;
		if (++client->triples >= q->rules.clients_after)
			client->state = GREY_PASSED;
	}
	tell(q, MR_GREY_PASS, 0);
}

static void decide_alone(struct question *q)
{
	struct mr_greylist *g = q->greylist;
	const struct mr_grey_rules *rules = &q->rules;
	uint64_t now = mr_now_ms();
	const struct entry *client = rules->clients_after > 0 ? find(g, q->client, rules, now) : NULL;
	const struct entry *e = find(g, q->triple, rules, now);

	if (client && client->state == GREY_PASSED) {
		set(g, q->client, rules, GREY_PASSED, now, false);
		tell(q, MR_GREY_PASS, 0);
	} else if (e && (e->state == GREY_PASSED || now - e->since >= rules->delay)) {
		pass_alone(q, now);
	} else if (e) {
		tell(q, MR_GREY_WAIT, rules->delay - (now - e->since));
	} else if (q->learn_alone || !g->script.redis) {
		set(g, q->triple, rules, GREY_WAITING, now, false);
		tell(q, MR_GREY_WAIT, rules->delay);
	} else {
		tell(q, MR_GREY_UNKNOWN, 0);
	}
}

static void on_answer(struct mr_script_ask *a, const int64_t *v)
{
	struct question *q = (struct question *)a;
	struct mr_greylist *g = q->greylist;
	uint64_t now = mr_now_ms(), left;

	if (!v || (v[0] != GREY_WAITING && v[0] != GREY_PASSED)) {
		decide_alone(q);
	} else if (v[0] == GREY_WAITING) {
		left = (uint64_t)v[1] < q->rules.delay ? (uint64_t)v[1] : q->rules.delay;
		set(g, q->triple, &q->rules, GREY_WAITING, now - (q->rules.delay - left), true);
		tell(q, MR_GREY_WAIT, left);
	} else {
		set(g, v[2] ? q->client : q->triple, &q->rules, GREY_PASSED, now, true);
		tell(q, MR_GREY_PASS, 0);
	}
}

static struct mr_slice hashed_name(struct question *q, const char *kind, const uint8_t *key)
{
	struct mr_buf name = MR_BUF(KEY_MAX);
	struct mr_slice whole;

	mr_buf_puts(&name, kind);
	mr_hex_add(&name, (struct mr_slice){ (const char *)key, MR_SHA1_LEN });
	whole = mr_script_name(&q->ask, mr_buf_slice(&name));
	mr_buf_done(&name);
	return whole;
}

static void send_question(struct question *q, uint64_t timeout_ms)
{
	const struct mr_grey_rules *rules = &q->rules;
	uint64_t now = mr_now_ms();
	const struct entry *e = find(q->greylist, q->triple, rules, now);

	mr_script_word(&q->ask, hashed_name(q, "grey:triple:", q->triple));
	mr_script_word(&q->ask, hashed_name(q, "grey:client:", q->client));
	mr_script_number(&q->ask, rules->delay);
	mr_script_number(&q->ask, rules->retry);
	mr_script_number(&q->ask, rules->max_age);
	mr_script_number(&q->ask, (uint64_t)rules->clients_after);
	if (e && e->state != GREY_PASSED)
		mr_script_number(&q->ask, now - e->since);
	else
		mr_script_word(&q->ask, e ? MR_LIT("+") : MR_LIT(""));
	q->ask.done = on_answer;
	q->ask.answers = 3;
	mr_script_ask_send(&q->ask, 2, timeout_ms);
}

/* What Redis said lately and would say again. */
static bool known_still(const struct entry *e, uint64_t now)
{
	return e && e->state == GREY_PASSED && e->told > 0 && now - e->told < BELIEVE_MS;
}

static bool decided_from_memory(struct question *q)
{
	struct mr_greylist *g = q->greylist;
	const struct mr_grey_rules *rules = &q->rules;
	uint64_t now = mr_now_ms();
	struct entry *e = find(g, q->triple, rules, now), *client = rules->clients_after > 0 ? find(g, q->client, rules, now) : NULL;

	if (known_still(client, now) || known_still(e, now)) {
		tell(q, MR_GREY_PASS, 0);
		return true;
	}
	if (e && e->state == GREY_WAITING && e->told > 0 && now - e->since < rules->delay && !(client && client->state == GREY_PASSED)) {
		tell(q, MR_GREY_WAIT, rules->delay - (now - e->since));
		return true;
	}
	return false;
}

static void digest(uint8_t out[MR_SHA1_LEN], struct mr_slice a, struct mr_slice b, struct mr_slice c)
{
	struct mr_buf text = MR_BUF(65536);

	mr_buf_add(&text, a);
	mr_buf_putc(&text, '\n');
	mr_buf_add(&text, b);
	mr_buf_putc(&text, '\n');
	mr_buf_add(&text, c);
	mr_sha1(mr_buf_slice(&text), out);
	mr_buf_done(&text);
}

void mr_greylist_ask(struct mr_greylist *g, const struct mr_grey_rules *rules, const struct mr_grey_triple *t, uint64_t timeout_ms,
		     mr_grey_cb *cb, void *arg)
{
	struct question *q = mr_script_ask_new(&g->script, sizeof(*q), WORDS);
	bool decided;

	q->greylist = g;
	q->cb = cb;
	q->arg = arg;
	q->rules = *rules;
	q->learn_alone = t->learn_alone;
	digest(q->triple, t->client, t->sender, t->domain);
	digest(q->client, t->client, MR_LIT(""), MR_LIT(""));
	decided = !g->script.redis || decided_from_memory(q);
	if (!g->script.redis)
		decide_alone(q);
	if (decided)
		mr_script_ask_drop(&q->ask);
	else
		send_question(q, timeout_ms);
}
