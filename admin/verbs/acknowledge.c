/* Waiting for every lookup. */
#include "acknowledge.h"

/* system */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ours */
#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/parse.h"
#include "control.h"
#include "rt/clock.h"
#include "rt/redis.h"

#define HOSTS_MAX 64
#define REDIS_MS  500 /* a step */
#define ALIVE_S   10  /* who has not been heard of for longer is not waited for; a lookup says something every 3 s */
#define PAUSE_MAX 50  /* ms between two questions */
#define HOST_MAX  256

struct host {
	char name[HOST_MAX];
	uint64_t silent_s;
	bool done;
};

struct waiting {
	const struct verbs_conf *conf;
	struct mr_arena *arena;
	char token[64], own[HOST_MAX];
	const char *ask; /* to the lookup of this host, until it has done it */
	char text[64];
	uint64_t round; /* sync: the one that does it, once it was told */
	bool local, local_done;
	char local_why[MR_DIAG_MAX];
	struct mr_redis_session *redis;
	struct mr_diag redis_why; /* "" = none is configured, or all is well */
	struct host hosts[HOSTS_MAX];
	size_t n_hosts;
	bool sync;
};

static char *key_of(struct waiting *w, const char *kind, const char *token)
{
	return mr_arena_printf(w->arena, "%s%s%s", w->conf->shared.redis_prefix, kind, token);
}

static int redis_ask(struct waiting *w, size_t n, const struct mr_slice *argv, struct mr_redis_reply *out)
{
	int r = w->redis ? mr_redis_ask(w->redis, n, argv, w->arena, out, &w->redis_why) : -EAGAIN;

	if (r < 0) {
		mr_redis_close(w->redis);
		w->redis = NULL;
	}
	return r;
}

/* Who is known: pairs of name and time, and the time now. */
static void list_hosts(struct waiting *w)
{
	const struct mr_slice now_is[] = { MR_LIT("TIME") };
	const struct mr_slice list[] = { MR_LIT("ZRANGE"), mr_slice_of(key_of(w, "lookups", "")), MR_LIT("0"), MR_LIT("-1"),
					 MR_LIT("WITHSCORES") };
	struct mr_redis_reply r;
	uint64_t now = 0, seen;

	if (redis_ask(w, MR_COUNT(now_is), now_is, &r) < 0 || r.n_items < 1)
		return;
	mr_parse_u64(r.items[0].text, 0, INT64_MAX, &now);
	if (redis_ask(w, MR_COUNT(list), list, &r) < 0)
		return;
	for (size_t i = 0; i + 1 < r.n_items && w->n_hosts < HOSTS_MAX; i += 2) {
		struct host *h = &w->hosts[w->n_hosts++];
		snprintf(h->name, sizeof(h->name), "%.*s", (int)r.items[i].text.n, r.items[i].text.p);
		seen = now;
		mr_parse_u64(r.items[i + 1].text, 0, INT64_MAX, &seen);
		h->silent_s = now > seen ? now - seen : 0;
	}
}

static void tell_all(struct waiting *w)
{
	const struct mr_slice tell[] = { MR_LIT("PUBLISH"), mr_slice_of(key_of(w, "changed", "")), mr_slice_of(w->token) };
	struct mr_redis_reply r;

	redis_ask(w, MR_COUNT(tell), tell, &r);
}

static void see_acknowledged(struct waiting *w)
{
	const struct mr_slice list[] = { MR_LIT("SMEMBERS"), mr_slice_of(key_of(w, "ack:", w->token)) };
	struct mr_redis_reply r;

	if (!w->redis || redis_ask(w, MR_COUNT(list), list, &r) < 0)
		return;
	for (size_t i = 0; i < r.n_items; i++)
		for (size_t h = 0; h < w->n_hosts; h++)
			if (mr_slice_eq(r.items[i].text, mr_slice_of(w->hosts[h].name)))
				w->hosts[h].done = true;
}

static bool took_notice(struct waiting *w, struct mr_slice answer)
{
	uint64_t rounds = 0;

	if (!w->sync)
		return mr_slice_eq(control_value(answer, "applied"), MR_LIT("1"));
	if (w->round == 0) {
		mr_parse_u64(control_value(answer, "round"), 1, UINT64_MAX, &w->round);
		w->ask = "status";
		return false;
	}
	mr_parse_u64(control_value(answer, "rounds"), 0, UINT64_MAX, &rounds);
	return rounds >= w->round;
}

/* No socket, or nobody at it: no lookup runs here. */
static void ask_local(struct waiting *w)
{
	struct mr_buf answer = { 0 };
	struct mr_diag why = { 0 };
	int r;

	if (!w->local || w->local_done)
		return;
	r = control_ask(w->conf->shared.run_dir, "lookup", w->ask, &answer, &why);
	if (r == -ENOENT || r == -ECONNREFUSED || r == -EACCES)
		w->local = false;
	else if (r == 0)
		w->local_done = took_notice(w, mr_buf_slice(&answer));
	snprintf(w->local_why, sizeof(w->local_why), "%s", r < 0 ? why.text : "");
	for (size_t h = 0; w->local_done && h < w->n_hosts; h++)
		if (mr_slice_ieq(mr_slice_of(w->hosts[h].name), mr_slice_of(w->own)))
			w->hosts[h].done = true;
	mr_buf_done(&answer);
}

