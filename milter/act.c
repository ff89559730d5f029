/* act: see act.h. */

/* system */
#include <errno.h>

/* ours */
#include "act.h"
#include "base/mem.h"
#include "milter-stats.h"

#define ADDRESS_MAX 1024
#define MINUTE_MS   60000
#define LEVEL_MAX   50 /* stars */

int act_insert(SMFICTX *ctx, const struct session *s, const char *name, struct mr_slice value)
{
	struct mr_buf v = MR_BUF(MR_HEADER_VALUE_MAX);
	int r = 0;

	if (s->lead_space)
		mr_buf_putc(&v, ' ');
	if (mr_headers_value(value, &v) < 0 || smfi_insheader(ctx, 0, (char *)name, v.p) != MI_SUCCESS)
		r = -EIO;
	mr_buf_done(&v);
	return r;
}

static int insert(const struct act *a, const char *name, struct mr_slice value)
{
	return act_insert(a->ctx, a->session, name, value);
}

static int remove_field(const char *name, unsigned index, void *arg)
{
	struct act *a = arg;

	return smfi_chgheader(a->ctx, (char *)name, (int)index, NULL) == MI_SUCCESS ? 0 : -EIO;
}

static const char *shown_action(const struct mr_verdict *v)
{
	static const char *const site[] = {
		[MR_ACCEPT] = "accept", [MR_JUNK] = "junk", [MR_QUARANTINE] = "quarantine", [MR_REJECT] = "reject"
	};

	return v->action == MR_ACTION_SPLIT ? site[v->site] : mr_action_str(v->action);
}

/* A star for each whole point, as many programs of users know it. */
static int insert_level(const struct act *a)
{
	const struct mr_job *j = a->session->m.job;
	char stars[LEVEL_MAX + 1];
	size_t n = 0;

	if (!j->scanned || !a->verdict->level)
		return 0;
	while (n < LEVEL_MAX && (double)(n + 1) <= j->scan.score)
		stars[n++] = '*';
	return n ? insert(a, "X-Spam-Level", (struct mr_slice){ stars, n }) : 0;
}

/* Last to first, as each goes to the top. */
static int insert_results(const struct act *a)
{
	const struct mr_job *j = a->session->m.job;
	struct mr_buf result = MR_BUF(MR_HEADER_VALUE_MAX);
	int r = insert(a, "X-Spam-Action", mr_slice_of(shown_action(a->verdict)));

	if (r == 0)
		r = insert(a, "X-Spam-Queue-Id", mr_slice_of(a->queue_id));
	if (r == 0)
		r = insert(a, "X-Spam-Server", mr_slice_of(j->settings->hostname));
	if (r == 0 && j->scanned) {
		mr_headers_result(&j->scan, &result);
		r = insert(a, "X-Spam-Result", mr_buf_slice(&result));
	}
	if (r == 0)
		r = insert_level(a);
	if (r == 0 && a->verdict->action == MR_ACTION_JUNK)
		r = insert(a, "X-Spam", MR_LIT("Yes"));
	if (r == 0 && j->scanned && j->scan.authres.n)
		r = insert(a, "Authentication-Results", j->scan.authres);
	mr_buf_done(&result);
	return r;
}

static int change_headers(const struct act *a)
{
	int r = mr_headers_strip_each(a->session->m.strip, remove_field, (void *)a);

	/* What our own people send to others carries no results of ours out of the house. */
	if (r == 0 && (!a->session->m.job->trusted || a->verdict->in_house))
		r = insert_results(a);
	for (size_t i = 0; i < a->n_signatures && r == 0; i++)
		r = insert(a, "DKIM-Signature", a->signatures[i]);
	return r;
}

static int change_envelope(const struct act *a)
{
	for (size_t i = 0; i < a->verdict->n_edits; i++) {
		const struct mr_verdict_edit *e = &a->verdict->edits[i];
		struct mr_buf path = MR_BUF(ADDRESS_MAX), esmtp = MR_BUF(4096);
		int r;

		mr_buf_printf(&path, "<%.*s>", (int)e->address.n, e->address.p);
		mr_buf_add(&esmtp, e->esmtp);
		if (path.full || esmtp.full)
			r = MI_FAILURE;
		else if (!e->add)
			r = smfi_delrcpt(a->ctx, path.p);
		else
			r = smfi_addrcpt_par(a->ctx, path.p, esmtp.n ? esmtp.p : NULL);
		mr_buf_done(&path);
		mr_buf_done(&esmtp);
		if (r != MI_SUCCESS)
			return -EIO;
	}
	return 0;
}

static const char *hold_text(const struct mr_verdict *v)
{
	if (strcmp(v->reason, "outbound") == 0)
		return "mailreeve: outgoing spam";
	return strcmp(v->reason, "slow-for-clamd") == 0 ? "mailreeve: clamd does not finish it" : "mailreeve: its content kills scanners";
}

int act_change(const struct act *a)
{
	int r = change_headers(a);

	if (r == 0)
		r = change_envelope(a);
	if (r == 0 && a->verdict->action == MR_ACTION_HOLD && smfi_quarantine(a->ctx, (char *)hold_text(a->verdict)) != MI_SUCCESS)
		r = -EIO;
	return r;
}

static void set_reply(SMFICTX *ctx, const char *code, const char *status, const char *text)
{
	smfi_setreply(ctx, (char *)code, (char *)status, (char *)text);
}

sfsistat act_tempfail(SMFICTX *ctx)
{
	set_reply(ctx, "451", "4.7.1", "The mail filter cannot answer now, try again later");
	return SMFIS_TEMPFAIL;
}

sfsistat act_circle(SMFICTX *ctx)
{
	atomic_fetch_add(&mr_milter_counters.circles, 1);
	set_reply(ctx, "554", "5.4.6", "Mail forwarding loop: this message was here, and went to these recipients, before");
	return SMFIS_REJECT;
}

static sfsistat act_greylist(SMFICTX *ctx, uint64_t wait_ms)
{
	unsigned long long minutes = (wait_ms + MINUTE_MS - 1) / MINUTE_MS;
	char text[80];

	snprintf(text, sizeof(text), "Greylisted: please try again in %llu minute%s", minutes, minutes == 1 ? "" : "s");
	set_reply(ctx, "451", "4.7.1", text);
	return SMFIS_TEMPFAIL;
}

sfsistat act_answer(const struct act *a)
{
	switch (a->verdict->action) {
	case MR_ACTION_REJECT:
		if (a->verdict->circle)
			return act_circle(a->ctx);
		set_reply(a->ctx, "550", "5.7.1", a->verdict->text ? a->verdict->text : "Message refused by the recipient's mail filter");
		return SMFIS_REJECT;
	case MR_ACTION_GREYLIST:
		return act_greylist(a->ctx, a->verdict->wait_ms);
	case MR_ACTION_TEMPFAIL:
		if (!a->verdict->text)
			return act_tempfail(a->ctx);
		set_reply(a->ctx, "451", "4.4.3", a->verdict->text);
		return SMFIS_TEMPFAIL;
	case MR_ACTION_QUARANTINE:
		return SMFIS_DISCARD;
	case MR_ACTION_ACCEPT:
	case MR_ACTION_JUNK:
	case MR_ACTION_SPLIT:
	case MR_ACTION_HOLD:
		break;
	}
	return SMFIS_CONTINUE;
}

sfsistat act_too_big(SMFICTX *ctx)
{
	set_reply(ctx, "552", "5.3.4", "Message too big for the mail filter");
	return SMFIS_REJECT;
}
