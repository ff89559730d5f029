/* text: see text.h */

/* system */
#include <errno.h>
#include <stdint.h>

/* ours */
#include "base/text.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int mr_hex_add(struct mr_buf *out, struct mr_slice bytes)
{
	char *p = bytes.n > SIZE_MAX / 2 ? NULL : mr_buf_reserve(out, bytes.n * 2);

	if (!p)
		return -ENOBUFS;
	for (size_t i = 0; i < bytes.n; i++) {
		*p++ = hex_digits[(uint8_t)bytes.p[i] >> 4];
		*p++ = hex_digits[(uint8_t)bytes.p[i] & 15];
	}
	mr_buf_filled(out, bytes.n * 2);
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = mr_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ssize_t mr_hex_decode(struct mr_slice text, void *out, size_t max)
{
	uint8_t *to = out;

	if (text.n % 2 != 0 || text.n / 2 > max)
		return -EINVAL;
	for (size_t i = 0; i < text.n; i += 2) {
		int high = hex_value(text.p[i]), low = hex_value(text.p[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		to[i / 2] = (uint8_t)(high << 4 | low);
	}
	return (ssize_t)(text.n / 2);
}

int mr_base64_add(struct mr_buf *out, struct mr_slice bytes)
{
	size_t len = bytes.n > SIZE_MAX / 2 ? SIZE_MAX : (bytes.n + 2) / 3 * 4;
	char *p = mr_buf_reserve(out, len);

	if (!p)
		return -ENOBUFS;
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		uint32_t v = (uint32_t)(uint8_t)bytes.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)(uint8_t)bytes.p[i + 1] << 8;
		if (left > 2)
			v |= (uint8_t)bytes.p[i + 2];
		*p++ = base64_digits[v >> 18];
		*p++ = base64_digits[v >> 12 & 63];
		*p++ = left > 1 ? base64_digits[v >> 6 & 63] : '=';
		*p++ = left > 2 ? base64_digits[v & 63] : '=';
	}
	mr_buf_filled(out, len);
	return 0;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

ssize_t mr_base64_decode(struct mr_slice text, void *out, size_t max)
{
	size_t digits = 0, padding = 0, n = 0;
	uint8_t *to = out;
	uint32_t v = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		int digit = base64_value(c);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (digit < 0 || padding)
			return -EINVAL;
		v = v << 6 | (uint32_t)digit;
		if (digits++ % 4 == 0)
			continue; /* the first digit of four completes no byte */
		if (n >= max)
			return -EINVAL;
		to[n++] = (uint8_t)(v >> (6 - 2 * ((digits - 1) % 4)));
	}
	if (digits % 4 == 1 || padding > 2 || (padding && (digits + padding) % 4 != 0))
		return -EINVAL;
	return (ssize_t)n;
}

int mr_escape_add(struct mr_buf *out, struct mr_slice bytes, size_t max_in)
{
	size_t n = bytes.n < max_in ? bytes.n : max_in;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)bytes.p[i];

		if (c >= ' ' && c <= '~' && c != '\\' && c != '"')
			mr_buf_putc(out, (char)c);
		else
			mr_buf_printf(out, "\\x%02x", c);
	}
	if (n < bytes.n)
		mr_buf_puts(out, "...");
	return out->full ? -ENOBUFS : 0;
}

/* Bytes of the UTF-8 sequence (RFC 3629) at the front of s, 0 when it is none: overlong, a surrogate, past U+10FFFF, cut short. */
static size_t utf8_sequence(struct mr_slice s)
{
	uint8_t c = (uint8_t)s.p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	uint8_t second = n > 1 && s.n > 1 ? (uint8_t)s.p[1] : 0;

	if (n == 0 || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((uint8_t)s.p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
		return 0;
	return n;
}

bool mr_ascii(struct mr_slice s)
{
	uint64_t eight;

	for (; s.n >= sizeof(eight); s = mr_slice_from(s, sizeof(eight))) {
		memcpy(&eight, s.p, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			return false;
	}
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] & 0x80)
			return false;
	return true;
}

bool mr_utf8_valid(struct mr_slice s)
{
	while (s.n > 0) {
		size_t n = utf8_sequence(s);

		if (n == 0)
			return false;
		s = mr_slice_from(s, n);
	}
	return true;
}
