/* sa/received-forms: how mail servers write Received fields. The order counts: the first form that fits is taken. */
/* ours */
#include "base/mem.h"
#include "mail/sa/received.h"

const struct sa_form sa_forms[] = {
	/* Web mail */
	{ " (SquirrelMail authenticated user ", "%*%i%dby %b with HTTP", 0 },
	{ " (NaSMail authenticated user ", "%*%i%dby %b with HTTP", 0 },
	{ "HTTP (WebMailUI)", "%*%i by %b (%s) with HTTP (WebMailUI)", 0 },
	/* Microsoft */
	{ " SMTPSVC", "%H ([%i]%*) by %b with Microsoft SMTPSVC", 0 },
	{ " SMTPSVC", "mail pickup service by %b with Microsoft SMTPSVC%$", SA_FORM_SKIP },
	{ " with Microsoft SMTP Server ", "%h (%I) by %b ", SA_FORM_NO_ID | SA_FORM_VERSION },
	{ " with mapi id ", "%h (%I) by %b ", SA_FORM_NO_ID | SA_FORM_VERSION },
	/* XMail, Ecelerity */
	{ "[XMail ", "%h (%I:%n) by %b with [XMail", 0 },
	{ "[XMail ", "%h (%I:%n) by %b (%s) with [XMail", 0 },
	{ "(ecelerity", "([%i:%n] helo=%h) by %b ", 0 },
	{ "(ecelerity", "%S ([%i:%n]) by %b ", 0 },
	{ "(ecelerity", "([%i:%n]) by %b ", 0 },
	/* Exim */
	{ "Exim", "%*with local %>", SA_FORM_SKIP },
	{ "Exim", "%*with local-%s %>", SA_FORM_SKIP },
	{ "Exim", "[%i] (%c) by %b ", 0 },
	{ "Exim", "%r ([%i]%c) by %b ", SA_FORM_SAME_HELO },
	{ "Exim", "%r [%i] by %b ", SA_FORM_SAME_HELO },
	{ "Exim", "%r [%i]:%n by %b ", SA_FORM_SAME_HELO },
	/* Postfix */
	{ " (Postfix) with", "%h (%r [%i]) by %b ", SA_FORM_LOOKS_UP | SA_FORM_UNKNOWN },
	{ " (Postfix) with", "%h (%r[%i]) by %b ", SA_FORM_LOOKS_UP | SA_FORM_UNKNOWN },
	/* Scalix, Domino, IMP */
	{ "(Scalix SMTP Relay", "%h ( %i) by %b", 0 },
	{ "(Scalix SMTP Relay", "%h (%i) by %b", 0 },
	{ " (Lotus Domino ", "%h ([%i]) by %b (Lotus", 0 },
	{ "with HTTP", "%i ([%s]) by %b", SA_FORM_WORD },
	/* Sendmail, and what writes like it */
	{ NULL, "%h (%r [%i]%>) by %b (", SA_FORM_LOOKS_UP | SA_FORM_IDENT | SA_FORM_NO_QMAIL },
	{ NULL, "%h (%r [%i]) by %b with %s (", SA_FORM_LOOKS_UP },
	{ "helo=", "%r ([%i] helo=%h) by %b with ", 0 },
	{ "(<unknown", "%h (<unknown%S>[%i]) by %b ", 0 },
	{ NULL, "%h (%r[%i]) by %b ", SA_FORM_LOOKS_UP | SA_FORM_DOT },
	{ "@[", "%h (%T@[%i]%>) by %b (", SA_FORM_LOOKS_UP },
	{ ".hotmail.msn.com ", "%i by %b ", 0 },
	/* qpsmtpd, Zimbra, GMX, Raptor */
	{ " (qpsmtpd/", "%r (%e %H) (%i) by %b (qpsmtpd/%s) with ", 0 },
	{ " (LHLO ", "%r (LHLO %H) (%i) by %b with LMTP", 0 },
	{ "HLO ", "%r (%e %H) [%i] by %b (%*) with SMTP", 0 },
	{ "HLO ", "%r (%e %H) [%i] by %b (%*) with ESMTP", 0 },
	{ "HELO ", "%r (%e %H) [%i] by %b (%*) with SMTP", 0 },
	{ "HELO ", "%r (%e %H) [%i] by %b (%*) with ESMTP", 0 },
	{ " via smtpd ", "%h ([%i]) by %b via smtpd (for %s) with SMTP(", 0 },
	/* qmail and its variants */
	{ NULL, "%r (%e %H) (%T@%I)%v by %b", SA_FORM_QMAIL },
	{ NULL, "%r (%e %H) (%I)%v by %b", SA_FORM_QMAIL },
	{ NULL, "%r (%T@%I)%v by %b", SA_FORM_QMAIL | SA_FORM_SAME_HELO },
	{ NULL, "%r (%I)%v by %b", SA_FORM_QMAIL | SA_FORM_SAME_HELO },
	/* less common */
	{ " via HTTP", "[%i] by %b via HTTP%$", 0 },
	{ "( [", "%s ( [%i])%* by %b ", 0 },
	{ NULL, "(%h [%i]) by %b ", 0 },
	{ NULL, "[%i] by %b ", 0 },
	{ NULL, "(%I) by %b ", 0 },
	{ NULL, "%h [%i] by %b [%s] with ", SA_FORM_LOOKS_UP },
	{ "[(", "%h [(%i)] by %b (%s) ", 0 },
	{ NULL, "%h ([%i]) by %b (", SA_FORM_LOOKS_UP },
	{ NULL, "%h (%r [%i])%* by %b", SA_FORM_LOOKS_UP | SA_FORM_COURIER },
	{ NULL, "%h ([%i])%* by %b ", SA_FORM_LOOKS_UP },
	{ NULL, "%h ([%i]:%n)%* by %b ", SA_FORM_LOOKS_UP },
	{ NULL, "%h ([%i.%n])%* by %b ", SA_FORM_LOOKS_UP },
	{ NULL, "%h ([%i:%n])%* by %b ", SA_FORM_LOOKS_UP },
	{ "with POP3", "%>", SA_FORM_FETCHED },
	{ "with IMAP", "%>", SA_FORM_FETCHED },
	{ "LO ", "%r (%e %H) (%T@%I)%> by %b ", SA_FORM_LOOKS_UP },
	{ "LO ", "%r (%e %H) (%I)%> by %b ", SA_FORM_LOOKS_UP },
	{ NULL, "%r (%T@%I)%> by %b ", SA_FORM_LOOKS_UP | SA_FORM_SAME_HELO },
	{ NULL, "%r (%I)%> by %b ", SA_FORM_LOOKS_UP | SA_FORM_SAME_HELO },
	{ " via smap ", "%r(%i) by %b via smap ", SA_FORM_LOOKS_UP },
	{ " via smap ", "%r(%i, %e %H) by %b via smap ", SA_FORM_LOOKS_UP },
	{ " (SMTPL", "%i by %b (SMTPL", 0 },
	{ " (InterScan", "%i by %b (InterScan", 0 },
	{ " with BSMTP", "%s by %s with BSMTP", SA_FORM_SKIP },
	{ NULL, "%r (%e %H) (%t@%i%*) by %b with ", SA_FORM_LOOKS_UP },
	{ NULL, "%r (%e %H) (%i%*) by %b with ", SA_FORM_LOOKS_UP },
	{ NULL, "[%i] (%e %H) by %b (", 0 },
	{ NULL, "[%i] (account %s %e %H) by %b (", 0 },
	{ " (CommuniGate Pro", "%r ([%i] verified) by %b (", SA_FORM_LOOKS_UP | SA_FORM_SAME_HELO },
	{ " (Content Technologies ", "%s (%s) by %s (Content Technologies ", SA_FORM_SKIP },
	{ NULL, "%h ([%i] [%s]) by %b with ", 0 },
	{ NULL, "%i by %b with ", 0 },
	{ NULL, "[%i]%s (%e %H) by %b ", 0 },
	{ NULL, "%i (%e %H) by %b ", 0 },
	{ NULL, "%h [%i] by %b ", 0 },
	{ NULL, "%r(%i) by %b ", 0 },
	{ NULL, "%i (%*) by %b with ", 0 },
	{ NULL, "[%i] (%c) by %b ", 0 },
	{ " claiming to be ", "%r(%i), claiming to be \"%h\" via %s by %b,", SA_FORM_LOOKS_UP },
	{ NULL, "%r(%i) via %s by %b,", SA_FORM_LOOKS_UP },
	{ " with login) ", "%h (%s@%i with login) by %b with SMTP", 0 },
	/* on one host, or without an address */
	{ "localhost) by ", "%s (%s@localhost) by %s (", SA_FORM_SKIP },
	{ " with local-", "%s %s by %s with local-smtp ", SA_FORM_SKIP },
	{ " with local-", "%s %s by %s with local-esmtp ", SA_FORM_SKIP },
	{ "(AVG SMTP ", "127.0.0.1 (AVG SMTP %s [%s])", SA_FORM_SKIP },
	{ NULL, "%s@%s by %s ", SA_FORM_SKIP },
	{ NULL, "Unknown/Local (", SA_FORM_SKIP },
	{ NULL, "%L (%L)", SA_FORM_SKIP },
	{ NULL, "%L (%L[", SA_FORM_SKIP },
	{ NULL, "%L (%s@%L)", SA_FORM_SKIP },
	{ NULL, "%L (%s@%L[", SA_FORM_SKIP },
	{ NULL, "%s (%L) ", SA_FORM_SKIP },
	{ NULL, "%s (%s@%L) ", SA_FORM_SKIP },
	{ NULL, "%s (%s@%s [%L]) ", SA_FORM_SKIP },
	{ "(AUTH: ", "(AUTH: %s) by %s with ", SA_FORM_SKIP },
	{ "[[UNIX: ", "localhost (localhost [[UNIX: localhost]]) by ", SA_FORM_SKIP },
	{ " with Novell_GroupWise", "%s by %s with Novell_GroupWise", SA_FORM_SKIP },
	{ "no.name.available", "no.name.available by %s via smtpd (for ", SA_FORM_SKIP },
	{ "[unix socket]", "%s ([unix socket]) by %s (Cyrus v%s) with LMTPA", SA_FORM_SKIP },
	{ NULL, "%s by %s with", SA_FORM_SKIP },
	{ NULL, "%s by %s via", SA_FORM_SKIP },
	{ NULL, "%s by %s for", SA_FORM_SKIP },
	{ NULL, "%s by %s (", SA_FORM_SKIP },
	{ NULL, "%s with %s by ", SA_FORM_SKIP },
	{ NULL, "%s via %s by ", SA_FORM_SKIP },
	{ NULL, "%s for %s by ", SA_FORM_SKIP },
	{ NULL, "%s (unverified) by ", SA_FORM_SKIP },
	{ " (SG) with ", "%s (unknown) by %s (SG) with ", SA_FORM_SKIP },
	{ "(OpenSMTPD)", "%s (%s [local]) by %s (OpenSMTPD) with ", SA_FORM_SKIP },
	{ "(LSMTP for", "%>", SA_FORM_SKIP },
	{ " with MailEnable ", "([%L]) with MailEnable ", SA_FORM_SKIP },
	{ " with Thrift id ", "facebook.com (%*) by facebook.com with Thrift id %s%$", SA_FORM_SKIP },
	{ " named ", "%s named %s by gmailapi.google.com with HTTPREST%$", SA_FORM_SKIP },
	{ NULL, "%s id %s%$", SA_FORM_SKIP },
	{ "(Jetsend", "[<%* (Jetsend", SA_FORM_SKIP },
};
const size_t sa_n_forms = MR_COUNT(sa_forms);

