/* forward: the second pass of forwarded mail. The first one has scanned it and written what it found into Authentication-Results; here the
 * message as it leaves is sealed with that (RFC 8617). Nothing else is added, nothing is changed: the sender's signature must stay valid.
 */

/* system */
#include <errno.h>

/* ours */
#include "act.h"
#include "base/mem.h"
#include "milter-stats.h"
#include "rt/log.h"
#include "sign.h"

/* The seal must stand above what it seals. */
static int insert_set(SMFICTX *ctx, const struct session *s, const struct mr_arc_set *set)
{
	int r = act_insert(ctx, s, "ARC-Authentication-Results", mr_buf_slice(&set->results));

	if (r == 0)
		r = act_insert(ctx, s, "ARC-Message-Signature", mr_buf_slice(&set->signature));
	if (r == 0)
		r = act_insert(ctx, s, "ARC-Seal", mr_buf_slice(&set->seal));
	return r;
}

/* 0: sealed. 1: there is nothing to seal. -errno with the reason: no seal could be made. */
static int seal(SMFICTX *ctx, const struct session *s, struct mr_diag *diag)
{
	const struct mr_job *j = s->m.job;
	mr_autoarena arena = mr_arena_new(0);
	struct mr_arc_set set = MR_ARC_SET;
	int r = j->sign == MR_SIGN_YES && j->n_keys ? mr_sign_seal(j, arena, &set, diag) : 1;

	if (r == 0 && insert_set(ctx, s, &set) < 0)
		r = mr_diag_set(diag, -EPIPE, "libmilter refuses a change");
	mr_arc_set_done(&set);
	return r;
}

static sfsistat give_up(SMFICTX *ctx, const char *id, const char *step, const char *why)
{
	mr_log(MR_LOG_ERROR, "forward-failed", mr_s("id", id), mr_s("step", step), mr_s("why", why));
	return act_tempfail(ctx);
}

/* A seal that cannot be made holds no mail up; half a set, or a key that is only away for now, does. */
sfsistat forward_end(SMFICTX *ctx, struct session *s)
{
	const char *macro = smfi_getsymval(ctx, "i"), *id = macro ? macro : "", *step;
	const struct mr_job *j = s->m.job;
	struct mr_diag diag = { 0 };
	int r = message_collect(s, id, &step);

	if (r == -EFBIG)
		return act_too_big(ctx);
	if (r < 0)
		return give_up(ctx, id, step, strerror(-r));
	if (j->sign == MR_SIGN_AWAY)
		return give_up(ctx, id, "seal", "the key is not to be had now");
	r = seal(ctx, s, &diag);
	if (r == -EPIPE)
		return give_up(ctx, id, "seal", diag.text);
	if (r < 0)
		mr_log(MR_LOG_WARNING, "not-sealed", mr_s("id", id), mr_s("why", diag.text));
	else if (r == 0)
		atomic_fetch_add(&mr_milter_counters.sealed, 1);
	mr_log(MR_LOG_INFO, "forward", mr_s("id", id), mr_s("sender", j->sender), mr_u("size", j->message.n), mr_u("sealed", r == 0));
	return SMFIS_CONTINUE;
}
