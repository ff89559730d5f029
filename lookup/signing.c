/* signing: see signing.h. */
#include "signing.h"

/* ours */
#include "base/mem.h"
#include "stats.h"
#include "store/read.h"

struct mr_signing {
	struct mr_loop *loop;
	struct mr_db_pool *pool;
	uint64_t interval_ms;
	struct mr_timer *timer;
	struct mr_dkim_counts counts;
	bool known; /* they were read */
};

static void on_time(void *arg);

static void wait_on(struct mr_signing *s)
{
	s->timer = mr_timer_start(s->loop, s->interval_ms, on_time, s);
}

static void count(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct mr_signing *s = arg;

	s->known = db && mr_read_dkim_counts(db, &s->counts, NULL) == 0;
}

static void counted(void *arg)
{
	struct mr_signing *s = arg;

	if (s->known) {
		mr_stat_keys_waiting = (int64_t)s->counts.waiting;
		mr_stat_keys_unseen = (int64_t)s->counts.unseen;
	}
	wait_on(s);
}

static void on_time(void *arg)
{
	struct mr_signing *s = arg;

	s->timer = NULL;
	if (mr_db_pool_submit(s->pool, &(struct mr_db_job){ .job = count, .done = counted, .arg = s }) < 0)
		wait_on(s);
}

struct mr_signing *mr_signing_new(struct mr_loop *l, struct mr_db_pool *pool, uint64_t interval_ms)
{
	struct mr_signing *s = mr_new(struct mr_signing, 1);

	*s = (struct mr_signing){ .loop = l, .pool = pool, .interval_ms = interval_ms };
	s->timer = mr_timer_start(l, 0, on_time, s);
	return s;
}

void mr_signing_free(struct mr_signing *s)
{
	if (s)
		mr_timer_cancel(&s->timer);
	free(s);
}
