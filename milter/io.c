/* io: see io.h. Everything here runs on the loop's thread, but for the calls that post to it. */

/* system */
#include <errno.h>

/* libraries */
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "grey.h"
#include "io-private.h"
#include "list-health.h"
#include "milter-stats.h"
#include "outbound.h"
#include "quarantine-sweep.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "virus.h"

#define LOGIN_MS   500   /* who is logged in is looked at again at the end of a message that took longer: it may be locked meanwhile */
#define STALE_MS   10000 /* an answer about a recipient older than this is asked for again at the end of the message */
#define ATTEMPTS   2     /* scans of one message */
#define PATH_BYTES 4096

#define SLOW_MS     5000 /* then the log says what a message waits for, long before its end */
#define PENDING_MAX 200  /* messages that are told of */
#define WAITING_MAX 4096 /* bytes of what a message waits for */

static void start_scan(struct mr_job *j);
static void dns_over(struct mr_job *j);
static void ask_login(struct mr_job *j);

/* -- the end of a job -- */

static bool is_spam(const struct mr_job *j)
{
	return j->virus == MR_VIRUS_FOUND || (j->scanned && (j->scan.refuse != MR_REFUSE_NOT || j->scan.score >= mr_job_outbound(j).score));
}

static void finish(struct mr_job *j)
{
	struct mr_milter_io *io = j->io;

	if (j->side.open_dns)
		dns_over(j);
	mr_io_forget_fuzzy(j);
	mr_virus_symbol(j);
	if (j->scanned)
		mr_scores_apply(&j->settings->scores, &j->scan);
	if (j->login && j->role == MR_ROLE_ORIGINATING && is_spam(j))
		mr_outbound_spam(io->outbound, j->login, j->queue_id);
	j->side.finished = true;
	mr_timer_cancel(&j->side.slow);
	mr_timer_cancel(&j->side.deadline);
	DL_DELETE2(io->jobs, j, side.prev, side.next);
	io->n_jobs--;
	mr_job_done(j);
	mr_job_unref(j);
}

void mr_io_finish_if_complete(struct mr_job *j)
{
	if (!j->side.submitted || j->side.finished || j->side.scanning || j->side.open > 0 || j->side.clamd || j->side.fuzzy)
		return;
	if (j->side.login_asked && !j->side.login_again && mr_now_ms() - j->side.login_asked > LOGIN_MS) {
		j->side.login_again = true;
		ask_login(j);
	}
	if (j->side.open == 0)
		finish(j);
}

static void scan_over(struct mr_job *j)
{
	j->side.scanning = false;
	j->scan_ms = mr_now_ms() - j->side.began;
	mr_io_finish_if_complete(j);
}

/* -- recipients -- */

static void on_resolved(const struct mr_dir_resolve *a, void *arg)
{
	struct mr_job_recipient *r = arg;
	struct mr_job *j = r->job;

	if (!j->side.finished) {
		r->open = false;
		j->side.open--;
		/* BAD: of those behind it nothing can be told, neither lists nor thresholds. */
		if (a->status == MR_DIR_TEMP || a->status == MR_DIR_BAD || !mr_job_keep_resolve(j, a, &r->resolved))
			r->resolved = (struct mr_dir_resolve){ .status = MR_DIR_TEMP };
		if (j->side.submitted)
			j->recipients_ms = mr_now_ms() - j->side.began;
		mr_io_finish_if_complete(j);
	}
	mr_job_unref(j);
}

static void ask_recipient(struct mr_job_recipient *r)
{
	struct mr_job *j = r->job;

	r->asked = mr_now_ms();
	r->open = true;
	j->side.open++;
	mr_job_ref(j);
	mr_directory_resolve(j->io->directory, mr_slice_of(r->canonical), r->asked + j->settings->directory_timeout, on_resolved, r);
}

static void resolve_now(void *arg)
{
	struct mr_job_recipient *r = arg;
	struct mr_job *j = r->job;

	ask_recipient(r);
	mr_job_unref(j);
}

void mr_milter_io_resolve(struct mr_job_recipient *r)
{
	mr_job_ref(r->job);
	mr_loop_post_along(r->job->io->loop, resolve_now, r);
}

