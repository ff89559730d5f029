/* spf-match: the mechanisms of RFC 7208 section 5, the %{p} macro and the explanation. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/spf-eval.h"

#define EXPANDED_MAX    65536 /* bytes of a domain-spec before it is cut */
#define EXPLANATION_MAX 2000

bool mr_spf_needs_dns(enum spf_kind kind)
{
	switch (kind) {
	case SPF_INCLUDE:
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS:
		return true;
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_REDIRECT: /* is counted when it is followed */
	case SPF_EXP:
	case SPF_OTHER:
		return false;
	}
	return false;
}

static enum mr_dns_type address_type(const struct spf *s)
{
	return s->rq->client.family == AF_INET ? MR_DNS_A : MR_DNS_AAAA;
}

static bool failed(const struct mr_dns_answer *a)
{
	return a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS;
}

/* Section 4.6.4: the third lookup that finds nothing is one too many. A name that DNS cannot have is not looked up. */
static bool is_void_too_many(struct spf *s, const struct mr_dns_answer *a, struct mr_slice name, enum spf_match *out)
{
	if (failed(a) || a->n_rrs || !a->name[0] || s->out.voids++ < SPF_VOIDS_MAX)
		return false;
	mr_spf_problem(s, MR_SPF_PERMERROR, "more than 2 lookups found nothing", name);
	*out = SPF_PERM;
	return true;
}

/* The answer to a term's own question, with the count of void lookups (section 4.6.4). NULL with *out set, or with -EAGAIN in *r. */
static const struct mr_dns_answer *ask(struct spf *s, struct mr_slice name, enum mr_dns_type type, enum spf_match *out, int *r)
{
	const struct mr_dns_answer *a = mr_dns_view_get(s->dns, name, type);

	*r = a ? 0 : -EAGAIN;
	if (!a)
		return NULL;
	if (failed(a)) {
		mr_spf_problem(s, MR_SPF_TEMPERROR, "no DNS answer for", name);
		*out = SPF_TEMP;
		return NULL;
	}
	return is_void_too_many(s, a, name, out) ? NULL : a;
}

/* One of the addresses lies in the client's network of so many bits. */
static bool has_client(const struct spf *s, const struct mr_dns_answer *a, const struct spf_term *t)
{
	bool v4 = s->rq->client.family == AF_INET;
	struct mr_net net = { .ip = s->rq->client, .bits = v4 ? t->bits4 : t->bits6 };
	struct mr_ip ip = { .family = s->rq->client.family };

	for (size_t i = 0; i < a->n_rrs; i++) {
		if (a->rrs[i].data.n != (v4 ? 4 : 16))
			continue;
		memcpy(ip.bytes, a->rrs[i].data.p, a->rrs[i].data.n);
		if (mr_net_has(&net, &ip))
			return true;
	}
	return false;
}

static int match_a(struct spf *s, const struct spf_term *t, struct mr_slice name, enum spf_match *out)
{
	const struct mr_dns_answer *a;
	int r;

	a = ask(s, name, address_type(s), out, &r);
	if (a)
		*out = has_client(s, a, t) ? SPF_MATCH : SPF_NO_MATCH;
	return r;
}

static int match_exists(struct spf *s, struct mr_slice name, enum spf_match *out)
{
	const struct mr_dns_answer *a;
	int r;

	a = ask(s, name, MR_DNS_A, out, &r); /* A for clients with IPv6 too */
	if (a)
		*out = a->n_rrs ? SPF_MATCH : SPF_NO_MATCH;
	return r;
}

/* The hosts in their order; all are asked for before the first one is waited for. */
static int match_exchanges(struct spf *s, const struct spf_term *t, const struct mr_dns_answer *mx, enum spf_match *out)
{
	for (size_t i = 0; i < mx->n_rrs; i++)
		mr_dns_view_get(s->dns, mx->rrs[i].data, address_type(s));
	*out = SPF_NO_MATCH;
	for (size_t i = 0; i < mx->n_rrs && *out == SPF_NO_MATCH; i++) {
		const struct mr_dns_answer *a = mr_dns_view_get(s->dns, mx->rrs[i].data, address_type(s));

		if (!a)
			return -EAGAIN;
		if (has_client(s, a, t))
			*out = SPF_MATCH;
		else if (failed(a))
			*out = SPF_TEMP;
	}
	if (*out == SPF_TEMP)
		mr_spf_problem(s, MR_SPF_TEMPERROR, "no DNS answer for an MX host of", mr_slice_of(mx->name));
	return 0;
}

