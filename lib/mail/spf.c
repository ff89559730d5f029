/* spf: check_host(), RFC 7208 section 4. A pure function over a DNS view: what is not answered yet is noted there, with everything else
 * that the rest of the record is going to ask, and the call ends with -EAGAIN. Mechanisms are matched in spf-match.c. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/idn.h"
#include "mail/spf-eval.h"

static const char *const names[] = {
	[MR_SPF_NONE] = "none",         [MR_SPF_NEUTRAL] = "neutral",     [MR_SPF_PASS] = "pass",           [MR_SPF_FAIL] = "fail",
	[MR_SPF_SOFTFAIL] = "softfail", [MR_SPF_TEMPERROR] = "temperror", [MR_SPF_PERMERROR] = "permerror",
};

const char *mr_spf_str(enum mr_spf_result r)
{
	return names[r];
}

enum mr_spf_result mr_spf_problem(struct spf *s, enum mr_spf_result r, const char *what, struct mr_slice about)
{
	if (!s->out.problem.n)
		s->out.problem = mr_slice_of(mr_arena_printf(s->arena, "%s: %.*s", what, (int)(about.n < 300 ? about.n : 300), about.p));
	return r;
}

/* Section 4.3: a name of two labels or more. */
static bool is_checkable(struct mr_slice domain)
{
	struct mr_slice label;
	size_t labels = 0;

	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (!domain.n || domain.n > MR_DNS_NAME_MAX || domain.p[0] == '[')
		return false;
	for (; mr_slice_next(&domain, '.', &label); labels++) {
		if (!label.n || label.n > 63)
			return false;
	}
	return labels > 1;
}

/* What a policy says before its mechanisms are looked at. */
struct policy {
	struct mr_slice terms, redirect, exp;
};

/* Section 4.5: the one record among the TXT answers. */
static enum mr_spf_result select_record(struct spf *s, struct mr_slice domain, const struct mr_dns_answer *a, struct policy *out)
{
	struct mr_slice terms;
	size_t n = 0;

	if (a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS)
		return mr_spf_problem(s, MR_SPF_TEMPERROR, "no DNS answer for TXT", domain);
	for (size_t i = 0; i < a->n_rrs; i++) {
		if (mr_spf_record_is(a->rrs[i].data, &terms)) {
			out->terms = terms;
			n++;
		}
	}
	if (n > 1)
		return mr_spf_problem(s, MR_SPF_PERMERROR, "more than one SPF record", domain);
	return n ? MR_SPF_PASS : MR_SPF_NONE;
}

/* Section 4.6: a syntax error anywhere spoils the whole record, so all is read before anything is matched. */
static enum mr_spf_result check_syntax(struct spf *s, struct mr_slice domain, struct policy *p)
{
	struct mr_slice rest = p->terms;
	struct spf_term t;
	int r;

	while ((r = mr_spf_term_next(&rest, &t)) > 0) {
		struct mr_slice *once = t.kind == SPF_REDIRECT ? &p->redirect : t.kind == SPF_EXP ? &p->exp : NULL;

		if (once && once->n)
			return mr_spf_problem(s, MR_SPF_PERMERROR, "modifier stands twice in the record of", domain);
		if (once)
			*once = t.domain;
	}
	return r < 0 ? mr_spf_problem(s, MR_SPF_PERMERROR, "syntax error in the record of", domain) : MR_SPF_PASS;
}

static int check_host(struct spf *s, struct mr_slice domain, struct spf_final *final, enum mr_spf_result *out);

/* Section 5.2: what the included policy's result means here. */
static int match_include(struct spf *s, const struct spf_term *t, enum spf_match *out)
{
	struct mr_slice outer = s->macros.domain;
	enum mr_spf_result inner;
	char name[SPF_NAME_MAX];
	int r = mr_spf_target(s, t->domain, name);

	if (r == 0)
		r = check_host(s, mr_slice_of(name), NULL, &inner);
	s->macros.domain = outer;
	if (r < 0)
		return r;
	switch (inner) {
	case MR_SPF_PASS:
		*out = SPF_MATCH;
		break;
	case MR_SPF_FAIL:
	case MR_SPF_SOFTFAIL:
	case MR_SPF_NEUTRAL:
		*out = SPF_NO_MATCH;
		break;
	case MR_SPF_TEMPERROR:
		*out = SPF_TEMP;
		break;
	case MR_SPF_NONE:
		mr_spf_problem(s, MR_SPF_PERMERROR, "included domain has no SPF record", mr_slice_of(name));
		*out = SPF_PERM;
		break;
	case MR_SPF_PERMERROR:
		*out = SPF_PERM;
		break;
	}
	return 0;
}

/* Section 4.6.4: the eleventh term that needs DNS is one too many. */
static bool may_look_up(struct spf *s)
{
	if (s->out.lookups >= SPF_LOOKUPS_MAX) {
		mr_spf_problem(s, MR_SPF_PERMERROR, "more than 10 terms need DNS", s->macros.domain);
		return false;
	}
	s->out.lookups++;
	return true;
}

static bool is_ascii(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] > 127)
			return false;
	}
	return true;
}

