#include "snapshot.h"

/* system */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/log.h"
#include "snapshot-file.h"

#define FILE_MAX    ((size_t)8 << 30)
#define SLICE       65536 /* bytes that are made in one turn of the loop; a row may pass it */
#define SLICE_MAX   (64u << 20)
#define JOURNAL_MAX (4u << 20) /* beyond it the snapshot is given up until the next one */
#define RETRY_MS    10         /* when the pool is full */

struct mr_snapshot {
	struct mr_loop *loop;
	struct mr_snapshot_config conf;
	char *path, *temp, *journal_path, *database;
	struct mr_timer *timer;
	/* The one being written. */
	int fd;                        /* -1: none is */
	bool busy, over, ended, ready; /* ready: block is to be written */
	uint64_t rows;
	struct mr_buf payload, block;
	/* The journal. */
	int journal;
	bool exists;            /* there is a file that it protects */
	bool given_up;          /* it says that everything was dropped */
	uint64_t size, mark;    /* bytes; when the one being written was begun */
	bool syncing, unsynced; /* to disk */
	bool failed;            /* was logged */
};

static void say(struct mr_snapshot *s, const char *what, int err)
{
	if (!s->failed)
		mr_log(MR_LOG_WARNING, "snapshot-unwritten", mr_s("path", s->path), mr_s("at", what), mr_s("why", strerror(-err)));
	s->failed = true;
}

static int write_all(int fd, struct mr_slice bytes)
{
	ssize_t n;

	while (bytes.n > 0) {
		n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno != EINTR)
			return -errno;
		bytes = mr_slice_from(bytes, n > 0 ? (size_t)n : 0);
	}
	return 0;
}

/* --- the journal */

struct sync_job {
	struct mr_snapshot *s;
	int fd;
};

static void sync_run(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	const struct sync_job *j = arg;

	(void)fdatasync(j->fd);
}

static void sync_journal(struct mr_snapshot *s);

static void sync_done(void *arg)
{
	struct sync_job *j = arg;

	j->s->syncing = false;
	if (j->s->unsynced)
		sync_journal(j->s);
	free(j);
}

/* What a crash of the machine leaves of it; what a crash of this process leaves is written already. */
static void sync_journal(struct mr_snapshot *s)
{
	struct sync_job *j;

	s->unsynced = s->syncing;
	if (s->syncing || s->conf.pool == NULL)
		return;
	j = mr_new(struct sync_job, 1);
	*j = (struct sync_job){ s, s->journal };
	s->syncing = mr_db_pool_submit(s->conf.pool, &(struct mr_db_job){ .job = sync_run, .done = sync_done, .arg = j }) == 0;
	if (!s->syncing)
		free(j);
}

/* A journal that lacks something is worse than no snapshot. */
static void give_up(struct mr_snapshot *s, int err)
{
	say(s, "journal", err);
	unlink(s->path);
	s->exists = false;
	s->given_up = true;
	s->over = s->fd >= 0;
}

static bool is_journaled(const struct mr_snapshot *s)
{
	return (s->exists || s->fd >= 0) && s->journal >= 0;
}

static void add_to_journal(struct mr_snapshot *s, struct mr_slice bytes)
{
	int err = write_all(s->journal, bytes);

	s->size += bytes.n;
	if (err < 0)
		give_up(s, err);
	else
		sync_journal(s);
}

static void on_dropped(const struct mr_row_key *k, void *arg)
{
	struct mr_snapshot *s = arg;
	struct mr_buf bytes = MR_BUF(1024);

	if (!is_journaled(s) || s->given_up)
		return;
	s->given_up = k == NULL || s->size > JOURNAL_MAX;
	mr_journal_add(s->given_up ? NULL : k, &bytes);
	add_to_journal(s, mr_buf_slice(&bytes));
	if (s->given_up && s->fd >= 0)
		s->over = true; /* what was gathered so far counts no more */
	mr_buf_done(&bytes);
}

/* What was dropped is read again after a restart, from whichever server answers then: not from one that lacks the change. */
static void on_expect(const struct mr_db_expect *e, void *arg)
{
	struct mr_snapshot *s = arg;
	struct mr_buf bytes = MR_BUF(1024);

	if (!is_journaled(s))
		return;
	mr_journal_expect(e, &bytes);
	add_to_journal(s, mr_buf_slice(&bytes));
	mr_buf_done(&bytes);
}

/* --- writing */

static void schedule(struct mr_snapshot *s, uint64_t after_ms);

static void end_writing(struct mr_snapshot *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->over = s->ended = s->ready = false;
	mr_wipe(s->payload.p, s->payload.cap);
	mr_wipe(s->block.p, s->block.cap);
	mr_buf_done(&s->payload);
	mr_buf_done(&s->block);
}

/* Whatever was dropped while it was written stands behind the mark; an entry too many only costs a row. */
static void written(struct mr_snapshot *s)
{
	end_writing(s);
	s->exists = true;
	s->failed = false;
	if (s->size == s->mark && ftruncate(s->journal, 0) == 0) {
		s->size = 0;
		s->given_up = false;
	}
	mr_log(MR_LOG_DEBUG, "snapshot-written", mr_u("rows", s->rows));
}

