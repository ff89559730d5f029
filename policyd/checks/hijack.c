/* hijack: an account that sends unlike itself is noticed: by rows (signals.h) that give points, and what they add up to. It is looked at
 * when it sends, and when it logs in. From hijack_notice points on there is a line in the log and the administrator is told, from
 * hijack_hold on messages are held, from hijack_lock on the account is locked.
 *
 * Everything is a set of different members within a window: recipients and senders by their hash, networks, messages by Postfix's number.
 */

/* system */
#include <inttypes.h>

/* ours */
#include "base/hash.h"
#include "base/mem.h"
#include "check.h"
#include "proto/hijack.h"
#include "signals.h"

#define KNOWN_MAX 100  /* networks of an account */
#define RATIO_MAX 1000 /* recipients, and bounces, that a ratio is made of */
#define SECOND    1000

/* A row with the places of what it looks at in the answer. */
struct signal {
	struct mr_signal_row row;
	size_t at, other; /* other: of a ratio, the recipients */
};

struct signals {
	struct signal v[MR_SIGNAL_ROWS_MAX];
	size_t n;
};

/* What cannot be read is no row. */
static void read_rows(const struct mr_check_input *in, struct signals *out)
{
	const struct mr_conf_strings *texts = &in->settings->hijack_signals;

	out->n = 0;
	for (size_t i = 0; i < texts->n && out->n < MR_SIGNAL_ROWS_MAX; i++)
		out->n += mr_signal_row_parse(mr_slice_of(texts->v[i]), &out->v[out->n].row) == 0;
}

static bool is_known_login(const struct mr_check_input *in)
{
	return in->has_login && in->login == MR_DIR_OK;
}

static bool is_bounce(const struct mr_check_input *in)
{
	return !in->has_login && in->state == MR_STATE_RCPT && in->request->sender.n == 0 && in->only_mailbox.n > 0;
}

static struct mr_slice network_of(const struct mr_check_input *in)
{
	struct mr_net net = mr_limit_client(MR_LIMIT_NETWORK, &in->client);
	char text[MR_IP_STRLEN];

	return in->has_client ? mr_slice_of(mr_arena_strdup(in->arena, mr_ip_str(&net.ip, text))) : MR_LIT("");
}

static struct mr_slice hashed(const struct mr_check_input *in, struct mr_slice address)
{
	return address.n ? mr_digest(mr_slice_of(mr_arena_lower(in->arena, address)), in->arena) : MR_LIT("");
}

/* What this request adds; "" is nothing. */
static struct mr_slice member_of(const struct mr_check_input *in, enum mr_signal s)
{
	switch (s) {
	case MR_SIGNAL_RECIPIENTS:
	case MR_SIGNAL_BOUNCE_RATIO:
		return hashed(in, in->request->recipient);
	case MR_SIGNAL_SENDERS:
		return hashed(in, in->request->sender);
	case MR_SIGNAL_NETWORKS:
		return in->state == MR_STATE_LOGIN ? MR_LIT("") : network_of(in);
	case MR_SIGNAL_LOGINS:
		return in->state == MR_STATE_LOGIN ? network_of(in) : MR_LIT("");
	case MR_SIGNAL_NULL_SENDERS:
		return in->request->sender.n ? MR_LIT("") : in->request->instance;
	case MR_SIGNAL_NEW_NETWORKS: /* when it is known that it is new */
	case MR_SIGNAL_BOUNCES:      /* come of others */
	case MR_SIGNAL_SPAM:
		break;
	}
	return MR_LIT("");
}

static struct mr_distinct_item set(const struct mr_check_input *in, const struct mr_signal_row *row, const char *what,
				   struct mr_slice login, struct mr_slice member)
{
	bool ratio = row->signal == MR_SIGNAL_BOUNCE_RATIO;

