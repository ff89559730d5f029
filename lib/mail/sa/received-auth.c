/* sa/received-auth: whether the client of a Received field logged in, by the words of those who write them. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/received.h"

static bool ends_word(struct mr_slice s, size_t i)
{
	return i >= s.n || s.p[i] == ' ' || s.p[i] == ';';
}

static struct mr_slice protocol_auth(struct mr_slice s)
{
	static const char *const protocols[] = { "ESMTPA",     "ESMTPSA",   "ESMTPSA",    "LMTPA", "LMTPSA", "LSMTPA", "UTF8SMTPA",
						 "UTF8SMTPSA", "UTF8LMTPA", "UTF8LMTPSA", "ASMTP", "HTTP",   "HTTPU",  "HTTPS" };

	for (ptrdiff_t at = 0; (at = sa_find(s, (size_t)at, MR_LIT(" with "))) >= 0; at++)
		for (size_t k = 0; k < MR_COUNT(protocols); k++) {
			struct mr_slice word = mr_slice_from(s, (size_t)at + 6), p = mr_slice_of(protocols[k]);

			if (mr_slice_istarts(word, p) && ends_word(word, p.n))
				return sa_sub(word, 0, p.n);
		}
	return (struct mr_slice){ 0 };
}

/* "(authenticated bits=0)" behind the client's address and before "by". */
static bool says_authenticated(struct mr_slice s)
{
	ptrdiff_t at = sa_find(s, 0, MR_LIT("authenticated")), open, close = -1, end, by;

	if (at < 0 || !mr_slice_istarts(s, MR_LIT("from ")))
		return false;
	open = mr_slice_rchr(sa_sub(s, 0, (size_t)at), '(');
	end = sa_find(s, (size_t)at, MR_LIT(")"));
	by = end < 0 ? -1 : sa_find(s, (size_t)end, MR_LIT(" by"));
	for (ptrdiff_t i = 0; i < open; i++)
		if (s.p[i] == ']' || (s.p[i] == ')' && s.p[i + 1] == ']'))
			close = i;
	return open > 0 && close >= 0 && by > 0;
}

static struct mr_slice sasl_auth(struct mr_arena *a, struct mr_slice s)
{
	static const char *const ways[] = { "LOGIN", "PLAIN", "DIGEST-MD5", "CRAM-MD5" };

	for (size_t k = 0; k < MR_COUNT(ways); k++)
		if (sa_has(s, mr_slice_of(mr_arena_printf(a, ") (AUTH: %s ", ways[k]))) && sa_has(s, MR_LIT(") by ")))
			return mr_slice_of(ways[k]);
	return (struct mr_slice){ 0 };
}

struct mr_slice sa_received_auth(struct mr_arena *a, struct mr_slice s)
{
	struct mr_slice found;
	ptrdiff_t at, end;

	if (sa_has(s, MR_LIT(" by ")) && (found = protocol_auth(s)).p)
		return found;
	if (sa_has(s, MR_LIT(" by mx.google.com with ESMTPS id ")) && sa_has(s, MR_LIT("(version=")) && sa_has(s, MR_LIT("sm")))
		return MR_LIT("");
	if (sa_has(s, MR_LIT(") (AUTH: ")) && (found = sasl_auth(a, s)).p)
		return found;
	if (says_authenticated(s))
		return MR_LIT("Sendmail");
	if ((at = sa_find(s, 0, MR_LIT(") (Authenticated sender: "))) > 0 && (at = sa_find(s, (size_t)at, MR_LIT(") by "))) > 0 &&
	    (at = sa_find(s, (size_t)at + 5, MR_LIT(" ("))) > 0 && (end = sa_find(s, (size_t)at, MR_LIT(") with "))) > 0) {
		struct mr_slice name = sa_sub(s, (size_t)at + 2, (size_t)end);

		return mr_slice_eq(name, MR_LIT("Postfix")) ? name : mr_slice_of(mr_arena_printf(a, "Postfix (%.*s)", (int)name.n, name.p));
	}
	if (sa_has(s, MR_LIT("CommuniGate Pro ")) && sa_has(s, MR_LIT(" (account ")))
		return MR_LIT("Communigate");
	if (sa_has(s, MR_LIT(" with Microsoft Exchange Server HTTP-DAV")))
		return MR_LIT("HTTP-DAV");
	if (sa_has(s, MR_LIT(" by ")) && (at = sa_find(s, 0, MR_LIT(" (via HTTP"))) >= 0)
		return MR_LIT("HTTP");
	return MR_LIT("");
}
