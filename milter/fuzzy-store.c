/* fuzzy-store: see fuzzy-store.h */

/* system */
#include <endian.h>
#include <stdio.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "fuzzy-store.h"
#include "rt/clock.h"
#include "rt/redis-script.h"

#define NAME_BYTES 96                                               /* bytes of a name in Redis without its prefix */
#define WORDS      (1 + MR_FUZZY_SHINGLES + MR_FUZZY_FILES_MAX + 9) /* keys and arguments */

/* KEYS: "any", the shingles, the files. ARGV: what is done, number of shingles, weight, ms to keep, ID of a new entry, name of entries
 * without their ID, shingles that make it the same, those that make it alike, IDs of one shingle at most. Answers { shingles, weight,
 * weight of files, is anything known }. */
static const char script[] =
    "local op, n, weight, keep = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]\n"
    "local new, entry, same, like, most = ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])\n"
    "local lists = n > 0 and redis.call('MGET', unpack(KEYS, 2, n + 1)) or {}\n"
    /* The entry to which most shingles lead, `least` of them and `from` its weight at the least: its ID, their number, its weight. */
    "local function best(least, from)\n"
    "  local hits, found, count, heavy = {}, nil, 0, 0\n"
    "  for i = 1, n do\n"
    "    for id in string.gmatch(lists[i] or '', '%S+') do hits[id] = (hits[id] or 0) + 1 end\n"
    "  end\n"
    "  for id, k in pairs(hits) do\n"
    "    if k >= least and k >= count then\n"
    "      local w = tonumber(redis.call('GET', entry .. id)) or 0\n"
    "      if w >= from and (k > count or w > heavy or (w == heavy and id < found)) then found, count, heavy = id, k, w end\n"
    "    end\n"
    "  end\n"
    "  return found, count, heavy\n"
    "end\n"
    /* The IDs of shingle i but for one. */
    "local function without(i, id)\n"
    "  local ids = {}\n"
    "  for other in string.gmatch(lists[i] or '', '%S+') do\n"
    "    if other ~= id then ids[#ids + 1] = other end\n"
    "  end\n"
    "  return ids\n"
    "end\n"
    "local found, count, heavy = best(op == 'check' and like or same, op == 'check' and weight or 1)\n"
    "if op == 'add' then\n"
    "  found, count = found or new, n\n"
    "  for i = 1, n do\n"
    "    local ids = without(i, found)\n"
    "    table.insert(ids, 1, found)\n"
    "    redis.call('SET', KEYS[i + 1], table.concat(ids, ' ', 1, math.min(#ids, most)), 'PX', keep)\n"
    "  end\n"
    "  if n > 0 then\n"
    "    heavy = redis.call('INCRBY', entry .. found, weight)\n"
    "    redis.call('PEXPIRE', entry .. found, keep)\n"
    "  end\n"
    "  redis.call('SET', KEYS[1], 1, 'PX', keep)\n"
    "elseif op == 'forget' and found then\n"
    "  for i = 1, n do\n"
    "    local ids = without(i, found)\n"
    "    if #ids == 0 then redis.call('DEL', KEYS[i + 1])\n"
    "    else redis.call('SET', KEYS[i + 1], table.concat(ids, ' '), 'KEEPTTL') end\n"
    "  end\n"
    "  redis.call('DEL', entry .. found)\n"
    "end\n"
    "local file = 0\n"
    "for i = n + 2, #KEYS do\n"
    "  if op == 'add' then\n"
    "    redis.call('INCRBY', KEYS[i], weight)\n"
    "    redis.call('PEXPIRE', KEYS[i], keep)\n"
    "  end\n"
    "  local w = tonumber(redis.call('GET', KEYS[i])) or 0\n"
    "  if w > file and (op ~= 'check' or w >= weight) then file = w end\n"
    "  if op == 'forget' then redis.call('DEL', KEYS[i]) end\n"
    "end\n"
    "return { count, heavy, file, redis.call('EXISTS', KEYS[1]) }\n";

struct mr_fuzzy_question {
	struct mr_script_ask ask; /* first */
	struct mr_fuzzy_store *store;
	mr_fuzzy_cb *cb; /* NULL: nobody waits for it any more */
	void *arg;
};

struct mr_fuzzy_store {
	struct mr_script script;
	uint64_t quiet_until; /* ms: Redis is not asked whether something is known */
};

struct mr_fuzzy_store *mr_fuzzy_store_new(struct mr_loop *l, struct mr_redis *redis, const char *prefix)
{
	struct mr_fuzzy_store *s = mr_alloc(sizeof(*s));

	mr_script_init(&s->script, l, redis, prefix, script);
	return s;
}

void mr_fuzzy_store_free(struct mr_fuzzy_store *s)
{
	if (!s)
		return;
	mr_script_done(&s->script);
	free(s);
}