/* -- scan -- */

static void dns_over(struct mr_job *j)
{
	if (!j->side.finished)
		j->dns_ms += mr_now_ms() - j->side.dns_since;
}

static void on_dns(const struct mr_dns_answer *a, void *arg)
{
	struct mr_job_asked *q = arg;
	struct mr_job *j = q->job;

	DL_DELETE(j->side.open_dns, q);
	if (!j->side.open_dns)
		dns_over(j);
	mr_list_health_note(j->io->lists, a);
	if (!q->of_list)
		mr_dns_kept_add(j->io->kept, q->name, a);
	if (j->side.scanning && q->attempt == j->side.attempt)
		mr_pool_answer(j->io->pool, &j->side.task, a);
	mr_job_unref(j);
	free(q->name);
	free(q);
}

static void ask_dns(struct mr_job *j, const struct mr_scan_question *question)
{
	struct mr_dns_answer none = { .name = (char *)question->name, .type = (uint16_t)question->type, .status = MR_DNS_TEMP };
	uint64_t until = j->side.dns_until, lists_until = j->side.began + j->settings->dns_lists_timeout;
	enum mr_list_way way = mr_list_health_way(j->io->lists, question->name);
	const struct mr_dns_answer *kept;
	struct mr_job_asked *q;

	switch (way) {
	case MR_LIST_PASS_OVER:
		mr_pool_answer(j->io->pool, &j->side.task, &none);
		return;
	case MR_LIST_ASK:
		until = lists_until < until ? lists_until : until;
		break;
	case MR_LIST_NONE:
		kept = mr_dns_kept_find(j->io->kept, question->name, question->type);
		if (!kept)
			break;
		mr_pool_answer(j->io->pool, &j->side.task, kept);
		return;
	}
	if (!j->side.open_dns)
		j->side.dns_since = mr_now_ms();
	q = mr_new(struct mr_job_asked, 1);
	*q = (struct mr_job_asked){ .job = mr_job_ref(j),
				    .attempt = j->side.attempt,
				    .name = mr_strdup(question->name),
				    .type = question->type,
				    .of_list = way == MR_LIST_ASK };
	DL_APPEND(j->side.open_dns, q);
	mr_dns_ask(j->io->dns, question->name, question->type, until, on_dns, q);
}

static void on_questions(struct mr_pool_task *t, const struct mr_scan_report *r)
{
	struct mr_job *j = t->arg;

	mr_job_keep_scan(j, &r->result);
	/* An honest scanner keeps to this by itself; another waits for an answer until it is killed. */
	for (size_t i = 0; i < r->n_questions && j->side.asked < MR_DNS_QUESTIONS_MAX; i++, j->side.asked++)
		ask_dns(j, &r->questions[i]);
}

/* A scanner died over this message, or with its master. Its findings are not trusted; a fresh one tries again: once, or until the deadline
 * where the message had no part in it. */
static void scanner_died(struct mr_job *j)
{
	unsigned kills = j->side.task.bystander ? 0 : mr_killers_add(&j->io->killers, j->message);

	atomic_fetch_add(&mr_milter_counters.scanners_killed, 1);
	mr_log(MR_LOG_WARNING, "scanner-killed", mr_s("id", j->queue_id), mr_s("sender", j->sender), mr_u("size", j->message.n),
	       mr_u("kills", kills));
	j->scanned = false;
	j->scan = (struct mr_scan_result){ 0 };
	if (kills >= MR_KILLS_HELD) {
		j->held = true;
		scan_over(j);
	} else if (kills && ++j->side.deaths >= ATTEMPTS) {
		scan_over(j);
	} else {
		j->side.task.fresh = true;
		start_scan(j);
	}
}

static void on_scanned(struct mr_pool_task *t, const struct mr_scan_report *r)
{
	struct mr_job *j = t->arg;

	if (!r) {
		scanner_died(j);
		return;
	}
	mr_job_keep_scan(j, &r->result);
	mr_io_ask_fuzzy(j);
	scan_over(j);
}

