/* sa/eval-header: functions about the header. */
/* system */
#include <stdlib.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "base/text.h"
#include "mail/sa/eval-internal.h"

#define RECIPIENTS_MAX 256

static struct mr_slice lower_scalar(struct mr_sa *sa, const char *request)
{
	return sa_lower(sa->arena, sa_scalar(sa, request));
}

/* -- characters -- */

static size_t count_control(struct mr_slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		n += c < 9 || c == 11 || c == 12 || (c > 13 && c < ' ');
	}
	return n;
}

static int illegal_chars(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice name = sa_arg(args, 0), s;
	size_t high = 0, exempt = 0, illegal;

	if (!mr_slice_iends(name, MR_LIT(":raw")))
		name = mr_slice_of(mr_arena_printf(sa->arena, "%.*s:raw", (int)name.n, name.p));
	s = mr_sa_scalar(sa, name);
	if (!sa_trim(s).n)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		high += (s.p[i] & 0x80) || s.p[i] == 0x7f;
		exempt += s.p[i] == '\xa2' || s.p[i] == '\xa3' || s.p[i] == '\xae';
	}
	illegal = high + count_control(s);
	if (high && mr_utf8_valid(s) && !count_control(s))
		for (size_t i = 0; i < s.n; i++)
			if (s.p[i] & 0x80)
				return 0;
	if (illegal && exempt == 1 && mr_slice_ieq(name, MR_LIT("subject:raw")))
		illegal--;
	return (double)illegal / (double)s.n >= sa_arg_number(args, 1, 0) && (double)illegal >= sa_arg_number(args, 2, 0);
}

static int all_caps(struct mr_sa *sa, const struct mr_sa_args *args)
{
	static const char *const replies[] = { "re:", "fwd:", "fw:", "aw:", "antwort:", "wg:", "sv:", "vb:", "vs:", "vl:" };
	static const char *const charsets[] = { "koi",   "jp",     "jis",          "euc",        "gb",    "big5",
						"isoir", "cp1251", "windows-1251", "georgianps", "pt154", "tis" };
	struct mr_slice s = sa_trim(sa_scalar(sa, "Subject")), raw = lower_scalar(sa, "Subject:raw");
	bool space = false, letter = false;

	(void)args;
	for (size_t i = 0; i < MR_COUNT(replies); i++)
		if (sa_starts_i(s, replies[i])) {
			s = sa_trim(mr_slice_from(s, strlen(replies[i])));
			i = (size_t)-1;
		}
	for (size_t i = 0; i < s.n; i++) {
		space |= sa_is_space(s.p[i]);
		letter |= sa_is_alpha(s.p[i]);
		if (s.p[i] >= 'a' && s.p[i] <= 'z')
			return 0;
	}
	if (!space || !letter || s.n < 10)
		return 0;
	for (ptrdiff_t at = 0; (at = sa_find(raw, (size_t)at, MR_LIT("=?"))) >= 0; at++) {
		struct mr_slice word = mr_slice_from(raw, (size_t)at + 2);

		if (mr_slice_chr(word, '?') > 0)
			word.n = (size_t)mr_slice_chr(word, '?');
		for (size_t i = 0; i < MR_COUNT(charsets); i++)
			if (sa_has(word, mr_slice_of(charsets[i])))
				return 0;
	}
	return 1;
}

/* -- recipients -- */

struct sa_recipients {
	double similar;
	bool sorted;
};

static int by_bytes(const void *a, const void *b)
{
	const struct mr_slice *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int d = n ? memcmp(x->p, y->p, n) : 0;

	return d ? d : (x->n > y->n) - (x->n < y->n);
}

static struct mr_slice front(struct mr_slice s, size_t n)
{
	return sa_sub(s, 0, s.n < n ? s.n : n);
}

static size_t gather(struct mr_sa *sa, struct mr_slice *out)
{
	static const char *const requests[] = { "ToCc:addr", "Bcc:addr" };
	size_t n = 0, seen = 0;
	struct mr_slice before = { 0 };

	for (size_t k = 0; k < MR_COUNT(requests) && seen < 5; k++) {
		const struct mr_sa_list *l = mr_sa_get(sa, mr_slice_of(requests[k]));

		for (size_t i = 0; i < l->n && n < RECIPIENTS_MAX; i++, seen++) {
			if (!before.p || !mr_slice_ieq(l->items[i], before))
				out[n++] = l->items[i];
			before = l->items[i];
		}
	}
	return n;
}

static const struct sa_recipients *recipients(struct mr_sa *sa)
{
	struct mr_slice list[RECIPIENTS_MAX];
	struct sa_recipients *r = sa->recipients;
	double hits = 0, pairs = 0;
	size_t n;

	if (r)
		return r;
	r = sa->recipients = mr_arena_alloc(sa->arena, sizeof(*r));
	n = gather(sa, list);
	r->sorted = n >= 7;
	for (size_t i = 1; i < n; i++)
		r->sorted &= by_bytes(&list[i - 1], &list[i]) <= 0;
	for (size_t i = 0; n >= 5 && i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			struct mr_slice a = mr_slice_from(list[i], (size_t)(mr_slice_chr(list[i], '@') + 1));
			struct mr_slice b = mr_slice_from(list[k], (size_t)(mr_slice_chr(list[k], '@') + 1));

			hits += mr_slice_eq(front(list[i], 2), front(list[k], 2));
			hits += mr_slice_eq(front(a, 2), front(b, 2)) && !mr_slice_eq(a, b);
			pairs++;
		}
	r->similar = pairs > 0 ? hits / pairs : 0;
	return r;
}

