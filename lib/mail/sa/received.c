/* sa/received: one Received field. See received.h for the forms. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"
#include "mail/sa/received.h"

#define STEPS_MAX 20000 /* of one comparison; a field has at most 8 KiB */

struct match {
	struct mr_slice helo, rdns, by, ident, ip, inner;
	unsigned steps;
};

static bool match(const char *form, struct mr_slice s, size_t i, struct match *m);

static size_t local_length(struct mr_slice s)
{
	static const char *const names[] = { "localhost.localdomain", "localhost", "127.0.0.1", "::ffff:127.0.0.1", "::1" };

	for (size_t k = 0; k < MR_COUNT(names); k++)
		if (mr_slice_istarts(s, mr_slice_of(names[k])))
			return mr_slice_of(names[k]).n;
	return 0;
}

static struct mr_slice *place(char directive, struct match *m)
{
	switch (directive) {
	case 'h':
	case 'H':
		return &m->helo;
	case 'r':
	case 'R':
		return &m->rdns;
	case 'b':
		return &m->by;
	case 't':
	case 'T':
		return &m->ident;
	}
	return NULL;
}

/* A word, as long as can be. */
static bool match_word(const char *form, struct mr_slice s, size_t i, struct match *m)
{
	char directive = form[1], after = form[2];
	struct mr_slice *to = place(directive, m), old = to ? *to : (struct mr_slice){ 0 };
	size_t least = strchr("HRTS", directive) ? 0 : 1, end = i;

	while (end < s.n && !sa_is_space(s.p[end]))
		end++;
	for (;; end--) {
		bool may = after == '%' || !after || (end < s.n && s.p[end] == after);

		if (end < i + least)
			break;
		if (may) {
			if (to)
				*to = sa_sub(s, i, end);
			if (match(form + 2, s, end, m))
				return true;
		}
		if (end == i || after == ' ')
			break;
	}
	if (to)
		*to = old;
	return false;
}

static bool match_any(const char *form, struct mr_slice s, size_t i, struct match *m, bool greedy)
{
	char after = form[2];

	if (!after)
		return true;
	for (size_t k = 0; k <= s.n - i; k++) {
		size_t at = greedy ? s.n - k : i + k;

		if ((after == '%' || (at < s.n && s.p[at] == after)) && match(form + 2, s, at, m))
			return true;
	}
	return false;
}

/* 10 to 80 characters. */
static bool match_distance(const char *form, struct mr_slice s, size_t i, struct match *m)
{
	for (size_t n = 80; n >= 10; n--)
		if (i + n < s.n && s.p[i + n] == form[2] && match(form + 2, s, i + n, m))
			return true;
	return false;
}

static bool match_address(const char *form, struct mr_slice s, size_t i, struct match *m)
{
	bool bracket = form[1] == 'I' && i < s.n && s.p[i] == '[';
	size_t from = i + bracket,
	       n = i && sa_is_word(s.p[i - 1]) ? 0
		   : from <= s.n               ? sa_ip_length(mr_slice_from(s, from))
					       : 0,
	       end = from + n;

	if (!n)
		return false;
	m->ip = sa_sub(s, from, end);
	/* A zone, "%eth0", is no part of it. */
	if (form[1] == 'I' && end < s.n && s.p[end] == '%')
		while (end < s.n && s.p[end] != ']' && s.p[end] != ')')
			end++;
	if (form[1] == 'I' && end < s.n && s.p[end] == ']')
		end++;
	return match(form + 2, s, end, m);
}

/* What a bracket holds, up to a ")" behind which the rest fits. */
static bool match_inner(const char *form, struct mr_slice s, size_t i, struct match *m)
{
	for (size_t end = i; end < s.n; end++)
		if (s.p[end] == ')' && match(form + 2, s, end, m)) {
			m->inner = sa_sub(s, i, end);
			return true;
		}
	return false;
}

static bool match_envelope(const char *form, struct mr_slice s, size_t i, struct match *m)
{
	static const char mark[] = " (envelope-sender <";
	struct mr_slice rest = mr_slice_from(s, i);

	if (mr_slice_starts(rest, mr_slice_of(mark))) {
		ptrdiff_t end = sa_find(rest, sizeof(mark) - 1, MR_LIT(">)"));

		if (end > 0 && match(form + 2, s, i + (size_t)end + 2, m))
			return true;
	}
	return match(form + 2, s, i, m);
}

