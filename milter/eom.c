/* eom: the end of a message: everything known is waited for, the verdict is reached and carried out, one line is logged. */

/* system */
#include <errno.h>

/* ours */
#include "act.h"
#include "base/mem.h"
#include "circle.h"
#include "evaluations.h"
#include "explain.h"
#include "io.h"
#include "milter-stats.h"
#include "quarantine.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "sign.h"
#include "virus.h"

#define LOOP_SLACK_MS 5000 /* the loop ends each job at scan_timeout; when even that does not come the front gives up */
#define TEXT_MAX      8192

struct ending {
	SMFICTX *ctx;
	struct session *session;
	struct mr_job *job;
	const char *queue_id;
	bool known; /* the job's findings may be read */
	struct mr_arena *arena;
	struct mr_verdict verdict;
	struct mr_slice signatures[MR_DIR_SELECTORS_MAX];
	size_t n_signatures;
	char quarantine_id[MR_QUARANTINE_ID_MAX];
	uint64_t greylist_ms;
};

static void give_up(struct ending *e, const char *reason, const char *why)
{
	e->verdict = (struct mr_verdict){ .action = MR_ACTION_TEMPFAIL, .reason = reason };
	if (why)
		mr_log(MR_LOG_ERROR, "message-failed", mr_s("id", e->queue_id), mr_s("step", reason), mr_s("why", why));
}

static int decide(struct ending *e)
{
	const struct mr_job *j = e->job;
	struct mr_verdict_recipient *recipients = mr_arena_try(e->arena, j->n_recipients * sizeof(*recipients) + 1);
	const struct mr_verdict_outbound outbound = mr_job_outbound(j);
	struct mr_message message;
	struct mr_verdict_input in = {
		.scan = j->scanned ? &j->scan : NULL,
		.held = j->held,
		.virus = j->virus,
		.virus_name = j->virus_name,
		.virus_withhold = j->settings->virus_withhold,
		.trusted = j->trusted,
		.defer_undecided = j->settings->dns_away == MR_DNS_AWAY_DEFER,
		.accept_unknown = j->settings->on_error == MR_ON_ERROR_ACCEPT,
		.proven_only = !j->settings->allow_unproven,
		.sender = mr_slice_of(j->sender),
		.from = mr_slice_of(j->from),
		.site = j->settings->thresholds,
		.outbound = mr_job_is_outbound(j) ? &outbound : NULL,
		.outbound_away = j->login_status == MR_DIR_TEMP,
		.recipients = recipients,
		.n_recipients = j->n_recipients,
	};

	if (!recipients)
		return -ENOMEM;
	if (j->login_locked) { /* since policyd was asked, which is before the message comes here */
		e->verdict = (struct mr_verdict){ .action = MR_ACTION_REJECT, .reason = "login-locked", .text = "This account is locked" };
		return 0;
	}
	if (j->marked) {
		mr_message_parse(j->message, e->arena, &message);
		in.marked = &message;
	}
	for (size_t i = 0; i < j->n_recipients; i++)
		recipients[i] = (struct mr_verdict_recipient){ .address = mr_slice_of(j->recipients[i]->address),
							       .esmtp = mr_slice_of(j->recipients[i]->esmtp),
							       .resolved = &j->recipients[i]->resolved };
	return mr_verdict_decide(&in, e->arena, &e->verdict);
}

/* Redis is asked only about mail that it depends on; while it is away that is taken. */
static void greylist(struct ending *e)
{
	struct mr_job *j = e->job;
	uint64_t began = mr_now_ms();

	mr_milter_io_greylist(j);
	if (!mr_job_wait(j, MR_MILTER_GREY_MS + LOOP_SLACK_MS)) {
		e->known = false;
		give_up(e, "greylist", strerror(ETIMEDOUT));
	} else if (j->grey.kind == MR_GREY_WAIT) {
		e->verdict = (struct mr_verdict){ .action = MR_ACTION_GREYLIST, .reason = "greylist", .wait_ms = j->grey.left };
	}
	e->greylist_ms = mr_now_ms() - began;
}

static bool refused(const struct ending *e)
{
	return e->verdict.action == MR_ACTION_REJECT || e->verdict.action == MR_ACTION_GREYLIST || e->verdict.action == MR_ACTION_TEMPFAIL;
}

/* It goes on its way, be it to the hold queue. */
static bool leaves(const struct ending *e)
{
	return !refused(e) && e->verdict.action != MR_ACTION_QUARANTINE;
}

static void sign(struct ending *e)
{
	struct mr_diag diag = { 0 };

	switch (e->job->sign) {
	case MR_SIGN_NO:
		return;
	case MR_SIGN_AWAY:
		give_up(e, "sign", "the key is not to be had now");
		return;
	case MR_SIGN_YES:
		break;
	}
	if (mr_sign_message(e->job, e->arena, e->signatures, &diag) < 0)
		give_up(e, "sign", diag.text);
	else
		e->n_signatures = e->job->n_keys;
}

