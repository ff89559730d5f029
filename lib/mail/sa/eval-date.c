/* sa/eval-date: functions about dates. */
/* system */
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ours */
#include "base/mem.h"
#include "mail/sa/eval-internal.h"

#define WORDS_MAX 1000 /* of a text that a date is looked for in */
#define TIMES_MAX 200  /* Received fields whose dates are looked at */

/* -- reading them -- */

static const struct {
	const char *name;
	int minutes;
} zones[] = {
	{ "UT", 0 },     { "UTC", 0 },    { "GMT", 0 },    { "EST", -300 }, { "EDT", -240 },  { "CST", -360 },  { "CDT", -300 },
	{ "MST", -420 }, { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 }, { "HST", -600 },  { "AKST", -540 }, { "AKDT", -480 },
	{ "AST", -240 }, { "ADT", -180 }, { "NST", -210 }, { "NDT", -150 }, { "BST", 60 },    { "IST", 60 },    { "WET", 0 },
	{ "WEST", 60 },  { "CET", 60 },   { "CEST", 120 }, { "EET", 120 },  { "EEST", 180 },  { "MSK", 180 },   { "MSD", 240 },
	{ "MET", 60 },   { "MEZ", 60 },   { "MEST", 120 }, { "MESZ", 120 }, { "BRST", -120 }, { "BRT", -180 },  { "AEST", 600 },
	{ "AEDT", 660 }, { "ACST", 570 }, { "ACDT", 630 }, { "AWST", 480 }, { "NZST", 720 },  { "NZDT", 780 },  { "JST", 540 },
	{ "KST", 540 },  { "HKT", 480 },  { "SGT", 480 },  { "PHT", 480 },  { "IDT", 180 },
};

static int month_of(struct mr_slice s)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	char word[4] = "";
	const char *at;

	if (s.n != 3)
		return 0;
	for (size_t i = 0; i < 3; i++)
		word[i] = mr_lower(s.p[i]);
	at = strstr(names, word);
	return at && (at - names) % 3 == 0 ? (int)(at - names) / 3 + 1 : 0;
}

static int digits(struct mr_slice s, size_t least, size_t most)
{
	int v = 0;

	if (s.n < least || s.n > most)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (!sa_is_digit(s.p[i]))
			return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	return v;
}

struct when {
	int year, month, day, hour, minute, second, zone; /* zone: minutes */
};

/* "12:34" or "12:34:56" */
static bool time_of(struct mr_slice s, struct when *w)
{
	struct mr_slice part;
	int v[3] = { 0, 0, 0 };
	size_t n = 0;

	while (n < 3 && mr_slice_next(&s, ':', &part)) {
		v[n] = digits(part, n ? 2 : 1, 2);
		if (v[n++] < 0)
			return false;
	}
	if (n < 2 || s.p)
		return false;
	w->hour = v[0];
	w->minute = v[1];
	w->second = v[2];
	return true;
}

static bool zone_of(struct mr_slice s, struct when *w)
{
	int v;

	if (s.n == 5 && (s.p[0] == '+' || s.p[0] == '-') && (v = digits(mr_slice_from(s, 1), 4, 4)) >= 0) {
		w->zone = (v / 100 * 60 + v % 100) * (s.p[0] == '-' ? -1 : 1);
		return true;
	}
	return false;
}

/* The first word of two to four capitals, where it is a zone. */
static int named_zone(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t from = i;

		while (i < s.n && sa_is_word(s.p[i]))
			i++;
		while (from < i && s.p[from] >= 'A' && s.p[from] <= 'Z')
			from++;
		if (from != i || !sa_is_word(s.p[i ? i - 1 : 0]))
			continue;
		for (from = i; from && sa_is_word(s.p[from - 1]);)
			from--;
		if (i - from < 2 || i - from > 4 || month_of(sa_sub(s, from, i)))
			continue;
		for (size_t k = 0; k < MR_COUNT(zones); k++)
			if (mr_slice_eq(sa_sub(s, from, i), mr_slice_of(zones[k].name)))
				return zones[k].minutes;
		return 0;
	}
	return 0;
}

static int full_year(struct mr_slice s)
{
	int y = digits(s, 2, 4);

	if (s.n == 2 && y < 50)
		return y + 2000;
	return s.n == 4 ? y : y + 1900;
}

/* Commas count as white space. */
static bool between_words(char c)
{
	return sa_is_space(c) || c == ',';
}

