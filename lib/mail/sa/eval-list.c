/* sa/eval-list: functions about lists of addresses and hosts that the administrator keeps. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

/* addresses: mr_sa_all_from() or mr_sa_all_to(), which need not be asked where the list is empty. */
static int any_listed(struct mr_sa *sa, const struct mr_sa_list *(*addresses)(struct mr_sa *), struct mr_slice list)
{
	const struct mr_sa_list *all = mr_sa_conf_list_used(sa->conf, list) ? addresses(sa) : NULL;

	for (size_t i = 0; all && i < all->n; i++)
		if (mr_sa_conf_listed(sa->conf, list, all->items[i]))
			return 1;
	return 0;
}

#define FROM(name, list)                                                                                                                   \
	static int name(struct mr_sa *sa, const struct mr_sa_args *args)                                                                   \
	{                                                                                                                                  \
		(void)args;                                                                                                                \
		return any_listed(sa, mr_sa_all_from, MR_LIT(list));                                                                       \
	}
#define TO(name, list)                                                                                                                     \
	static int name(struct mr_sa *sa, const struct mr_sa_args *args)                                                                   \
	{                                                                                                                                  \
		(void)args;                                                                                                                \
		return any_listed(sa, mr_sa_all_to, MR_LIT(list));                                                                         \
	}
FROM(from_blocked, "blocklist_from")
TO(to_blocked, "blocklist_to")
TO(to_welcome, "welcomelist_to")
TO(more_spam, "more_spam_to")
TO(all_spam, "all_spam_to")

static int from_in_list(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return any_listed(sa, mr_sa_all_from, sa_arg(args, 0));
}

static int to_in_list(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return any_listed(sa, mr_sa_all_to, sa_arg(args, 0));
}

static int replyto_in_list(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return mr_sa_conf_listed(sa->conf, sa_arg(args, 0), sa_scalar(sa, "Reply-To:addr"));
}

static int subject_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return mr_sa_conf_listed(sa->conf, MR_LIT("welcomelist_subject"), sa_scalar(sa, "Subject"));
}

static int subject_blocked(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return mr_sa_conf_listed(sa->conf, MR_LIT("blocklist_subject"), sa_scalar(sa, "Subject"));
}

/* -- addresses that are welcome from some hosts only -- */

/* "[192.0.2.1]", "[192.0.2.0]/24", "[192.0.2.]" or a name in DNS. */
static bool relay_is(struct mr_sa *sa, const struct mr_sa_relay *r, struct mr_slice host)
{
	ptrdiff_t end = host.n && host.p[0] == '[' ? mr_slice_chr(host, ']') : -1;
	struct mr_slice net;
	struct mr_ip ip;

	if (end > 0) {
		net = mr_slice_of(
		    mr_arena_printf(sa->arena, "%.*s%.*s", (int)end - 1, host.p + 1, (int)(host.n - (size_t)end - 1), host.p + end + 1));
		return mr_parse_ip(r->ip, &ip) == 0 && sa_in_network(net, &ip);
	}
	return host.n && mr_slice_iends(r->rdns, host) && (r->rdns.n == host.n || r->rdns.p[r->rdns.n - host.n - 1] == '.');
}

/* 1 listed with a host that it came from, -1 listed with others only: perhaps forged; 0 not listed. */
static int welcome_from_host(struct mr_sa *sa, struct mr_slice list, struct mr_slice address)
{
	size_t n, untrusted;
	const struct mr_sa_relay *const *r = mr_sa_relays(sa, MR_SA_UNTRUSTED, &untrusted);
	const void *at = NULL;
	struct mr_slice host;
	int found = 0;

	n = untrusted > 0;
	if (!untrusted)
		r = mr_sa_relays(sa, MR_SA_TRUSTED, &n);
	while (n && mr_sa_conf_second(sa->conf, list, address, &at, &host)) {
		for (size_t i = 0; i < n; i++)
			if (relay_is(sa, r[i], host))
				return 1;
		found = -1;
	}
	return found < 0 && mr_sa_conf_listed(sa->conf, MR_LIT("welcomelist_allows_relays"), address) ? 0 : found;
}

static int any_welcome(struct mr_sa *sa, const char *list)
{
	const struct mr_sa_list *from = mr_sa_all_from(sa);
	int found = 0;

	for (size_t i = 0; i < from->n; i++) {
		int one = welcome_from_host(sa, mr_slice_of(list), from->items[i]);

		if (one > 0)
			return 1;
		found = one ? one : found;
	}
	return found;
}

static int welcome(struct mr_sa *sa)
{
	return any_listed(sa, mr_sa_all_from, MR_LIT("welcomelist_from")) ? 1 : any_welcome(sa, "welcomelist_from_rcvd");
}

static int from_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return welcome(sa) > 0;
}

static int from_default_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return any_welcome(sa, "def_welcomelist_from_rcvd") > 0;
}

static int forged_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return welcome(sa) < 0 && any_welcome(sa, "def_welcomelist_from_rcvd") == 0;
}

static int forged_default_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return any_welcome(sa, "def_welcomelist_from_rcvd") < 0 && welcome(sa) == 0;
}

/* -- the envelope's sender and the host that brought it -- */

static bool relay_fits(struct mr_sa *sa, const struct mr_sa_relay *r, struct mr_slice domain)
{
	return r->rdns.n && mr_slice_eq(sa_trim_domain(sa->conf, sa->arena, r->rdns), domain);
}