	return (struct mr_distinct_item){
		.name = mr_slice_of(mr_arena_printf(in->arena, "hijack:%s%s:%" PRIu64 ":%" PRIu64 ":%.*s", mr_signal_str(row->signal), what,
						    row->amount, row->window / SECOND, (int)login.n, login.p)),
		.member = member,
		.window = row->window,
		.max = ratio ? RATIO_MAX : MR_SIGNAL_TIMES_MAX * row->amount,
		.op = member.n ? MR_DISTINCT_NOTE : MR_DISTINCT_LOOK,
	};
}

static struct mr_distinct_item known(const struct mr_check_input *in, enum mr_distinct_op op)
{
	struct mr_slice login = in->login_address;

	return (struct mr_distinct_item){
		.name = mr_slice_of(mr_arena_printf(in->arena, "hijack:known:%.*s", (int)login.n, login.p)),
		.member = network_of(in),
		.window = in->settings->hijack_known_for,
		.max = KNOWN_MAX,
		.op = op,
	};
}

/* The first is the networks that the account is known in; after it those of the rows, as many as there is room for. A log-in makes its
 * network known in one step with what it notes there (note_networks): a message that comes right after it must not find the one without the
 * other. */
static size_t look(const struct mr_check_input *in, struct signals *s, struct mr_distinct_item *out)
{
	size_t n = 0, rows = 0;

	out[n++] = known(in, in->has_client && in->state != MR_STATE_LOGIN ? MR_DISTINCT_NOTE : MR_DISTINCT_LOOK);
	for (; rows < s->n; rows++) {
		struct signal *v = &s->v[rows];
		bool ratio = v->row.signal == MR_SIGNAL_BOUNCE_RATIO;

		if (n + 1 + ratio > MR_DISTINCT_MAX)
			break;
		v->at = n;
		if (ratio)
			out[n++] = set(in, &v->row, "-bounces", in->login_address, MR_LIT(""));
		v->other = n;
		out[n] = set(in, &v->row, "", in->login_address, member_of(in, v->row.signal));
		if (v->row.signal == MR_SIGNAL_SPAM)
			out[n].name = mr_hijack_spam_name(in->login_address, in->arena);
		n++;
	}
	s->n = rows;
	return n;
}

static size_t note_bounce(const struct mr_check_input *in, const struct signals *s, struct mr_distinct_item *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n && n < MR_DISTINCT_MAX; i++) {
		const struct mr_signal_row *row = &s->v[i].row;

		if (row->signal == MR_SIGNAL_BOUNCES)
			out[n++] = set(in, row, "", in->only_mailbox, in->request->instance);
		else if (row->signal == MR_SIGNAL_BOUNCE_RATIO)
			out[n++] = set(in, row, "-bounces", in->only_mailbox, in->request->instance);
	}
	return n;
}

/* It has been seen before, but never here. */
static bool is_new(const struct mr_check_input *in)
{
	return in->has_client && in->seen->v[0].count > 0 && !in->seen->v[0].has;
}

static size_t note_networks(const struct mr_check_input *in, const struct signals *s, struct mr_distinct_item *out)
{
	size_t n = 0;

	if (in->has_client && in->state == MR_STATE_LOGIN)
		out[n++] = known(in, MR_DISTINCT_NOTE);
	for (size_t i = 0; i < s->n && n < MR_DISTINCT_MAX && is_new(in); i++)
		if (s->v[i].row.signal == MR_SIGNAL_NEW_NETWORKS)
			out[n++] = set(in, &s->v[i].row, "", in->login_address, network_of(in));
	return n;
}

static size_t seen(const struct mr_check_input *in, struct mr_distinct_item *out)
{
	struct signals s;

	read_rows(in, &s);
	if (is_bounce(in))
		return in->seen ? 0 : note_bounce(in, &s, out);
	if (!is_known_login(in))
		return 0;
	return in->seen ? note_networks(in, &s, out) : look(in, &s, out);
}

