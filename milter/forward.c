/* forward: the second pass of forwarded mail. The first one has scanned it and written what it found into Authentication-Results; here the
 * message as it leaves is sealed with that (RFC 8617), and says who got it, so that it goes in no circle. Nothing is changed: the sender's
 * signature must stay valid.
 *
 * The envelope sender is rewritten by Postfix's cleanup, also what is put in its place here: for exempt clients an address of ours that
 * asks to stand for it (mail/srs.h). */

/* system */
#include <errno.h>

/* ours */
#include "act.h"
#include "base/mem.h"
#include "circle.h"
#include "mail/address.h"
#include "mail/srs.h"
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

/* What the message already went through, and what is left of it. */
struct trace {
	struct mr_message message;
	struct mr_buf field; /* of this pass */
	size_t n_circles;    /* recipients that had it before */
};

/* 0, or -EIO: libmilter refuses a change. */
static int follow(SMFICTX *ctx, const struct session *s, struct mr_arena *arena, struct trace *t)
{
	const struct mr_job *j = s->m.job;
	int r = 0;

	if (j->marked)
		mr_message_parse(j->message, arena, &t->message);
	for (size_t i = 0; i < j->n_recipients; i++) {
		struct mr_slice recipient = mr_slice_of(j->recipients[i]->address);

		if (j->passes > MR_CIRCLE_RECEIVED_MAX || mr_circle_has(&t->message, recipient))
			t->n_circles++;
		else
			mr_circle_add(&t->field, recipient);
	}
	for (size_t i = 0; i < j->n_recipients && t->n_circles < j->n_recipients && r == 0; i++) {
		const char *recipient = j->recipients[i]->address;

		if (!mr_circle_has(&t->message, mr_slice_of(recipient)))
			continue;
		r = smfi_delrcpt(ctx, mr_arena_printf(arena, "<%s>", recipient)) == MI_SUCCESS ? 0 : -EIO;
	}
	return r;
}

/* Everybody has had it: the sender learns that. Somebody has: he gets no second copy, see follow(). */
static sfsistat refuse_circle(SMFICTX *ctx, const char *id, const struct mr_job *j)
{
	mr_log(MR_LOG_WARNING, "circle", mr_s("id", id), mr_s("sender", j->sender), mr_s("recipient", j->recipients[0]->address),
	       mr_u("recipients", j->n_recipients));
	return act_circle(ctx);
}

/* 1: the message came from an exempt client, and its sender is kept. 0: not so, or there is no address that could stand for it. -EIO:
 * libmilter refuses the change. */
static int keep_sender(SMFICTX *ctx, const struct session *s, struct mr_arena *arena)
{
	const struct mr_settings *settings = s->m.job->settings;
	struct mr_slice us = mr_slice_of(strchr(settings->forwarder, '@') + 1);
	struct mr_slice sender = mr_slice_of(s->m.reverse_path), asks;

	if (!mr_settings_exempts(settings, &s->m.origin.client) ||
	    mr_srs_exempt_ask(us, mr_address_unquote(sender, arena), arena, &asks) < 0)
		return 0;
	asks = mr_address_quote(asks, arena);
	return smfi_chgfrom(ctx, mr_arena_printf(arena, "<%.*s>", (int)asks.n, asks.p), NULL) == MI_SUCCESS ? 1 : -EIO;
}

/* A seal that cannot be made holds no mail up; half a set, or a key that is only away for now, does. */
static sfsistat end_collected(SMFICTX *ctx, const struct session *s, const char *id, struct mr_arena *arena, struct trace *t)
{
	const struct mr_job *j = s->m.job;
	struct mr_diag diag = { 0 };
	int r = follow(ctx, s, arena, t), kept;

	if (r < 0)
		return give_up(ctx, id, "circle", "libmilter refuses a change");
	if (j->n_recipients && t->n_circles == j->n_recipients)
		return refuse_circle(ctx, id, j);
	if (j->sign == MR_SIGN_AWAY)
		return give_up(ctx, id, "seal", "the key is not to be had now");
	kept = keep_sender(ctx, s, arena);
	if (kept < 0)
		return give_up(ctx, id, "sender", "libmilter refuses a change");
	r = seal(ctx, s, &diag);
	if (r == -EPIPE || (t->field.n && act_insert(ctx, s, MR_CIRCLE_FIELD, mr_buf_slice(&t->field)) < 0))
		return give_up(ctx, id, "seal", r == -EPIPE ? diag.text : "libmilter refuses a change");
	if (r < 0)
		mr_log(MR_LOG_WARNING, "not-sealed", mr_s("id", id), mr_s("why", diag.text));
	else if (r == 0)
		atomic_fetch_add(&mr_milter_counters.sealed, 1);
	mr_log(MR_LOG_INFO, "forward", mr_s("id", id), mr_s("sender", j->sender), mr_u("size", j->message.n),
	       mr_u("recipients", j->n_recipients - t->n_circles), mr_u("circles", t->n_circles), mr_u("sealed", r == 0),
	       mr_u("exempt", (uint64_t)kept));
	return SMFIS_CONTINUE;
}

sfsistat forward_end(SMFICTX *ctx, struct session *s)
{
	const char *macro = smfi_getsymval(ctx, "i"), *id = macro ? macro : "", *step;
	mr_autoarena arena = mr_arena_new(0);
	struct trace trace = { .field = MR_BUF(MR_CIRCLE_VALUE_MAX) };
	int r = message_collect(s, id, &step);
	sfsistat answer;

	if (r == -EFBIG)
		answer = act_too_big(ctx);
	else if (r < 0)
		answer = give_up(ctx, id, step, strerror(-r));
	else
		answer = end_collected(ctx, s, id, arena, &trace);
	mr_buf_done(&trace.field);
	return answer;
}
