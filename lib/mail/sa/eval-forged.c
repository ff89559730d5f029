/* sa/eval-forged: functions about mail that says it comes from a large provider: does it look like that provider's? */
/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

static bool from_domain(struct mr_sa *sa, const char *domain)
{
	struct mr_slice from = sa_scalar(sa, "From:addr"), d = mr_slice_of(domain);

	return mr_slice_iends(from, d) && (from.n == d.n || !sa_is_word(from.p[from.n - d.n - 1]));
}

static bool has_ip(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((!i || (!sa_is_word(s.p[i - 1]) && s.p[i - 1] != ':')) && sa_ip_length(mr_slice_from(s, i)))
			return true;
	return false;
}

bool sa_gated(struct mr_sa *sa)
{
	struct mr_slice list = sa_scalar(sa, "Mailing-List"), received;

	if (!mr_sa_header(sa, MR_LIT("Received"), &received))
		return true;
	if (sa_form_in("contact %s@%s; run by ezmlm", list) && sa_form_in("mailing list %s@%s", sa_scalar(sa, "Delivered-To")) &&
	    (sa_form_in("qmail %n invoked from network); %n %s %n", received) || sa_form_in("qmail %n invoked by %*); %n %s %n", received)))
		return true;
	return sa_form_in("from groups.msn.com (%s.msn.com ", received);
}

static int gated(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return sa_gated(sa);
}

static int aol_relay(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice s = sa_folded(sa->arena, sa_scalar(sa, "Received"));

	(void)args;
	for (ptrdiff_t at = 0; (at = sa_find(s, (size_t)at, MR_LIT(" rly-"))) >= 0; at++) {
		struct mr_slice r = mr_slice_from(s, (size_t)at + 5);

		if (r.n < 5 || !sa_is_alpha(r.p[0]) || !sa_is_alpha(r.p[1]) || !sa_is_digit(r.p[2]) || !sa_is_digit(r.p[3]) ||
		    r.p[4] != '.')
			continue;
		return !sa_form_in("/AOL-%n.%n.%n)", s) && !sa_has(s, MR_LIT("ESMTP id RELAY")) &&
		       !sa_has(s, MR_LIT("ESMTP id MAILRELAY")) && !sa_has(s, MR_LIT("ESMTP id MAILIN"));
	}
	return 0;
}

/* -- Hotmail -- */

static int msn_groups(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice to = sa_scalar(sa, "To"), received = sa_scalar(sa, "Received"), id, name;
	ptrdiff_t at = sa_find(sa_lower(sa->arena, to), 0, MR_LIT("@groups.msn.com>")), from, open;

	(void)args;
	if (at <= 0 || (open = mr_slice_rchr(sa_sub(to, 0, (size_t)at), '<')) < 0 || open + 1 == at)
		return 0;
	name = sa_sub(to, (size_t)open + 1, (size_t)at);
	from = sa_find(received, 0, MR_LIT("from mail pickup service by p"));
	if (from < 0 || !sa_has(mr_slice_from(received, (size_t)from), MR_LIT("groups.msn.com")))
		return 0;
	id = sa_scalar(sa, "Message-Id");
	if (mr_slice_eq(name, MR_LIT("notifications")))
		return mr_slice_starts(id, MR_LIT("<")) && sa_form_in("@p%ngroups.msn.com>", id);
	return mr_slice_starts(id, mr_slice_of(mr_arena_printf(sa->arena, "<%.*s-", (int)name.n, name.p))) &&
	       sa_has(id, MR_LIT("@groups.msn.com>")) &&
	       sa_has(sa_scalar(sa, "EnvelopeFrom:addr"),
		      mr_slice_of(mr_arena_printf(sa->arena, "%.*s-bounce@groups.msn.com", (int)name.n, name.p)));
}

enum hotmail { HOTMAIL_FINE, HOTMAIL_FORGED, HOTMAIL_ABSENT };