/* With what this request adds, or before it. */
static uint64_t amount_of(const struct mr_check_input *in, const struct signal *s, bool with)
{
	const struct mr_distinct *v = &in->seen->v[s->at], *other = &in->seen->v[s->other];
	uint64_t recipients;

	switch (s->row.signal) {
	case MR_SIGNAL_BOUNCE_RATIO:
		recipients = other->count + (with && !other->has && in->request->recipient.n);
		return v->count < MR_SIGNAL_BOUNCES_MIN || recipients == 0 ? 0 : 100 * v->count / recipients;
	case MR_SIGNAL_NEW_NETWORKS:
		return v->count + (with && is_new(in));
	case MR_SIGNAL_RECIPIENTS:
	case MR_SIGNAL_SENDERS:
	case MR_SIGNAL_NETWORKS:
	case MR_SIGNAL_LOGINS:
	case MR_SIGNAL_NULL_SENDERS:
	case MR_SIGNAL_BOUNCES:
	case MR_SIGNAL_SPAM:
		break;
	}
	return v->count + (with && !v->has && member_of(in, s->row.signal).n > 0);
}

/* The points of all rows; those that gave some are written to `why`. */
static uint64_t points_of(const struct mr_check_input *in, const struct signals *s, bool with, struct mr_buf *why)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct mr_signal_row *row = &s->v[i].row;
		uint64_t amount = amount_of(in, &s->v[i], with), times = amount / row->amount, points;

		points = row->points * (times < MR_SIGNAL_TIMES_MAX ? times : MR_SIGNAL_TIMES_MAX);
		sum += points;
		if (points > 0 && why)
			mr_buf_printf(why, ", %s %" PRIu64 "/%" PRIu64 " gives %" PRIu64, mr_signal_str(row->signal), amount, row->amount,
				      points);
	}
	return sum;
}

enum level { QUIET, NOTICE, HOLD, LOCK };

static enum level level_of(const struct mr_check_input *in, uint64_t points)
{
	const struct mr_check_settings *s = in->settings;

	if (s->hijack_lock > 0 && points >= (uint64_t)s->hijack_lock)
		return LOCK;
	if (s->hijack_hold > 0 && points >= (uint64_t)s->hijack_hold)
		return HOLD;
	return s->hijack_notice > 0 && points >= (uint64_t)s->hijack_notice ? NOTICE : QUIET;
}

static void judge(const struct mr_check_input *in, struct mr_check_answer *out)
{
	struct mr_distinct_item ignored[MR_DISTINCT_MAX];
	struct mr_buf why = MR_BUF(1024);
	enum level level, before;
	struct signals s;
	uint64_t points;

	read_rows(in, &s);
	look(in, &s, ignored);
	before = level_of(in, points_of(in, &s, false, NULL));
	points = points_of(in, &s, true, &why);
	level = level_of(in, points);
	if (level != QUIET)
		out->reason = mr_arena_printf(in->arena, "%" PRIu64 " points: %s", points, why.p + 2);
	mr_buf_done(&why);
	if (level == LOCK) {
		out->kind = MR_CHECK_REFUSE;
		out->reply = "550 5.7.1 This account is locked: it sends unlike itself";
		out->lock = mr_arena_printf(in->arena, "it sends unlike itself: %s", out->reason);
	} else if (level == HOLD && in->state == MR_STATE_END_OF_MESSAGE) {
		out->kind = MR_CHECK_REFUSE;
		out->reply = mr_arena_printf(in->arena, "HOLD This account sends unlike itself: %s", out->reason);
	}
	out->notice = level > before;
	/* People hear of it at the end of a message, when it is known what becomes of it. What bounced, or was taken for spam, has raised
	 * the level before. */
	out->suspect = level != QUIET && (in->state == MR_STATE_END_OF_MESSAGE || (in->state == MR_STATE_LOGIN && level > before));
}

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	if (in->has_login && in->login == MR_DIR_TEMP)
		out->kind = MR_CHECK_UNKNOWN;
	else if (in->seen && is_known_login(in))
		judge(in, out);
}

const struct mr_check mr_check_hijack = {
	.name = "hijack",
	.states = MR_STATE_RCPT | MR_STATE_END_OF_MESSAGE | MR_STATE_LOGIN,
	.needs = MR_NEED_LOGIN | MR_NEED_RECIPIENT,
	.seen = seen,
	.run = run,
};
