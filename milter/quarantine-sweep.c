/* quarantine-sweep: see quarantine-sweep.h. */

/* system */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ours */
#include "base/mem.h"
#include "milter-stats.h"
#include "quarantine-sweep.h"
#include "quarantine.h"
#include "rt/clock.h"
#include "rt/log.h"

#define FIRST_MS    1000
#define BETWEEN_MS  60000
#define STEP_MS     20
#define STEP_READ   200 /* entries looked at in one turn of the loop */
#define STEP_REMOVE 20

struct found {
	char id[MR_QUARANTINE_ID_MAX];
	int64_t time;
	uint64_t size;
};

struct mr_quarantine_sweep {
	struct mr_loop *loop;
	char *dir;
	struct mr_quarantine_bounds bounds;
	struct mr_timer *timer;
	DIR *reading; /* NULL: not now */
	struct found *found;
	size_t n, cap, gone, next; /* next: to be judged, oldest first, when all are read */
	uint64_t bytes;
};

static void step(void *arg);

static void step_later(struct mr_quarantine_sweep *s, uint64_t ms)
{
	s->timer = mr_timer_start(s->loop, ms, step, s);
}

/* The id begins with the time, in seconds since 1970. */
static int64_t time_of(const char *id)
{
	struct mr_slice rest = mr_slice_of(id), word;
	int64_t time = 0;

	if (mr_slice_next(&rest, '-', &word))
		mr_parse_i64(word, 0, INT64_MAX, &time);
	return time;
}

static void note(struct mr_quarantine_sweep *s, const char *id)
{
	struct found *f;
	struct stat st;
	char name[MR_QUARANTINE_ID_MAX + 16];

	snprintf(name, sizeof(name), "%.*s/message", MR_QUARANTINE_ID_MAX - 1, id);
	if (fstatat(dirfd(s->reading), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 256;
		s->found = mr_realloc_array(s->found, s->cap, sizeof(*s->found));
	}
	f = &s->found[s->n++];
	*f = (struct found){ .time = time_of(id), .size = (uint64_t)st.st_size };
	snprintf(f->id, sizeof(f->id), "%.*s", MR_QUARANTINE_ID_MAX - 1, id);
	s->bytes += f->size;
}

static int older(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->time != y->time ? (x->time < y->time ? -1 : 1) : strcmp(x->id, y->id);
}

static void forget(struct mr_quarantine_sweep *s)
{
	if (s->reading)
		closedir(s->reading);
	s->reading = NULL;
	free(s->found);
	s->found = NULL;
	s->n = s->cap = s->gone = s->next = 0;
	s->bytes = 0;
}

static void tell(const struct mr_quarantine_sweep *s)
{
	atomic_store(&mr_milter_counters.quarantine_entries, (int64_t)(s->n - s->gone));
	atomic_store(&mr_milter_counters.quarantine_bytes, (int64_t)s->bytes);
}

static void read_some(struct mr_quarantine_sweep *s)
{
	struct dirent *e = NULL;

	for (size_t i = 0; i < STEP_READ && (e = readdir(s->reading)); i++)
		if (mr_quarantine_id_ok(mr_slice_of(e->d_name)))
			note(s, e->d_name);
	if (e)
		return;
	closedir(s->reading);
	s->reading = NULL;
	if (!s->n)
		tell(s);
	else
		qsort(s->found, s->n, sizeof(*s->found), older);
}

static bool must_go(const struct mr_quarantine_sweep *s, const struct found *f)
{
	int64_t age = mr_wall() - f->time;

	return s->bytes > s->bounds.bytes_max || (age > 0 && (uint64_t)age > s->bounds.keep_ms / 1000);
}

/* Oldest first; true while there may be more to do. */
static bool remove_some(struct mr_quarantine_sweep *s)
{
	for (size_t i = 0; i < STEP_REMOVE && s->next < s->n; i++) {
		const struct found *f = &s->found[s->next];
		int r;

		if (!must_go(s, f))
			return false;
		r = mr_quarantine_remove(s->dir, mr_slice_of(f->id));
		if (r == 0 || r == -ENOENT) {
			s->bytes -= f->size;
			s->gone++;
		}
		if (r == 0)
			atomic_fetch_add(&mr_milter_counters.expired, 1);
		else if (r != -ENOENT && r != -EBUSY)
			mr_log(MR_LOG_ERROR, "quarantine-kept", mr_s("entry", f->id), mr_s("why", strerror(-r)));
		s->next++;
	}
	return s->next < s->n;
}

static void step(void *arg)
{
	struct mr_quarantine_sweep *s = arg;
	uint64_t then = STEP_MS;

	s->timer = NULL;
	if (s->reading) {
		read_some(s);
	} else if (s->found) {
		if (!remove_some(s)) {
			tell(s);
			forget(s);
		}
	} else {
		s->reading = opendir(s->dir);
	}
	if (!s->reading && !s->found)
		then = BETWEEN_MS;
	step_later(s, then);
}

struct mr_quarantine_sweep *mr_quarantine_sweep_new(struct mr_loop *l, const char *dir, const struct mr_quarantine_bounds *b)
{
	struct mr_quarantine_sweep *s = mr_new(struct mr_quarantine_sweep, 1);

	*s = (struct mr_quarantine_sweep){ .loop = l, .dir = mr_strdup(dir), .bounds = *b };
	step_later(s, FIRST_MS);
	return s;
}

void mr_quarantine_sweep_reload(struct mr_quarantine_sweep *s, const struct mr_quarantine_bounds *b)
{
	s->bounds = *b;
	mr_timer_cancel(&s->timer);
	step_later(s, FIRST_MS);
}

void mr_quarantine_sweep_free(struct mr_quarantine_sweep *s)
{
	if (!s)
		return;
	mr_timer_cancel(&s->timer);
	forget(s);
	free(s->dir);
	free(s);
}
