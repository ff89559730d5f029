/* redis-config: where Redis is and who we are there, from the options */

/* system */
#include <errno.h>

/* ours */
#include "conf/shared.h"
#include "rt/redis-link.h"
#include "rt/redis.h"

struct mr_redis_config mr_redis_config(const struct mr_conf_shared *c)
{
	return (struct mr_redis_config){ c->redis_socket, c->redis_address, c->redis_user, c->redis_password_file };
}

bool mr_redis_wanted(const struct mr_redis_config *c)
{
	return c->socket[0] || c->address[0];
}

int redis_place(const struct mr_redis_config *c, struct redis_place *out, struct mr_diag *diag)
{
	struct redis_place place = { .shown = c->socket[0] ? c->socket : c->address };
	struct mr_slice host;
	struct mr_ip ip;
	uint16_t port;

	if (!c->socket[0]) {
		if (mr_parse_hostport(mr_slice_of(c->address), &host, &port) < 0 || mr_parse_ip(host, &ip) < 0)
			return mr_diag_set(diag, -EINVAL, "Redis at %s: not an IP address and port", c->address);
		mr_ip_str(&ip, place.host);
		place.port = port;
	}
	*out = place;
	return 0;
}
