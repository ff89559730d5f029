/* sa/eval-uri: functions about where links lead. */
/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

static struct mr_slice domain_or_self(struct mr_sa *sa, struct mr_slice host)
{
	struct mr_slice domain, unused;

	return sa_uri_domain(sa->conf, sa->arena, host, &domain, &unused) ? domain : host;
}

/* The host behind "http://" or "https://", however many slashes. */
static struct mr_slice web_host(struct mr_slice s, const char *stops)
{
	size_t i = sa_starts_i(s, "https:") ? 6 : sa_starts_i(s, "http:") ? 5 : 0, end;

	if (!i)
		return (struct mr_slice){ 0 };
	while (i < s.n && s.p[i] == '/')
		i++;
	for (end = i; end < s.n; end++)
		for (const char *c = stops; *c; c++)
			if (s.p[end] == *c)
				return sa_sub(s, i, end);
	return sa_sub(s, i, end);
}

/* A web address in another, on another domain. */
static int redirector(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_list *uris = mr_sa_uris(sa);

	(void)args;
	for (size_t i = 0; i < uris->n; i++) {
		struct mr_slice outer = web_host(uris->items[i], "/:?"), lower = sa_lower(sa->arena, uris->items[i]), inner;
		ptrdiff_t at;

		if (!outer.n)
			continue;
		at = sa_find(lower, (size_t)(outer.p - uris->items[i].p) + outer.n + 1, MR_LIT("http"));
		if (at < 0)
			continue;
		inner = web_host(mr_slice_from(uris->items[i], (size_t)at), "/:?");
		if (inner.n && !mr_slice_eq(domain_or_self(sa, outer), domain_or_self(sa, inner)))
			return 1;
	}
	return 0;
}

static bool leads_to_ip(struct mr_slice s)
{
	struct mr_slice host = web_host(s, "/");
	ptrdiff_t at = mr_slice_chr(host, '@');

	if (at >= 0)
		host = mr_slice_from(host, (size_t)at + 1);
	return host.n && sa_form_in("%n.%n.%n.%n", sa_sub(host, 0, host.n)) && sa_is_digit(host.p[0]);
}

static int https_ip(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	(void)args;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < h[i]->n_uris; k++) {
			const struct mr_sa_html_uri *u = &h[i]->uris[k];

			if (!leads_to_ip(u->uri))
				continue;
			for (size_t a = 0; a < u->anchors.n; a++) {
				struct mr_slice text = u->anchors.items[a];

				if (sa_ihas(text, MR_LIT("https:")) && !(sa_starts_i(text, "https:") && leads_to_ip(text)))
					return 1;
			}
		}
	return 0;
}

static int uri_truncated(struct mr_sa *sa, const struct mr_sa_args *args)
{
	size_t n;

	(void)args;
	mr_sa_uri_details(sa, &n);
	return sa->uri_truncated;
}

/* A domain that there can be; n 0: none. */
static struct mr_slice real_domain(struct mr_sa *sa, struct mr_slice host)
{
	struct mr_slice domain = sa_trim_domain(sa->conf, sa->arena, host);

	return sa_tld_valid(sa->conf, sa->arena, domain) ? domain : MR_LIT("");
}

/* "https://bank.example" is shown, and another domain is behind it. */
static bool shows_another(struct mr_sa *sa, const struct mr_sa_html_uri *u, struct mr_slice domain)
{
	for (size_t a = 0; a < u->anchors.n; a++) {
		struct mr_slice text = u->anchors.items[a], host;
		ptrdiff_t at = sa_ifind(text, MR_LIT("https://"));

		if (at < 0)
			continue;
		host = web_host(mr_slice_from(text, (size_t)at), " \t\n\r\v\f/:?#");
		if (!host.n)
			continue;
		if (sa_ip_length(host) != host.n)
			host = real_domain(sa, host);
		if (host.n && !mr_slice_eq(host, domain))
			return true;
	}
	return false;
}

static int https_http(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double least = sa_arg_number(args, 0, 1), most = sa_arg_number(args, 1, INFINITY);
	size_t n;
	const struct mr_sa_html *const *h = mr_sa_htmls(sa, &n);

	for (size_t i = 0; i < n; i++) {
		double anchors = 0;
		bool hit = false;

		for (size_t k = 0; k < h[i]->n_uris; k++) {
			const struct mr_sa_html_uri *u = &h[i]->uris[k];
			struct mr_slice host = web_host(u->uri, "/:?#"), domain;

			if (!u->anchors.n || !host.n || sa_ip_length(host) == host.n || !(domain = real_domain(sa, host)).n)
				continue;
			anchors++;
			hit |= shows_another(sa, u, domain);
		}
		if (hit && anchors >= (least > 0 ? least : 1) && anchors < most)
			return 1;
	}
	return 0;
}

const struct mr_sa_eval sa_evals_uri[] = {
	{ "check_for_http_redirector", NULL, redirector },
	{ "check_https_ip_mismatch", NULL, https_ip },
	{ "check_uri_truncated", NULL, uri_truncated },
	{ "check_https_http_mismatch", NULL, https_http },
	{ 0 },
};