static size_t words_of(struct mr_slice s, struct mr_slice *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < max;) {
		size_t from = i;

		while (i < s.n && !between_words(s.p[i]))
			i++;
		if (i > from)
			out[n++] = sa_sub(s, from, i);
		else
			i++;
	}
	return n;
}

/* Day, month, year beside each other; or as C writes it: month, day, time, year. */
static bool day_of(const struct mr_slice *w, size_t n, struct when *out)
{
	for (int length = 4; length >= 2; length--) {
		for (size_t i = 0; i + 2 < n; i++) {
			int month = month_of(w[i + 1]);

			if (!month || digits(w[i], 1, 9) < 0 || w[i + 2].n != (size_t)length || digits(w[i + 2], 2, 4) < 0)
				continue;
			*out = (struct when){ .day = digits(w[i], 1, 9), .month = month, .year = full_year(w[i + 2]) };
			return true;
		}
		for (size_t i = 0; length == 4 && i + 3 < n; i++) {
			struct when t;

			if (!month_of(w[i]) || digits(w[i + 1], 1, 9) < 0 || !time_of(w[i + 2], &t) || digits(w[i + 3], 4, 4) < 0)
				continue;
			*out = (struct when){ .day = digits(w[i + 1], 1, 9), .month = month_of(w[i]), .year = full_year(w[i + 3]) };
			return true;
		}
	}
	return false;
}

static void clamp(struct when *w)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int most = w->month == 2 && (w->year % 4 || (w->year % 100 == 0 && w->year % 400)) ? 28 : days[w->month - 1];

	w->second = w->second > 59 ? 59 : w->second;
	w->minute = w->minute > 59 ? 59 : w->minute;
	w->hour = w->hour > 23 ? 23 : w->hour;
	if (w->day > most) {
		w->day = 1;
		w->year += w->month == 12;
		w->month = w->month == 12 ? 1 : w->month + 1;
	}
	w->year = w->year > 2037 ? 2037 : w->year < 1970 ? 1970 : w->year;
}

bool sa_date(struct mr_slice s, double *seconds)
{
	struct mr_slice words[WORDS_MAX];
	struct when w, t = { 0 };
	size_t n = words_of(s, words, WORDS_MAX);
	bool zone = false;
	struct tm tm;
	double result;

	if (!day_of(words, n, &w))
		return false;
	for (size_t i = 0; i < n; i++)
		if (time_of(words[i], &t))
			break;
	for (size_t i = 0; i < n && !zone; i++)
		zone = zone_of(words[i], &t);
	if (!zone)
		t.zone = named_zone(s);
	t.day = w.day;
	t.month = w.month;
	t.year = w.year;
	clamp(&t);
	tm = (struct tm){
		.tm_year = t.year - 1900, .tm_mon = t.month - 1, .tm_mday = t.day, .tm_hour = t.hour, .tm_min = t.minute, .tm_sec = t.second
	};
	if (t.day < 1)
		return false;
	result = (double)timegm(&tm) - 60.0 * t.zone;
	*seconds = result < 0 ? 0 : result;
	return true;
}

/* -- of a message -- */

struct sa_dates {
	double date, received[TIMES_MAX], difference; /* difference: of Date to the nearest of the Received fields */
	size_t n_received;
	bool has_date;
};

/* " 26 Mar 2003 20:44:41 -0600" in a Received field: from the white space before the day on. */
static struct mr_slice date_in(struct mr_slice s)
{
	for (size_t i = 0; i + 10 < s.n; i++) {
		size_t at = i + 1, from;

		if (!sa_is_space(s.p[i]))
			continue;
		at += at < s.n && !sa_is_digit(s.p[at]);
		for (from = at; at < s.n && sa_is_digit(s.p[at]);)
			at++;
		if (at == from || at + 5 > s.n || s.p[at] != ' ' || s.p[at + 4] != ' ' || sa_is_space(s.p[at + 1]) ||
		    sa_is_space(s.p[at + 2]) || sa_is_space(s.p[at + 3]))
			continue;
		for (from = at += 5; at < s.n && sa_is_digit(s.p[at]);)
			at++;
		if (at == from || at >= s.n || s.p[at] != ' ')
			continue;
		for (from = ++at; at < s.n && (sa_is_digit(s.p[at]) || s.p[at] == ':');)
			at++;
		if (at == from || at >= s.n || s.p[at] != ' ')
			continue;
		for (from = ++at; at < s.n && !sa_is_space(s.p[at]);)
			at++;
		if (at > from)
			return sa_sub(s, i, at);
	}
	return (struct mr_slice){ 0 };
}

