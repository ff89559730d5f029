/* evaluations: see evaluations.h. */

/* system */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "evaluations.h"
#include "milter-stats.h"
#include "rt/clock.h"
#include "rt/log.h"

#define DAY_S     (24 * 60 * 60)
#define NAME_LEN  (sizeof("2026-11-28.jsonl") - 1)
#define LINE_MAX_ (MR_DMARC_ROW_MAX + 1024)

/* Guarded by `lock`. */
static struct {
	pthread_mutex_t lock;
	char *dir;
	uint64_t keep_ms, day_max;
	int fd;            /* of `day`; -1: none */
	int64_t day;       /* since 1970 */
	uint64_t bytes;    /* of the file */
	bool full, broken; /* it was said */
} spool = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

static void name_of(int64_t day, char out[NAME_LEN + 1])
{
	time_t t = (time_t)(day * DAY_S);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, NAME_LEN + 1, "%Y-%m-%d.jsonl", &tm);
}

static void close_day(void)
{
	if (spool.fd < 0)
		return;
	fdatasync(spool.fd);
	close(spool.fd);
	spool.fd = -1;
}

/* Files of days before the oldest that is kept: their names sort as their days do. */
static void expire(int64_t today)
{
	char oldest[NAME_LEN + 1];
	struct dirent *e;
	DIR *d = opendir(spool.dir);

	if (!d)
		return;
	name_of(today - (int64_t)(spool.keep_ms / 1000 / DAY_S), oldest);
	while ((e = readdir(d))) {
		if (strlen(e->d_name) == NAME_LEN && strcmp(e->d_name + NAME_LEN - 6, ".jsonl") == 0 && strcmp(e->d_name, oldest) < 0)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

static int open_day(int64_t today)
{
	char name[NAME_LEN + 1];
	mr_autofree char *path = NULL;
	struct stat st;

	if (spool.fd >= 0 && spool.day == today)
		return 0;
	close_day();
	expire(today);
	name_of(today, name);
	path = mr_alloc(strlen(spool.dir) + 1 + sizeof(name));
	snprintf(path, strlen(spool.dir) + 1 + sizeof(name), "%s/%s", spool.dir, name);
	spool.fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (spool.fd < 0 || fstat(spool.fd, &st) < 0)
		return -errno;
	spool.day = today;
	spool.bytes = (uint64_t)st.st_size;
	spool.full = false;
	return 0;
}

int mr_evaluations_configure(const struct mr_evaluations_config *c, struct mr_diag *diag)
{
	int r = 0;

	if (c->keep_ms && mkdir(c->dir, 0750) < 0 && errno != EEXIST)
		return mr_diag_set(diag, -errno, "DMARC evaluations %s: %s", c->dir, strerror(errno));
	pthread_mutex_lock(&spool.lock);
	close_day();
	free(spool.dir);
	spool.dir = mr_strdup(c->dir);
	spool.keep_ms = c->keep_ms;
	spool.day_max = c->day_max;
	spool.full = spool.broken = false;
	if (c->keep_ms) {
		r = open_day(mr_wall() / DAY_S);
		if (r < 0)
			mr_diag_set(diag, r, "DMARC evaluations %s: %s", c->dir, strerror(-r));
	}
	pthread_mutex_unlock(&spool.lock);
	return r;
}

void mr_evaluations_close(void)
{
	pthread_mutex_lock(&spool.lock);
	close_day();
	free(spool.dir);
	spool.dir = NULL;
	spool.keep_ms = 0;
	pthread_mutex_unlock(&spool.lock);
}

/* What was done, in the words of DMARC. */
static enum mr_dmarc_policy policy_of(enum mr_disposition d)
{
	switch (d) {
	case MR_ACCEPT:
	case MR_HAD:
		return MR_DMARC_ACCEPT;
	case MR_JUNK:
	case MR_QUARANTINE:
		return MR_DMARC_QUARANTINE;
	case MR_REJECT:
		break;
	}
	return MR_DMARC_REJECT;
}

const char *mr_evaluation_disposition(const struct mr_scan_dmarc *d, const struct mr_verdict *v, const char **reason)
{
	enum mr_disposition done = v->action == MR_ACTION_SPLIT ? v->site : MR_ACCEPT;
	enum mr_dmarc_policy applied;

	*reason = NULL;
	if (d->passed)
		return "pass";
	if (v->action == MR_ACTION_REJECT)
		done = MR_REJECT;
	else if (v->action == MR_ACTION_JUNK || v->action == MR_ACTION_QUARANTINE || v->action == MR_ACTION_HOLD)
		done = MR_JUNK;
	/* What was done for other reasons, beyond what the domain asks for, is not DMARC's doing. */
	applied = policy_of(done) < d->policy ? policy_of(done) : d->policy;
	if (applied < d->policy)
		*reason = d->overridden ? "trusted_forwarder" : "local_policy";
	else if (d->policy < d->published)
		*reason = "policy_test_mode";
	return mr_dmarc_policy_str(applied);
}

static void write_line(const struct mr_evaluation *e, struct mr_buf *out)
{
	const char *reason, *disposition = mr_evaluation_disposition(e->dmarc, e->verdict, &reason);

	mr_buf_printf(out, "{\"time\":%lld,\"id\":\"", (long long)mr_wall());
	for (size_t i = 0; i < e->queue_id.n; i++) {
		char c = e->queue_id.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
			mr_buf_putc(out, c);
	}
	mr_buf_printf(out, "\",\"source_ip\":\"%.*s\",\"disposition\":\"%s\"", (int)e->client.n, e->client.p, disposition);
	if (reason)
		mr_buf_printf(out, ",\"reason\":\"%s\"", reason);
	mr_buf_printf(out, ",%.*s}\n", (int)e->dmarc->row.n, e->dmarc->row.p);
}

/* Whole, or not at all. */
static int append(struct mr_slice line)
{
	int r = open_day(mr_wall() / DAY_S);
	ssize_t n;

	if (r < 0)
		return r;
	if (spool.bytes + line.n > spool.day_max)
		return -EDQUOT;
	n = write(spool.fd, line.p, line.n);
	if (n == (ssize_t)line.n) {
		spool.bytes += line.n;
		return 0;
	}
	r = n < 0 ? -errno : -ENOSPC;
	if (n > 0 && ftruncate(spool.fd, (off_t)spool.bytes) < 0)
		r = -errno;
	return r;
}

static void note(int r)
{
	if (r == 0) {
		spool.broken = false;
		return;
	}
	atomic_fetch_add(&mr_milter_counters.evaluations_lost, 1);
	if (r == -EDQUOT ? !spool.full : !spool.broken)
		mr_log(MR_LOG_WARNING, "dmarc-evaluations-lost", mr_s("folder", spool.dir),
		       mr_s("why", r == -EDQUOT ? "the day has dmarc_day_max bytes" : strerror(-r)));
	spool.full = spool.full || r == -EDQUOT;
	spool.broken = spool.broken || r != -EDQUOT;
}

void mr_evaluations_add(const struct mr_evaluation *e)
{
	struct mr_buf line = MR_BUF(LINE_MAX_);

	if (!e->dmarc->row.n || !e->client.n || e->verdict->action == MR_ACTION_TEMPFAIL)
		return;
	write_line(e, &line);
	pthread_mutex_lock(&spool.lock);
	if (spool.keep_ms && !line.full)
		note(append(mr_buf_slice(&line)));
	pthread_mutex_unlock(&spool.lock);
	mr_buf_done(&line);
}