static void on_answer(struct mr_script_ask *a, const int64_t *v)
{
	struct mr_fuzzy_question *q = (struct mr_fuzzy_question *)a;
	struct mr_fuzzy_known known = { 0 };

	q->store->quiet_until = v && v[3] ? 0 : mr_now_ms() + MR_FUZZY_QUIET_MS;
	if (v)
		known = (struct mr_fuzzy_known){ v[0] < MR_FUZZY_SHINGLES ? (unsigned)v[0] : MR_FUZZY_SHINGLES, v[1], v[2] };
	if (q->cb)
		q->cb(v ? &known : NULL, q->arg);
}

static void add_name(struct mr_fuzzy_question *q, const char *kind, struct mr_slice bytes)
{
	struct mr_buf name = MR_BUF(NAME_BYTES);

	mr_buf_puts(&name, kind);
	mr_hex_add(&name, bytes);
	mr_script_word(&q->ask, mr_script_name(&q->ask, mr_buf_slice(&name)));
	mr_buf_done(&name);
}

static void add_names(struct mr_fuzzy_question *q, const struct mr_fuzzy *f)
{
	char kind[32];

	mr_script_word(&q->ask, mr_script_name(&q->ask, MR_LIT("fuzzy:any")));
	for (size_t i = 0; i < MR_FUZZY_SHINGLES && f->text; i++) {
		uint64_t bytes = htobe64(f->shingles[i]);

		snprintf(kind, sizeof(kind), "fuzzy:t:%zu:", i);
		add_name(q, kind, (struct mr_slice){ (const char *)&bytes, sizeof(bytes) });
	}
	for (size_t i = 0; i < f->n_files; i++)
		add_name(q, "fuzzy:f:", (struct mr_slice){ (const char *)f->files[i], MR_SHA256_LEN });
}

/* 16 digits: of the same text always the same. */
static struct mr_slice new_id(const struct mr_fuzzy *f, struct mr_arena *arena)
{
	uint64_t bytes[MR_FUZZY_SHINGLES];

	for (size_t i = 0; i < MR_FUZZY_SHINGLES; i++)
		bytes[i] = htobe64(f->shingles[i]);
	return mr_digest((struct mr_slice){ (const char *)bytes, sizeof(bytes) }, arena);
}

struct what {
	const char *op;
	uint64_t weight, keep, timeout;
};

static struct mr_fuzzy_question *ask(struct mr_fuzzy_store *s, const struct mr_fuzzy *f, const struct what *what, mr_fuzzy_cb *cb,
				     void *arg)
{
	struct mr_fuzzy_question *q = mr_script_ask_new(&s->script, sizeof(*q), WORDS);
	size_t shingles = f->text ? MR_FUZZY_SHINGLES : 0;

	q->store = s;
	q->cb = cb;
	q->arg = arg;
	q->ask.done = on_answer;
	q->ask.answers = 4;
	add_names(q, f);
	mr_script_word(&q->ask, mr_slice_of(what->op));
	mr_script_number(&q->ask, shingles);
	mr_script_number(&q->ask, what->weight);
	mr_script_number(&q->ask, what->keep);
	mr_script_word(&q->ask, new_id(f, q->ask.arena));
	mr_script_word(&q->ask, mr_script_name(&q->ask, MR_LIT("fuzzy:e:")));
	mr_script_number(&q->ask, MR_FUZZY_SAME);
	mr_script_number(&q->ask, MR_FUZZY_LIKE);
	mr_script_number(&q->ask, MR_FUZZY_IDS_MAX);
	mr_script_ask_send(&q->ask, 1 + shingles + f->n_files, what->timeout);
	return q;
}

struct mr_fuzzy_question *mr_fuzzy_check(struct mr_fuzzy_store *s, const struct mr_fuzzy *f, uint64_t weight, uint64_t timeout_ms,
					 mr_fuzzy_cb *cb, void *arg)
{
	if (!s->script.redis || (!f->text && f->n_files == 0) || mr_now_ms() < s->quiet_until)
		return NULL;
	return ask(s, f, &(struct what){ "check", weight, 0, timeout_ms }, cb, arg);
}

void mr_fuzzy_add(struct mr_fuzzy_store *s, const struct mr_fuzzy *f, uint64_t weight, uint64_t keep_ms, uint64_t timeout_ms,
		  mr_fuzzy_cb *cb, void *arg)
{
	ask(s, f, &(struct what){ "add", weight, keep_ms, timeout_ms }, cb, arg);
}

void mr_fuzzy_forget(struct mr_fuzzy_store *s, const struct mr_fuzzy *f, uint64_t timeout_ms, mr_fuzzy_cb *cb, void *arg)
{
	ask(s, f, &(struct what){ "forget", 1, 0, timeout_ms }, cb, arg);
}

void mr_fuzzy_cancel(struct mr_fuzzy_question *q)
{
	q->cb = NULL;
}
