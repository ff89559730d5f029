#include "sweep.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/clock.h"
#include "rt/log.h"

#define SOON_MS    1000
#define ANSWER_MS  70000       /* longer than the root helper lives through its programs */
#define ANSWER_MAX (16u << 20) /* bytes */
#define AT_ONCE    32          /* accounts being looked up */
#define GONE       MR_LIT("gone")

struct mr_sweep {
	struct mr_loop *loop;
	struct mr_asker *asker;
	struct mr_questions *questions;
	const struct mr_directory_context *context;
	struct mr_revoke *revoke;
	struct mr_timer *timer;
	uint64_t interval_ms;
	bool soon; /* one was asked for while another was under way */
	bool busy;
	struct mr_buf users;
	struct mr_slice rest; /* of these: a line each */
	unsigned open;
	bool pumping, dead;
	bool failed; /* the last one, which is said once */
};

static void on_timer(void *arg);

static void arm(struct mr_sweep *s)
{
	uint64_t after = s->soon ? SOON_MS : s->interval_ms;

	mr_timer_cancel(&s->timer);
	if (!s->busy && after > 0)
		s->timer = mr_timer_start(s->loop, after, on_timer, s);
}

static void finish(struct mr_sweep *s)
{
	mr_buf_done(&s->users);
	s->rest = (struct mr_slice){ 0 };
	s->busy = false;
	arm(s);
}

/* Pure: an account that is here, and is off. */
static bool look(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out)
{
	struct mr_account a;

	mr_account_find(w, ask->what, ask->key, &a);
	if (a.waiting)
		return false;
	if (a.status == MR_DIR_OK && !a.account.enabled && !w->view->stale)
		mr_buf_add(out, GONE);
	return true;
}

static void pump(struct mr_sweep *s);

static void on_account(const struct mr_ask *ask, struct mr_slice bytes)
{
	struct mr_sweep *s = ask->to;

	s->open--;
	if (s->dead) {
		if (s->open == 0)
			free(s);
		return;
	}
	if (mr_slice_eq(bytes, GONE))
		mr_revoke_sessions(s->revoke, ask->key);
	pump(s);
}

/* Answers out of memory come while their question is asked. */
static void pump(struct mr_sweep *s)
{
	struct mr_slice user;

	if (s->pumping)
		return;
	s->pumping = true;
	while (s->open < AT_ONCE && s->rest.n > 0 && mr_slice_next(&s->rest, '\n', &user)) {
		s->open++;
		mr_question_start(s->questions,
				  &(struct mr_ask){ .run = look, .answer = on_account, .key = user, .what = s->context, .to = s });
	}
	s->pumping = false;
	if (s->open == 0)
		finish(s);
}

/* Where there is no root helper nobody's sessions can be dropped, which revoke has said when it mattered. */
static void on_sessions(int err, struct mr_slice text, void *arg)
{
	struct mr_sweep *s = arg;
	bool away = err == -ENOENT || err == -ECONNREFUSED || err == -EACCES;

	if (err < 0 && !away && !s->failed)
		mr_log(MR_LOG_WARNING, "sessions-not-looked-at", mr_err("error", err), mr_sl("why", text),
		       mr_s("effect", "sessions of accounts that have expired stay open"));
	s->failed = err < 0;
	s->users = MR_BUF(ANSWER_MAX);
	if (err == 0)
		mr_buf_add(&s->users, text);
	s->rest = mr_buf_slice(&s->users);
	pump(s);
}

static void on_timer(void *arg)
{
	struct mr_sweep *s = arg;

	s->timer = NULL;
	s->soon = false;
	s->busy = true;
	mr_asker_ask(s->asker, "sessions", ANSWER_MS, on_sessions, s);
}

struct mr_sweep *mr_sweep_new(struct mr_loop *l, const struct mr_sweep_config *c)
{
	struct mr_sweep *s = mr_new(struct mr_sweep, 1);

	s->loop = l;
	s->asker = mr_asker_new(l, c->hostd_socket, 1, ANSWER_MAX);
	s->questions = c->questions;
	s->context = c->context;
	s->revoke = c->revoke;
	mr_sweep_configure(s, c->interval_ms);
	return s;
}

void mr_sweep_free(struct mr_sweep *s)
{
	if (!s)
		return;
	mr_timer_cancel(&s->timer);
	mr_asker_free(s->asker);
	mr_buf_done(&s->users);
	s->dead = s->open > 0; /* the last question frees it */
	if (!s->dead)
		free(s);
}

void mr_sweep_configure(struct mr_sweep *s, uint64_t interval_ms)
{
	s->interval_ms = interval_ms;
	arm(s);
}

void mr_sweep_soon(struct mr_sweep *s)
{
	s->soon = true;
	arm(s);
}