static int mailfrom_matches(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice sender = sa_scalar(sa, "EnvelopeFrom:addr"), domain;
	ptrdiff_t at = mr_slice_rchr(sender, '@'), dot;
	size_t n;
	const struct mr_sa_relay *const *r = mr_sa_relays(sa, MR_SA_UNTRUSTED, &n);

	(void)args;
	if (at < 0)
		return 0;
	domain = mr_slice_from(sender, (size_t)at + 1);
	dot = mr_slice_rchr(domain, '.');
	if (dot < 1 || (size_t)dot + 1 >= domain.n)
		return 0;
	domain = sa_trim_domain(sa->conf, sa->arena, domain);
	if (n)
		return relay_fits(sa, r[0], domain);
	r = mr_sa_relays(sa, MR_SA_TRUSTED, &n);
	for (size_t i = 0; i < n; i++)
		if (relay_fits(sa, r[i], domain))
			return 1;
	return 0;
}

/* -- hosts of addresses in the text -- */

/* The host, or a domain above it; "!" before it in the list: it is none, whatever is above. */
static bool host_listed(struct mr_sa *sa, struct mr_slice host, struct mr_slice list)
{
	char *mark = mr_arena_alloc(sa->arena, host.n + 2);

	memcpy(mark + 1, host.p, host.n);
	for (;;) {
		ptrdiff_t dot = mr_slice_chr(host, '.');

		*mark = '!';
		if (mr_sa_conf_listed(sa->conf, list, (struct mr_slice){ mark, host.n + 1 }))
			return false;
		if (mr_sa_conf_listed(sa->conf, list, host))
			return true;
		if (dot < 0 || (sa_ip_length(host) == host.n && host.n))
			return false;
		host = mr_slice_from(host, (size_t)dot + 1);
		mark += dot + 1;
	}
}

static int uri_listed(struct mr_sa *sa, struct mr_slice name)
{
	struct mr_slice list = mr_slice_of(mr_arena_printf(sa->arena, "uri:%.*s", (int)name.n, name.p));
	size_t n;
	const struct mr_sa_uri *u = mr_sa_uri_details(sa, &n);

	if (!mr_sa_conf_list_used(sa->conf, list))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (sa_starts_i(u[i].raw, "mailto:"))
			continue;
		for (size_t k = 0; k < u[i].hosts.n; k++)
			if (host_listed(sa, u[i].hosts.items[k], list))
				return 1;
	}
	return 0;
}

static int uri_host_listed(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return uri_listed(sa, sa_arg(args, 0));
}

static int uri_host_blocked(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return uri_listed(sa, MR_LIT("BLOCK"));
}

static int uri_host_welcome(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return uri_listed(sa, MR_LIT("WELCOME"));
}

/* -- bounces of own mail -- */

static int any_bounce_relays(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return mr_sa_conf_list_used(sa->conf, MR_LIT("welcomelist_bounce_relays"));
}

static int bounce_relays(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice s = mr_sa_pristine_body(sa), line;
	bool in_field = false;

	if (!any_bounce_relays(sa, args))
		return 0;
	while (mr_slice_next(&s, '\n', &line)) {
		struct mr_slice rest = line, word;

		while (rest.n && (rest.p[0] == '>' || rest.p[0] == ' '))
			rest = mr_slice_from(rest, 1);
		in_field = sa_starts_i(rest, "Received:") || (in_field && line.n && sa_is_space(line.p[0]));
		while (in_field && mr_slice_next(&rest, ' ', &word))
			if (mr_sa_conf_listed(sa->conf, MR_LIT("welcomelist_bounce_relays"), sa_trim(word)))
				return 1;
	}
	return 0;
}

const struct mr_sa_eval sa_evals_list[] = {
	{ "check_from_in_blocklist", NULL, from_blocked },
	{ "check_from_in_blacklist", NULL, from_blocked },
	{ "check_to_in_blocklist", NULL, to_blocked },
	{ "check_to_in_blacklist", NULL, to_blocked },
	{ "check_to_in_welcomelist", NULL, to_welcome },
	{ "check_to_in_whitelist", NULL, to_welcome },
	{ "check_to_in_more_spam", NULL, more_spam },
	{ "check_to_in_all_spam", NULL, all_spam },
	{ "check_from_in_welcomelist", NULL, from_welcome },
	{ "check_from_in_whitelist", NULL, from_welcome },
	{ "check_from_in_default_welcomelist", NULL, from_default_welcome },
	{ "check_from_in_default_whitelist", NULL, from_default_welcome },
	{ "check_forged_in_welcomelist", NULL, forged_welcome },
	{ "check_forged_in_whitelist", NULL, forged_welcome },
	{ "check_forged_in_default_welcomelist", NULL, forged_default_welcome },
	{ "check_forged_in_default_whitelist", NULL, forged_default_welcome },
	{ "check_subject_in_welcomelist", NULL, subject_welcome },
	{ "check_subject_in_whitelist", NULL, subject_welcome },
	{ "check_subject_in_blocklist", NULL, subject_blocked },
	{ "check_subject_in_blacklist", NULL, subject_blocked },
	{ "check_from_in_list", NULL, from_in_list },
	{ "check_to_in_list", NULL, to_in_list },
	{ "check_replyto_in_list", NULL, replyto_in_list },
	{ "check_mailfrom_matches_rcvd", NULL, mailfrom_matches },
	{ "check_uri_host_listed", NULL, uri_host_listed },
	{ "check_uri_host_in_blocklist", NULL, uri_host_blocked },
	{ "check_uri_host_in_blacklist", NULL, uri_host_blocked },
	{ "check_uri_host_in_welcomelist", NULL, uri_host_welcome },
	{ "check_uri_host_in_whitelist", NULL, uri_host_welcome },
	{ "have_any_bounce_relays", NULL, any_bounce_relays },
	{ "check_welcomelist_bounce_relays", NULL, bounce_relays },
	{ "check_whitelist_bounce_relays", NULL, bounce_relays },
	{ 0 },
};
