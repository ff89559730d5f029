/* sa/eval-freemail: functions about addresses that anybody can have, and whose texts and fields name different ones. */
/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

#define FOUND_MAX     40 /* addresses in a text */
#define EMAILS_MAX    5  /* more of them, or more of free ones than the next, and the text says nothing */
#define FREEMAILS_MAX 3

/* -- which are -- */

static bool all_hex(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = mr_lower(s.p[i]);

		if (!sa_is_digit(c) && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return s.n > 0;
}

/* Names that no person has: "postmaster", "bounce-", what programs make. */
static bool is_nobody(struct mr_slice local)
{
	static const char *const names[] = { "abuse",   "support",    "sales",      "info",         "helpdesk", "contact",
					     "kontakt", "postmaster", "hostmaster", "domainmaster", "bounce-",  "bounced-" };
	size_t equals = 0;

	for (size_t i = 0; i < MR_COUNT(names); i++)
		if (mr_slice_ieq(local, mr_slice_of(names[i])))
			return true;
	for (size_t i = 1; i + 1 < local.n; i++)
		equals += local.p[i] == '=' && local.p[i - 1] != '=';
	if (equals >= 2 || sa_starts_i(local, "undisclosed"))
		return true;
	if (sa_starts_i(local, "request-") && local.n == 24 && all_hex(mr_slice_from(local, 8)))
		return true;
	if (local.n == 17 && local.p[8] == '.')
		return all_hex(sa_sub(local, 0, 8)) && all_hex(mr_slice_from(local, 9));
	if (local.n == 36 && local.p[8] == '-' && local.p[13] == '-' && local.p[18] == '-' && local.p[23] == '-')
		return all_hex(sa_sub(local, 0, 8));
	return local.n == 8 && all_hex(local);
}

static bool is_freemail(struct mr_sa *sa, struct mr_slice email)
{
	ptrdiff_t at = mr_slice_rchr(email, '@');
	struct mr_slice domain = mr_slice_from(email, (size_t)(at + 1));

	if (!email.n || mr_sa_conf_has(sa->conf, MR_SA_FREEMAIL_WELCOME, email) || mr_sa_conf_has(sa->conf, MR_SA_FREEMAIL_WELCOME, domain))
		return false;
	if (at > 0 && is_nobody(sa_sub(email, 0, (size_t)at)))
		return false;
	return mr_sa_conf_has(sa->conf, MR_SA_FREEMAIL, domain) || (at >= 0 && mr_sa_conf_freemail_pattern(sa->conf, domain));
}

/* -- in the text -- */

struct sa_freemail {
	struct mr_sa_list found; /* free ones */
	bool too_many;
};

static bool is_atom(char c)
{
	return sa_is_word(c) || sa_one_of(c, "!#$%&'*+/=?^`{|}~-");
}

/* An address round the "@" at `at`. */
static bool email_at(struct mr_sa *sa, struct mr_slice s, size_t at, size_t *from, size_t *to)
{
	size_t start = at, labels = 0, end;

	while (start && (is_atom(s.p[start - 1]) || (s.p[start - 1] == '.' && start < at && s.p[start] != '.')))
		start--;
	if (start < at && s.p[start] == '.')
		start++;
	while (start < at && at - start > 64) {
		while (start < at && s.p[start] != '.')
			start++;
		start++;
	}
	if (start >= at)
		return false;
	for (end = at + 1; labels < 5; labels++) {
		size_t n = end;

		while (n < s.n && (sa_is_alpha(s.p[n]) || sa_is_digit(s.p[n]) || s.p[n] == '-'))
			n++;
		if (n == end)
			return false;
		if (labels && n - end == sa_tld_at(sa->conf, mr_slice_from(s, end))) {
			*from = start;
			*to = n;
			return true;
		}
		if (n - end > 61 || s.p[end] == '-' || s.p[n - 1] == '-' || n >= s.n || s.p[n] != '.')
			return false;
		end = n + 1;
	}
	return false;
}

/* "... wrote:" behind an address: it is quoted. "mail:" and the like introduce another. */
static bool is_quoted(struct mr_slice s, size_t to)
{
	static const char *const labels[] = { "fax", "facsi", "tel", "phone", "mail", "email", "e-mail" };
	size_t i = to, from;

	while (i < s.n && sa_is_space(s.p[i]) && i - to < 10)
		i++;
	if (i == to)
		return false;
	for (size_t k = 0; k < MR_COUNT(labels); k++)
		if (sa_starts_i(mr_slice_from(s, i), labels[k]))
			return false;
	for (from = i; i < s.n && sa_is_alpha(s.p[i]);)
		i++;
	return i - from >= 2 && i - from <= 11 && i < s.n && s.p[i] == ':';
}

/* Does a web address begin before `at` whose part this is? */
static bool in_web_address(struct mr_slice s, size_t at)
{
	size_t start = at;

	while (start && !sa_is_space(s.p[start - 1]) && at - start < 600)
		start--;
	for (; start + 8 < at; start++)
		if (sa_starts_i(mr_slice_from(s, start), "http://") || sa_starts_i(mr_slice_from(s, start), "https://"))
			return true;
	return false;
}

static void add_found(struct mr_sa *sa, struct mr_sa_list *all, struct mr_slice email)
{
	email = sa_lower(sa->arena, email);
	if (!sa_list_has(all, email))
		sa_list_add(sa->arena, all, email, FOUND_MAX);
}

static void find_in(struct mr_sa *sa, struct mr_slice s, struct mr_sa_list *all)
{
	for (ptrdiff_t at = 0; (at = sa_find(s, (size_t)at, MR_LIT("@"))) >= 0; at++) {
		size_t from, to;
		bool mailto;

		if (!email_at(sa, s, (size_t)at, &from, &to) || in_web_address(s, (size_t)at))
			continue;
		mailto = from >= 7 && sa_starts_i(mr_slice_from(s, from - 7), "mailto:");
		if (!mailto && ((to < s.n && s.p[to] == '>') || is_quoted(s, to)))
			continue;
		add_found(sa, all, sa_sub(s, from, to));
	}
}

static const struct sa_freemail *freemail(struct mr_sa *sa)
{
	const struct mr_sa_list *body = mr_sa_body(sa);
	struct sa_freemail *f = sa->freemail;
	struct mr_sa_list all = { 0 };
	size_t n, from, to;
	const struct mr_sa_uri *u;

	if (f)
		return f;
	f = sa->freemail = mr_arena_alloc(sa->arena, sizeof(*f));
	u = mr_sa_uri_details(sa, &n);
	for (size_t i = 0; i < n && all.n < 20; i++) {
		ptrdiff_t at = mr_slice_chr(u[i].raw, '@');

		if ((u[i].types & MR_SA_URI_A) && !(u[i].types & MR_SA_URI_PARSED) && sa_starts_i(u[i].raw, "mailto:") && at > 0 &&
		    email_at(sa, u[i].raw, (size_t)at, &from, &to) && from == 7)
			add_found(sa, &all, sa_sub(u[i].raw, from, to));
	}
	for (size_t i = 0; i < body->n && all.n < FOUND_MAX; i++)
		find_in(sa, body->items[i], &all);
	for (size_t i = 0; i < all.n && !f->too_many; i++) {
		if (i + 1 >= EMAILS_MAX)
			f->too_many = true;
		else if (is_freemail(sa, all.items[i]))
			f->too_many = !sa_list_add(sa->arena, &f->found, all.items[i], FREEMAILS_MAX) || f->found.n == FREEMAILS_MAX;
	}
	return f;
}

/* -- the functions -- */

static struct mr_sa_list lower_list(struct mr_sa *sa, const struct mr_sa_list *l)
{
	struct mr_sa_list out = { 0 };

	for (size_t i = 0; i < l->n; i++)
		sa_list_add(sa->arena, &out, sa_lower(sa->arena, l->items[i]), MR_SA_HEADERS_MAX);
	return out;
}

static int any_free(struct mr_sa *sa, const struct mr_sa_list *l, const void *pattern)
{
	struct mr_sa_list lower = lower_list(sa, l);

	for (size_t i = 0; i < lower.n; i++)
		if (is_freemail(sa, lower.items[i]) && sa_pattern_in(sa, pattern, lower.items[i]))
			return 1;
	return 0;
}

static int in_header(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice name = sa_arg(args, 0);

	return any_free(sa, mr_sa_get(sa, mr_slice_of(mr_arena_printf(sa->arena, "%.*s:addr", (int)name.n, name.p))), args->prepared);
}

static int in_from(struct mr_sa *sa, const struct mr_sa_args *args)
{
	return any_free(sa, mr_sa_all_from(sa), args->prepared);
}

static int in_body(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct sa_freemail *f = freemail(sa);

	for (size_t i = 0; !f->too_many && i < f->found.n; i++)
		if (sa_pattern_in(sa, args->prepared, f->found.items[i]))
			return 1;
	return 0;
}

/* Senders of lists and of bounces. */
static bool is_bulk(struct mr_slice sender)
{
	static const char *const begins[] = { "postmaster@", "hostmaster@", "domainmaster@", "double-bounce@" };
	static const char *const with_dash[] = { "sentto-", "owner-", "return-", "bounce-", "bounced-", "grbounce-", "grbounced-" };
	static const char *const ends[] = { "-request", "-bounce",   "-bounces", "-admin",   "-owner",
					    "noreply",  "noreplies", "no-reply", "no.reply", "no_reply" };
	ptrdiff_t at = mr_slice_chr(sender, '@'), equal;
	struct mr_slice local = sa_sub(sender, 0, at > 0 ? (size_t)at : 0);

	for (size_t i = 0; i < MR_COUNT(begins); i++)
		if (sa_starts_i(sender, begins[i]))
			return true;
	for (size_t i = 0; i < MR_COUNT(with_dash); i++)
		if (sa_starts_i(sender, with_dash[i]) && local.n > strlen(with_dash[i]))
			return true;
	for (size_t i = 0; i < MR_COUNT(ends); i++)
		if (mr_slice_iends(local, mr_slice_of(ends[i])))
			return true;
	equal = mr_slice_chr(local, '=');
	return equal > 0 && (size_t)equal + 1 < local.n;
}

static bool any_is_free(struct mr_sa *sa, const struct mr_sa_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_freemail(sa, l->items[i]))
			return true;
	return false;
}

