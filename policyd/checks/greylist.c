/* greylist: mail of an unknown kind has to come again, which the programs that send most spam never do. For hosts without our milter, which
 * knows better.
 *
 * A kind is the client's network (IPv4 /24, IPv6 /64: large sites try again from a neighbour), the envelope sender with what changes from
 * message to message made equal, and the recipient's domain. Never for who is logged in, whose mail is awaited (lists), postmaster and
 * abuse, who must be reachable, and for the servers of large sites. */

/* ours */
#include "base/mem.h"
#include "check.h"

#define MINUTE 60000

static struct mr_slice domain_of(struct mr_slice address)
{
	return mr_slice_from(address, (size_t)(mr_slice_rchr(address, '@') + 1));
}

/* What stands before the address in schemes that sign it anew each day: "prvs=TAG=" (BATV), "SRS0=HASH=TIME=". */
static struct mr_slice unsigned_part(struct mr_slice local)
{
	unsigned fields = mr_slice_istarts(local, MR_LIT("prvs=")) ? 2 : mr_slice_istarts(local, MR_LIT("SRS0")) ? 3 : 0;

	for (ptrdiff_t at; fields > 0 && (at = mr_slice_chr(local, '=')) >= 0; fields--)
		local = mr_slice_from(local, (size_t)at + 1);
	return local;
}

/* One sender for all messages of a list or newsletter: no extension, a run of digits is "#" (VERP). */
static struct mr_slice sender_kind(struct mr_slice sender, struct mr_arena *arena)
{
	ptrdiff_t at = mr_slice_rchr(sender, '@'), plus;
	struct mr_slice local = unsigned_part((struct mr_slice){ sender.p, at < 0 ? 0 : (size_t)at });
	char *out = mr_arena_alloc(arena, sender.n + 1);
	size_t n = 0;

	plus = mr_slice_chr(local, '+');
	if (plus > 0)
		local.n = (size_t)plus;
	for (size_t i = 0; i < local.n; i++) {
		bool digit = local.p[i] >= '0' && local.p[i] <= '9';

		if (!digit || n == 0 || out[n - 1] != '#')
			out[n++] = digit ? '#' : mr_lower(local.p[i]);
	}
	for (size_t i = at < 0 ? 0 : (size_t)at; i < sender.n; i++)
		out[n++] = mr_lower(sender.p[i]);
	return (struct mr_slice){ out, n };
}

static struct mr_slice lower(struct mr_slice s, struct mr_arena *arena)
{
	char *out = mr_arena_slice(arena, s);

	for (char *p = out; *p; p++)
		*p = mr_lower(*p);
	return mr_slice_of(out);
}

static bool is_role(struct mr_slice address)
{
	ptrdiff_t at = mr_slice_rchr(address, '@');
	struct mr_slice local = { address.p, at < 0 ? 0 : (size_t)at };

	return mr_slice_ieq(local, MR_LIT("postmaster")) || mr_slice_ieq(local, MR_LIT("abuse"));
}

static bool is_exempt(const struct mr_check_input *in)
{
	struct mr_slice name = in->request->client_name;

	for (size_t i = 0; i < in->settings->grey_exempt.n; i++) {
		struct mr_slice domain = mr_slice_of(in->settings->grey_exempt.v[i]);

		if (mr_slice_ieq(name, domain) ||
		    (name.n > domain.n && name.p[name.n - domain.n - 1] == '.' && mr_slice_iends(name, domain)))
			return true;
	}
	return false;
}

static bool concerns(const struct mr_check_input *in)
{
	const struct mr_policy_request *q = in->request;

	return mr_check_is_stranger(in) && q->recipient.n > 0 && !is_role(q->recipient) && !is_exempt(in);
}

static bool grey(const struct mr_check_input *in, struct mr_grey_triple *out)
{
	struct mr_net net = mr_net_of(&in->client, in->client.family == AF_INET ? 24 : 64);
	char *ip = mr_arena_alloc(in->arena, MR_IP_STRLEN);

	if (!concerns(in))
		return false;
	*out = (struct mr_grey_triple){
		.client = mr_slice_of(mr_ip_str(&net.ip, ip)),
		.sender = sender_kind(in->request->sender, in->arena),
		.domain = lower(domain_of(in->request->recipient), in->arena),
		.learn_alone = in->on_error == MR_ON_ERROR_DEFER,
	};
	return true;
}

static const char *reply(uint64_t left, struct mr_arena *arena)
{
	unsigned long long minutes = (left + MINUTE - 1) / MINUTE;

	return mr_arena_printf(arena, "451 4.7.1 Greylisted: please try again in %llu minute%s", minutes, minutes == 1 ? "" : "s");
}

static void run(const struct mr_check_input *in, struct mr_check_answer *out)
{
	if (!in->grey)
		return;
	switch (in->grey->kind) {
	case MR_GREY_PASS:
		break;
	case MR_GREY_WAIT:
		*out = (struct mr_check_answer){ MR_CHECK_REFUSE, reply(in->grey->left, in->arena), "greylisted" };
		break;
	case MR_GREY_UNKNOWN:
		*out = (struct mr_check_answer){ .kind = MR_CHECK_UNKNOWN, .reason = "redis-away" };
		break;
	}
}

const struct mr_check mr_check_greylist = {
	.name = "greylist",
	.states = MR_STATE_RCPT,
	.needs = MR_NEED_RECIPIENT,
	.grey = grey,
	.run = run,
};
