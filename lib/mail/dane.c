#include "mail/dane.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"

enum { USAGE_TA = 2, USAGE_EE = 3, SELECTOR_MAX = 1, MATCH_FULL = 0, MATCH_SHA256 = 1, MATCH_SHA512 = 2 };

struct run {
	struct mr_dns_view *view;
	struct mr_arena *arena;
	struct mr_dane *out;
	bool waiting, temp;
};

/* NULL while it is not known. */
static const struct mr_dns_answer *ask(struct run *r, struct mr_slice name, enum mr_dns_type type)
{
	const struct mr_dns_answer *a = mr_dns_view_get(r->view, name, type);

	r->waiting |= a == NULL;
	if (a != NULL && (a->status == MR_DNS_TEMP || a->status == MR_DNS_BOGUS)) {
		r->temp = true;
		r->out->reason =
		    mr_slice_of(mr_arena_printf(r->arena, "no answer about %s of %.*s", mr_dns_type_str(type), (int)name.n, name.p));
		return NULL;
	}
	return a;
}

/* RFC 7672 section 3.1: certificate usages 2 and 3 only. */
static bool usable(struct mr_slice data)
{
	const uint8_t *p = (const uint8_t *)data.p;

	if (data.n < 4 || (p[0] != USAGE_TA && p[0] != USAGE_EE) || p[1] > SELECTOR_MAX)
		return false;
	return p[2] == MATCH_FULL || (p[2] == MATCH_SHA256 && data.n == 3 + 32) || (p[2] == MATCH_SHA512 && data.n == 3 + 64);
}

static bool any_usable(const struct mr_dns_answer *a)
{
	for (size_t i = 0; a->status == MR_DNS_OK && a->secure && i < a->n_rrs; i++)
		if (usable(a->rrs[i].data))
			return true;
	return false;
}

static void look_at(struct run *r, struct mr_slice host)
{
	const struct mr_dns_answer *a = ask(r, host, MR_DNS_A), *aaaa = ask(r, host, MR_DNS_AAAA), *tlsa;

	if (a == NULL || aaaa == NULL || (a->status != MR_DNS_OK && aaaa->status != MR_DNS_OK))
		return;
	r->out->hosts++;
	if (!(a->status == MR_DNS_OK ? a->secure : aaaa->secure))
		return;
	tlsa = ask(r, mr_slice_of(mr_arena_printf(r->arena, "_25._tcp.%.*s", (int)host.n, host.p)), MR_DNS_TLSA);
	if (tlsa != NULL && any_usable(tlsa))
		r->out->with++;
}

static int by_preference(const void *x, const void *y)
{
	const struct mr_dns_rr *a = x, *b = y;

	return (a->preference > b->preference) - (a->preference < b->preference);
}

static void look_at_hosts(struct run *r, const struct mr_dns_answer *mx, struct mr_slice domain)
{
	struct mr_dns_rr *rrs = mr_arena_alloc(r->arena, (mx->n_rrs + 1) * sizeof(*rrs));
	size_t n = mx->status == MR_DNS_OK ? mx->n_rrs : 0;

	if (n == 0)
		look_at(r, domain); /* the implicit MX, RFC 5321 section 5.1 */
	else
		memcpy(rrs, mx->rrs, n * sizeof(*rrs));
	if (n > 1)
		qsort(rrs, n, sizeof(*rrs), by_preference);
	for (size_t i = 0; i < n && i < MR_DANE_HOSTS_MAX; i++)
		if (rrs[i].data.n > 0) /* "." is no host: RFC 7505 */
			look_at(r, rrs[i].data);
}

int mr_dane_evaluate(struct mr_dns_view *view, struct mr_slice domain, struct mr_arena *arena, struct mr_dane *out)
{
	struct run r = { .view = view, .arena = arena, .out = out };

	*out = (struct mr_dane){ .state = MR_DANE_NONE };
	const struct mr_dns_answer *mx = ask(&r, domain, MR_DNS_MX);
	if (mx != NULL) {
		out->secure_mx = mx->secure;
		if (mx->secure)
			look_at_hosts(&r, mx, domain);
	}
	if (r.temp) {
		out->state = MR_DANE_TEMP;
		return 0;
	}
	if (r.waiting)
		return -EAGAIN;
	if (out->with > 0)
		out->state = out->with == out->hosts ? MR_DANE_ALL : MR_DANE_SOME;
	out->reason = mr_slice_of(
	    out->secure_mx ? mr_arena_printf(arena, "MX secure, %zu of %zu hosts with usable TLSA records", out->with, out->hosts)
			   : mr_arena_strdup(arena, "the answer about its MX is not secure"));
	return 0;
}