static void start_scan(struct mr_job *j)
{
	j->side.attempt++;
	j->side.asked = 0;
	j->side.scanning = true;
	mr_pool_submit(j->io->pool, &j->side.task);
}

static void begin_scan(struct mr_job *j)
{
	j->side.input = (struct mr_scan_input){
		.message = j->message,
		.client = j->client,
		.client_name = mr_slice_of(j->client_name),
		.helo = mr_slice_of(j->helo),
		.sender = mr_slice_of(j->sender),
		.trusted = j->trusted,
		.now = mr_wall(),
	};
	j->side.task =
	    (struct mr_pool_task){ .in = &j->side.input, .memfd = j->memfd, .questions = on_questions, .done = on_scanned, .arg = j };
	if (mr_killers_count(&j->io->killers, j->message) >= MR_KILLS_HELD)
		j->held = true;
	else
		start_scan(j);
}

/* -- a submitted job -- */

static void name_waiting(const struct mr_job *j, enum mr_log_level level, const char *event)
{
	struct mr_buf waiting = MR_BUF(WAITING_MAX);

	mr_job_waiting(j, &waiting);
	mr_log(level, event, mr_s("id", j->queue_id), mr_s("sender", j->sender), mr_u("ms", mr_now_ms() - j->side.began),
	       mr_sl("waiting_for", mr_buf_slice(&waiting)));
	mr_buf_done(&waiting);
}

static void on_slow(void *arg)
{
	struct mr_job *j = arg;

	j->side.slow = NULL;
	name_waiting(j, MR_LOG_NOTICE, "message-slow");
}

static void on_deadline(void *arg)
{
	struct mr_job *j = arg;

	j->side.deadline = NULL;
	name_waiting(j, MR_LOG_WARNING, "message-deadline");
	mr_io_forget_clamd(j);
	if (j->side.scanning) {
		if (j->side.task.scanner && mr_killers_add(&j->io->killers, j->message) >= MR_KILLS_HELD)
			j->held = true;
		mr_pool_cancel(j->io->pool, &j->side.task);
		j->side.scanning = false;
		j->scan_ms = mr_now_ms() - j->side.began;
	}
	finish(j);
}

static bool may_sign(const struct mr_job *j)
{
	if (!j->trusted || j->resent || !j->from)
		return false;
	return j->settings->foreign_from == MR_FOREIGN_FROM_SIGN || !mr_job_foreign_from(j);
}

static void take_login(struct mr_job *j, const struct mr_dir_account *a)
{
	j->login_status = MR_DIR_OK;
	j->login_thresholds = a->thresholds;
	j->login_locked = a->locked;
}

/* One that is no mailbox here has no thresholds of its own. */
static void on_login(enum mr_dir_status status, const struct mr_dir_account *a, void *arg)
{
	struct mr_job *j = arg;

	if (!j->side.finished) {
		j->side.open--;
		j->login_status = status;
		if (status == MR_DIR_OK)
			take_login(j, a);
		mr_io_finish_if_complete(j);
	}
	mr_job_unref(j);
}

static void ask_login(struct mr_job *j)
{
	const struct mr_dir_account *kept = mr_directory_kept_account(j->io->directory, mr_slice_of(j->login));

	j->side.login_asked = mr_now_ms();
	if (kept) {
		take_login(j, kept);
		return;
	}
	j->login_status = MR_DIR_TEMP;
	j->side.open++;
	mr_job_ref(j);
	mr_directory_account(j->io->directory, mr_slice_of(j->login), mr_now_ms() + j->settings->directory_timeout, on_login, j);
}

static void begin(struct mr_job *j)
{
	for (size_t i = 0; i < j->n_recipients; i++) {
		struct mr_job_recipient *r = j->recipients[i];

		if (!r->open && (r->resolved.status == MR_DIR_TEMP || j->side.began - r->asked > STALE_MS))
			ask_recipient(r);
	}
	if (may_sign(j))
		mr_io_ask_sender(j);
	if (j->released)
		return;
	if (j->login && mr_job_is_outbound(j))
		ask_login(j);
	if (mr_virus_wanted(j))
		mr_io_ask_clamd(j);
	else if (j->settings->clamd)
		j->virus = MR_VIRUS_UNCHECKED;
	if (j->settings->outbound_scan || !mr_job_is_outbound(j))
		begin_scan(j);
	else
		j->scanned = j->scan.complete = true; /* nothing was looked for, and nothing is missing */
}