static bool match_directive(const char *form, struct mr_slice s, size_t i, struct match *m)
{
	struct mr_slice rest = mr_slice_from(s, i);
	size_t n = 0;

	switch (form[1]) {
	case '*':
	case '>':
		return match_any(form, s, i, m, form[1] == '>');
	case 'i':
	case 'I':
		return match_address(form, s, i, m);
	case 'd':
		return match_distance(form, s, i, m);
	case 'c':
		return match_inner(form, s, i, m);
	case 'v':
		return match_envelope(form, s, i, m);
	case 'n':
		while (n < rest.n && sa_is_digit(rest.p[n]))
			n++;
		return n && match(form + 2, s, i + n, m);
	case 'e':
		return (mr_slice_starts(rest, MR_LIT("HELO")) || mr_slice_starts(rest, MR_LIT("EHLO"))) && match(form + 2, s, i + 4, m);
	case 'L':
		n = local_length(rest);
		return n && match(form + 2, s, i + n, m);
	case '$':
		return i == s.n;
	}
	return match_word(form, s, i, m);
}

static bool match(const char *form, struct mr_slice s, size_t i, struct match *m)
{
	if (++m->steps > STEPS_MAX)
		return false;
	for (; *form && *form != '%'; form++, i++)
		if (i >= s.n || s.p[i] != *form)
			return false;
	return !*form || match_directive(form, s, i, m);
}

/* -- what is found wherever it stands -- */

static bool helo_char(char c)
{
	return sa_is_word(c) || sa_one_of(c, "-.^+&:=?!@%*$\\/");
}

/* The word behind a mark, " id " or "helo=". */
static struct mr_slice after(struct mr_slice s, const char *mark, bool (*takes)(char))
{
	ptrdiff_t at = sa_find(s, 0, mr_slice_of(mark));
	size_t from, end;

	if (at < 0)
		return (struct mr_slice){ 0 };
	for (from = end = (size_t)at + strlen(mark); end < s.n && takes(s.p[end]);)
		end++;
	return sa_sub(s, from, end);
}

static bool not_space(char c)
{
	return !sa_is_space(c);
}

static bool id_char(char c)
{
	return !sa_is_space(c) && !sa_one_of(c, "<>;");
}

static struct mr_slice find_helo(struct mr_slice s)
{
	static const char *const marks[] = { "helo=", "HELO ", "EHLO " };

	for (size_t i = 0; i < MR_COUNT(marks); i++) {
		struct mr_slice found = after(s, marks[i], helo_char);

		if (found.n)
			return found;
	}
	return MR_LIT("");
}

static struct mr_slice find_by(struct mr_slice s)
{
	struct mr_slice by = after(s, " by ", not_space);

	/* It ends in a letter, digit, dot or semicolon, or stands before white space. */
	if (by.n && by.p + by.n == s.p + s.n)
		return by;
	return by.p ? by : MR_LIT("");
}

static struct mr_slice find_id(struct mr_slice s)
{
	ptrdiff_t at = -1;

	while ((at = sa_find(s, (size_t)(at + 1), MR_LIT(" id "))) >= 0) {
		size_t from = (size_t)at + 4, end;

		from += from < s.n && s.p[from] == '<';
		for (end = from; end < s.n && id_char(s.p[end]);)
			end++;
		if (end >= from + 3)
			return sa_sub(s, from, end);
	}
	return MR_LIT("");
}

/* "(envelope-from <a@b>)": with what stands round it; the caller cleans it. */
static struct mr_slice find_envelope(struct mr_slice s)
{
	static const struct mr_slice marks[] = { MR_LIT("return-path:"),     MR_LIT("return-path "),   MR_LIT("envelope-sender "),
						 MR_LIT("envelope-sender="), MR_LIT("envelope-from "), MR_LIT("envelope-from=") };

	for (size_t i = 0; i < s.n; i++) {
		struct mr_slice rest = mr_slice_from(s, i);
		char first = mr_lower(s.p[i]);
		bool may = (first == 'r' && mr_slice_istarts(rest, MR_LIT("return-"))) ||
			   (first == 'e' && mr_slice_istarts(rest, MR_LIT("envelope-")));

		for (size_t k = 0; k < MR_COUNT(marks) && may; k++) {
			size_t end, from = i + marks[k].n;

			if (!mr_slice_istarts(rest, marks[k]))
				continue;
			if (k == 0 && from < s.n && s.p[from] == ' ')
				from++;
			for (end = from; end < s.n && not_space(s.p[end]);)
				end++;
			while (end > from && !sa_is_word(s.p[end - 1]))
				end--;
			if (end > from)
				return sa_sub(s, from, end);
		}
	}
	return (struct mr_slice){ 0 };
}

