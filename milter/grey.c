/* grey: see grey.h. */

/* system */
#include <sys/socket.h>

/* ours */
#include "grey.h"

#define IPV4_BITS 24
#define IPV6_BITS 64

struct mr_grey_triple mr_grey_key(const struct mr_job *j, struct mr_arena *arena)
{
	struct mr_slice sender = mr_slice_of(j->sender);
	struct mr_net net = mr_net_of(&j->client, j->client.family == AF_INET ? IPV4_BITS : IPV6_BITS);
	char *ip = mr_arena_alloc(arena, MR_IP_STRLEN);

	if (j->scan.identity.n)
		return (struct mr_grey_triple){ .client = j->scan.identity };
	return (struct mr_grey_triple){ .client = mr_slice_of(j->client.family ? mr_ip_str(&net.ip, ip) : "none"),
					.sender = mr_slice_from(sender, (size_t)(mr_slice_rchr(sender, '@') + 1)) };
}
