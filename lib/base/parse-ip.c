/* parse: IP addresses and networks; see parse.h */

/* system */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* ours */
#include "base/parse.h"

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
#define V4_MAPPED_BITS 96

static void ip_from_v6(const uint8_t bytes[16], struct mr_ip *out)
{
	*out = (struct mr_ip){ .family = AF_INET6 };
	if (memcmp(bytes, v4_mapped, sizeof(v4_mapped)) == 0) {
		out->family = AF_INET;
		memcpy(out->bytes, bytes + sizeof(v4_mapped), 4);
	} else {
		memcpy(out->bytes, bytes, 16);
	}
}

/* Bare address without brackets; *mapped tells that it was written as IPv6 and is an IPv4 one. */
static int parse_bare(struct mr_slice s, struct mr_ip *out, bool *mapped)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	bool is_v6 = mr_slice_chr(s, ':') >= 0;

	if (s.n == 0 || s.n >= sizeof(text) || mr_slice_chr(s, '\0') >= 0)
		return -EINVAL;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, text, bytes) != 1)
		return -EINVAL;
	if (is_v6) {
		ip_from_v6(bytes, out);
	} else {
		*out = (struct mr_ip){ .family = AF_INET };
		memcpy(out->bytes, bytes, 4);
	}
	*mapped = is_v6 && out->family == AF_INET;
	return 0;
}

static int parse_ip(struct mr_slice s, struct mr_ip *out, bool *mapped)
{
	bool brackets = s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';

	if (brackets)
		s = (struct mr_slice){ s.p + 1, s.n - 2 };
	if (mr_slice_istarts(s, MR_LIT("IPv6:"))) {
		s = mr_slice_from(s, 5);
		if (mr_slice_chr(s, ':') < 0)
			return -EINVAL;
	}
	return parse_bare(s, out, mapped);
}

int mr_parse_ip(struct mr_slice s, struct mr_ip *out)
{
	bool mapped;

	return parse_ip(s, out, &mapped);
}

static unsigned bits_of(const struct mr_ip *ip)
{
	return ip->family == AF_INET ? 32 : 128;
}

static bool host_bits_zero(const struct mr_net *net)
{
	for (unsigned bit = net->bits; bit < bits_of(&net->ip); bit++)
		if (net->ip.bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

int mr_parse_net(struct mr_slice s, struct mr_net *out)
{
	ptrdiff_t slash = mr_slice_chr(s, '/');
	struct mr_slice address = slash < 0 ? s : (struct mr_slice){ s.p, (size_t)slash };
	struct mr_net net = { 0 };
	bool mapped = false;
	uint64_t bits;
	int err = parse_ip(address, &net.ip, &mapped);

	if (err < 0)
		return err;
	bits = mapped ? 128 : bits_of(&net.ip);
	if (slash >= 0) {
		err = mr_parse_u64(mr_slice_from(s, (size_t)slash + 1), mapped ? V4_MAPPED_BITS : 0, bits, &bits);
		if (err < 0)
			return err;
	}
	net.bits = (unsigned)bits - (mapped ? V4_MAPPED_BITS : 0);
	if (!host_bits_zero(&net))
		return -EINVAL;
	*out = net;
	return 0;
}

int mr_parse_hostport(struct mr_slice s, struct mr_slice *host, uint16_t *port)
{
	ptrdiff_t colon = mr_slice_rchr(s, ':');
	struct mr_slice h = { s.p, colon < 0 ? 0 : (size_t)colon };
	bool brackets = h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']';
	uint64_t number;
	int err;

	if (brackets)
		h = (struct mr_slice){ h.p + 1, h.n - 2 };
	/* Colons are for addresses in brackets, and brackets for those. */
	if (h.n == 0 || brackets != (mr_slice_chr(h, ':') >= 0))
		return -EINVAL;
	err = mr_parse_u64(mr_slice_from(s, (size_t)colon + 1), 1, UINT16_MAX, &number);
	if (err < 0)
		return err;
	*host = h;
	*port = (uint16_t)number;
	return 0;
}

bool mr_net_has(const struct mr_net *net, const struct mr_ip *ip)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (net->ip.family != ip->family || memcmp(net->ip.bytes, ip->bytes, whole) != 0)
		return false;
	return rest == 0 || (net->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

struct mr_net mr_net_of(const struct mr_ip *ip, unsigned bits)
{
	struct mr_net net = { .ip = { .family = ip->family }, .bits = bits };

	memcpy(net.ip.bytes, ip->bytes, (bits + 7) / 8);
	if (bits % 8)
		net.ip.bytes[bits / 8] &= (uint8_t)(0xff << (8 - bits % 8));
	return net;
}

int mr_ip_from_sockaddr(const struct sockaddr *sa, struct mr_ip *out)
{
	if (sa->sa_family == AF_INET) {
		*out = (struct mr_ip){ .family = AF_INET };
		memcpy(out->bytes, &((const struct sockaddr_in *)sa)->sin_addr, 4);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		ip_from_v6(((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr, out);
		return 0;
	}
	return -EINVAL;
}

const char *mr_ip_str(const struct mr_ip *ip, char *buf)
{
	if (!inet_ntop(ip->family, ip->bytes, buf, MR_IP_STRLEN))
		buf[0] = '\0';
	return buf;
}