static bool have_one_in_common(const struct mr_sa_list *a, const struct mr_sa_list *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (sa_list_has(b, a->items[i]))
			return true;
	return false;
}

static int replyto(struct mr_sa *sa, const struct mr_sa_args *args)
{
	bool reply_mode = mr_slice_eq(sa_arg(args, 0), MR_LIT("reply")), from_free, reply_free;
	struct mr_sa_list from, reply;
	const struct mr_sa_list *to;
	const struct sa_freemail *f;

	if (is_bulk(sa_scalar(sa, "EnvelopeFrom")))
		return 0;
	from = lower_list(sa, mr_sa_get(sa, MR_LIT("From:addr")));
	reply = lower_list(sa, mr_sa_get(sa, MR_LIT("Reply-To:addr")));
	from_free = any_is_free(sa, &from);
	reply_free = any_is_free(sa, &reply);
	if (from_free && reply_free && !have_one_in_common(&from, &reply))
		return 1;
	if (reply_mode ? (reply.n && !reply_free) || !from_free : !reply_free)
		return 0;
	f = freemail(sa);
	if (f->too_many)
		return 0;
	to = !reply_mode || reply_free ? &reply : &from;
	for (size_t i = 0; i < f->found.n; i++)
		for (size_t k = 0; k < to->n; k++)
			if (!mr_slice_eq(f->found.items[i], to->items[k]))
				return 1;
	return 0;
}

const struct mr_sa_eval sa_evals_freemail[] = {
	{ "check_freemail_header", sa_prepare_pattern1, in_header },
	{ "check_freemail_from", sa_prepare_pattern0, in_from },
	{ "check_freemail_body", sa_prepare_pattern0, in_body },
	{ "check_freemail_replyto", NULL, replyto },
	{ 0 },
};