/* -- one line -- */

/* White space folded; no semicolons at the end, and no date. */
static struct mr_slice cleaned(struct mr_arena *a, struct mr_slice s, struct mr_slice *with_date)
{
	static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
	char *out = mr_arena_alloc(a, s.n + 1);
	struct mr_slice line, word[8];
	size_t n = 0, words = 0, end;

	s = sa_trim(s);
	for (size_t i = 0; i < s.n; i++)
		if (!sa_is_space(s.p[i]))
			out[n++] = s.p[i];
		else if (n && out[n - 1] != ' ')
			out[n++] = ' ';
	while (n && out[n - 1] == ';') {
		n--;
		if (n && out[n - 1] == ' ')
			n--;
	}
	*with_date = line = (struct mr_slice){ out, n };
	/* "; Tue, 23 May 2006 13:06:35 -0400", the day of the week or not: zone, time, year, month, day. */
	for (end = n; words < 5; words++) {
		size_t from = end;

		while (from && out[from - 1] != ' ' && (words < 4 || out[from - 1] != ';'))
			from--;
		word[words] = (struct mr_slice){ out + from, end - from };
		end = from && out[from - 1] == ' ' ? from - 1 : from;
	}
	if (word[3].n != 3 || !sa_has(mr_slice_of(months), word[3]) || mr_slice_chr(word[1], ':') < 0 || !word[2].n ||
	    !sa_is_digit(word[2].p[0]) || !word[4].n || !sa_is_digit(word[4].p[0]))
		return line;
	end = (size_t)(word[4].p - out);
	if (end >= 5 && out[end - 1] == ' ' && out[end - 2] == ',' && end >= 6)
		end -= 5;
	if (end && out[end - 1] != ' ' && out[end - 1] != ';')
		return line;
	while (end && (out[end - 1] == ' ' || out[end - 1] == ';'))
		end--;
	return (struct mr_slice){ out, end };
}

/* ")by" has lost its space. */
static struct mr_slice spaced(struct mr_arena *a, struct mr_slice s)
{
	ptrdiff_t at = sa_find(s, 0, MR_LIT(")by "));

	if (at < 0)
		return s;
	return mr_slice_of(mr_arena_printf(a, "%.*s) by %.*s", (int)at, s.p, (int)(s.n - (size_t)at - 4), s.p + at + 4));
}

/* What has no place in a list of relays becomes "!". */
static struct mr_slice safe(struct mr_arena *a, struct mr_slice s)
{
	char *p = mr_arena_slice(a, s);

	for (size_t i = 0; i < s.n; i++)
		if (sa_is_space(p[i]) || !p[i] || strchr("#[]()<>|", p[i]))
			p[i] = '!';
	return (struct mr_slice){ p, s.n };
}

static struct mr_slice clean_envelope(struct mr_arena *a, struct mr_slice s)
{
	if (!s.p)
		return s;
	s = sa_trim(s);
	while (s.n && s.p[0] == '<')
		s = mr_slice_from(s, 1);
	while (s.n && s.p[s.n - 1] == '>')
		s.n--;
	return safe(a, s);
}

static struct mr_slice clean_ip(struct mr_arena *a, struct mr_slice ip)
{
	if (mr_slice_istarts(ip, MR_LIT("ipv6:")))
		ip = mr_slice_from(ip, 5);
	if (mr_slice_istarts(ip, MR_LIT("::ffff:")) && mr_slice_chr(ip, '.') > 0)
		ip = mr_slice_from(ip, 7);
	return safe(a, ip);
}

static void finish(struct mr_arena *a, struct match *m, bool looks_up, struct mr_sa_relay *r)
{
	struct mr_slice rdns = m->rdns;

	while (rdns.n && rdns.p[rdns.n - 1] == '.')
		rdns.n--;
	if (mr_slice_ieq(rdns, MR_LIT("unknown")) || (rdns.n && rdns.p[0] == '['))
		rdns.n = 0;
	if (m->by.n && m->by.p[m->by.n - 1] == ';')
		m->by.n--;
	r->ip = clean_ip(a, m->ip);
	r->rdns = safe(a, rdns);
	r->helo = safe(a, m->helo);
	r->by = safe(a, m->by);
	r->ident = safe(a, m->ident);
	r->from = clean_envelope(a, r->from);
	r->no_rdns = looks_up && !rdns.n;
}

