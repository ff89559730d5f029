/* parse: numbers, sizes, durations, IP addresses and networks, each in this one place. All take the whole slice or refuse:
 * 0, or -EINVAL (not that syntax), -ERANGE (syntax fine, value out of bounds); *out untouched on failure. */
#pragma once
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/slice.h"

int mr_parse_i64(struct mr_slice s, int64_t min, int64_t max, int64_t *out);
int mr_parse_u64(struct mr_slice s, uint64_t min, uint64_t max, uint64_t *out);
int mr_parse_double(struct mr_slice s, double min, double max, double *out); /* "-12.5": 15 digits count, no exponent, any locale */
int mr_parse_bool(struct mr_slice s, bool *out);                             /* yes no true false on off 1 0 */
/* "10M": bytes; k M G T are powers of 1024, a trailing B or iB is fine, none means bytes. */
int mr_parse_size(struct mr_slice s, uint64_t max, uint64_t *bytes);
/* "1h30m", "250ms", "7d": milliseconds; w d h m s ms in this order, each once (d = 24 h); a bare number is refused except 0. */
int mr_parse_duration(struct mr_slice s, uint64_t max_ms, uint64_t *ms);

struct mr_ip {
	int family;        /* AF_INET or AF_INET6; a v4-mapped IPv6 address is parsed to AF_INET */
	uint8_t bytes[16]; /* network order; 4 used for AF_INET */
};
struct mr_net {
	struct mr_ip ip; /* host bits zero */
	unsigned bits;
};
int mr_parse_ip(struct mr_slice s, struct mr_ip *out);          /* also Postfix's "IPv6:..." spelling and [brackets] */
int mr_parse_net(struct mr_slice s, struct mr_net *out);        /* address or address/bits; -EINVAL when host bits are set */
struct mr_net mr_net_of(const struct mr_ip *ip, unsigned bits); /* that the address is in; at most as many bits as it has */
bool mr_net_has(const struct mr_net *net, const struct mr_ip *ip);
/* "127.0.0.1:53", "[::1]:53", "name:53": the host, in it no brackets, and a port from 1 on; whether the host is one is not looked at. */
int mr_parse_hostport(struct mr_slice s, struct mr_slice *host, uint16_t *port);
int mr_ip_from_sockaddr(const struct sockaddr *sa, struct mr_ip *out);
/* Text form; buf of at least 46 bytes (INET6_ADDRSTRLEN). Returns buf. */
const char *mr_ip_str(const struct mr_ip *ip, char *buf);
#define MR_IP_STRLEN 46
