/* redis-script: see redis-script.h */

/* system */
#include <string.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "rt/redis-script.h"

#define HEAD 3 /* words that stand before the keys: EVALSHA, the hash, their number */

void mr_script_init(struct mr_script *s, struct mr_loop *l, struct mr_redis *redis, const char *prefix, const char *text)
{
	struct mr_buf hex = MR_BUF(sizeof(s->sha));
	uint8_t sha[MR_SHA1_LEN] = { 0 };

	*s = (struct mr_script){ .loop = l, .redis = redis, .prefix = mr_strdup(prefix), .text = text };
	mr_sha1(mr_slice_of(text), sha);
	mr_hex_add(&hex, (struct mr_slice){ (const char *)sha, sizeof(sha) });
	memcpy(s->sha, hex.p, sizeof(s->sha));
	mr_buf_done(&hex);
}

void mr_script_ask_drop(struct mr_script_ask *a)
{
	DL_DELETE(a->script->asks, a);
	mr_timer_cancel(&a->timer);
	mr_arena_free(a->arena);
}

void mr_script_done(struct mr_script *s)
{
	struct mr_script_ask *a, *next;

	DL_FOREACH_SAFE (s->asks, a, next)
		mr_script_ask_drop(a);
	free(s->prefix);
}

void *mr_script_ask_new(struct mr_script *s, size_t size, size_t max)
{
	struct mr_arena *arena = mr_arena_new(0);
	struct mr_script_ask *a = mr_arena_alloc(arena, size);

	a->script = s;
	a->arena = arena;
	a->n = HEAD;
	a->max = HEAD + max;
	a->words = mr_arena_alloc(arena, a->max * sizeof(*a->words));
	DL_APPEND(s->asks, a);
	return a;
}

struct mr_slice mr_script_name(struct mr_script_ask *a, struct mr_slice name)
{
	size_t n = strlen(a->script->prefix);
	char *p = mr_arena_alloc(a->arena, n + name.n + 1);

	memcpy(p, a->script->prefix, n);
	if (name.n > 0)
		memcpy(p + n, name.p, name.n);
	return (struct mr_slice){ p, n + name.n };
}

void mr_script_word(struct mr_script_ask *a, struct mr_slice word)
{
	if (a->n < a->max)
		a->words[a->n++] = word;
}

/* By hand: a question has many of them. */
static struct mr_slice number(struct mr_arena *arena, uint64_t n)
{
	char text[20], *p = text + sizeof(text);
	size_t size;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	size = (size_t)(text + sizeof(text) - p);
	return (struct mr_slice){ mr_arena_slice(arena, (struct mr_slice){ p, size }), size };
}

void mr_script_number(struct mr_script_ask *a, uint64_t n)
{
	mr_script_word(a, number(a->arena, n));
}

static void tell(struct mr_script_ask *a, const int64_t *v)
{
	a->done(a, v);
	mr_script_ask_drop(a);
}

static const int64_t *numbers(const struct mr_script_ask *a, const struct mr_redis_reply *r)
{
	int64_t *v = mr_arena_alloc(a->arena, (a->answers + 1) * sizeof(*v));

	if (!r->ok || r->type != MR_REDIS_ARRAY || r->n_items != a->answers)
		return NULL;
	for (size_t i = 0; i < r->n_items; i++) {
		if (r->items[i].type != MR_REDIS_INT || r->items[i].integer < 0)
			return NULL;
		v[i] = r->items[i].integer;
	}
	return v;
}

static void run(struct mr_script_ask *a, bool whole);

static void on_reply(const struct mr_redis_reply *r, void *arg)
{
	struct mr_script_ask *a = arg;

	if (!a->whole && !r->ok && mr_slice_starts(r->text, MR_LIT("NOSCRIPT")))
		run(a, true);
	else
		tell(a, numbers(a, r));
}

static void run(struct mr_script_ask *a, bool whole)
{
	a->whole = whole;
	a->words[0] = whole ? MR_LIT("EVAL") : MR_LIT("EVALSHA");
	a->words[1] = mr_slice_of(whole ? a->script->text : a->script->sha);
	mr_redis_command(a->script->redis, a->timeout, on_reply, a, a->n, a->words);
}

static void on_timer(void *arg)
{
	struct mr_script_ask *a = arg;

	a->timer = NULL;
	tell(a, NULL);
}

void mr_script_ask_send(struct mr_script_ask *a, size_t n_keys, uint64_t timeout_ms)
{
	a->timeout = timeout_ms;
	a->words[2] = number(a->arena, n_keys);
	if (a->script->redis)
		run(a, false);
	else
		a->timer = mr_timer_start(a->script->loop, 0, on_timer, a);
}