static const char *withheld_text(const struct mr_verdict *v)
{
	if (v->action == MR_ACTION_SPLIT)
		return "withheld from these recipients, taken by others";
	return v->reason ? v->reason : "score";
}

/* On disk before the envelope is edited. */
static void quarantine(struct ending *e)
{
	const struct mr_job *j = e->job;
	char client[MR_IP_STRLEN] = "";
	struct mr_diag diag = { 0 };
	struct mr_quarantine_copy c = {
		.message = j->message,
		.time = mr_wall(),
		.queue_id = mr_slice_of(e->queue_id),
		.client = mr_slice_of(j->client.family ? mr_ip_str(&j->client, client) : ""),
		.helo = mr_slice_of(j->helo),
		.sender = mr_slice_of(j->sender),
		.sender_parameters = mr_slice_of(j->sender_esmtp),
		.from = mr_slice_of(j->from),
		.outbound = mr_job_is_outbound(j),
		.reason = mr_slice_of(withheld_text(&e->verdict)),
		.recipients = e->verdict.withheld,
		.n_recipients = e->verdict.n_withheld,
		.scan = j->scanned ? &j->scan : NULL,
	};

	if (e->verdict.n_withheld == 0)
		return;
	if (mr_quarantine_store(j->settings->quarantine_dir, &c, e->quarantine_id, &diag) < 0)
		give_up(e, "quarantine", diag.text);
	else
		atomic_fetch_add(&mr_milter_counters.quarantined, 1);
}

/* Of mail from outside that was judged. */
static void keep_evaluation(const struct ending *e)
{
	const struct mr_job *j = e->job;
	char client[MR_IP_STRLEN] = "";

	if (!e->known || !j->scanned || e->verdict.action == MR_ACTION_GREYLIST)
		return;
	mr_evaluations_add(&(struct mr_evaluation){ .queue_id = mr_slice_of(e->queue_id),
						    .client = mr_slice_of(j->client.family ? mr_ip_str(&j->client, client) : ""),
						    .dmarc = &j->scan.dmarc,
						    .verdict = &e->verdict });
}

static void count(const struct ending *e)
{
	static _Atomic int64_t *const counters[] = {
		[MR_ACTION_ACCEPT] = &mr_milter_counters.accepted,     [MR_ACTION_JUNK] = &mr_milter_counters.junked,
		[MR_ACTION_SPLIT] = &mr_milter_counters.split,         [MR_ACTION_REJECT] = &mr_milter_counters.rejected,
		[MR_ACTION_TEMPFAIL] = &mr_milter_counters.tempfailed, [MR_ACTION_HOLD] = &mr_milter_counters.held,
		[MR_ACTION_GREYLIST] = &mr_milter_counters.greylisted, [MR_ACTION_QUARANTINE] = &mr_milter_counters.withheld,
	};

	atomic_fetch_add(counters[e->verdict.action], 1);
	if (e->n_signatures && leaves(e))
		atomic_fetch_add(&mr_milter_counters.is_signed, 1);
}

static void log_message(const struct ending *e)
{
	const struct mr_job *j = e->job;
	bool scanned = e->known && j->scanned;
	struct mr_buf symbols = MR_BUF(TEXT_MAX);
	char client[MR_IP_STRLEN] = "";
	uint64_t now = mr_now_ms();

	if (scanned)
		mr_symbols_text(&j->scan, ",", &symbols);
	mr_log(e->verdict.action == MR_ACTION_HOLD ? MR_LOG_WARNING : MR_LOG_INFO, "message", mr_s("id", e->queue_id),
	       mr_s("role", mr_role_str(j->role)), mr_s("client", j->client.family ? mr_ip_str(&j->client, client) : ""),
	       mr_s("sender", j->sender), mr_s("from", j->from), mr_u("recipients", j->n_recipients), mr_u("size", j->message.n),
	       mr_s("action", mr_action_str(e->verdict.action)), mr_s("reason", e->verdict.reason),
	       mr_score("score", scanned ? j->scan.score : 0), mr_sl("symbols", mr_buf_slice(&symbols)),
	       mr_s("virus", e->known ? j->virus_name : ""), mr_u("signed", e->n_signatures), mr_s("quarantine", e->quarantine_id),
	       mr_u("recipients_ms", e->known ? j->recipients_ms : 0), mr_u("scan_ms", e->known ? j->scan_ms : 0),
	       mr_u("dns_ms", e->known ? j->dns_ms : 0), mr_u("clamd_ms", e->known ? j->clamd_ms : 0),
	       mr_u("fuzzy_ms", e->known ? j->fuzzy_ms : 0), mr_u("greylist_ms", e->greylist_ms),
	       mr_u("receive_ms", e->session->m.ended - e->session->m.began), mr_u("total_ms", now - e->session->m.ended),
	       e->verdict.n_unproven ? mr_u("allowed_unproven", e->verdict.n_unproven) : (struct mr_kv){ 0 });
	mr_buf_done(&symbols);
	explain_keep(&(struct explain){ .queue_id = e->queue_id,
					.quarantine_id = e->quarantine_id,
					.job = j,
					.known = e->known,
					.verdict = &e->verdict,
					.n_signatures = e->n_signatures,
					.receive_ms = e->session->m.ended - e->session->m.began,
					.greylist_ms = e->greylist_ms,
					.total_ms = now - e->session->m.ended });
}