static bool is_local(struct mr_slice s)
{
	return sa_has(s, MR_LIT("from localhost ")) || sa_form_in("from %s %S127.0.0.1", s) || sa_form_in("from %s %s %S127.0.0.1", s) ||
	       sa_form_in("qmail %n invoked by uid %n", s);
}

static void read_received(struct mr_sa *sa, struct sa_dates *d)
{
	const struct mr_sa_list *received = mr_sa_get(sa, MR_LIT("Received"));
	size_t first = 0;

	/* What fetchmail and this host itself wrote is no hop. */
	if (received->n && is_local(received->items[0]))
		first = received->n > 1 && sa_form_in("by localhost with %s (fetchmail-", received->items[1]) ? 2 : 0;
	else if (received->n && sa_form_in("by localhost with %s (fetchmail-", received->items[0]))
		first = 1;
	for (size_t i = first; i < received->n && d->n_received < TIMES_MAX; i++) {
		struct mr_slice date = date_in(received->items[i]);

		if (date.n && sa_date(date, &d->received[d->n_received]))
			d->n_received++;
	}
}

static void read_date(struct mr_sa *sa, struct sa_dates *d)
{
	static const char *const names[] = { "Resent-Date", "Date" };

	for (size_t k = 0; k < MR_COUNT(names); k++) {
		const struct mr_sa_list *l = mr_sa_get(sa, mr_slice_of(names[k]));

		for (size_t i = 0; i < l->n && !d->has_date; i++)
			d->has_date = sa_date(l->items[i], &d->date);
	}
}

static const struct sa_dates *dates(struct mr_sa *sa)
{
	struct sa_dates *d = sa->dates;
	size_t n;

	if (d)
		return d;
	d = sa->dates = mr_arena_alloc(sa->arena, sizeof(*d));
	read_date(sa, d);
	read_received(sa, d);
	n = d->n_received;
	if (!d->has_date || !n)
		return d;
	/* The oldest field may have taken its date from Date. */
	if (n > 1 && d->date <= d->received[n - 1] && d->date >= d->received[n - 1])
		n--;
	d->difference = d->date - d->received[0];
	for (size_t i = 1; i < n; i++)
		if (fabs(d->date - d->received[i]) < fabs(d->difference))
			d->difference = d->date - d->received[i];
	return d;
}

static int shifted_date(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double d = dates(sa)->difference;

	return d >= 3600 * sa_arg_number(args, 0, -INFINITY) && d < 3600 * sa_arg_number(args, 1, INFINITY);
}

/* -- Outlook's Message-ID has the time in it -- */

static bool near_token(double token, double seconds)
{
	/* Units of 2^32 times 100 ns since 1601. */
	double expected = (double)(long)(seconds * 0.0023283064365387 + 27111902.8329849);

	return fabs(token - expected) < 250;
}

/* "<0000aabbccdd$eeeeeeee$ffffffff@": the eight digits behind the first four; -1. */
static double outlook_token(struct mr_slice id)
{
	double v = 0;

	if (id.n < 32 || id.p[0] != '<' || id.p[13] != '$' || id.p[22] != '$' || id.p[31] != '@')
		return -1;
	for (size_t i = 1; i < 31; i++) {
		char c = id.p[i];
		int d = sa_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (i == 13 || i == 22)
			continue;
		if (d < 0)
			return -1;
		if (i >= 5 && i < 13)
			v = v * 16 + d;
	}
	return v;
}

static int outlook_message_id(struct mr_sa *sa, const struct mr_sa_args *args)
{
	double token = outlook_token(sa_scalar(sa, "MESSAGEID")), seconds = 0;
	struct mr_slice received;

	(void)args;
	if (token < 0)
		return 0;
	if (!sa_date(sa_scalar(sa, "Date"), &seconds))
		seconds = 0;
	if (near_token(token, seconds))
		return 0;
	received = sa_scalar(sa, "Received");
	if (!sa_date(received, &seconds))
		seconds = 0;
	return !near_token(token, seconds);
}

const struct mr_sa_eval sa_evals_date[] = {
	{ "check_for_shifted_date", NULL, shifted_date },
	{ "check_outlook_message_id", NULL, outlook_message_id },
	{ 0 },
};
