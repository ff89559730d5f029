/* sa/eval-relay: functions about the hosts that a message went through. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

static bool is_v4(struct mr_slice s)
{
	return s.n && mr_slice_chr(s, ':') < 0 && sa_ip_length(s) == s.n;
}

static size_t count(struct mr_sa *sa, enum mr_sa_trust which)
{
	size_t n;

	mr_sa_relays(sa, which, &n);
	return n;
}

static int all_trusted(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return count(sa, MR_SA_TRUSTED) && !count(sa, MR_SA_UNTRUSTED) && !mr_sa_relays_unparseable(sa);
}

static int no_relays(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return !count(sa, MR_SA_TRUSTED) && !count(sa, MR_SA_UNTRUSTED) && !mr_sa_relays_unparseable(sa);
}

static int unparseable(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return mr_sa_relays_unparseable(sa) > 0;
}

static int numeric_helo(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_relay *const *r = mr_sa_relays(sa, MR_SA_UNTRUSTED, &n);

	(void)args;
	/* Only the first that is one is looked at. */
	for (size_t i = 0; i < n; i++)
		if (is_v4(r[i]->helo))
			return !sa_ip_private(r[i]->helo);
	return 0;
}

static int helo_mismatch(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_relay *const *r = mr_sa_relays(sa, MR_SA_UNTRUSTED, &n);

	(void)args;
	for (size_t i = 0; i < n; i++) {
		struct mr_slice helo = r[i]->helo, net;

		if (!is_v4(helo) || sa_ip_private(helo) || !is_v4(r[i]->ip) || r[i]->private_ip)
			continue;
		net = sa_sub(helo, 0, (size_t)mr_slice_rchr(helo, '.') + 1);
		if (!mr_slice_starts(r[i]->ip, net))
			return 1;
	}
	return 0;
}

static int sender_no_reverse(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_relay *const *r = mr_sa_relays(sa, MR_SA_UNTRUSTED, &n);

	(void)args;
	return n && mr_slice_chr(r[n - 1]->rdns, '.') >= 0 && !r[n - 1]->private_ip;
}

static int no_rdns_dotcom(struct mr_sa *sa, const struct mr_sa_args *args)
{
	static const char *const names[] = { "lycos.com", "lycos.co.uk", "hotmail.com", "localhost.com", "excite.com", "caramail.com",
					     "cs.com",    "aol.com",     "msn.com",     "yahoo.com",     "drizzle.com" };
	size_t n;
	const struct mr_sa_relay *const *r = mr_sa_relays(sa, MR_SA_UNTRUSTED, &n);
	bool found = false;

	(void)args;
	/* What the last host says, counts. */
	for (size_t i = 0; i < n; i++) {
		if (r[i]->private_ip)
			continue;
		found = false;
		for (size_t k = 0; k < MR_COUNT(names); k++) {
			struct mr_slice name = mr_slice_of(names[k]), helo = r[i]->helo;

			if (mr_slice_iends(helo, name) && (helo.n == name.n || helo.p[helo.n - name.n - 1] == '.') && r[i]->no_rdns)
				found = true;
		}
	}
	return found;
}

/* -- names that do not fit each other -- */

/* The last two labels, or three under a country; an address as it is. */
static struct mr_slice domain_of(struct mr_arena *a, struct mr_slice host)
{
	bool letter = false;
	ptrdiff_t dot;
	struct mr_slice s = sa_lower(a, host), last, rest = s;
	size_t labels = 1, keep;

	for (size_t i = 0; i < s.n; i++) {
		letter |= sa_is_alpha(s.p[i]);
		labels += s.p[i] == '.';
	}
	if (!letter)
		return s;
	last = mr_slice_from(s, (size_t)(mr_slice_rchr(s, '.') + 1));
	keep = labels > 1 && (last.n >= 3 || sa_has(last, MR_LIT("ie")) || sa_has(last, MR_LIT("fr")) || sa_has(last, MR_LIT("de"))) ? 2
	       : labels > 2                                                                                                          ? 3
			    : labels;
	for (; labels > keep && (dot = mr_slice_chr(rest, '.')) >= 0; labels--)
		rest = mr_slice_from(rest, (size_t)dot + 1);
	return rest;
}