static int sorted(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return recipients(sa)->sorted;
}

static int similar(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double v = recipients(sa)->similar;

	return v >= sa_arg_number(args, 0, -INFINITY) && v < sa_arg_number(args, 1, INFINITY);
}

static int missing_to(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return !sa_scalar(sa, "To").n && !sa_scalar(sa, "Apparently-To").n;
}

static bool word_ends(struct mr_slice s, size_t i)
{
	return i >= s.n || !sa_is_word(s.p[i]) || !i || !sa_is_word(s.p[i - 1]);
}

/* The recipient's name as one calls somebody: "anna, ..." or "re: anna" or alone. */
static bool is_called(struct mr_slice subject, struct mr_slice user)
{
	struct mr_slice s = subject, rest;
	size_t i = 0;

	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (sa_starts_i(s, "re:") || sa_starts_i(s, "fw:")) {
		rest = sa_trim(mr_slice_from(s, 3));
		if (mr_slice_ieq(rest, user))
			return true;
		while (i < rest.n && sa_is_word(rest.p[i]))
			i++;
		if (i && i < rest.n && mr_slice_ieq(sa_trim(mr_slice_from(rest, i)), user))
			return true;
	}
	if (mr_slice_ieq(s, user))
		return true;
	if (!mr_slice_starts(s, user))
		return false;
	rest = mr_slice_from(s, user.n);
	while (rest.n && sa_is_space(rest.p[0]))
		rest = mr_slice_from(rest, 1);
	return rest.n && sa_one_of(rest.p[0], ",:;!?-") && (rest.n == 1 || sa_is_space(rest.p[1]));
}

static int to_in_subject(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice to = sa_scalar(sa, "To:addr"), subject = sa_scalar(sa, "Subject");
	ptrdiff_t at = mr_slice_chr(to, '@');

	if (!to.n)
		return 0;
	if (mr_slice_eq(sa_arg(args, 0), MR_LIT("user")))
		return is_called(subject, at >= 0 ? sa_sub(to, 0, (size_t)at) : to);
	if (!mr_slice_eq(sa_arg(args, 0), MR_LIT("address")))
		return 0;
	for (size_t i = 0; i + to.n <= subject.n; i++)
		if (mr_slice_istarts(mr_slice_from(subject, i), to) && word_ends(subject, i) && word_ends(subject, i + to.n))
			return 1;
	return 0;
}

/* -- senders -- */

static int matching_from(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)args;
	return mr_slice_ieq(sa_scalar(sa, "EnvelopeFrom:addr"), sa_scalar(sa, "From:addr"));
}

/* The last two labels behind the last "@". */
static struct mr_slice second_level(struct mr_slice address)
{
	ptrdiff_t at = mr_slice_rchr(address, '@'), dot, before;
	struct mr_slice s;

	if (at < 0)
		return MR_LIT("");
	s = mr_slice_from(address, (size_t)at + 1);
	dot = mr_slice_rchr(s, '.');
	before = dot > 0 ? mr_slice_rchr(sa_sub(s, 0, (size_t)dot), '.') : -1;
	/* What has nothing between its last dots stays whole. */
	return before > 0 && dot > before + 1 && (size_t)dot + 1 < s.n ? mr_slice_from(s, (size_t)before + 1) : s;
}

static int equal_domains(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice from = second_level(sa_scalar(sa, "From:addr")), envelope = second_level(sa_scalar(sa, "EnvelopeFrom:addr"));

	(void)args;
	return from.n && envelope.n && !mr_slice_ieq(from, envelope);
}

/* "...domain?user@...": an envelope made of the recipient. */
static int ratware_envelope(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice to = sa_scalar(sa, "To:addr"), from = sa_scalar(sa, "EnvelopeFrom:addr"), domain, user, wanted;
	ptrdiff_t at = mr_slice_chr(to, '@');

	(void)args;
	if (at <= 0 || !from.n || (sa_starts_i(from, "SRS") && from.n > 4 && sa_is_digit(from.p[3]) && sa_one_of(from.p[4], "=+-")))
		return 0;
	user = sa_sub(to, 0, (size_t)at);
	domain = sa_trim_domain(sa->conf, sa->arena, mr_slice_from(to, (size_t)at + 1));
	if (!sa_tld_valid(sa->conf, sa->arena, domain))
		return 0;
	wanted = mr_slice_of(mr_arena_printf(sa->arena, "%.*s@", (int)user.n, user.p));
	for (size_t i = 0; i + domain.n + 1 + wanted.n <= from.n; i++)
		if (mr_slice_istarts(mr_slice_from(from, i), domain) && word_ends(from, i) &&
		    mr_slice_istarts(mr_slice_from(from, i + domain.n + 1), wanted))
			return 1;
	return 0;
}

