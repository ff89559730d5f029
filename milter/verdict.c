/* verdict: see verdict.h. */

/* system */
#include <errno.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "circle.h"
#include "verdict.h"

/* Addresses that get the message already. */
struct seen {
	struct mr_slice address;
	UT_hash_handle hh;
};

/* One recipient with its finals judged. */
struct judged {
	const struct mr_verdict_recipient *r;
	const struct mr_dir_final *finals;
	size_t n_finals;
	enum mr_disposition *of; /* one a final */
	bool all_accept;
};

struct work {
	const struct mr_verdict_input *in;
	struct mr_arena *arena;
	struct mr_verdict *out;
	struct judged *judged;
	size_t counts[MR_HAD + 1];  /* finals by disposition */
	size_t n_finals, n_suspect; /* n_suspect: unlisted, and in the band of greylisting */
	size_t n_level;             /* of those who get it: they want X-Spam-Level */
	struct seen *seen;
};

const char *mr_action_str(enum mr_action a)
{
	switch (a) {
	case MR_ACTION_ACCEPT:
		return "accept";
	case MR_ACTION_JUNK:
		return "junk";
	case MR_ACTION_SPLIT:
		return "split";
	case MR_ACTION_QUARANTINE:
		return "quarantine";
	case MR_ACTION_REJECT:
		return "reject";
	case MR_ACTION_GREYLIST:
		return "greylist";
	case MR_ACTION_TEMPFAIL:
		return "tempfail";
	case MR_ACTION_HOLD:
		return "hold";
	}
	return "?";
}

/* One pattern about one address. That it is allowed is for who stands behind the message, not for who writes its name. */
static enum mr_dir_listed listed_as(const struct mr_verdict_input *in, const struct mr_dir_account *one, struct mr_slice address,
				    enum mr_standing standing, bool *unproven)
{
	enum mr_dir_listed l = mr_dir_listed(one, address);
	bool counts = in->trusted || standing == MR_STANDING_PROVEN || (standing == MR_STANDING_UNKNOWN && !in->proven_only);

	if (l != MR_DIR_ALLOWED || counts)
		return l;
	*unproven = true;
	return MR_DIR_UNLISTED;
}

/* The first pattern that matches either address decides, so a user's own list stands above the domain's whichever of the two it names. For
 * our own senders "*" does not count: it names nobody. *unproven: one would allow it, had it been proven. */
static enum mr_dir_listed listed(const struct mr_verdict_input *in, const struct mr_dir_account *a, bool *unproven)
{
	enum mr_standing sender = in->scan ? in->scan->sender : MR_STANDING_UNKNOWN;
	enum mr_standing author = in->scan ? in->scan->author : MR_STANDING_UNKNOWN;

	*unproven = false;
	for (size_t i = 0; i < a->n_patterns; i++) {
		struct mr_dir_account one = { .patterns = &a->patterns[i], .n_patterns = 1 };
		enum mr_dir_listed l;

		if (in->trusted && mr_slice_eq(a->patterns[i].pattern, MR_LIT("*")))
			continue;
		l = listed_as(in, &one, in->sender, sender, unproven);
		if (l == MR_DIR_UNLISTED && in->from.n)
			l = listed_as(in, &one, in->from, author, unproven);
		if (l != MR_DIR_UNLISTED)
			return l;
	}
	return MR_DIR_UNLISTED;
}

/* They must be reachable (RFC 5321 section 4.5.1, RFC 2142), and what is sent there quotes spam. */
static bool is_role(struct mr_slice address)
{
	ptrdiff_t at = mr_slice_rchr(address, '@');
	struct mr_slice local = { address.p, at < 0 ? 0 : (size_t)at };

	return mr_slice_ieq(local, MR_LIT("postmaster")) || mr_slice_ieq(local, MR_LIT("abuse"));
}

static bool reaches(const struct mr_verdict_input *in, const struct mr_thresholds *t, enum mr_threshold which)
{
	return (in->scan ? in->scan->score : 0) >= t->at[which];
}

