/* netstring: see netstring.h */

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "proto/netstring.h"

int mr_netstring_next(struct mr_slice in, size_t max, struct mr_slice *payload, size_t *used)
{
	size_t len = 0, i = 0;

	for (; i < in.n && in.p[i] >= '0' && in.p[i] <= '9'; i++) {
		size_t digit = (size_t)(in.p[i] - '0');

		if (i > 0 && in.p[0] == '0')
			return -EPROTO;
		if (digit > max || len > (max - digit) / 10)
			return -EMSGSIZE;
		len = len * 10 + digit;
	}
	if (i == in.n)
		return 0;
	if (i == 0 || in.p[i] != ':')
		return -EPROTO;
	i++;
	if (in.n - i <= len)
		return 0;
	if (in.p[i + len] != ',')
		return -EPROTO;
	*payload = (struct mr_slice){ in.p + i, len };
	*used = i + len + 1;
	return 1;
}

int mr_netstring_add(struct mr_buf *out, struct mr_slice payload)
{
	size_t start = out->n;

	if (mr_buf_printf(out, "%zu:", payload.n) < 0 || mr_buf_add(out, payload) < 0 || mr_buf_putc(out, ',') < 0) {
		mr_buf_truncate(out, start);
		return -ENOBUFS;
	}
	return 0;
}
