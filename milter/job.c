/* job: see job.h. */

/* system */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "job.h"
#include "mail/address.h"
#include "spool.h"

#define NAMES_SHOWN 5 /* of DNS questions in the log */

static const char *const role_names[] = {
	[MR_ROLE_MX] = "MX",           [MR_ROLE_ORIGINATING] = "ORIGINATING", [MR_ROLE_LOCAL] = "LOCAL", [MR_ROLE_REDIRECT] = "REDIRECT",
	[MR_ROLE_FORWARD] = "FORWARD",
};

const char *mr_role_str(enum mr_role r)
{
	return role_names[r];
}

enum mr_role mr_role_of(const char *daemon_name)
{
	for (size_t i = 0; daemon_name && i < MR_COUNT(role_names); i++)
		if (strcmp(daemon_name, role_names[i]) == 0)
			return (enum mr_role)i;
	return MR_ROLE_MX;
}

struct mr_job *mr_job_new(struct mr_milter_io *io, struct mr_settings *settings)
{
	struct mr_job *j = mr_new(struct mr_job, 1);
	pthread_condattr_t attr;

	*j = (struct mr_job){ .refs = 1,
			      .io = io,
			      .settings = mr_settings_ref(settings),
			      .memfd = -1,
			      .arena = mr_arena_new(0),
			      .login_thresholds = mr_thresholds_none() };
	pthread_mutex_init(&j->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&j->changed, &attr);
	pthread_condattr_destroy(&attr);
	return j;
}

struct mr_job *mr_job_ref(struct mr_job *j)
{
	atomic_fetch_add(&j->refs, 1);
	return j;
}

void mr_job_unref(struct mr_job *j)
{
	if (!j || atomic_fetch_sub(&j->refs, 1) != 1)
		return;
	for (size_t i = 0; i < j->n_recipients; i++) {
		free(j->recipients[i]->address);
		free(j->recipients[i]->esmtp);
		free(j->recipients[i]->canonical);
		free(j->recipients[i]);
	}
	free(j->recipients);
	if (j->message.p && !j->small.p)
		munmap((void *)(j->message.p - MR_SPOOL_LEAD_N), j->message.n + MR_SPOOL_LEAD_N);
	if (j->memfd >= 0)
		close(j->memfd);
	mr_buf_done(&j->small);
	free(j->queue_id);
	free(j->client_name);
	free(j->helo);
	free(j->sender);
	free(j->sender_esmtp);
	free(j->login);
	free(j->from);
	mr_arena_free(j->arena);
	mr_settings_unref(j->settings);
	pthread_cond_destroy(&j->changed);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

struct mr_job_recipient *mr_job_add_recipient(struct mr_job *j, struct mr_slice address, struct mr_slice esmtp)
{
	struct mr_job_recipient *r = mr_new(struct mr_job_recipient, 1);
	mr_autoarena arena = mr_arena_new(0);

	*r = (struct mr_job_recipient){
		.job = j,
		.address = mr_slice_dup(mr_address_unrouted(address)),
		.canonical = mr_slice_dup(mr_address_canonical(address, arena)),
		.esmtp = mr_slice_dup(esmtp),
		.resolved.status = MR_DIR_TEMP,
	};
	/* Powers of two: grown when n is one. */
	if ((j->n_recipients & (j->n_recipients - 1)) == 0)
		j->recipients =
		    mr_realloc_array(j->recipients, j->n_recipients ? j->n_recipients * 2 : 1, sizeof(struct mr_job_recipient *));
	j->recipients[j->n_recipients++] = r;
	return r;
}

static struct mr_slice domain_of(const char *address)
{
	struct mr_slice a = mr_slice_of(address);
	ptrdiff_t at = mr_slice_rchr(a, '@');

	return at < 0 ? (struct mr_slice){ 0 } : mr_slice_from(a, (size_t)at + 1);
}

bool mr_job_foreign_from(const struct mr_job *j)
{
	struct mr_slice from = domain_of(j->from);

	return j->login && j->from && !mr_slice_ieq(from, domain_of(j->login)) && !mr_slice_ieq(from, domain_of(j->sender));
}

bool mr_job_is_outbound(const struct mr_job *j)
{
	return j->trusted && !j->resent && j->role != MR_ROLE_REDIRECT;
}

struct mr_verdict_outbound mr_job_outbound(const struct mr_job *j)
{
	const struct mr_thresholds t = mr_thresholds_or(&j->login_thresholds, &j->settings->thresholds);

	return (struct mr_verdict_outbound){ .score = t.at[MR_AT_OUTBOUND],
					     .reject_score = t.at[MR_AT_OUTBOUND_REJECT],
					     .action = j->settings->outbound_action };
}

int mr_job_map(struct mr_job *j)
{
	struct stat st;
	void *p;

	if (j->memfd < 0) {
		j->message = mr_slice_from(mr_buf_slice(&j->small), MR_SPOOL_LEAD_N);
		return 0;
	}
	if (fcntl(j->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 || fstat(j->memfd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)MR_SPOOL_LEAD_N)
		return -EINVAL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, j->memfd, 0);
	if (p == MAP_FAILED)
		return -errno;
	j->message = mr_slice_from((struct mr_slice){ p, (size_t)st.st_size }, MR_SPOOL_LEAD_N);
	return 0;
}

int mr_job_need_memfd(struct mr_job *j)
{
	if (j->memfd < 0)
		j->memfd = mr_spool_memfd(&j->small);
	return j->memfd < 0 ? j->memfd : 0;
}

void mr_job_again(struct mr_job *j)
{
	pthread_mutex_lock(&j->lock);
	j->done = false;
	pthread_mutex_unlock(&j->lock);
}

void mr_job_waiting(const struct mr_job *j, struct mr_buf *out)
{
	const struct mr_job_side *s = &j->side;
	const struct mr_job_asked *q = s->open_dns;

	if (s->scanning)
		mr_buf_puts(out, s->task.scanner ? "scanner " : "free-scanner ");
	if (s->clamd)
		mr_buf_puts(out, "clamd ");
	if (s->fuzzy)
		mr_buf_puts(out, "fuzzy ");
	if (s->open)
		mr_buf_printf(out, "directory:%zu ", s->open);
	for (int i = 0; s->scanning && q && i < NAMES_SHOWN; q = q->next, i++)
		mr_buf_printf(out, "dns:%s/%s ", q->name, mr_dns_type_str(q->type));
	if (s->scanning && q)
		mr_buf_puts(out, "dns:... ");
	if (out->n)
		mr_buf_truncate(out, out->n - 1);
}

void mr_job_done(struct mr_job *j)
{
	pthread_mutex_lock(&j->lock);
	j->done = true;
	pthread_mutex_unlock(&j->lock);
	pthread_cond_signal(&j->changed); /* whom it wakes finds the lock free; the caller holds the job */
}

bool mr_job_wait(struct mr_job *j, uint64_t timeout_ms)
{
	struct timespec until;
	bool done;
	int r = 0;

	/* The system's clock, not rt/clock: a condition variable knows no other. */
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(timeout_ms / 1000);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&j->lock);
	while (!j->done && r == 0)
		r = pthread_cond_timedwait(&j->changed, &j->lock, &until);
	done = j->done;
	pthread_mutex_unlock(&j->lock);
	return done;
}

