/* release: a message out of the quarantine on its way to those it was withheld from. It brings a token that only the quarantine's own files
 * tell, is not judged again, and is let past once: the entry is marked as released, on disk, before Postfix hears that it may have the
 * message. What one of ours wrote is signed now. */

/* system */
#include <errno.h>

/* ours */
#include "act.h"
#include "milter-stats.h"
#include "quarantine.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "sign.h"

struct releasing {
	SMFICTX *ctx;
	struct session *session;
	struct mr_arena *arena;
	const char *queue_id;
	struct mr_quarantine_entry entry;
	const char *step;
};

static int remove_field(const char *name, unsigned index, void *arg)
{
	return smfi_chgheader(arg, (char *)name, (int)index, NULL) == MI_SUCCESS ? 0 : -EIO;
}

/* It may go to whom it was withheld from and to nobody else. */
static bool was_withheld(const struct mr_quarantine_entry *e, const char *address)
{
	for (size_t i = 0; i < e->n_recipients; i++)
		if (mr_slice_ieq(e->recipients[i].address, mr_slice_of(address)))
			return true;
	return false;
}

static int check(struct releasing *r)
{
	const struct mr_job *j = r->session->m.job;
	int err = mr_quarantine_claim_check(j->settings->quarantine_dir, mr_slice_of(r->session->m.release), r->arena, &r->entry);

	r->step = "token";
	for (size_t i = 0; err == 0 && i < j->n_recipients; i++)
		if (!was_withheld(&r->entry, j->recipients[i]->address))
			err = -EPERM;
	return err;
}

static int insert_signatures(struct releasing *r)
{
	struct mr_job *j = r->session->m.job;
	struct mr_slice signatures[MR_DIR_SELECTORS_MAX];
	struct mr_diag diag = { 0 };
	int err = 0;

	r->step = "sign";
	if (j->sign == MR_SIGN_AWAY)
		return -EAGAIN;
	if (j->sign == MR_SIGN_NO)
		return 0;
	if (mr_sign_message(j, r->arena, signatures, &diag) < 0) {
		mr_log(MR_LOG_ERROR, "message-failed", mr_s("id", r->queue_id), mr_s("step", "sign"), mr_s("why", diag.text));
		return -EAGAIN;
	}
	for (size_t i = 0; i < j->n_keys && err == 0; i++)
		err = act_insert(r->ctx, r->session, "DKIM-Signature", signatures[i]);
	return err;
}

/* As mail from outside has them, but for the score: it is let through whatever that was. */
static int insert_results(struct releasing *r)
{
	const struct mr_job *j = r->session->m.job;
	int err = act_insert(r->ctx, r->session, "X-Spam-Action", MR_LIT("released"));

	if (err == 0)
		err = act_insert(r->ctx, r->session, "X-Spam-Queue-Id", mr_slice_of(r->queue_id));
	if (err == 0)
		err = act_insert(r->ctx, r->session, "X-Spam-Server", mr_slice_of(j->settings->hostname));
	if (err == 0 && r->entry.authres.n)
		err = act_insert(r->ctx, r->session, "Authentication-Results", r->entry.authres);
	return err;
}

static int change(struct releasing *r)
{
	int err = mr_headers_strip_each(r->session->m.strip, remove_field, r->ctx);

	r->step = "change";
	if (err == 0)
		err = r->entry.outbound ? insert_signatures(r) : insert_results(r);
	return err;
}

static int claim(struct releasing *r)
{
	const struct mr_job *j = r->session->m.job;
	struct mr_slice *to = mr_arena_try(r->arena, (j->n_recipients + 1) * sizeof(*to));

	r->step = "claim";
	if (!to)
		return -ENOMEM;
	for (size_t i = 0; i < j->n_recipients; i++)
		to[i] = mr_slice_of(j->recipients[i]->address);
	return mr_quarantine_claim(j->settings->quarantine_dir, r->entry.id, mr_slice_of(r->queue_id), mr_wall(), to, j->n_recipients);
}

static sfsistat answer(const struct releasing *r, int err)
{
	switch (err) {
	case 0:
		return SMFIS_CONTINUE;
	case -EEXIST:
		smfi_setreply(r->ctx, (char *)"550", (char *)"5.7.1", (char *)MR_QUARANTINE_BEFORE);
		return SMFIS_REJECT;
	case -EPERM:
		smfi_setreply(r->ctx, (char *)"550", (char *)"5.7.1", (char *)"Not to be released like this");
		return SMFIS_REJECT;
	case -EFBIG:
		return act_too_big(r->ctx);
	default:
		return act_tempfail(r->ctx);
	}
}

sfsistat release_end(SMFICTX *ctx, struct session *s)
{
	mr_autoarena arena = mr_arena_new(0);
	const char *id = smfi_getsymval(ctx, "i");
	struct releasing r = { .ctx = ctx, .session = s, .arena = arena, .queue_id = id ? id : "" };
	struct mr_job *j = s->m.job;
	int err = check(&r);

	if (err == 0) {
		j->released = true;
		j->trusted = r.entry.outbound; /* signs as it would have */
		err = message_collect(s, r.queue_id, &r.step);
	}
	if (err == 0)
		err = change(&r);
	if (err == 0)
		err = claim(&r);
	if (err == 0)
		atomic_fetch_add(&mr_milter_counters.released, 1);
	mr_log(err == 0 ? MR_LOG_INFO : MR_LOG_WARNING, err == 0 ? "release" : "not-released", mr_s("id", r.queue_id),
	       mr_s("entry", r.entry.id), mr_s("sender", j->sender), mr_u("recipients", j->n_recipients), mr_s("step", err ? r.step : NULL),
	       mr_s("why", err ? strerror(-err) : NULL));
	return answer(&r, err);
}