/* "<28 capitals.x>" in the Message-ID, and "<x>" behind a quoted name in From. */
static int ratware_name(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice id = sa_scalar(sa, "MESSAGEID"), from = sa_scalar(sa, "From"), tail;
	ptrdiff_t at = -1, end;
	size_t n = 0;

	(void)args;
	while ((at = sa_find(id, (size_t)(at + 1), MR_LIT("<"))) >= 0) {
		for (n = 0; (size_t)at + 1 + n < id.n && id.p[(size_t)at + 1 + n] >= 'A' && id.p[(size_t)at + 1 + n] <= 'Z';)
			n++;
		end = sa_find(id, (size_t)at, MR_LIT(">"));
		if (n != 28 || end < at + 31 || id.p[(size_t)at + 29] != '.')
			continue;
		tail = sa_sub(id, (size_t)at + 30, (size_t)end);
		end = sa_find(from, 0, mr_slice_of(mr_arena_printf(sa->arena, "<%.*s>", (int)tail.n, tail.p)));
		while (end > 0 && sa_is_space(from.p[end - 1]))
			end--;
		return end > 2 && from.p[end - 1] == '"' && from.p[end - 2] != '"' &&
		       mr_slice_rchr(sa_sub(from, 0, (size_t)end - 1), '"') >= 0;
	}
	return 0;
}

static int id_not_usable(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice list = lower_scalar(sa, "List-Unsubscribe"), received;

	(void)args;
	if (sa_form_in("<mailto:leave-%s@%s>", list) || sa_form_in("<mailto:%s-unsubscribe@%s>", list) || sa_gated(sa))
		return 1;
	received = sa_scalar(sa, "Received");
	return sa_has(received, MR_LIT("/CWT/DCE)")) || sa_has(received, MR_LIT("iPlanet Messaging Server"));
}

/* -- others -- */

static int header_count(struct mr_sa *sa, const struct mr_sa_args *args)
{
	const struct mr_sa_list *l = mr_sa_get(sa, sa_arg(args, 0));
	struct mr_sa_list different = { 0 };

	for (size_t i = 0; i < l->n; i++)
		if (!sa_list_has(&different, l->items[i]))
			sa_list_add(sa->arena, &different, l->items[i], MR_SA_HEADERS_MAX);
	return (double)different.n >= sa_arg_number(args, 1, 0) && (double)different.n <= sa_arg_number(args, 2, INFINITY);
}

static bool may_have_percent(struct mr_slice line)
{
	static const char *const names[] = { "X-VMS-To:",
					     "X-UIDL:",
					     "X-Face:",
					     "To:",
					     "Cc:",
					     "From:",
					     "Subject:",
					     "References:",
					     "In-Reply-To:",
					     "Message-Id:",
					     "X-Message-Id:",
					     "Resent-Message-Id:",
					     "X-Original-Message-Id:" };

	for (size_t i = 0; i < MR_COUNT(names); i++)
		if (sa_starts_i(line, names[i]))
			return true;
	return false;
}

/* "%RND_X": what a program should have put something for. */
static int unresolved(struct mr_sa *sa, const struct mr_sa_args *args)
{
	struct mr_slice all = sa_scalar(sa, "ALL"), line;

	(void)args;
	if (mr_slice_chr(all, '%') < 0)
		return 0;
	while (mr_slice_next(&all, '\n', &line))
		for (size_t i = 0; i + 2 < line.n; i++)
			if (line.p[i] == '%' && line.p[i + 1] >= 'A' && line.p[i + 1] <= 'Z' &&
			    ((line.p[i + 2] >= 'A' && line.p[i + 2] <= 'Z') || line.p[i + 2] == '_' || line.p[i + 2] == '-') &&
			    !may_have_percent(line))
				return 1;
	return 0;
}

static int never(struct mr_sa *sa, const struct mr_sa_args *args)
{
	(void)sa, (void)args;
	return 0;
}

const struct mr_sa_eval sa_evals_header[] = {
	{ "check_illegal_chars", NULL, illegal_chars },
	{ "subject_is_all_caps", NULL, all_caps },
	{ "sorted_recipients", NULL, sorted },
	{ "similar_recipients", NULL, similar },
	{ "check_for_missing_to_header", NULL, missing_to },
	{ "check_for_to_in_subject", NULL, to_in_subject },
	{ "check_for_matching_env_and_hdr_from", NULL, matching_from },
	{ "check_equal_from_domains", NULL, equal_domains },
	{ "check_ratware_envelope_from", NULL, ratware_envelope },
	{ "check_ratware_name_id", NULL, ratware_name },
	{ "check_messageid_not_usable", NULL, id_not_usable },
	{ "check_header_count_range", NULL, header_count },
	{ "check_unresolved_template", NULL, unresolved },
	{ "check_for_unique_subject_id", NULL, never },
	{ 0 },
};
