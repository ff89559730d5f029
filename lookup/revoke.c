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

#define AT_ONCE   4     /* processes of the root helper */
#define AGAIN_MS  1000  /* after the first time */
#define ANSWER_MS 70000 /* longer than it lives through two programs of the host */
#define JOBS_MAX  10000
#define LINE_MAX  360 /* a verb and an address of 320 bytes */

struct job {
	struct job *prev, *next; /* the soonest first */
	struct mr_revoke *revoke;
	uint64_t due_ms;
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

static void on_answer(int err, struct mr_slice text, void *arg)
{
	struct job *j = arg;
	struct mr_revoke *r = j->revoke;

	say(r, err, j->line, text);
	DL_DELETE(r->asked, j);
	r->n_asked--;
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

static void add(struct mr_revoke *r, const char *verb, const char *address, uint64_t after_ms)
{
	struct job *j, *at;

	if (r->n_jobs == JOBS_MAX) {
		mr_log(MR_LOG_ERROR, "revoke-failed", mr_s("asked", verb), mr_s("address", address), mr_s("why", "too many at once"));
		return;
	}
	j = mr_new(struct job, 1);
	j->revoke = r;
	j->due_ms = mr_now_ms() + after_ms;
	snprintf(j->line, sizeof(j->line), "%s %s", verb, address);
	/* From the end, where a later one belongs: before the first that is due later. */
	for (at = r->jobs ? r->jobs->prev : NULL; at && at->due_ms > j->due_ms; at = at == r->jobs ? NULL : at->prev)
		continue;
	if (at)
		DL_APPEND_ELEM(r->jobs, at, j);
	else
		DL_PREPEND(r->jobs, j);
	r->n_jobs++;
}

void mr_revoke_change(struct mr_revoke *r, const struct mr_change *change)
{
	static const char *const words[] = { "lock", "disable", "password", "del" };
	bool ours = false, lock = strcmp(change->what, "lock") == 0;

	for (size_t i = 0; i < MR_COUNT(words); i++)
		ours |= strcmp(change->what, words[i]) == 0;
	if (!ours || change->age > MR_REVOKE_AGE_MAX)
		return;
	for (unsigned i = 0; i < 2; i++) {
		add(r, "kick", change->key, i * AGAIN_MS);
		if (lock)
			add(r, "hold-sender", change->key, i * AGAIN_MS);
	}
	pump(r);
}

struct mr_revoke *mr_revoke_new(struct mr_loop *l, const char *hostd_socket)
{
	struct mr_revoke *r = mr_new(struct mr_revoke, 1);

	r->loop = l;
	r->asker = mr_asker_new(l, hostd_socket, AT_ONCE);
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