static void submit_now(void *arg)
{
	struct mr_job *j = arg;
	struct mr_milter_io *io = j->io;

	j->side.submitted = true;
	j->side.began = mr_now_ms();
	j->side.dns_until = j->side.began + j->settings->dns_timeout;
	j->side.deadline = mr_timer_start(io->loop, j->settings->scan_timeout, on_deadline, j);
	j->side.slow = mr_timer_start(io->loop, SLOW_MS, on_slow, j);
	DL_APPEND2(io->jobs, j, side.prev, side.next);
	io->n_jobs++;
	if (j->role == MR_ROLE_FORWARD) /* scanned in the first pass */
		mr_io_ask_sender(j);
	else
		begin(j);
	mr_io_finish_if_complete(j);
}

void mr_milter_io_submit(struct mr_job *j)
{
	mr_job_ref(j); /* finish() gives it back */
	mr_loop_post(j->io->loop, submit_now, j);
}

static void tell_now(void *arg)
{
	struct mr_job *j = arg;
	char text[128];

	snprintf(text, sizeof(text), "%s: %s", *j->queue_id ? j->queue_id : "a message",
		 j->held ? "scanners die over it" : "clamd does not finish it in clamd_timeout");
	mr_admin_ask(j->io->admin, "content-held", (struct mr_slice){ 0 }, text);
	mr_job_unref(j);
}

void mr_milter_io_tell_held(struct mr_job *j)
{
	mr_loop_post(j->io->loop, tell_now, mr_job_ref(j));
}

/* -- greylisting -- */

static void on_grey(const struct mr_grey_answer *a, void *arg)
{
	struct mr_job *j = arg;

	j->grey = *a;
	mr_job_done(j);
	mr_job_unref(j);
}

static void greylist_now(void *arg)
{
	struct mr_job *j = arg;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_grey_triple key = mr_grey_key(j, arena);

	mr_greylist_ask(j->io->greylist, &j->settings->grey, &key, MR_MILTER_GREY_MS, on_grey, j);
}

void mr_milter_io_greylist(struct mr_job *j)
{
	mr_job_again(j);
	mr_job_ref(j);
	mr_loop_post(j->io->loop, greylist_now, j);
}

/* -- set up -- */

static struct mr_pool_config pool_config(const struct mr_milter_conf *conf, struct mr_arena *arena)
{
	return (struct mr_pool_config){
		.program = "/proc/self/exe",
		.scanners_max = (unsigned)conf->scanners,
		.messages_max = (unsigned)conf->scanner_messages,
		.limits = { .memory = conf->scanner_memory, .cpu_seconds = conf->scan_timeout / 1000 + 1 },
		.log_target = conf->shared.log_target,
		.log_level = conf->shared.log_level,
		.setup = mr_milter_setup(conf, arena),
	};
}