/* Where a role has been written to, nobody is refused or withheld anything for its score. */
static enum mr_disposition by_score(const struct mr_verdict_input *in, bool role, const struct mr_thresholds *t)
{
	if (in->trusted)
		return MR_ACCEPT;
	if (reaches(in, t, MR_AT_REJECT) && !role)
		return MR_REJECT;
	if (!reaches(in, t, MR_AT_JUNK))
		return MR_ACCEPT;
	return reaches(in, t, MR_AT_QUARANTINE) && !role ? MR_QUARANTINE : MR_JUNK;
}

static enum mr_disposition judge_final(const struct mr_verdict_input *in, bool role, const struct mr_dir_final *f,
				       const struct mr_thresholds *t, bool *unproven)
{
	*unproven = false;
	if (!f->local && in->marked && mr_circle_has(in->marked, f->deliver))
		return MR_HAD;
	switch (listed(in, &f->account, unproven)) {
	case MR_DIR_DENIED:
		return MR_REJECT;
	case MR_DIR_ALLOWED:
		return MR_ACCEPT;
	case MR_DIR_UNLISTED:
		break;
	}
	return by_score(in, role, t);
}

static bool is_suspect(const struct mr_verdict_input *in, const struct mr_dir_final *f, const struct mr_thresholds *t,
		       enum mr_disposition d)
{
	bool unproven;

	return d == MR_ACCEPT && !in->trusted && in->scan && in->scan->complete && reaches(in, t, MR_AT_GREYLIST) &&
	       listed(in, &f->account, &unproven) == MR_DIR_UNLISTED;
}

static bool to_a_role(const struct mr_verdict_input *in)
{
	for (size_t i = 0; i < in->n_recipients; i++)
		if (is_role(in->recipients[i].address))
			return true;
	return false;
}

/* Who has no finals (nobody there any more, or a question the directory refuses) stands for itself, as an address of others. */
static int judge_recipient(struct work *w, const struct mr_verdict_recipient *r, struct judged *j)
{
	*j = (struct judged){ .r = r, .finals = r->resolved->finals, .n_finals = r->resolved->n_finals, .all_accept = true };
	if (r->resolved->status != MR_DIR_OK || j->n_finals == 0) {
		struct mr_dir_final *self = mr_arena_try(w->arena, sizeof(*self));

		if (!self)
			return -ENOMEM;
		*self = (struct mr_dir_final){ .deliver = r->address, .account.thresholds = mr_thresholds_none() };
		j->finals = self;
		j->n_finals = 1;
	}
	j->of = mr_arena_try(w->arena, j->n_finals * sizeof(*j->of));
	if (!j->of)
		return -ENOMEM;
	for (size_t i = 0; i < j->n_finals; i++) {
		const struct mr_thresholds t = mr_thresholds_or(&j->finals[i].account.thresholds, &w->in->site);
		bool unproven;

		j->of[i] = judge_final(w->in, is_role(r->address), &j->finals[i], &t, &unproven);
		w->out->n_unproven += unproven && j->of[i] != MR_ACCEPT;
		w->counts[j->of[i]]++;
		w->n_suspect += is_suspect(w->in, &j->finals[i], &t, j->of[i]);
		w->n_level += (j->of[i] == MR_ACCEPT || j->of[i] == MR_JUNK) && reaches(w->in, &t, MR_AT_HEADER);
		if (!j->finals[i].local)
			w->out->in_house = false;
		if (j->of[i] != MR_ACCEPT)
			j->all_accept = false;
	}
	w->n_finals += j->n_finals;
	return 0;
}