int message_collect(struct session *s, const char *queue_id, const char **step)
{
	struct mr_job *j = s->m.job;
	int r = mr_spool_end(&s->m.spool, &j->small, &j->memfd);

	j->queue_id = mr_strdup(queue_id);
	*step = "spool";
	if (r == 0)
		r = mr_job_map(j);
	if (r == 0 && mr_virus_wanted(j)) /* here, where it keeps nobody waiting but its sender */
		r = mr_sha256(j->message, j->sha256);
	if (r < 0)
		return r;
	*step = "loop";
	mr_milter_io_submit(j);
	return mr_job_wait(j, j->settings->scan_timeout + LOOP_SLACK_MS) ? 0 : -ETIMEDOUT;
}

/* 0, or -errno with the reason set. */
static int collect(struct ending *e)
{
	const char *step;
	int r;

	if (mr_headers_strip_full(e->session->m.strip)) {
		e->verdict = (struct mr_verdict){ .action = MR_ACTION_REJECT, .reason = "forged-fields" };
		return -E2BIG;
	}
	if (e->job->passes > MR_CIRCLE_RECEIVED_MAX) {
		e->verdict = (struct mr_verdict){ .action = MR_ACTION_REJECT, .reason = "circle", .circle = true };
		return -ELOOP;
	}
	if (e->job->settings->foreign_from == MR_FOREIGN_FROM_REFUSE && mr_job_foreign_from(e->job)) {
		e->verdict = (struct mr_verdict){ .action = MR_ACTION_REJECT,
						  .reason = "foreign-from",
						  .text = "The address in From is not in a domain of yours" };
		return -EPERM;
	}
	/* A redirect of Sieve, say: our signature would vouch for what a stranger wrote under a name of ours. */
	e->job->resent = e->job->role == MR_ROLE_LOCAL && mr_headers_strip_any(e->session->m.strip);
	r = message_collect(e->session, e->queue_id, &step);
	e->known = r == 0;
	if (r < 0)
		give_up(e, step, strerror(-r));
	return r;
}

/* What a script of Sieve redirects came in and was judged before, as our fields in it tell: it stays as it is, also those fields, which the
 * second pass of forwarded mail seals. */
static sfsistat redirected(SMFICTX *ctx, const struct session *s)
{
	const struct mr_job *j = s->m.job;
	const char *id = smfi_getsymval(ctx, "i");

	atomic_fetch_add(&mr_milter_counters.redirected, 1);
	mr_log(MR_LOG_INFO, "redirect", mr_s("id", id ? id : ""), mr_s("sender", j->sender), mr_u("recipients", j->n_recipients));
	return SMFIS_CONTINUE;
}

/* Nobody sees what is on hold unless it is said. Of outgoing spam policyd tells. */
static void tell(const struct ending *e)
{
	if (e->verdict.action == MR_ACTION_HOLD && (e->job->held || e->job->virus == MR_VIRUS_SLOW))
		mr_milter_io_tell_held(e->job);
}

sfsistat message_end(SMFICTX *ctx, struct session *s)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *id = smfi_getsymval(ctx, "i");
	struct ending e = { .ctx = ctx, .session = s, .job = s->m.job, .queue_id = id ? id : "", .arena = arena };
	struct act act = { .ctx = ctx, .session = s, .verdict = &e.verdict, .queue_id = e.queue_id };
	sfsistat answer;
	int r;

	if (s->role == MR_ROLE_REDIRECT && mr_headers_strip_any(s->m.strip) && s->m.job->passes <= MR_CIRCLE_RECEIVED_MAX)
		return redirected(ctx, s);
	s->m.ended = mr_now_ms();
	r = collect(&e);
	if (r == 0 && decide(&e) < 0)
		give_up(&e, "verdict", "too many finals");
	if (e.verdict.greylist)
		greylist(&e);
	if (leaves(&e))
		sign(&e);
	if (!refused(&e))
		quarantine(&e);
	act.signatures = e.signatures;
	act.n_signatures = e.n_signatures;
	if (leaves(&e) && act_change(&act) < 0)
		give_up(&e, "change", "libmilter refuses a change");
	answer = r == -EFBIG ? act_too_big(ctx) : act_answer(&act);
	keep_evaluation(&e);
	count(&e);
	log_message(&e);
	tell(&e);
	return answer;
}