/* rest: behind "by host". Only brackets may stand before the protocol. */
static bool qmail_protocol(struct mr_slice rest)
{
	static const char *const names[] = { "SMTP", "QMQP" };
	struct mr_slice s = rest;
	ptrdiff_t last = -1;

	for (ptrdiff_t at = 0; (at = sa_find(rest, (size_t)at, MR_LIT(") with "))) >= 0; at++)
		last = at + 1;
	if (!mr_slice_starts(rest, MR_LIT(" with ")) && !(mr_slice_starts(rest, MR_LIT(" (")) && last > 0))
		return false;

	for (ptrdiff_t at = 0; (at = sa_find(s, (size_t)at, MR_LIT(" with "))) >= 0; at++)
		for (size_t k = 0; k < MR_COUNT(names); k++)
			for (ptrdiff_t p = at + 5; (p = sa_find(s, (size_t)p, mr_slice_of(names[k]))) >= 0; p++)
				if (s.p[p - 1] == ' ' && !mr_slice_starts(mr_slice_from(s, (size_t)p + 4), MR_LIT(" id ")))
					return true;
	return false;
}

/* The forms of one program stand together: its guard is looked for once. */
static bool same_guard(const struct sa_form *f, const struct sa_form *before)
{
	return before && f->guard == before->guard && !((f->flags ^ before->flags) & (SA_FORM_VERSION | SA_FORM_WORD));
}

/* Behind its guard. */
static bool form_fits(const struct sa_form *f, struct mr_slice s, struct match *m)
{
	ptrdiff_t ldap = (f->flags & SA_FORM_NO_QMAIL) ? sa_find(s, 0, MR_LIT(" (qmail-")) : -1;
	struct match try = *m;

	if (ldap > 0 && sa_find(s, (size_t)ldap, MR_LIT(") with ")) > 0)
		return false;
	try.steps = 0;
	if (!match(f->form, s, 0, &try) || ((f->flags & SA_FORM_DOT) && mr_slice_chr(try.rdns, '.') < 0))
		return false;
	if ((f->flags & SA_FORM_QMAIL) && !qmail_protocol(mr_slice_from(s, (size_t)(try.by.p + try.by.n - s.p))))
		return false;
	*m = try;
	return true;
}

/* What the flags of the form say of the words that it took. */
static bool apply(unsigned flags, struct match *m)
{
	bool looks_up = flags & SA_FORM_LOOKS_UP;
	ptrdiff_t at;

	if ((flags & SA_FORM_IDENT) && (at = mr_slice_rchr(m->rdns, '@')) >= 0) {
		m->ident = sa_sub(m->rdns, mr_slice_starts(m->rdns, MR_LIT("IDENT:")) ? 6 : 0, (size_t)at);
		m->rdns = mr_slice_from(m->rdns, (size_t)at + 1);
	}
	if ((flags & SA_FORM_UNKNOWN) && mr_slice_eq(m->rdns, MR_LIT("unknown")))
		m->rdns = MR_LIT("");
	if ((flags & SA_FORM_COURIER) && mr_slice_eq(m->rdns, MR_LIT("softdnserr"))) {
		looks_up = false;
		m->rdns = MR_LIT("");
	}
	if (flags & SA_FORM_SAME_HELO)
		m->helo = m->rdns;
	if (m->inner.p) {
		struct mr_slice helo = after(m->inner, "helo=", not_space), ident = after(m->inner, "ident=", not_space);

		if (helo.n)
			m->helo = helo;
		if (ident.p)
			m->ident = ident;
	}
	if (flags & SA_FORM_QMAIL) {
		looks_up = !mr_slice_eq(m->rdns, MR_LIT("unknown"));
		if (!looks_up)
			m->rdns = MR_LIT("");
	}
	return looks_up;
}

/* qmail-scanner tells of the hand-over that the next line is about. */
static bool is_qmail_scanner(struct mr_slice s)
{
	return sa_has(s, MR_LIT(") with qmail-scanner"));
}