bool mr_job_keep(struct mr_job *j, struct mr_slice s, struct mr_slice *out)
{
	char *p = mr_arena_try(j->arena, s.n + 1);

	if (!p)
		return false;
	if (s.n)
		memcpy(p, s.p, s.n);
	*out = (struct mr_slice){ p, s.n };
	return true;
}

static bool keep_final(struct mr_job *j, struct mr_dir_final *f)
{
	struct mr_dir_account *a = &f->account;
	struct mr_dir_pattern *patterns = mr_arena_try(j->arena, a->n_patterns * sizeof(*patterns) + 1);

	if (!patterns || !mr_job_keep(j, f->deliver, &f->deliver) || !mr_job_keep(j, a->address, &a->address))
		return false;
	for (size_t i = 0; i < a->n_patterns; i++) {
		patterns[i].allow = a->patterns[i].allow;
		if (!mr_job_keep(j, a->patterns[i].pattern, &patterns[i].pattern))
			return false;
	}
	a->patterns = patterns;
	return true;
}

bool mr_job_keep_resolve(struct mr_job *j, const struct mr_dir_resolve *a, struct mr_dir_resolve *out)
{
	struct mr_dir_resolve copy = *a;

	copy.finals = mr_arena_try(j->arena, a->n_finals * sizeof(*copy.finals) + 1);
	if (!copy.finals)
		return false;
	for (size_t i = 0; i < a->n_finals; i++) {
		copy.finals[i] = a->finals[i];
		if (!keep_final(j, &copy.finals[i]))
			return false;
	}
	*out = copy;
	return true;
}

bool mr_job_keep_scan(struct mr_job *j, const struct mr_scan_result *r)
{
	struct mr_scan_result copy = *r;

	for (size_t i = 0; i < r->n_symbols; i++)
		if (!mr_job_keep(j, r->symbols[i].name, &copy.symbols[i].name) ||
		    !mr_job_keep(j, r->symbols[i].group, &copy.symbols[i].group))
			return false;
	if (!mr_job_keep(j, r->authres, &copy.authres) || !mr_job_keep(j, r->dmarc.row, &copy.dmarc.row) ||
	    !mr_job_keep(j, r->identity, &copy.identity))
		return false;
	j->scan = copy;
	j->scanned = true;
	return true;
}