/* "15.1.1261.35", maybe with a bracket before it, and nothing or a space after it. */
static bool starts_with_version(struct mr_slice s)
{
	size_t numbers = 0;

	if (mr_slice_starts(s, MR_LIT("("))) {
		ptrdiff_t end = mr_slice_chr(s, ')');

		if (end < 2)
			return false;
		s = mr_slice_from(s, (size_t)end + 1);
		if (!mr_slice_starts(s, MR_LIT(" ")))
			return false;
		s = mr_slice_from(s, 1);
	}
	for (;;) {
		size_t n = 0;

		while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
			n++;
		if (!n)
			return false;
		s = mr_slice_from(s, n);
		if (++numbers == 4)
			return !s.n || s.p[0] == ' ';
		if (!s.n || s.p[0] != '.')
			return false;
		s = mr_slice_from(s, 1);
	}
}

bool sa_form_guard(const struct sa_form *f, struct mr_slice s)
{
	struct mr_slice guard = mr_slice_of(f->guard);

	if (!(f->flags & (SA_FORM_VERSION | SA_FORM_WORD)))
		return !f->guard || sa_has(s, guard);
	for (ptrdiff_t at = 0; (at = sa_find(s, (size_t)at, guard)) >= 0; at++) {
		struct mr_slice rest = mr_slice_from(s, (size_t)at + guard.n);

		if ((f->flags & SA_FORM_VERSION) ? starts_with_version(rest) : !rest.n || !sa_is_word(rest.p[0]))
			return true;
	}
	return false;
}
