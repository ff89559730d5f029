/* dmarc: see dmarc.h. Section numbers are those of RFC 9989. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"
#include "mail/dmarc.h"
#include "mail/idn.h"

#define LABELS_MAX  128 /* of a DNS name */
#define WALK_LABELS 8   /* section 4.10: longer names are cut to one less after the first question */
#define FROM_MAX    32768

static const char *const results[] = {
	[MR_DMARC_NONE] = "none",           [MR_DMARC_PASS] = "pass",           [MR_DMARC_FAIL] = "fail",
	[MR_DMARC_TEMPERROR] = "temperror", [MR_DMARC_PERMERROR] = "permerror",
};

const char *mr_dmarc_str(enum mr_dmarc_result r)
{
	return results[r];
}

struct run {
	const struct mr_dmarc_request *rq;
	struct mr_dns_view *dns;
	struct mr_arena *arena;
	bool waiting;
};

/* -- tree walk, section 4.10 -- */

/* The records that one walk finds, and the names that DNS did not tell of, the longest name first. */
struct walk {
	struct {
		struct mr_slice domain;
		struct mr_dmarc_record record;
	} found[WALK_LABELS];
	size_t n;
	struct mr_slice unknown[WALK_LABELS];
	size_t n_unknown;
};

/* The one record at a name. Several are none. */
static bool look(struct run *run, struct mr_slice domain, struct mr_dmarc_record *out, bool *temporary)
{
	struct mr_slice name = mr_slice_of(mr_arena_printf(run->arena, "_dmarc.%.*s", (int)domain.n, domain.p));
	const struct mr_dns_answer *a = mr_dns_view_get(run->dns, name, MR_DNS_TXT);
	struct mr_dmarc_record r;
	size_t n = 0;

	if (!a) {
		run->waiting = true;
		return false;
	}
	if (a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS)
		*temporary = true;
	for (size_t i = 0; i < a->n_rrs; i++) {
		if (mr_dmarc_parse(a->rrs[i].data, &r)) {
			*out = r;
			n++;
		}
	}
	return n == 1;
}

