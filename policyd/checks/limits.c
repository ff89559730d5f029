/* limits: how much authenticated mail a login, its domain, its client's address and network send.
 *
 * Looked at at each RCPT, taken at the end of the message: a message that is refused later costs nothing. Rules that only hold mail back
 * have no say at RCPT. */

/* ours */
#include "base/mem.h"
#include "check.h"

static bool holds_for(const struct mr_limit *l, const struct mr_check_input *in)
{
	return !mr_limit_of_client(l->scope) || (in->has_client && (l->every || mr_net_has(&l->net, &in->client)));
}

/* Of rules on clients only the narrowest that fit count; of the others lookup has chosen. */
static bool counts(const struct mr_limit *l, const struct mr_check_input *in)
{
	if (!holds_for(l, in))
		return false;
	for (size_t i = 0; i < in->n_limits && mr_limit_of_client(l->scope); i++) {
		const struct mr_limit *other = &in->limits[i];

		if (other->scope == l->scope && other->what == l->what && holds_for(other, in) && mr_limit_narrower(other, l))
			return false;
	}
	return l->amount > 0 && (in->state == MR_STATE_END_OF_MESSAGE || l->action != MR_LIMIT_HOLD);
}

/* The rules in force, the severest first, since the first that is full decides. */
static size_t in_force(const struct mr_check_input *in, const struct mr_limit **out)
{
	static const enum mr_limit_action order[] = { MR_LIMIT_LOCK, MR_LIMIT_REJECT, MR_LIMIT_DEFER, MR_LIMIT_HOLD };
	size_t n = 0;

	for (size_t a = 0; a < MR_COUNT(order); a++)
		for (size_t i = 0; i < in->n_limits && n < MR_COUNTERS_MAX; i++)
			if (in->limits[i].action == order[a] && counts(&in->limits[i], in))
				out[n++] = &in->limits[i];
	return n;
}

static struct mr_slice name_of(const struct mr_limit *l, const struct mr_check_input *in)
{
	struct mr_slice whom = in->login_address;
	char ip[MR_IP_STRLEN];

	if (l->scope == MR_LIMIT_DOMAIN)
		whom = mr_slice_from(whom, (size_t)(mr_slice_rchr(whom, '@') + 1));
	if (mr_limit_of_client(l->scope)) {
		struct mr_net net = mr_limit_client(l->scope, &in->client);

		whom = mr_slice_of(mr_ip_str(&net.ip, ip));
	}
	return mr_slice_of(mr_limit_name(in->arena, l, whom));
}

static size_t count(const struct mr_check_input *in, struct mr_count *out)
{
	const struct mr_limit *rules[MR_COUNTERS_MAX];
	size_t n = in_force(in, rules);

	for (size_t i = 0; i < n; i++)
		out[i] = (struct mr_count){
			.name = name_of(rules[i], in),
			.window = rules[i]->window,
			.limit = rules[i]->amount,
			.n = rules[i]->what == MR_LIMIT_MESSAGES ? 1 : in->recipients,
		};
	return n;
}

static const char *reply_of(const struct mr_limit *l, struct mr_arena *arena)
{
	static const char *const starts[] = {
		[MR_LIMIT_DEFER] = "450 4.7.1", [MR_LIMIT_REJECT] = "550 5.7.1", [MR_LIMIT_HOLD] = "HOLD", [MR_LIMIT_LOCK] = "550 5.7.1"
	};
	static const char *const whose[] = { "account", "domain", "address", "network" };
	struct mr_buf rate = MR_BUF(MR_LIMIT_TEXT_MAX);
	const char *reply;

	mr_limit_rate_add(&rate, l);
	reply = mr_arena_printf(arena, "%s Sending limit of this %s is reached: %s %s", starts[l->action], whose[l->scope],
				mr_limit_what_str(l->what), rate.p);
	mr_buf_done(&rate);
	return reply;
}

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	const struct mr_limit *rules[MR_COUNTERS_MAX];
	size_t n = in_force(in, rules);

	if (in->has_login && in->login == MR_DIR_TEMP) {
		out->kind = MR_CHECK_UNKNOWN;
	} else if (in->counted && in->counted->full < n) {
		const struct mr_limit *l = rules[in->counted->full];

		*out = (struct mr_check_answer){ MR_CHECK_REFUSE, reply_of(l, in->arena) };
		out->reason = mr_arena_printf(in->arena, "%s-%s", mr_limit_scope_str(l->scope), mr_limit_what_str(l->what));
		out->notice = in->counted->first;
		if (l->action == MR_LIMIT_LOCK)
			out->lock = mr_arena_printf(in->arena, "sending limit: %s", strstr(out->reply, mr_limit_what_str(l->what)));
		else if (out->notice)
			out->limit = l;
	}
}

const struct mr_check mr_check_limits = {
	.name = "limits",
	.states = MR_STATE_RCPT | MR_STATE_END_OF_MESSAGE,
	.needs = MR_NEED_LOGIN,
	.count = count,
	.run = run,
};