static bool hotmail_wrote(struct mr_slice r, bool ip, bool organisation)
{
	static const char *const with_ip[] = { "from %Shotmail.com (%s.hotmail.com ",
					       "from %Shotmail.com (%s.hotmail.com)",
					       "from %Shotmail.com (%s.hotmail.msn.com ",
					       "from %Shotmail.com (%s.hotmail.msn.com)",
					       "from %S.hotmail.com ([%i] ",
					       "from %S.hotmail.com ([%i])",
					       "from %S.hotmail.com ([%i]:",
					       "from %s by %s.hotmail.com with HTTP;",
					       "from %s by %s.hotmail.msn.com with HTTP;",
					       "from [66.218.%s] by %s.yahoo.com" };
	static const char *const with_organisation[] = { "from %S.outbound.protection.outlook.com (%s.outbound.protection.outlook.com ",
							 "from %S.outbound.protection.outlook.com (%s.outbound.protection.outlook.com)",
							 "from %S.eurprd%n.prod.outlook.com (%i)",
							 "from %S.namprd%n.prod.outlook.com (%i)" };

	for (size_t i = 0; ip && i < MR_COUNT(with_ip); i++)
		if (sa_form_in(with_ip[i], r))
			return true;
	for (size_t i = 0; organisation && i < MR_COUNT(with_organisation); i++)
		if (sa_form_in(with_organisation[i], r))
			return true;
	return false;
}

static enum hotmail hotmail(struct mr_sa *sa)
{
	static const char *const says[] = { "from ", "HELO ", "helo=" };
	struct mr_slice r = sa_folded(sa->arena, sa_scalar(sa, "Received")), organisation = sa_scalar(sa, "X-OriginatorOrg");

	if (sa_has(r, MR_LIT("from mail pickup service by hotmail.com with Microsoft SMTPSVC;")) || msn_groups(sa, NULL) || sa_gated(sa))
		return HOTMAIL_FINE;
	if (hotmail_wrote(r, has_ip(sa_scalar(sa, "X-Originating-Ip")),
			  sa_has(organisation, MR_LIT("hotmail.com")) || sa_has(organisation, MR_LIT("msonline-outlook"))))
		return HOTMAIL_FINE;
	for (size_t i = 0; i < MR_COUNT(says); i++)
		for (ptrdiff_t at = 0; (at = sa_find(r, (size_t)at, mr_slice_of(says[i]))) >= 0; at++) {
			size_t from = (size_t)at + 5, end = from;
			ptrdiff_t found;

			while (end < r.n && !sa_is_space(r.p[end]))
				end++;
			found = sa_find(sa_sub(r, from, end), 0, MR_LIT("hotmail.com"));
			if (found >= 0 && (from + (size_t)found + 11 == r.n || !sa_is_word(r.p[from + (size_t)found + 11])))
				return HOTMAIL_FORGED;
		}
	return HOTMAIL_ABSENT;
}

static int forged_hotmail(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return hotmail(sa) == HOTMAIL_FORGED;
}

static int no_hotmail(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return from_domain(sa, "hotmail.com") && hotmail(sa) == HOTMAIL_ABSENT;
}

/* -- others -- */

static int forged_eudoramail(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice r;

	(void)args;
	if (!from_domain(sa, "eudoramail.com") || sa_gated(sa))
		return 0;
	r = sa_folded(sa->arena, sa_scalar(sa, "Received"));
	return !(sa_form_in("by %Swhowhere.com;", r) && has_ip(sa_scalar(sa, "X-Sender-Ip")));
}

/* The host that brought it has a name at Yahoo. */
static bool came_from_yahoo(struct mr_sa *sa)
{
	struct mr_slice trusted = sa_scalar(sa, "X-Spam-Relays-Trusted"), untrusted = sa_scalar(sa, "X-Spam-Relays-Untrusted");
	ptrdiff_t end = mr_slice_chr(untrusted, ']');

	if (end >= 0)
		untrusted.n = (size_t)end;
	return sa_form_in(" rdns=%s.yahoo.com ", trusted) || sa_form_in(" rdns=%s.yahoo.com ", untrusted);
}