static size_t labels(struct mr_slice name)
{
	size_t n = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

/* The name without its first label; empty at the end. */
static struct mr_slice parent(struct mr_slice name)
{
	ptrdiff_t dot = mr_slice_chr(name, '.');

	return dot < 0 ? (struct mr_slice){ 0 } : mr_slice_from(name, (size_t)dot + 1);
}

static struct mr_slice next_target(struct mr_slice name)
{
	name = parent(name);
	while (labels(name) >= WALK_LABELS)
		name = parent(name);
	return name;
}

/* All names are asked for at once: a record that says where to stop is rare, waiting for each answer is not. */
static void walk(struct run *run, struct mr_slice domain, struct walk *w)
{
	bool stopped = false;

	*w = (struct walk){ 0 };
	for (struct mr_slice at = domain; at.n; at = next_target(at)) {
		struct mr_dmarc_record r;
		bool temporary = false;
		bool found = look(run, at, &r, &temporary);

		if (stopped)
			continue;
		if (temporary)
			w->unknown[w->n_unknown++] = at;
		if (!found)
			continue;
		w->found[w->n].domain = at;
		w->found[w->n++].record = r;
		stopped = r.psd != 'u';
	}
}

/* Section 4.10.2. A record with psd=n ends the walk, so it is the last one. */
static struct mr_slice organization(const struct walk *w, struct mr_slice domain)
{
	struct mr_slice below = domain;

	for (size_t i = 0; i < w->n; i++) {
		if (w->found[i].record.psd == 'y' && w->found[i].domain.n != domain.n) {
			while (parent(below).n != w->found[i].domain.n)
				below = parent(below);
			return below;
		}
	}
	return w->n ? w->found[w->n - 1].domain : domain;
}

/* -- the policy, section 4.10.1 -- */

/* Section 3.2.13: not, where DNS says NXDOMAIN. -EAGAIN: still asked; -ETIMEDOUT: DNS does not tell. */
static int exists(struct run *run, struct mr_slice domain)
{
	const struct mr_dns_answer *a = mr_dns_view_get(run->dns, domain, MR_DNS_A);

	if (!a)
		return -EAGAIN;
	if (a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS)
		return -ETIMEDOUT;
	return a->status != MR_DNS_NXDOMAIN;
}

struct author {
	struct mr_slice domain, organization;
	const struct mr_dmarc_record *record; /* NULL: none */
	struct mr_slice record_domain;
	enum mr_dmarc_policy policy;
	const struct walk *walk;
	bool temporary; /* the policy depends on what DNS does not tell */
};

/* The record of the author's domain, else of its organization, else of the public suffix above. */
static void choose_record(const struct walk *w, struct author *a)
{
	for (size_t i = 0; i < w->n; i++) {
		bool own = w->found[i].domain.n == a->domain.n, of_organization = w->found[i].domain.n == a->organization.n;

		if (!own && !of_organization && w->found[i].record.psd != 'y')
			continue;
		a->record = &w->found[i].record;
		a->record_domain = w->found[i].domain;
		return;
	}
}

static int find_policy(struct run *run, struct mr_slice domain, struct walk *w, struct author *out)
{
	struct author a = { .domain = domain, .walk = w };
	int there = exists(run, domain);

	walk(run, domain, w);
	if (run->waiting || there == -EAGAIN)
		return -EAGAIN;
	a.organization = organization(w, domain);
	choose_record(w, &a);
	if (a.record && a.record_domain.n == domain.n) {
		a.policy = a.record->p;
	} else {
		a.temporary = w->n_unknown > 0;
		if (a.record) {
			a.policy = there ? a.record->sp : a.record->np;
			a.temporary |= there < 0 && a.record->sp != a.record->np;
		}
	}
	*out = a;
	return 0;
}

/* -- alignment, section 4.4 -- */

/* Could a record at a name that DNS does not tell of make the domain one of the author's organization? */
static bool may_share(const struct walk *w, struct mr_slice domain)
{
	for (size_t i = 0; i < w->n_unknown; i++) {
		if (mr_domain_below(domain, w->unknown[i]))
			return true;
	}
	return false;
}

/* Could such a record make what is below `top` an organization of its own? */
static bool may_part(const struct walk *w, struct mr_slice top)
{
	for (size_t i = 0; i < w->n_unknown; i++) {
		if (w->unknown[i].n > top.n)
			return true;
	}
	return false;
}

/* Strict: the same name. Relaxed: the same organizational domain, which needs a walk only below the author's own. What depends on a name
 * that DNS does not tell of is not aligned, and *temporary. */
static bool aligned(struct run *run, const struct author *a, struct mr_slice domain, bool strict, bool *temporary)
{
	struct mr_slice lower = mr_address_lower(domain, run->arena);
	struct walk w;

	if (mr_slice_ieq(lower, a->domain))
		return true;
	if (strict)
		return false;
	if (!mr_domain_below(lower, a->organization)) {
		*temporary |= may_share(a->walk, lower);
		return false;
	}
	walk(run, lower, &w);
	if (run->waiting || !mr_slice_ieq(organization(&w, lower), a->organization))
		return false;
	if (may_part(a->walk, a->organization) || may_part(&w, a->organization)) {
		*temporary = true;
		return false;
	}
	return true;
}

/* What one author's domain comes to. */
static void evaluate(struct run *run, const struct author *a, struct mr_dmarc_answer *out)
{
	const struct mr_spf_answer *spf = run->rq->spf;
	const struct mr_dkim_answer *dkim = run->rq->dkim;
	bool temporary = a->temporary;

	*out = (struct mr_dmarc_answer){ .author = a->domain, .record_domain = a->record_domain, .organization = a->organization };
	if (!a->record && !temporary)
		return;
	if (a->record && spf && (spf->result == MR_SPF_PASS || spf->result == MR_SPF_TEMPERROR) &&
	    aligned(run, a, spf->domain, a->record->strict_spf, &temporary)) {
		out->spf_aligned = spf->result == MR_SPF_PASS;
		temporary |= spf->result == MR_SPF_TEMPERROR;
	}
	for (size_t i = 0; a->record && dkim && i < dkim->n; i++) {
		const struct mr_dkim_signature *s = &dkim->signatures[i];

		if (!s->aligns && s->result != MR_DKIM_TEMPERROR)
			continue;
		if (!aligned(run, a, s->domain, a->record->strict_dkim, &temporary))
			continue;
		out->dkim_aligned |= s->aligns;
		temporary |= s->result == MR_DKIM_TEMPERROR;
	}
	if (a->record && a->record->unusable) {
		out->spf_aligned = out->dkim_aligned = false;
		return;
	}
	if (a->record)
		out->record = *a->record;
	out->published = a->policy;
	out->policy = a->policy;
	if (a->record && a->record->testing && a->policy != MR_DMARC_ACCEPT) /* t=y: one step milder */
		out->policy = (enum mr_dmarc_policy)(a->policy - 1);
	if (out->spf_aligned || out->dkim_aligned)
		out->result = MR_DMARC_PASS;
	else
		out->result = temporary ? MR_DMARC_TEMPERROR : MR_DMARC_FAIL;
	if (out->result == MR_DMARC_TEMPERROR)
		out->problem = MR_LIT("DNS could not be asked");
}

/* -- From, section 5.3.1 -- */

/* Different domains of the one From field. Returns how many, or -EINVAL with the reason. */
static int authors(struct run *run, struct mr_slice out[MR_DMARC_AUTHORS_MAX], const char **problem)
{
	const struct mr_message *m = run->rq->message;
	struct mr_slice addresses[MR_DMARC_AUTHORS_MAX], value = { 0 };
	size_t fields = 0;
	int n, different = 0;

	for (size_t i = 0; i < m->n_headers; i++) {
		if (!mr_slice_ieq(m->headers[i].name, MR_LIT("From")))
			continue;
		value = m->headers[i].value;
		fields++;
	}
	*problem = fields ? "more than one From" : "no From";
	if (fields != 1)
		return -EINVAL;
	n = value.n <= FROM_MAX ? mr_address_header(value, run->arena, addresses, MR_DMARC_AUTHORS_MAX) : -EINVAL;
	*problem = n == 0 ? "From names nobody" : "From is broken";
	if (n <= 0 || n > MR_DMARC_AUTHORS_MAX)
		return -EINVAL;
	for (int i = 0; i < n; i++) {
		ptrdiff_t at = mr_slice_rchr(addresses[i], '@');
		struct mr_slice domain = mr_idn_ascii(mr_slice_from(addresses[i], (size_t)at + 1), run->arena);
		bool seen = false;

		if (at < 0 || mr_domain_check(domain, true, run->arena, &domain, NULL) < 0)
			return -EINVAL;
		for (int j = 0; j < different; j++)
			seen |= mr_slice_eq(out[j], domain);
		if (!seen)
			out[different++] = domain;
	}
	return different;
}

/* Is `a` worse than `b`? Where several authors disagree the strictest policy that is not met holds. */
static bool worse(const struct mr_dmarc_answer *a, const struct mr_dmarc_answer *b)
{
	static const int order[] = {
		[MR_DMARC_PASS] = 0, [MR_DMARC_NONE] = 1, [MR_DMARC_TEMPERROR] = 2, [MR_DMARC_FAIL] = 3, [MR_DMARC_PERMERROR] = 4
	};

	return order[a->result] != order[b->result] ? order[a->result] > order[b->result] : a->policy > b->policy;
}

int mr_dmarc_check(const struct mr_dmarc_request *rq, struct mr_dns_view *dns, struct mr_arena *arena, struct mr_dmarc_answer *out)
{
	struct run run = { .rq = rq, .dns = dns, .arena = arena };
	struct mr_slice domains[MR_DMARC_AUTHORS_MAX];
	struct mr_dmarc_answer answer = { 0 };
	const char *problem;
	int n = authors(&run, domains, &problem);
	bool waiting = false;

	if (n < 0)
		answer = (struct mr_dmarc_answer){ .result = MR_DMARC_PERMERROR, .problem = mr_slice_of(problem) };
	for (int i = 0; i < n; i++) {
		struct mr_dmarc_answer one = { 0 };
		struct author a;
		struct walk w;

		run.waiting = false;
		if (find_policy(&run, domains[i], &w, &a) == 0)
			evaluate(&run, &a, &one);
		else
			run.waiting = true;
		waiting |= run.waiting;
		if (i == 0 || worse(&one, &answer))
			answer = one;
	}
	if (waiting)
		return -EAGAIN;
	*out = answer;
	return 0;
}