/* RFC 8616 section 4: what depends on a local part that no name in DNS can hold matches nothing. */
static bool is_out_of_reach(const struct spf *s, const struct spf_term *t)
{
	return mr_spf_needs_dns(t->kind) && mr_spf_macro_check(t->domain, SPF_MACRO_DOMAIN) & SPF_USES_LOCAL && !is_ascii(s->macros.local);
}

static int match_term(struct spf *s, const struct spf_term *t, enum spf_match *out)
{
	if (is_out_of_reach(s, t)) {
		*out = SPF_NO_MATCH;
		return 0;
	}
	if (mr_spf_needs_dns(t->kind) && !may_look_up(s)) {
		*out = SPF_PERM;
		return 0;
	}
	return t->kind == SPF_INCLUDE ? match_include(s, t, out) : mr_spf_match(s, t, out);
}

/* Section 6.1. */
static int follow_redirect(struct spf *s, struct mr_slice spec, struct spf_final *final, enum mr_spf_result *out)
{
	struct mr_slice outer = s->macros.domain;
	char name[SPF_NAME_MAX];
	int r;

	if (!may_look_up(s)) {
		*out = MR_SPF_PERMERROR;
		return 0;
	}
	r = mr_spf_target(s, spec, name);
	if (r == 0)
		r = check_host(s, mr_slice_of(name), final, out);
	s->macros.domain = outer;
	if (r == 0 && *out == MR_SPF_NONE)
		*out = mr_spf_problem(s, MR_SPF_PERMERROR, "redirected to a domain without SPF record", mr_slice_of(name));
	return r;
}

static int no_match(struct spf *s, const struct policy *p, struct spf_final *final, enum mr_spf_result *out)
{
	if (p->redirect.n)
		return follow_redirect(s, p->redirect, final, out);
	if (final)
		final->mechanism = MR_LIT("default");
	*out = MR_SPF_NEUTRAL;
	return 0;
}

/* The terms from left to right until one matches. */
static int evaluate(struct spf *s, const struct policy *p, struct spf_final *final, enum mr_spf_result *out)
{
	struct mr_slice rest = p->terms;
	struct spf_term t;

	while (mr_spf_term_next(&rest, &t) > 0) {
		enum spf_match m = SPF_NO_MATCH;
		int r = match_term(s, &t, &m);

		if (r == -EAGAIN)
			mr_spf_prefetch(s, rest, p->redirect);
		if (r < 0)
			return r;
		switch (m) {
		case SPF_NO_MATCH:
			continue;
		case SPF_MATCH:
			*out = t.qualifier;
			break;
		case SPF_TEMP:
			*out = MR_SPF_TEMPERROR;
			break;
		case SPF_PERM:
			*out = MR_SPF_PERMERROR;
			break;
		}
		if (final)
			*final = (struct spf_final){ .mechanism = t.text, .exp = p->exp };
		return 0;
	}
	return no_match(s, p, final, out);
}

/* `final` is filled for the policy that decides in the end, and NULL inside of an include. It is called inside itself once a lookup at
 * most. */
static int check_host(struct spf *s, struct mr_slice domain, struct spf_final *final, enum mr_spf_result *out)
{
	const struct mr_dns_answer *a;
	struct policy p = { 0 };
	int r;

	if (!is_checkable(domain)) {
		*out = MR_SPF_NONE;
		return 0;
	}
	a = mr_dns_view_get(s->dns, domain, MR_DNS_TXT);
	if (!a)
		return -EAGAIN;
	s->macros.domain = domain;
	*out = select_record(s, domain, a, &p);
	if (*out == MR_SPF_PASS)
		*out = check_syntax(s, domain, &p);
	if (*out != MR_SPF_PASS)
		return 0;
	r = evaluate(s, &p, final, out);
	/* the explanation is expanded while the domain of this policy still is the current one; after a redirect it is there already */
	if (r == 0 && *out == MR_SPF_FAIL && final && final->exp.n && !final->explained)
		r = mr_spf_explain(s, final);
	return r;
}

/* Section 4.3: the domain that is checked, and what stands for the sender in macros. */
static void set_sender(struct spf *s)
{
	struct mr_slice sender = s->rq->sender;
	ptrdiff_t at = mr_slice_rchr(sender, '@');

	s->macros.local = at > 0 ? (struct mr_slice){ sender.p, (size_t)at } : MR_LIT("postmaster");
	s->macros.sender_domain = !sender.n ? s->rq->helo : at < 0 ? sender : mr_slice_from(sender, (size_t)at + 1);
	s->macros.sender_domain = mr_idn_ascii(s->macros.sender_domain, s->arena); /* RFC 8616 section 4 */
}

int mr_spf_check(const struct mr_spf_request *rq, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_spf_answer *out)
{
	struct spf s = { .rq = rq, .dns = dns, .arena = arena, .macros = { .rq = rq } };
	struct spf_final final = { 0 };
	int r;

	set_sender(&s);
	r = check_host(&s, s.macros.sender_domain, &final, &s.out.result);
	if (r < 0)
		return r;
	s.out.domain = mr_address_lower(s.macros.sender_domain, arena);
	s.out.mechanism = mr_slice_of(mr_arena_slice(arena, final.mechanism)); /* the record belongs to the view */
	s.out.explanation = final.explanation;
	if (s.out.result != MR_SPF_TEMPERROR && s.out.result != MR_SPF_PERMERROR)
		s.out.problem = (struct mr_slice){ 0 };
	*out = s.out;
	return 0;
}
