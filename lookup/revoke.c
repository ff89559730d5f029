#include "revoke.h"

/* system */
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "stats.h"

#define AT_ONCE    4     /* processes of the root helper */
#define AGAIN_MS   1000  /* after the first time */
#define ANSWER_MS  70000 /* longer than it lives through two programs of the host */
#define ANSWER_MAX 4096  /* bytes */
#define JOBS_MAX   10000
#define LINE_MAX   400 /* a verb, an address of 320 bytes, an id */

struct job {
	struct job *prev, *next; /* the soonest first */
	struct mr_revoke *revoke;
	uint64_t due_ms;
	bool goes_on; /* where the queue is looked at in turns: with the next one */
	char line[LINE_MAX];
};

struct mr_revoke {
	struct mr_loop *loop;
	struct mr_asker *asker;
	struct mr_timer *timer;
	struct job *jobs, *asked; /* not yet asked for, under way */
	size_t n_jobs, n_asked;
	bool away; /* it was said that nobody answers */
};

static void pump(struct mr_revoke *r);

static void on_timer(void *arg)
{
	struct mr_revoke *r = arg;

	r->timer = NULL;
	pump(r);
}

static void say(struct mr_revoke *r, int err, const char *line, struct mr_slice text)
{
	bool away = err == -ENOENT || err == -ECONNREFUSED || err == -EACCES;

	if (err == 0)
		mr_log(MR_LOG_NOTICE, "revoked", mr_s("asked", line), mr_sl("answer", mr_slice_trim(text)));
	else if (!away || !r->away)
		mr_log(MR_LOG_WARNING, "revoke-failed", mr_s("asked", line), mr_err("error", err), mr_sl("why", text),
		       mr_s("effect", "open sessions and queued messages are left as they are"));
	r->away = away;
	mr_stat_revoked += err == 0;
}

static void add(struct mr_revoke *r, const char *line, uint64_t after_ms, bool goes_on)
{
	struct job *j, *at;

	if (r->n_jobs == JOBS_MAX) {
		mr_log(MR_LOG_ERROR, "revoke-failed", mr_s("asked", line), mr_s("why", "too many at once"));
		return;
	}
	j = mr_new(struct job, 1);
	j->revoke = r;
	j->due_ms = mr_now_ms() + after_ms;
	j->goes_on = goes_on;
	snprintf(j->line, sizeof(j->line), "%s", line);
	/* From the end, where a later one belongs: before the first that is due later. */
	for (at = r->jobs ? r->jobs->prev : NULL; at && at->due_ms > j->due_ms; at = at == r->jobs ? NULL : at->prev)
		continue;
	if (at)
		DL_APPEND_ELEM(r->jobs, at, j);
	else
		DL_PREPEND(r->jobs, j);
	r->n_jobs++;
}

/* The verb and the address of a line. */
static struct mr_slice without_id(const char *line)
{
	struct mr_slice all = mr_slice_of(line);
	ptrdiff_t verb = mr_slice_chr(all, ' '), id = mr_slice_rchr(all, ' ');

	return id > verb ? (struct mr_slice){ all.p, (size_t)id } : all;
}

/* A queue that is too long for one turn is gone on with, unless the turn came to nothing. */
static void go_on(struct mr_revoke *r, const struct job *j, struct mr_slice text)
{
	struct mr_slice line;
	char next[LINE_MAX];

	while (mr_slice_next(&text, '\n', &line)) {
		if (!mr_slice_starts(line, MR_LIT("more=")))
			continue;
		struct mr_slice said = without_id(j->line);
		snprintf(next, sizeof(next), "%.*s %.*s", (int)said.n, said.p, (int)line.n - 5, line.p + 5);
		if (strcmp(next, j->line) != 0)
			add(r, next, 0, true);
		else
			mr_log(MR_LOG_WARNING, "revoke-failed", mr_s("asked", j->line),
			       mr_s("why", "the queue cannot be looked at any further"));
	}
}

static void on_answer(int err, struct mr_slice text, void *arg)
{
	struct job *j = arg;
	struct mr_revoke *r = j->revoke;

	say(r, err, j->line, text);
	DL_DELETE(r->asked, j);
	r->n_asked--;
	if (err == 0 && j->goes_on)
		go_on(r, j, text);
	free(j);
	pump(r);
}

/* Asks for what is due, as far as the helper may be busy. */
static void pump(struct mr_revoke *r)
{
	uint64_t now = mr_now_ms();
	struct job *j;

	mr_timer_cancel(&r->timer);
	while ((j = r->jobs) && j->due_ms <= now && r->n_asked < AT_ONCE) {
		DL_DELETE(r->jobs, j);
		r->n_jobs--;
		DL_APPEND(r->asked, j);
		r->n_asked++;
		mr_asker_ask(r->asker, j->line, ANSWER_MS, on_answer, j);
	}
	if (r->jobs && r->n_asked < AT_ONCE)
		r->timer = mr_timer_start(r->loop, r->jobs->due_ms > now ? r->jobs->due_ms - now : 0, on_timer, r);
}

void mr_revoke_change(struct mr_revoke *r, const struct mr_change *change, uint64_t silent_ms)
{
	static const char *const words[] = { "lock", "disable", "password", "send-only", "del" };
	bool ours = false, lock = strcmp(change->what, "lock") == 0;
	char kick[LINE_MAX], hold[LINE_MAX];

	for (size_t i = 0; i < MR_COUNT(words); i++)
		ours |= strcmp(change->what, words[i]) == 0;
	if (!ours || change->age > MR_REVOKE_AGE_MAX + silent_ms / 1000)
		return;
	snprintf(kick, sizeof(kick), "kick %s", change->key);
	snprintf(hold, sizeof(hold), "hold-sender %s", change->key);
	for (unsigned i = 0; i < 2; i++) {
		add(r, kick, i * AGAIN_MS, false);
		if (lock)
			add(r, hold, i * AGAIN_MS, i == 1);
	}
	pump(r);
}

void mr_revoke_sessions(struct mr_revoke *r, struct mr_slice address)
{
	char line[LINE_MAX];

	snprintf(line, sizeof(line), "kick %.*s", (int)address.n, address.p);
	add(r, line, 0, false);
	pump(r);
}

struct mr_revoke *mr_revoke_new(struct mr_loop *l, const char *hostd_socket)
{
	struct mr_revoke *r = mr_new(struct mr_revoke, 1);

	r->loop = l;
	r->asker = mr_asker_new(l, hostd_socket, AT_ONCE, ANSWER_MAX);
	return r;
}

void mr_revoke_free(struct mr_revoke *r)
{
	struct job *j, *next;

	if (r == NULL)
		return;
	mr_timer_cancel(&r->timer);
	mr_asker_free(r->asker);
	DL_FOREACH_SAFE (r->jobs, j, next)
		free(j);
	DL_FOREACH_SAFE (r->asked, j, next)
		free(j);
	free(r);
}