/* 1 when it was not there, 0 when it was. */
static int see(struct work *w, struct mr_slice address)
{
	struct seen *s;

	HASH_FIND(hh, w->seen, address.p, address.n, s);
	if (s)
		return 0;
	s = mr_arena_try(w->arena, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->address = address;
	HASH_ADD_KEYPTR(hh, w->seen, s->address.p, s->address.n, s);
	return 1;
}

/* local+junk@domain of a mailbox; a foreign address has no Junk of ours. */
static struct mr_slice junk_address(struct work *w, const struct mr_dir_final *f)
{
	struct mr_slice a = f->account.address;
	ptrdiff_t at = mr_slice_rchr(a, '@');

	if (!f->local || at < 0)
		return f->deliver;
	return mr_slice_of(mr_arena_printf(w->arena, "%.*s+junk%.*s", (int)at, a.p, (int)(a.n - (size_t)at), a.p + at));
}

static int split_recipient(struct work *w, const struct judged *j)
{
	struct mr_verdict *v = w->out;

	v->edits[v->n_edits++] = (struct mr_verdict_edit){ .address = j->r->address };
	for (size_t i = 0; i < j->n_finals; i++) {
		struct mr_slice to = j->of[i] == MR_JUNK ? junk_address(w, &j->finals[i]) : j->finals[i].deliver;
		int r = j->of[i] == MR_HAD ? 0 : see(w, to);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (j->of[i] == MR_REJECT || j->of[i] == MR_QUARANTINE)
			v->withheld[v->n_withheld++] = (struct mr_verdict_withheld){ .address = to, .esmtp = j->r->esmtp, .why = j->of[i] };
		else
			v->edits[v->n_edits++] = (struct mr_verdict_edit){ .add = true, .address = to, .esmtp = j->r->esmtp };
	}
	return 0;
}

/* Recipients all of whose finals accept stay as they are; so what they reach is not added a second time. */
static int split(struct work *w)
{
	struct mr_verdict *v = w->out;
	int r = 0;

	v->edits = mr_arena_try(w->arena, (w->n_finals + w->in->n_recipients) * sizeof(*v->edits));
	v->withheld = mr_arena_try(w->arena, w->n_finals * sizeof(*v->withheld));
	if (!v->edits || !v->withheld)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < w->in->n_recipients; i++)
		for (size_t f = 0; r >= 0 && w->judged[i].all_accept && f < w->judged[i].n_finals; f++)
			r = see(w, w->judged[i].finals[f].deliver);
	for (size_t i = 0; r >= 0 && i < w->in->n_recipients; i++)
		if (!w->judged[i].all_accept)
			r = split_recipient(w, &w->judged[i]);
	HASH_CLEAR(hh, w->seen);
	return r < 0 ? r : 0;
}

static int judge_all(struct work *w)
{
	int r = 0;

	w->judged = mr_arena_try(w->arena, (w->in->n_recipients + 1) * sizeof(*w->judged));
	if (!w->judged)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < w->in->n_recipients; i++)
		r = judge_recipient(w, &w->in->recipients[i], &w->judged[i]);
	return r;
}

static int decide_finals(struct work *w)
{
	struct mr_verdict *v = w->out;
	int r = judge_all(w);

	if (r < 0)
		return r;
	if (w->n_level == 0 || w->n_level == w->counts[MR_ACCEPT] + w->counts[MR_JUNK])
		v->level = w->n_level > 0;
	if (w->counts[MR_ACCEPT] == w->n_finals)
		v->action = MR_ACTION_ACCEPT;
	else if (w->counts[MR_JUNK] == w->n_finals)
		v->action = MR_ACTION_JUNK;
	else if (w->counts[MR_REJECT] + w->counts[MR_HAD] == w->n_finals)
		v->action = MR_ACTION_REJECT;
	else if (w->counts[MR_ACCEPT] + w->counts[MR_JUNK] == 0)
		v->action = MR_ACTION_QUARANTINE;
	else
		v->action = MR_ACTION_SPLIT;
	v->greylist = v->action == MR_ACTION_ACCEPT && w->n_finals > 0 && w->n_suspect == w->n_finals && !to_a_role(w->in);
	v->circle = v->action == MR_ACTION_REJECT && w->counts[MR_REJECT] == 0;
	if (v->action == MR_ACTION_REJECT)
		v->reason = v->circle ? "circle" : "recipients";
	return v->action == MR_ACTION_SPLIT || v->action == MR_ACTION_QUARANTINE ? split(w) : 0;
}

/* As it is addressed: whoever releases it sends it on its way as it was. */
static int withhold_all(struct work *w)
{
	const struct mr_verdict_input *in = w->in;
	struct mr_verdict *v = w->out;

	v->action = MR_ACTION_QUARANTINE;
	v->withheld = mr_arena_try(w->arena, (in->n_recipients + 1) * sizeof(*v->withheld));
	if (!v->withheld)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_recipients; i++)
		v->withheld[v->n_withheld++] = (struct mr_verdict_withheld){ .address = in->recipients[i].address,
									     .esmtp = in->recipients[i].esmtp,
									     .why = MR_QUARANTINE };
	return 0;
}