static int match_mx(struct spf *s, const struct spf_term *t, struct mr_slice name, enum spf_match *out)
{
	const struct mr_dns_answer *mx;
	int r;

	mx = ask(s, name, MR_DNS_MX, out, &r);
	if (!mx)
		return r;
	if (mx->n_rrs > SPF_NAMES_MAX) {
		mr_spf_problem(s, MR_SPF_PERMERROR, "more than 10 MX hosts", name);
		*out = SPF_PERM;
		return 0;
	}
	return match_exchanges(s, t, mx, out);
}

/* The name itself, or one below the domain; every name is below the empty one. */
static bool is_within(struct mr_slice name, struct mr_slice domain)
{
	if (!domain.n)
		return true;
	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	return mr_slice_iends(name, domain) && (name.n == domain.n || name.p[name.n - domain.n - 1] == '.');
}

static const struct mr_dns_answer *ask_ptr(struct spf *s)
{
	bool v4 = s->rq->client.family == AF_INET;
	char dotted[64], name[80];

	mr_spf_dotted_ip(&s->rq->client, true, dotted);
	snprintf(name, sizeof(name), "%s.%s", dotted, v4 ? "in-addr.arpa" : "ip6.arpa");
	return mr_dns_view_get(s->dns, mr_slice_of(name), MR_DNS_PTR);
}

/* Section 5.5: the first validated name among the first ten that lies within the domain (empty: any). -EAGAIN, else *out is it or empty. */
static int validated_name(struct spf *s, const struct mr_dns_answer *ptr, struct mr_slice domain, bool exact, struct mr_slice *out)
{
	static const struct spf_term host = { .bits4 = 32, .bits6 = 128 };
	size_t n = ptr->n_rrs < SPF_NAMES_MAX ? ptr->n_rrs : SPF_NAMES_MAX;

	*out = (struct mr_slice){ 0 };
	for (int pass = 0; pass < 2; pass++) { /* the first one only notes questions */
		for (size_t i = 0; i < n; i++) {
			struct mr_slice name = ptr->rrs[i].data;
			const struct mr_dns_answer *a;

			if (!is_within(name, domain) || (exact && name.n != domain.n))
				continue;
			a = mr_dns_view_get(s->dns, name, address_type(s));
			if (!a && pass > 0)
				return -EAGAIN;
			if (!a || failed(a) || !has_client(s, a, &host))
				continue;
			*out = name;
			return 0;
		}
	}
	return 0;
}

static int match_ptr(struct spf *s, struct mr_slice target, enum spf_match *out)
{
	const struct mr_dns_answer *ptr = ask_ptr(s);
	struct mr_slice found;
	int r;

	if (!ptr)
		return -EAGAIN;
	if (is_void_too_many(s, ptr, mr_slice_of(ptr->name), out) || !target.n)
		return 0;
	r = validated_name(s, ptr, target, false, &found);
	if (r == 0)
		*out = found.n ? SPF_MATCH : SPF_NO_MATCH;
	return r;
}

/* Section 7.3: the current domain itself, else a name below it, else any, else "unknown" (which the expansion says). */
static int set_validated(struct spf *s)
{
	const struct mr_dns_answer *ptr = ask_ptr(s);
	struct mr_slice domain = s->macros.domain, none = { 0 };
	int r;

	if (!ptr)
		return -EAGAIN;
	r = validated_name(s, ptr, none, false, &s->macros.validated);
	if (r < 0 || !s->macros.validated.n)
		return r;
	for (int exact = 1; exact >= 0; exact--) {
		struct mr_slice better;

		r = validated_name(s, ptr, domain, exact, &better);
		if (r < 0)
			return r;
		if (better.n) {
			s->macros.validated = better;
			break;
		}
	}
	return 0;
}

/* Cut from the left, label by label, until DNS can hold it (section 7.3). */
static struct mr_slice cut_name(struct mr_slice name)
{
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	while (name.n > MR_DNS_NAME_MAX) {
		ptrdiff_t dot = mr_slice_chr(name, '.');

		name = dot < 0 ? (struct mr_slice){ 0 } : mr_slice_from(name, (size_t)dot + 1);
	}
	return name;
}