/* "\w+([\w.-]+\.)+\w+" */
static bool is_name(struct mr_slice s)
{
	ptrdiff_t dot = mr_slice_rchr(s, '.');

	if (dot < 2 || (size_t)dot + 1 >= s.n || !sa_is_word(s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!sa_is_word(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
			return false;
	for (size_t i = (size_t)dot + 1; i < s.n; i++)
		if (!sa_is_word(s.p[i]))
			return false;
	return true;
}

static bool other_net(struct mr_slice a, struct mr_slice b)
{
	size_t dots = 0, n = 0;

	while (n < a.n && dots < 2)
		dots += a.p[n++] == '.';
	return dots == 2 && !mr_slice_starts(b, sa_sub(a, 0, n));
}

static void mismatches(struct mr_sa *sa, int *from, int *helo)
{
	size_t n;
	const struct mr_sa_relay *const *r = mr_sa_relays(sa, MR_SA_UNTRUSTED, &n);
	struct mr_slice before = { 0 };

	*from = *helo = 0;
	for (size_t i = 0; i < n; i++) {
		struct mr_slice by = domain_of(sa->arena, r[i]->by), rdns = domain_of(sa->arena, r[i]->rdns),
				name = domain_of(sa->arena, r[i]->helo);
		bool local = mr_slice_eq(rdns, MR_LIT("localhost")) || mr_slice_eq(rdns, MR_LIT("localhost.localdomain"));
		struct mr_slice this = local && mr_slice_eq(r[i]->ip, MR_LIT("127.0.0.1")) && is_name(by) ? (struct mr_slice){ 0 } : rdns;

		if (is_name(by)) {
			if (is_v4(name) && is_v4(r[i]->ip) && other_net(name, r[i]->ip) && !sa_ip_private(name))
				++*helo;
			if (i && before.p && is_name(before) && !mr_slice_eq(by, before) &&
			    !(mr_slice_eq(by, MR_LIT("msn.com")) && mr_slice_eq(before, MR_LIT("hotmail.com"))))
				++*from;
		}
		before = this;
	}
}

static int forged_trail(struct mr_sa *sa, const struct mr_sa_args *args)
{
	int from, helo;

	(void)args;
	mismatches(sa, &from, &helo);
	return from > 1;
}

static int forged_ip_helo(struct mr_sa *sa, const struct mr_sa_args *args)
{
	int from, helo;

	(void)args;
	mismatches(sa, &from, &helo);
	return helo > 0;
}

/* Is the domain of the sender that of a host that brought the message to another of it? */
static int from_domain_in_received(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice domain = sa_arg(args, 0), both;
	bool wanted = mr_slice_eq(sa_arg(args, 1), MR_LIT("true")), found;
	const char *form;

	if (!domain.n || !sa_ihas(sa_scalar(sa, "From:addr"), domain))
		return 0;
	both = mr_slice_of(mr_arena_printf(sa->arena, "%s\n%s", mr_arena_slice(sa->arena, sa_scalar(sa, "X-Spam-Relays-Trusted")),
					   mr_arena_slice(sa->arena, sa_scalar(sa, "X-Spam-Relays-Untrusted"))));
	form = mr_arena_printf(sa->arena, " rdns=%%S%.*s %%*by=%%S%.*s ", (int)domain.n, domain.p, (int)domain.n, domain.p);
	found = sa_form_in(form, both);
	return found == wanted;
}

const struct mr_sa_eval sa_evals_relay[] = {
	{ "check_all_trusted", NULL, all_trusted },
	{ "check_no_relays", NULL, no_relays },
	{ "check_relays_unparseable", NULL, unparseable },
	{ "check_for_numeric_helo", NULL, numeric_helo },
	{ "helo_ip_mismatch", NULL, helo_mismatch },
	{ "check_for_sender_no_reverse", NULL, sender_no_reverse },
	{ "check_for_no_rdns_dotcom_helo", NULL, no_rdns_dotcom },
	{ "check_for_forged_received_trail", NULL, forged_trail },
	{ "check_for_forged_received_ip_helo", NULL, forged_ip_helo },
	{ "check_for_from_domain_in_received_headers", NULL, from_domain_in_received },
	{ 0 },
};
