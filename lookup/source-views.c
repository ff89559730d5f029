/* source-views: rows of the site's own views. How long such a view takes is the site's doing: only few are read at a time, the others wait
 * here, so that they never take all the connections from mailboxes and domains. */
#include "source-pool.h"

/* system */
#include <errno.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/log.h"

#define ARENA_MAX   (2u << 20) /* bytes of one read */
#define AT_ONCE     2
#define WAITING_MAX 10000
#define SAID_MS     60000 /* a view that cannot be read is named in the log once in so long */

struct view_job {
	struct pool_source *source;
	struct mr_source_row ask;
	char *key; /* name of the view, space, what is asked */
	int err;
	struct mr_row *row;
	struct mr_diag why;
	struct view_job *next, *prev;
};

static void run(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct view_job *j = arg;
	mr_autoarena arena = mr_arena_new(ARENA_MAX);
	struct mr_slice key = mr_slice_of(j->key), view = { "", 0 };
	struct mr_row_view v = { 0 };

	if (db == NULL)
		return;
	(void)mr_slice_next(&key, ' ', &view);
	j->err = mr_read_view(db, mr_arena_slice(arena, view), mr_arena_slice(arena, key), arena, &v.value, &j->why);
	if (j->err == 0)
		j->row = mr_row_of_view(&v);
	else if (j->err == -ENOENT)
		j->row = mr_row_absent(MR_ROW_VIEW);
	j->err = j->row ? 0 : -EAGAIN;
}

/* What the administrator can set right. */
static void say(const struct view_job *j)
{
	struct pool_source *s = j->source;
	uint64_t now = mr_now_ms();

	if (j->err == 0 || j->why.text[0] == '\0' || (s->view_said_ms != 0 && now - s->view_said_ms <= SAID_MS))
		return;
	s->view_said_ms = now;
	mr_log(MR_LOG_WARNING, "view-not-read", mr_s("key", j->key), mr_s("why", j->why.text));
}

/* Tells whoever asked, who may ask for more. */
static void finish(struct view_job *j)
{
	j->ask.done(j->ask.arg, j->err, j->row);
	free(j->key);
	free(j);
}

static void done(void *arg);

static void start_waiting(struct pool_source *s)
{
	while (s->views_waiting != NULL && s->views_under_way < AT_ONCE) {
		struct view_job *j = s->views_waiting;
		DL_DELETE(s->views_waiting, j);
		s->n_views_waiting--;
		s->views_under_way++;
		if (mr_db_pool_submit(s->pool, &(struct mr_db_job){ .job = run, .done = done, .arg = j }) != 0) {
			s->views_under_way--;
			finish(j);
		}
	}
}

static void done(void *arg)
{
	struct view_job *j = arg;
	struct pool_source *s = j->source;

	s->views_under_way--;
	say(j);
	finish(j);
	start_waiting(s);
}

/* One that has to wait is submitted from done() of another, so never from inside here: who asks is told later. */
int pool_read_view(struct pool_source *s, const struct mr_source_row *r)
{
	struct view_job *j;

	if (s->n_views_waiting >= WAITING_MAX)
		return -EAGAIN;
	j = mr_new(struct view_job, 1);
	*j = (struct view_job){ .source = s, .ask = *r, .key = mr_slice_dup(r->key), .err = -EAGAIN };
	if (s->views_under_way < AT_ONCE) {
		int err = mr_db_pool_submit(s->pool, &(struct mr_db_job){ .job = run, .done = done, .arg = j });
		if (err != 0) {
			free(j->key);
			free(j);
			return err;
		}
		s->views_under_way++;
		return 0;
	}
	DL_APPEND(s->views_waiting, j);
	s->n_views_waiting++;
	return 0;
}

void pool_views_end(struct pool_source *s)
{
	while (s->views_waiting != NULL) {
		struct view_job *j = s->views_waiting;
		DL_DELETE(s->views_waiting, j);
		s->n_views_waiting--;
		finish(j);
	}
}