static int forged_yahoo(struct mr_sa *sa, const struct mr_sa_args *args)
{
	static const char *const theirs[] = {
		"by web%s.mail%S.yahoo.com via HTTP",
		"by sonic%s.consmr.mail%S.yahoo.com with HTTP",
		"by smtp%s.yahoo.com with SMTP",
		"from [%i] by %s.groups.yahoo.com with NNFMP",
		"from [%i] by %s.scd.yahoo.com with NNFMP",
		"from [%i] by %s.dcn.yahoo.com with NNFMP",
		"by %s.yahoo.com (%n.%n.%n/%n.%n.%n) id ",
		"by %s.yahoo.com (%n.%n.%n/%n.%n.%n) with ESMTP id ",
	};
	struct mr_slice r, resent;

	(void)args;
	if (!from_domain(sa, "yahoo.com") || sa_gated(sa) || came_from_yahoo(sa))
		return 0;
	r = sa_scalar(sa, "Received");
	if (sa_scalar(sa, "Resent-From").n && sa_scalar(sa, "Resent-To").n) {
		resent = sa_scalar(sa, "X-Received");
		r = resent.n ? resent : r;
	}
	r = sa_folded(sa->arena, r);
	for (size_t i = 0; i < MR_COUNT(theirs); i++)
		if (sa_form_in(theirs[i], r))
			return 0;
	return !(sa_form_in("mailer%n.bulk.scd.yahoo.com", r) && mr_slice_iends(sa_scalar(sa, "From:addr"), MR_LIT("@reply.yahoo.com")));
}

static bool juno_host(struct mr_slice line)
{
	ptrdiff_t from = sa_find(line, 0, MR_LIT("from"));
	struct mr_slice rest;

	if (from < 0)
		return false;
	rest = mr_slice_from(line, (size_t)from);
	return (sa_has(rest, MR_LIT("juno.com")) || sa_has(rest, MR_LIT("untd.com"))) &&
	       (sa_form_in("[%i]%>by", rest) || sa_form_in("(%i)%>by", rest));
}

static int forged_juno(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice origin = sa_scalar(sa, "X-Originating-IP"), mailer = sa_scalar(sa, "X-Mailer"),
			received = sa_scalar(sa, "Received"), rest, line;
	bool juno = sa_has(received, MR_LIT(" cookie.juno.com ")) || sa_has(received, MR_LIT(" cookie.untd.com ")), mail = false;

	(void)args;
	if (!from_domain(sa, "juno.com") || sa_gated(sa))
		return 0;
	for (rest = received; mr_slice_next(&rest, '\n', &line);) {
		juno |= juno_host(line);
		mail |= sa_form_in("from%>mail.com%>[%i]%>by", line);
	}
	if (origin.n)
		return !juno || !sa_has(mailer, MR_LIT("Juno "));
	if (mail)
		return !sa_has(mailer, MR_LIT("mail.com")) || !has_ip(origin);
	if (sa_form_in("from webmail%s.untd.com (webmail%s.untd.com [%i]) by", received))
		return !sa_starts_i(mailer, "Webmail Version ") || !has_ip(origin);
	return 1;
}

static int forged_gmail(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice x = sa_scalar(sa, "X-Received");

	(void)args;
	if (!from_domain(sa, "gmail.com"))
		return 0;
	if (sa_form_in("by 10.%s with SMTP id %s", x) || sa_form_in("by 2002:a%s with SMTP id %s", x) ||
	    sa_form_in("by smtp.googlemail.com with ESMTPSA id %s", sa_scalar(sa, "Received")))
		return 0;
	return sa_scalar(sa, "X-Gm-Message-State").n < 60 || sa_scalar(sa, "X-Google-Smtp-Source").n < 60;
}

const struct mr_sa_eval sa_evals_forged[] = {
	{ "gated_through_received_hdr_remover", NULL, gated },
	{ "check_for_fake_aol_relay_in_rcvd", NULL, aol_relay },
	{ "check_for_msn_groups_headers", NULL, msn_groups },
	{ "check_for_forged_hotmail_received_headers", NULL, forged_hotmail },
	{ "check_for_no_hotmail_received_headers", NULL, no_hotmail },
	{ "check_for_forged_eudoramail_received_headers", NULL, forged_eudoramail },
	{ "check_for_forged_yahoo_received_headers", NULL, forged_yahoo },
	{ "check_for_forged_juno_received_headers", NULL, forged_juno },
	{ "check_for_forged_gmail_received_headers", NULL, forged_gmail },
	{ 0 },
};
