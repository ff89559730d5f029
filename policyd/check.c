/* check: the table of checks, and what several of them ask. */

/* system */
#include <string.h>

/* ours */
#include "check.h"

#define IPV6_BITS 64 /* of a network that is one site: its hosts choose their addresses in it as they like */

#define CHECK(name, mode) extern const struct mr_check mr_check_##name;
#include "checks/check-list.h"
#undef CHECK

const struct mr_check *const mr_checks[MR_CHECKS] = {
#define CHECK(name, mode) [MR_CHECK_##name] = &mr_check_##name,
#include "checks/check-list.h"
#undef CHECK
};

bool mr_check_receives(const struct mr_dir_final *f)
{
	return !f->local || f->account.receive; /* a disabled mailbox takes mail, too: its owner reads it later */
}

bool mr_check_allows(const struct mr_dir_final *f, const struct mr_check_input *in)
{
	return mr_dir_listed(&f->account, in->request->sender) == MR_DIR_ALLOWED;
}

bool mr_check_all_receivers(const struct mr_check_input *in, bool (*is)(const struct mr_dir_final *f, const struct mr_check_input *in))
{
	const struct mr_dir_resolve *r = in->recipient;
	size_t receivers = 0;

	for (size_t i = 0; i < r->n_finals; i++) {
		if (!mr_check_receives(&r->finals[i]))
			continue;
		receivers++;
		if (!is(&r->finals[i], in))
			return false;
	}
	return receivers > 0;
}

/* Bits of the narrowest network that the client is in, and one; 0: of none. */
static unsigned narrowest(const struct mr_conf_nets *nets, const struct mr_ip *client)
{
	unsigned found = 0;

	for (size_t i = 0; i < nets->n; i++) {
		struct mr_net net = nets->v[i];

		if (net.ip.family == AF_INET6 && net.bits > IPV6_BITS)
			net = mr_net_of(&net.ip, IPV6_BITS);
		if (mr_net_has(&net, client) && net.bits + 1 > found)
			found = net.bits + 1;
	}
	return found;
}

enum mr_dir_listed mr_check_client_listed(const struct mr_check_input *in)
{
	unsigned allowed, denied;

	if (!in->has_client)
		return MR_DIR_UNLISTED;
	allowed = narrowest(&in->settings->clients_allow, &in->client);
	denied = narrowest(&in->settings->clients_deny, &in->client);
	if (allowed >= denied)
		return allowed > 0 ? MR_DIR_ALLOWED : MR_DIR_UNLISTED;
	return MR_DIR_DENIED;
}

static bool is_this_host(const struct mr_check_input *in)
{
	static const uint8_t local4[] = { 127, 0, 0, 1 };
	const struct mr_ip *ip = &in->client;

	if (mr_slice_eq(in->request->client_address, in->request->server_address))
		return true;
	return memcmp(ip->bytes, ip->family == AF_INET ? local4 : in6addr_loopback.s6_addr, ip->family == AF_INET ? 4 : 16) == 0;
}

bool mr_check_is_stranger(const struct mr_check_input *in)
{
	return in->request->sasl_username.n == 0 && in->has_client && !is_this_host(in) && !in->sender_allowed &&
	       mr_check_client_listed(in) != MR_DIR_ALLOWED;
}

void mr_check_refuse_stranger(const struct mr_check_input *in, const char *reply, const char *reason, struct mr_check_answer *out)
{
	if (in->has_recipient && in->recipient->status == MR_DIR_TEMP)
		out->kind = MR_CHECK_UNKNOWN;
	else
		*out = (struct mr_check_answer){ MR_CHECK_REFUSE, reply, reason };
}
