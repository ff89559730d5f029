/* netstring: see netstring.h */

/* system */
#include <errno.h>

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

int mr_netstring_join(struct mr_buf *out, const struct mr_slice *parts, size_t n)
{
	char digits[24];
	size_t start = out->n, length = 0, at = sizeof(digits);

	for (size_t i = 0; i < n; i++)
		length += parts[i].n;
	digits[--at] = ':';
	do
		digits[--at] = (char)('0' + length % 10);
	while ((length /= 10) > 0);
	int err = mr_buf_add(out, (struct mr_slice){ digits + at, sizeof(digits) - at });
	for (size_t i = 0; i < n && err == 0; i++)
		err = mr_buf_add(out, parts[i]);
	if (err == 0)
		err = mr_buf_putc(out, ',');
	if (err != 0)
		mr_buf_truncate(out, start);
	return err;
}

int mr_netstring_add(struct mr_buf *out, struct mr_slice payload)
{
	return mr_netstring_join(out, &payload, 1);
}