static int decide_outbound(struct work *w)
{
	const struct mr_verdict_outbound *o = w->in->outbound;
	double score = w->in->scan ? w->in->scan->score : 0;
	struct mr_verdict *v = w->out;
	enum mr_outbound_action action = o && score >= o->reject_score ? MR_OUTBOUND_REJECT : o ? o->action : MR_OUTBOUND_LOG;

	if (o && (score >= o->score || score >= o->reject_score))
		v->reason = "outbound";
	else
		action = MR_OUTBOUND_LOG;
	switch (action) {
	case MR_OUTBOUND_LOG:
		break;
	case MR_OUTBOUND_HOLD:
		v->action = MR_ACTION_HOLD;
		return 0;
	case MR_OUTBOUND_QUARANTINE:
		return withhold_all(w);
	case MR_OUTBOUND_REJECT:
		v->action = MR_ACTION_REJECT;
		v->text = "This message looks like spam and is not sent";
		return 0;
	}
	return decide_finals(w);
}

/* Who wrote it here shall know. */
static int decide_virus(struct work *w)
{
	struct mr_verdict *v = w->out;

	v->reason = "virus";
	if (w->in->virus_withhold && !w->in->trusted)
		return withhold_all(w);
	v->action = MR_ACTION_REJECT;
	v->text = mr_arena_printf(w->arena, "There is a virus in this message: %s", w->in->virus_name);
	return 0;
}

static bool directory_away(const struct mr_verdict_input *in)
{
	for (size_t i = 0; i < in->n_recipients; i++)
		if (in->recipients[i].resolved->status == MR_DIR_TEMP)
			return true;
	return in->outbound_away;
}

static bool has_symbol(const struct mr_scan_result *r, const char *name)
{
	for (size_t i = 0; i < r->n_symbols; i++) {
		if (mr_slice_eq(r->symbols[i].name, mr_slice_of(name)))
			return true;
	}
	return false;
}

/* Who sent it could not be settled, since DNS did not answer. What is refused whatever the answer were needs none. */
static bool must_wait(const struct mr_verdict_input *in, const struct mr_verdict *v)
{
	const struct mr_scan_result *r = in->scan;

	if (!in->defer_undecided || !r || v->action == MR_ACTION_REJECT || has_symbol(r, "DMARC_PASS"))
		return false;
	return has_symbol(r, "SPF_TEMPERROR") || has_symbol(r, "DKIM_TEMPERROR") || has_symbol(r, "DMARC_TEMPERROR");
}

int mr_verdict_decide(const struct mr_verdict_input *in, struct mr_arena *arena, struct mr_verdict *out)
{
	struct mr_verdict v = { .site = by_score(in, false, &in->site), .level = reaches(in, &in->site, MR_AT_HEADER), .in_house = true };
	struct work w = { .in = in, .arena = arena, .out = &v };
	int r = 0;

	if (in->virus == MR_VIRUS_FOUND) {
		r = decide_virus(&w);
	} else if (in->held) {
		v.action = MR_ACTION_HOLD;
		v.reason = "kills-scanners";
	} else if (in->scan && in->scan->refuse) {
		v.action = MR_ACTION_REJECT;
		v.reason = in->scan->refuse == MR_REFUSE_ATTACHMENT ? "attachment" : "content";
		v.text = in->scan->refuse == MR_REFUSE_ATTACHMENT ? "A file of this kind is not taken here" : NULL;
	} else if (!in->scan && !in->accept_unknown) {
		v.action = MR_ACTION_TEMPFAIL;
		v.reason = "scan";
	} else if (in->virus == MR_VIRUS_SLOW) {
		v.action = MR_ACTION_HOLD;
		v.reason = "slow-for-clamd";
	} else if (in->virus == MR_VIRUS_AWAY) {
		v.action = MR_ACTION_TEMPFAIL;
		v.reason = "clamd";
	} else if (directory_away(in) && !in->accept_unknown) {
		v.action = MR_ACTION_TEMPFAIL;
		v.reason = "directory";
	} else {
		r = decide_outbound(&w);
		if (r == 0 && must_wait(in, &v))
			v = (struct mr_verdict){ .action = MR_ACTION_TEMPFAIL,
						 .site = v.site,
						 .reason = "dns",
						 .text = "It could not be found out in DNS who sent this, try again later" };
	}
	if (r == 0)
		*out = v;
	return r;
}