static bool all_done(const struct waiting *w)
{
	bool done = !w->local || w->local_done;

	for (size_t h = 0; h < w->n_hosts; h++)
		done = done && (w->hosts[h].done || w->hosts[h].silent_s > ALIVE_S);
	return done;
}

static void wait_for_all(struct waiting *w, uint64_t timeout_ms)
{
	const uint64_t until = mr_now_ms() + timeout_ms;
	uint64_t pause = 2;

	for (;;) {
		ask_local(w);
		see_acknowledged(w);
		if (all_done(w) || mr_now_ms() >= until)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = (long)pause * 1000000 }, NULL);
		pause = pause * 2 > PAUSE_MAX ? PAUSE_MAX : pause * 2;
	}
}

static void add_missing(struct mr_buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_missing(struct mr_buf *out, const char *fmt, ...)
{
	va_list ap;

	if (out->n)
		mr_buf_puts(out, ", ");
	va_start(ap, fmt);
	mr_buf_vprintf(out, fmt, ap);
	va_end(ap);
}

static void say_missing(const struct waiting *w, struct mr_buf *out)
{
	bool own = false;

	for (size_t h = 0; h < w->n_hosts; h++) {
		own = own || mr_slice_ieq(mr_slice_of(w->hosts[h].name), mr_slice_of(w->own));
		if (!w->hosts[h].done)
			add_missing(out, "%s (last heard of %" PRIu64 " s ago)", w->hosts[h].name, w->hosts[h].silent_s);
	}
	if (w->local && !w->local_done && !own)
		add_missing(out, "%s%s%s", w->own, w->local_why[0] ? ": " : "", w->local_why);
	if (w->redis_why.text[0])
		add_missing(out, "other hosts, which cannot be asked: %s", w->redis_why.text);
}

static void run(struct waiting *w, uint64_t timeout_ms, struct mr_buf *missing)
{
	const struct mr_redis_config redis = mr_redis_config(&w->conf->shared);

	w->arena = mr_arena_new(0);
	w->local = true;
	snprintf(w->own, sizeof(w->own), "%s", w->conf->shared.hostname);
	if (!w->own[0])
		gethostname(w->own, sizeof(w->own) - 1);
	if (mr_redis_wanted(&redis) && mr_redis_open(&redis, REDIS_MS, &w->redis, &w->redis_why) == 0) {
		list_hosts(w);
		tell_all(w);
	}
	if (timeout_ms > 0) {
		wait_for_all(w, timeout_ms);
		say_missing(w, missing);
	} else if (!w->sync) {
		ask_local(w); /* which wakes it up */
	}
	for (size_t h = 0; w->sync && h < w->n_hosts; h++)
		if (w->hosts[h].done)
			printf("%s\n", w->hosts[h].name);
	if (w->sync && w->local_done && w->n_hosts == 0)
		printf("%s\n", w->own);
	mr_redis_close(w->redis);
	mr_arena_free(w->arena);
}

void acknowledge_change(const struct verbs_conf *conf, uint64_t change, uint64_t timeout_ms, struct mr_buf *missing)
{
	struct waiting w = { .conf = conf };

	snprintf(w.token, sizeof(w.token), "%" PRIu64, change);
	snprintf(w.text, sizeof(w.text), "applied %" PRIu64, change);
	w.ask = w.text;
	run(&w, timeout_ms, missing);
}

void acknowledge_sync(const struct verbs_conf *conf, uint64_t timeout_ms, struct mr_buf *missing)
{
	struct waiting w = { .conf = conf, .sync = true, .ask = "sync" };
	uint64_t random = 0;

	mr_random(&random, sizeof(random));
	snprintf(w.token, sizeof(w.token), "sync:%016" PRIx64, random);
	run(&w, timeout_ms, missing);
}

int acknowledge_forget(const struct verbs_conf *conf, const char *host, bool *was, struct mr_diag *diag)
{
	const struct mr_redis_config redis = mr_redis_config(&conf->shared);
	mr_autoarena arena = mr_arena_new(0);
	const char *key = mr_arena_printf(arena, "%slookups", conf->shared.redis_prefix);
	const struct mr_slice argv[] = { MR_LIT("ZREM"), mr_slice_of(key), mr_slice_of(host) };
	struct mr_redis_session *s = NULL;
	struct mr_redis_reply reply;
	int r = mr_redis_wanted(&redis) ? mr_redis_open(&redis, REDIS_MS, &s, diag) : mr_diag_set(diag, -ENOENT, "no Redis is configured");

	if (r == 0)
		r = mr_redis_ask(s, MR_COUNT(argv), argv, arena, &reply, diag);
	if (r == 0)
		*was = reply.integer == 1;
	mr_redis_close(s);
	return r;
}