static int begin(struct mr_snapshot *s)
{
	struct mr_snapshot_head head = { .database = s->database, .written = mr_wall() };

	mr_changes_position(s->conf.changes, &head.floor, &head.expect);
	if (s->given_up) { /* the journal told of the old file only, which goes with it */
		unlink(s->path);
		s->exists = false;
		if (ftruncate(s->journal, 0) < 0)
			return -errno;
		s->given_up = false;
		s->size = 0;
	}
	s->fd = open(s->temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return -errno;
	s->mark = s->size;
	s->rows = 0;
	s->payload = MR_BUF(SLICE_MAX);
	s->block = MR_BUF(SLICE_MAX);
	mr_snapshot_head_add(&head, &s->block);
	mr_rows_walk(s->conf.rows);
	return 0;
}

/* The next block. */
static void gather(struct mr_snapshot *s)
{
	const int64_t now = mr_wall();
	struct mr_snapshot_row r;
	uint64_t age_ms;

	mr_buf_reset(&s->payload);
	while (s->payload.n < SLICE && (r.row = mr_rows_next(s->conf.rows, &r.key, &age_ms)) != NULL) {
		r.read = now - (int64_t)((age_ms + 999) / 1000);
		mr_snapshot_row_add(&r, &s->payload);
		s->rows++;
	}
	if (s->payload.n > 0)
		mr_snapshot_block_add(mr_buf_slice(&s->payload), &s->block);
	s->ended = s->payload.n < SLICE;
	if (s->ended)
		mr_snapshot_end_add(s->rows, &s->block);
}

struct write_job {
	struct mr_snapshot *s;
	struct mr_slice bytes; /* of the block, which waits for it */
	int fd, err;
	bool last;
	const char *temp, *path;
};

static void write_run(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct write_job *j = arg;

	j->err = write_all(j->fd, j->bytes);
	if (j->err == 0 && j->last && (fsync(j->fd) < 0 || rename(j->temp, j->path) < 0))
		j->err = -errno;
}

static void write_next(struct mr_snapshot *s);

static void write_done(void *arg)
{
	struct write_job *j = arg;
	struct mr_snapshot *s = j->s;

	s->busy = s->ready = false;
	mr_buf_reset(&s->block);
	if (j->err < 0 || s->over) {
		if (j->err < 0)
			say(s, "file", j->err);
		unlink(s->temp);
		if (j->err == 0 && j->last)
			unlink(s->path); /* it was in its place already */
		end_writing(s);
	} else if (j->last) {
		written(s);
	}
	free(j);
	schedule(s, s->fd >= 0 ? 0 : s->conf.interval_ms);
}

static void write_next(struct mr_snapshot *s)
{
	struct write_job *j = mr_new(struct write_job, 1);

	if (!s->ready)
		gather(s);
	s->ready = true;
	*j = (struct write_job){
		.s = s, .bytes = mr_buf_slice(&s->block), .fd = s->fd, .err = -ECANCELED, .last = s->ended, .temp = s->temp, .path = s->path
	};
	s->busy = true;
	if (s->conf.pool == NULL) {
		write_run(NULL, NULL, j);
		write_done(j);
	} else if (mr_db_pool_submit(s->conf.pool, &(struct mr_db_job){ .job = write_run, .done = write_done, .arg = j }) != 0) {
		s->busy = false;
		free(j);
		schedule(s, RETRY_MS);
	}
}

static void on_timer(void *arg)
{
	struct mr_snapshot *s = arg;
	int err = 0;

	s->timer = NULL;
	if (s->busy || s->journal < 0)
		return;
	if (s->fd < 0 && mr_changes_rounds(s->conf.changes) == 0) { /* nothing is known that the old one does not say */
		schedule(s, s->conf.interval_ms);
		return;
	}
	if (s->fd < 0)
		err = begin(s);
	if (err < 0) {
		say(s, "file", err);
		schedule(s, s->conf.interval_ms);
	} else {
		write_next(s);
	}
}

static void schedule(struct mr_snapshot *s, uint64_t after_ms)
{
	mr_timer_cancel(&s->timer);
	s->timer = mr_timer_start(s->loop, after_ms, on_timer, s);
}

/* --- loading */

struct loading {
	struct mr_snapshot *s;
	int64_t now;
	uint64_t rows;
};

static void on_row(const struct mr_snapshot_row *r, void *arg)
{
	struct loading *l = arg;
	const int64_t age = l->now - r->read;

	if (age >= 0 && (uint64_t)age * 1000 <= l->s->conf.age_ms)
		l->rows += mr_rows_put(l->s->conf.rows, &r->key, r->row, (uint64_t)age * 1000);
}

static void on_journal(const struct mr_row_key *k, void *arg)
{
	const struct mr_snapshot *s = arg;

	if (k == NULL)
		mr_rows_drop_all(s->conf.rows);
	else
		mr_rows_drop(s->conf.rows, mr_row_key_kind(k->bytes), mr_row_key_text(k->bytes, k->n));
}

static int check_head(const struct mr_snapshot *s, const struct mr_snapshot_head *h, int64_t now, struct mr_diag *diag)
{
	if (!mr_slice_eq(mr_slice_of(h->database), mr_slice_of(s->database)))
		return mr_diag_set(diag, -EINVAL, "it is of another database: %s", h->database);
	if (h->written > now)
		return mr_diag_set(diag, -EINVAL, "it is of the future: the clock was set back");
	if ((uint64_t)(now - h->written) * 1000 > s->conf.age_ms)
		return mr_diag_set(diag, -EINVAL, "it is too old");
	return 0;
}

static int load(struct mr_snapshot *s, struct mr_diag *diag)
{
	struct mr_buf file = MR_BUF(FILE_MAX), journal = MR_BUF(2 * JOURNAL_MAX);
	mr_autoarena arena = mr_arena_new(0);
	struct loading l = { .s = s, .now = mr_wall() };
	struct mr_snapshot_head head;
	int err = mr_file_read(s->path, &file, diag);

	if (err == 0)
		err = mr_file_read(s->journal_path, &journal, diag); /* it is there whenever the other one is */
	if (err == 0)
		err = mr_snapshot_read(mr_buf_slice(&file), arena, &head, NULL, NULL, diag);
	if (err == 0)
		err = check_head(s, &head, l.now, diag);
	if (err == 0) {
		mr_snapshot_read(mr_buf_slice(&file), arena, &head, on_row, &l, NULL);
		err = mr_journal_read(mr_buf_slice(&journal), &head.expect, on_journal, s);
		if (err < 0)
			mr_diag_set(diag, err, "its journal is cut off");
	}
	if (err == 0) {
		mr_changes_resume(s->conf.changes, head.floor, &head.expect, (uint64_t)(l.now - head.written) * 1000);
		mr_log(MR_LOG_NOTICE, "snapshot-loaded", mr_u("rows", mr_rows_count(s->conf.rows)),
		       mr_u("age_s", (uint64_t)(l.now - head.written)));
	}
	mr_buf_done(&file);
	mr_buf_done(&journal);
	return err;
}

/* A snapshot that cannot be used has one line, is removed, and is missed by nobody. */
static void load_or_forget(struct mr_snapshot *s)
{
	struct mr_diag diag = { 0 };
	struct stat st;
	int err = load(s, &diag);

	s->exists = err == 0;
	if (err < 0) {
		if (access(s->path, F_OK) == 0)
			mr_log(MR_LOG_WARNING, "snapshot-ignored", mr_s("path", s->path), mr_s("why", diag.text));
		mr_rows_drop_all(s->conf.rows);
		unlink(s->path);
		unlink(s->journal_path);
	}
	s->journal = open(s->journal_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->journal < 0)
		give_up(s, -errno);
	else if (fstat(s->journal, &st) == 0)
		s->size = (uint64_t)st.st_size;
}

static char *path_of(const char *path, const char *end)
{
	struct mr_buf b = MR_BUF(PATH_MAX);

	mr_buf_printf(&b, "%s%s", path, end);
	return mr_buf_steal(&b);
}

struct mr_snapshot *mr_snapshot_new(struct mr_loop *l, const struct mr_snapshot_config *c)
{
	struct mr_snapshot *s = mr_new(struct mr_snapshot, 1);

	*s = (struct mr_snapshot){ .loop = l, .conf = *c, .fd = -1, .journal = -1 };
	s->path = mr_strdup(c->path);
	s->database = mr_strdup(c->database);
	s->temp = path_of(c->path, ".new");
	s->journal_path = path_of(c->path, ".dropped");
	unlink(s->temp);
	if (c->interval_ms == 0) {
		unlink(s->path);
		unlink(s->journal_path);
		return s;
	}
	load_or_forget(s);
	mr_rows_watch(c->rows, &(struct mr_rows_watch){ on_dropped, s });
	mr_changes_watch_expect(c->changes, on_expect, s);
	schedule(s, c->interval_ms);
	return s;
}

void mr_snapshot_free(struct mr_snapshot *s)
{
	if (s == NULL)
		return;
	s->conf.pool = NULL;
	mr_timer_cancel(&s->timer);
	end_writing(s);
	if (s->journal >= 0 && mr_changes_rounds(s->conf.changes) > 0) {
		int err = begin(s);
		if (err < 0)
			say(s, "file", err);
		while (s->fd >= 0) {
			write_next(s);
			mr_timer_cancel(&s->timer);
		}
	}
	mr_rows_watch(s->conf.rows, &(struct mr_rows_watch){ 0 });
	if (s->journal >= 0)
		close(s->journal);
	free(s->path);
	free(s->temp);
	free(s->journal_path);
	free(s->database);
	free(s);
}
