/* milter-packet: see milter-packet.h. */

/* system */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* ours */
#include "proto/milter-packet.h"

#define LENGTH 4 /* bytes of a number */

static uint32_t number(const char *p)
{
	uint32_t n;

	memcpy(&n, p, LENGTH);
	return ntohl(n);
}

int mr_packet_next(struct mr_slice in, struct mr_packet *out, size_t *used)
{
	size_t n;

	*used = LENGTH + 1;
	if (in.n < *used)
		return 0;
	n = number(in.p);
	if (n == 0 || n > MR_PACKET_MAX)
		return -EPROTO;
	*used = LENGTH + n;
	if (in.n < *used)
		return 0;
	*out = (struct mr_packet){ .command = in.p[LENGTH], .data = { in.p + LENGTH + 1, n - 1 } };
	return 1;
}

int mr_packet_offer_decode(struct mr_slice data, struct mr_packet_offer *out)
{
	if (data.n < 3 * LENGTH)
		return -EPROTO;
	*out = (struct mr_packet_offer){ number(data.p), number(data.p + LENGTH), number(data.p + 2 * LENGTH) };
	return 0;
}

/* The string at the beginning of *rest, and its NUL, taken off. NULL: there is none. */
static const char *string(struct mr_slice *rest)
{
	const char *s = rest->p;
	ptrdiff_t end = mr_slice_chr(*rest, '\0');

	if (end < 0)
		return NULL;
	*rest = mr_slice_from(*rest, (size_t)end + 1);
	return s;
}

/* Behind the name: a letter, and for all but 'U' a port in two bytes and the address. */
int mr_packet_connect_decode(struct mr_slice data, const char **name, struct mr_ip *client)
{
	struct mr_slice rest = data;
	const char *host = string(&rest), *address;
	char family = rest.n ? rest.p[0] : '\0';
	struct mr_ip ip = { 0 };

	if (!host || !family)
		return -EPROTO;
	rest = mr_slice_from(rest, 1 + 2);
	if (family == '4' || family == '6') {
		address = string(&rest);
		if (!address || mr_parse_ip(mr_slice_of(address), &ip) < 0)
			return -EPROTO;
	} else if (family != 'L' && family != 'U') {
		return -EPROTO;
	}
	*name = host;
	*client = ip;
	return 0;
}

int mr_packet_words_decode(struct mr_slice data, const char **v, size_t max, size_t *n)
{
	size_t found = 0;

	while (data.n) {
		if (found == max)
			return -EPROTO;
		v[found] = string(&data);
		if (!v[found++])
			return -EPROTO;
	}
	v[found] = NULL;
	*n = found;
	return found ? 0 : -EPROTO;
}

bool mr_packet_macro_next(struct mr_slice *data, struct mr_slice *name, const char **value)
{
	struct mr_slice n;
	const char *key = string(data), *v = key ? string(data) : NULL;

	if (!v)
		return false;
	n = mr_slice_of(key);
	if (n.n >= 2 && n.p[0] == '{' && n.p[n.n - 1] == '}')
		n = (struct mr_slice){ n.p + 1, n.n - 2 };
	*name = n;
	*value = v;
	return true;
}

enum mr_packet_stage mr_packet_stage_of(char command)
{
	switch (command) {
	case MR_PACKET_CONNECT:
		return MR_PACKET_AT_CONNECT;
	case MR_PACKET_HELO:
		return MR_PACKET_AT_HELO;
	case MR_PACKET_MAIL:
		return MR_PACKET_AT_MAIL;
	case MR_PACKET_RCPT:
		return MR_PACKET_AT_RCPT;
	case MR_PACKET_DATA:
		return MR_PACKET_AT_DATA;
	case MR_PACKET_EOH:
		return MR_PACKET_AT_EOH;
	case MR_PACKET_END:
		return MR_PACKET_AT_END;
	default:
		return MR_PACKET_STAGES;
	}
}

static void put_number(struct mr_buf *out, uint32_t n)
{
	uint32_t wire = htonl(n);

	mr_buf_add(out, (struct mr_slice){ (const char *)&wire, LENGTH });
}

/* With its NUL. */
static void put_string(struct mr_buf *out, const char *s)
{
	if (s)
		mr_buf_add(out, (struct mr_slice){ s, strlen(s) + 1 });
}

/* A packet from here on; what end() needs. */
static size_t begin(struct mr_buf *out, char command)
{
	size_t at = out->n;

	put_number(out, 0);
	mr_buf_putc(out, command);
	return at;
}

/* Its length is known now. All of it, or nothing and -ENOBUFS. */
static int end(struct mr_buf *out, size_t at)
{
	uint32_t wire;

	if (out->full || out->n - at - LENGTH > MR_PACKET_MAX) {
		mr_buf_truncate(out, at);
		out->full = true;
		return -ENOBUFS;
	}
	wire = htonl((uint32_t)(out->n - at - LENGTH));
	memcpy(out->p + at, &wire, LENGTH);
	return 0;
}

int mr_packet_put(struct mr_buf *out, char command, struct mr_slice data)
{
	size_t at = begin(out, command);

	mr_buf_add(out, data);
	return end(out, at);
}

int mr_packet_put_offer(struct mr_buf *out, const struct mr_packet_offer *o, const char *const macros[MR_PACKET_STAGES])
{
	size_t at = begin(out, MR_PACKET_NEGOTIATE);

	put_number(out, o->version);
	put_number(out, o->actions);
	put_number(out, o->steps);
	for (uint32_t i = 0; i < MR_PACKET_STAGES; i++) {
		if (!macros[i])
			continue;
		put_number(out, i);
		put_string(out, macros[i]);
	}
	return end(out, at);
}

int mr_packet_put_words(struct mr_buf *out, char command, const char *first, const char *second)
{
	size_t at = begin(out, command);

	put_string(out, first);
	put_string(out, second);
	return end(out, at);
}

int mr_packet_put_field(struct mr_buf *out, char command, uint32_t index, const char *name, const char *value)
{
	size_t at = begin(out, command);

	put_number(out, index);
	put_string(out, name);
	put_string(out, value);
	return end(out, at);
}