int mr_milter_io_new(struct mr_loop *l, const struct mr_milter_conf *conf, struct mr_milter_io **out, struct mr_diag *diag)
{
	char directory[PATH_BYTES], generation[PATH_BYTES], keys[PATH_BYTES], quarantine[PATH_BYTES], admin[PATH_BYTES];
	struct mr_milter_io *io = mr_new(struct mr_milter_io, 1);
	mr_autoarena arena = mr_arena_new(0);
	struct mr_pool_config pool = pool_config(conf, arena);
	int r;

	snprintf(directory, sizeof(directory), "%s/lookup/directory.sock", conf->shared.run_dir);
	snprintf(generation, sizeof(generation), "%s/lookup/generation", conf->shared.run_dir);
	snprintf(keys, sizeof(keys), "%s/keys/keys.sock", conf->shared.run_dir);
	snprintf(quarantine, sizeof(quarantine), "%s/milter/quarantine", conf->shared.state_dir);
	snprintf(admin, sizeof(admin), "%s/admin/admin.sock", conf->shared.run_dir);
	io->loop = l;
	r = mr_dns_new(l, conf->shared.resolver, &io->dns, diag);
	if (r == 0)
		r = mr_outbound_new(l, &conf->shared, &io->outbound, diag);
	if (r < 0) {
		mr_dns_free(io->dns);
		free(io);
		return r;
	}
	io->directory =
	    mr_directory_new(l, &(struct mr_directory_config){ .socket = directory, .keys_socket = keys, .generation = generation });
	io->admin = mr_admin_new(l, admin);
	io->pool = mr_pool_new(l, &pool);
	io->lists = mr_list_health_new(&pool.setup);
	io->kept = mr_dns_kept_new();
	io->greylist = mr_greylist_new(l, mr_outbound_redis(io->outbound), conf->shared.redis_prefix);
	io->fuzzy = mr_fuzzy_store_new(l, mr_outbound_redis(io->outbound), conf->shared.redis_prefix);
	io->sweep = mr_quarantine_sweep_new(l, quarantine, &(struct mr_quarantine_bounds){ conf->quarantine_keep, conf->quarantine_max });
	io->clamd = mr_clamd_new(l);
	mr_io_set_clamd(io, conf);
	*out = io;
	return 0;
}

void mr_milter_io_reload(struct mr_milter_io *io, const struct mr_milter_conf *conf)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_pool_config pool = pool_config(conf, arena);

	mr_pool_reload(io->pool, &pool);
	mr_list_health_free(io->lists);
	io->lists = mr_list_health_new(&pool.setup);
	mr_quarantine_sweep_reload(io->sweep, &(struct mr_quarantine_bounds){ conf->quarantine_keep, conf->quarantine_max });
	mr_io_set_clamd(io, conf);
}

void mr_milter_io_end_jobs(struct mr_milter_io *io)
{
	while (io->jobs) {
		struct mr_job *j = io->jobs;

		if (j->side.scanning)
			mr_pool_cancel(io->pool, &j->side.task);
		j->side.scanning = false;
		mr_io_forget_clamd(j);
		finish(j);
	}
}

void mr_milter_io_free(struct mr_milter_io *io)
{
	if (!io)
		return;
	mr_milter_io_end_jobs(io);
	mr_directory_give_up(io->directory); /* each question holds its job, also of messages that were never submitted */
	mr_pool_free(io->pool);
	mr_directory_free(io->directory);
	mr_dns_free(io->dns);
	mr_dns_kept_free(io->kept);
	mr_outbound_free(io->outbound);
	mr_admin_free(io->admin);
	mr_greylist_free(io->greylist);
	mr_fuzzy_store_free(io->fuzzy);
	mr_quarantine_sweep_free(io->sweep);
	mr_clamd_free(io->clamd);
	mr_list_health_free(io->lists);
	free(io);
}

void mr_milter_io_pending(const struct mr_milter_io *io, struct mr_buf *out)
{
	size_t n = 0;

	for (const struct mr_job *j = io->jobs; j && n < PENDING_MAX; j = j->side.next, n++) {
		struct mr_buf waiting = MR_BUF(WAITING_MAX);

		mr_job_waiting(j, &waiting);
		mr_buf_printf(out, "%s=%llu ", j->queue_id[0] ? j->queue_id : "none", (unsigned long long)(mr_now_ms() - j->side.began));
		mr_escape_add(out, mr_buf_slice(&waiting), WAITING_MAX);
		mr_buf_putc(out, '\n');
		mr_buf_done(&waiting);
	}
}

size_t mr_milter_io_jobs(const struct mr_milter_io *io)
{
	return io->n_jobs;
}

struct mr_pool *mr_milter_io_pool(struct mr_milter_io *io)
{
	return io->pool;
}

struct mr_directory *mr_milter_io_directory(struct mr_milter_io *io)
{
	return io->directory;
}

struct mr_clamd *mr_milter_io_clamd(struct mr_milter_io *io)
{
	return io->clamd;
}

const struct mr_list_health *mr_milter_io_lists(const struct mr_milter_io *io)
{
	return io->lists;
}