static void guess_helo(struct mr_slice s, struct match *m)
{
	size_t end = 0;

	while (end < s.n && !sa_is_space(s.p[end]))
		end++;
	if (!m->helo.n && end && end < s.n)
		m->helo = sa_sub(s, 0, end);
}

static struct mr_slice bracketed_ip(struct mr_slice s)
{
	for (ptrdiff_t at = 0; (at = sa_find(s, (size_t)at, MR_LIT("["))) >= 0; at++) {
		size_t n = sa_ip_length(mr_slice_from(s, (size_t)at + 1));

		if (n && (size_t)at + 1 + n < s.n && s.p[(size_t)at + 1 + n] == ']')
			return sa_sub(s, (size_t)at + 1, (size_t)at + 1 + n);
	}
	return (struct mr_slice){ 0 };
}

/* "host by host;": no address, nothing to be learnt. */
static bool is_bare(struct mr_slice s)
{
	size_t i = 0, from;

	if (s.n && s.p[0] == '[')
		return false;
	while (i < s.n && !sa_is_space(s.p[i]))
		i++;
	if (!i || !mr_slice_istarts(mr_slice_from(s, i), MR_LIT(" by ")))
		return false;
	for (from = i += 4; i < s.n && !sa_is_space(s.p[i]) && s.p[i] != ';';)
		i++;
	if (i == from || i == s.n)
		return false;
	return s.p[i] == ';' || (s.p[i] == ' ' && i + 1 < s.n && s.p[i + 1] == ';');
}

enum sa_received sa_received_parse(struct mr_arena *a, struct mr_slice line, struct mr_sa_relay *out, struct mr_slice *qmail_from)
{
	struct mr_slice dated, s = spaced(a, cleaned(a, line, &dated));
	const struct sa_form *before = NULL;
	bool guarded = false;
	struct match m = { .helo = find_helo(s), .rdns = MR_LIT(""), .by = find_by(s), .ident = MR_LIT(""), .ip = MR_LIT("") };

	if (!mr_slice_istarts(dated, MR_LIT("from ")) && !mr_slice_istarts(dated, MR_LIT("(from ")))
		return SA_RECEIVED_SKIP;
	if (sa_has(dated, MR_LIT(" with local for ")))
		return SA_RECEIVED_SKIP;
	if (is_bare(mr_slice_from(dated, 5)))
		return SA_RECEIVED_SKIP;
	*out = (struct mr_sa_relay){ .auth = sa_received_auth(a, s), .id = find_id(s), .from = { 0 } };
	if (mr_slice_starts(s, MR_LIT("from "))) {
		s = mr_slice_from(s, 5);
		out->from = find_envelope(s);
		for (size_t i = 0; i < sa_n_forms; i++) {
			const struct sa_form *f = &sa_forms[i];

			if (!same_guard(f, before))
				guarded = sa_form_guard(f, s);
			before = f;
			if (!guarded || !form_fits(f, s, &m))
				continue;
			if (is_qmail_scanner(s) && (f->flags & SA_FORM_SKIP))
				*qmail_from = clean_envelope(a, out->from);
			if (f->flags & SA_FORM_FETCHED)
				return SA_RECEIVED_FETCHED;
			if (f->flags & SA_FORM_SKIP)
				return SA_RECEIVED_SKIP;
			if (f->flags & SA_FORM_NO_ID)
				out->id = MR_LIT("");
			finish(a, &m, apply(f->flags, &m), out);
			return SA_RECEIVED_RELAY;
		}
		guess_helo(s, &m);
	} else if (mr_slice_starts(s, MR_LIT("(from ")) &&
		   (sa_has(s, MR_LIT("@localhost) by ")) || sa_has(s, MR_LIT("(jqueuemail) id ")))) {
		return SA_RECEIVED_SKIP;
	}
	m.ip = bracketed_ip(s);
	if (!m.ip.n || !m.by.n)
		return SA_RECEIVED_UNKNOWN;
	finish(a, &m, false, out);
	return SA_RECEIVED_RELAY;
}

bool sa_form_in(const char *form, struct mr_slice s)
{
	struct match m = { 0 };

	for (size_t i = 0; i < s.n; i++) {
		if (*form != '%' && s.p[i] != *form)
			continue;
		m.steps = 0;
		if (match(form, s, i, &m))
			return true;
	}
	return false;
}