int mr_spf_target(struct spf *s, struct mr_slice spec, char name[SPF_NAME_MAX])
{
	struct mr_buf text = MR_BUF(EXPANDED_MAX);
	struct mr_slice cut = cut_name(s->macros.domain);
	int r = 0;

	if (spec.n && mr_spf_macro_check(spec, SPF_MACRO_DOMAIN) & SPF_USES_P)
		r = set_validated(s);
	if (spec.n && r == 0) {
		/* what is too long even for the buffer is no name that exists */
		cut = mr_spf_macro_expand(&s->macros, spec, &text) == 0 ? cut_name(mr_buf_slice(&text)) : (struct mr_slice){ 0 };
	}
	if (r == 0) {
		size_t n = 0;

		for (; n < cut.n && cut.p[n]; n++)
			name[n] = cut.p[n];
		name[n] = 0;
	}
	mr_buf_done(&text);
	return r;
}

int mr_spf_match(struct spf *s, const struct spf_term *t, enum spf_match *out)
{
	struct mr_net net = { .ip = t->ip, .bits = t->bits4 };
	char text[SPF_NAME_MAX];
	struct mr_slice name;
	int r;

	*out = SPF_NO_MATCH;
	if (!mr_spf_needs_dns(t->kind)) {
		if (t->kind == SPF_ALL || ((t->kind == SPF_IP4 || t->kind == SPF_IP6) && mr_net_has(&net, &s->rq->client)))
			*out = SPF_MATCH;
		return 0;
	}
	r = mr_spf_target(s, t->domain, text);
	if (r < 0)
		return r;
	name = mr_slice_of(text);
	switch (t->kind) {
	case SPF_A:
		return match_a(s, t, name, out);
	case SPF_MX:
		return match_mx(s, t, name, out);
	case SPF_PTR:
		return match_ptr(s, name, out);
	case SPF_EXISTS:
		return match_exists(s, name, out);
	case SPF_INCLUDE:
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_REDIRECT:
	case SPF_EXP:
	case SPF_OTHER:
		break;
	}
	return 0;
}

/* The first question of one term. */
static void prefetch_term(struct spf *s, enum spf_kind kind, struct mr_slice spec)
{
	char name[SPF_NAME_MAX];

	if (kind == SPF_PTR)
		ask_ptr(s);
	else if (mr_spf_target(s, spec, name) == 0)
		mr_dns_view_get(s->dns, mr_slice_of(name),
				kind == SPF_A        ? address_type(s)
				: kind == SPF_MX     ? MR_DNS_MX
				: kind == SPF_EXISTS ? MR_DNS_A
						     : MR_DNS_TXT);
}

void mr_spf_prefetch(struct spf *s, struct mr_slice terms, struct mr_slice redirect)
{
	unsigned left = SPF_LOOKUPS_MAX - s->out.lookups;
	struct spf_term t;

	while (left > 0 && mr_spf_term_next(&terms, &t) > 0 && t.kind != SPF_ALL) {
		if (mr_spf_needs_dns(t.kind)) {
			prefetch_term(s, t.kind, t.domain);
			left--;
		}
	}
	if (left > 0 && redirect.n && !terms.n)
		prefetch_term(s, SPF_REDIRECT, redirect);
}

/* The one TXT record that may stand at the name, as ASCII. */
static const struct mr_slice *explanation_text(const struct mr_dns_answer *a)
{
	if (a->status != MR_DNS_OK || a->n_rrs != 1 || mr_spf_macro_check(a->rrs[0].data, SPF_MACRO_EXP) < 0)
		return NULL;
	return &a->rrs[0].data;
}

/* Macros may have brought in anything; what goes into an SMTP reply is printable ASCII (section 6.2). */
static bool is_printable(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	}
	return true;
}

int mr_spf_explain(struct spf *s, struct spf_final *final)
{
	struct mr_buf text = MR_BUF(EXPLANATION_MAX);
	const struct mr_dns_answer *a;
	const struct mr_slice *source;
	char name[SPF_NAME_MAX];
	int r = mr_spf_target(s, final->exp, name);

	if (r < 0)
		return r;
	a = mr_dns_view_get(s->dns, mr_slice_of(name), MR_DNS_TXT);
	if (!a)
		return -EAGAIN;
	final->explained = true;
	source = explanation_text(a);
	if (source && mr_spf_macro_check(*source, SPF_MACRO_EXP) & SPF_USES_P)
		r = set_validated(s);
	if (source && r == 0 && mr_spf_macro_expand(&s->macros, *source, &text) == 0 && is_printable(mr_buf_slice(&text)))
		final->explanation = mr_slice_of(mr_arena_slice(s->arena, mr_buf_slice(&text)));
	mr_buf_done(&text);
	return r;
}
