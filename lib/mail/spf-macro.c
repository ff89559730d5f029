/* spf-macro: macro-strings, RFC 7208 section 7. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/spf-internal.h"

static const char unknown[] = "unknown";

/* One %{...}: what was written in it. */
struct macro {
	char letter; /* lower case */
	bool escape; /* it was upper case: the value is URL-escaped */
	bool reverse;
	size_t keep; /* rightmost parts, 0 all */
	struct mr_slice delimiters;
	size_t len; /* with %{ and } */
};

/* The macro at the front of s, which begins with "%{". */
static int parse_macro(struct mr_slice s, struct macro *out)
{
	struct macro m = { 0 };
	size_t i = 2;

	if (i >= s.n)
		return -EINVAL;
	m.letter = mr_lower(s.p[i]);
	m.escape = m.letter != s.p[i++];
	if (!m.letter || !strchr("slodiphcrtv", m.letter))
		return -EINVAL;
	if (i < s.n && s.p[i] == '0')
		return -EINVAL;
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		m.keep = m.keep < 1000 ? m.keep * 10 + (size_t)(s.p[i] - '0') : m.keep;
	if (i < s.n && mr_lower(s.p[i]) == 'r') {
		m.reverse = true;
		i++;
	}
	m.delimiters.p = s.p + i;
	while (i < s.n && memchr(".-+,/_=", s.p[i], 7)) {
		m.delimiters.n++;
		i++;
	}
	if (i >= s.n || s.p[i] != '}')
		return -EINVAL;
	m.len = i + 1;
	*out = m;
	return 0;
}

int mr_spf_macro_check(struct mr_slice spec, enum spf_macro_use use)
{
	char lowest = use == SPF_MACRO_DOMAIN ? '!' : ' ';
	struct macro m;
	int flags = 0;

	for (size_t i = 0; i < spec.n;) {
		if (spec.p[i] < lowest || spec.p[i] > '~')
			return -EINVAL;
		if (spec.p[i] != '%') {
			flags &= ~SPF_ENDS_IN_MACRO;
			i++;
			continue;
		}
		flags |= SPF_ENDS_IN_MACRO;
		if (i + 1 < spec.n && memchr("%_-", spec.p[i + 1], 3)) {
			i += 2;
			continue;
		}
		if (i + 1 >= spec.n || spec.p[i + 1] != '{' || parse_macro(mr_slice_from(spec, i), &m) < 0)
			return -EINVAL;
		if (use == SPF_MACRO_DOMAIN && strchr("crt", m.letter))
			return -EINVAL;
		if (m.letter == 'p')
			flags |= SPF_USES_P;
		if (m.letter == 'l' || m.letter == 's')
			flags |= SPF_USES_LOCAL;
		i += m.len;
	}
	return flags;
}

void mr_spf_dotted_ip(const struct mr_ip *ip, bool reverse, char out[64])
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	if (ip->family == AF_INET) {
		const uint8_t *b = ip->bytes;

		snprintf(out, 64, "%u.%u.%u.%u", b[reverse ? 3 : 0], b[reverse ? 2 : 1], b[reverse ? 1 : 2], b[reverse ? 0 : 3]);
		return;
	}
	for (size_t i = 0; i < 32; i++) {
		size_t nibble = reverse ? 31 - i : i;
		uint8_t byte = ip->bytes[nibble / 2];

		out[n++] = hex[nibble % 2 ? byte & 15 : byte >> 4];
		out[n++] = '.';
	}
	out[n - 1] = 0;
}

/* What the letter stands for; `text` is room for the short ones. */
static struct mr_slice value_of(const struct spf_macros *m, char letter, char text[64])
{
	switch (letter) {
	case 'l':
		return m->local;
	case 'o':
		return m->sender_domain;
	case 'd':
		return m->domain;
	case 'p':
		return m->validated.n ? m->validated : MR_LIT(unknown);
	case 'h':
		return m->rq->helo;
	case 'v':
		return m->rq->client.family == AF_INET ? MR_LIT("in-addr") : MR_LIT("ip6");
	case 'r':
		return m->rq->receiver.n ? m->rq->receiver : MR_LIT(unknown);
	case 'i':
		mr_spf_dotted_ip(&m->rq->client, false, text);
		break;
	case 'c':
		mr_ip_str(&m->rq->client, text);
		break;
	default: /* 't'; 's' is the caller's, others were refused by the check */
		snprintf(text, 64, "%lld", (long long)m->rq->now);
	}
	return mr_slice_of(text);
}

static void add_escaped(struct mr_buf *out, struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], lower = mr_lower(c);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c)))
			mr_buf_putc(out, c);
		else
			mr_buf_printf(out, "%%%02X", (unsigned char)c);
	}
}

/* The part that ends before *end, which moves before its delimiter; SIZE_MAX when it was the first. */
static struct mr_slice last_part(struct mr_slice value, struct mr_slice delimiters, size_t *end)
{
	size_t start = *end;
	struct mr_slice part;

	while (start > 0 && !memchr(delimiters.p, value.p[start - 1], delimiters.n))
		start--;
	part = (struct mr_slice){ value.p + start, *end - start };
	*end = start ? start - 1 : SIZE_MAX;
	return part;
}

/* The value cut at the delimiters, reversed if wanted, only so many parts from the right, joined by dots. */
static void add_transformed(struct mr_buf *out, struct mr_slice value, const struct macro *m)
{
	struct mr_slice delimiters = m->delimiters.n ? m->delimiters : MR_LIT(".");
	struct mr_buf text = MR_BUF(value.n + 1);
	size_t end = value.n, parts = 1, skip, at = 0;

	for (size_t i = 0; i < value.n; i++)
		parts += memchr(delimiters.p, value.p[i], delimiters.n) != NULL;
	skip = m->keep && m->keep < parts ? parts - m->keep : 0;
	if (m->reverse) { /* the rightmost of the reversed order are the leftmost */
		for (; end != SIZE_MAX && parts > 0; parts--) {
			struct mr_slice part = last_part(value, delimiters, &end);

			if (at++ < skip)
				continue;
			if (at > skip + 1)
				mr_buf_putc(&text, '.');
			mr_buf_add(&text, part);
		}
	} else {
		for (size_t i = 0; i < value.n; i++) {
			bool is_delimiter = memchr(delimiters.p, value.p[i], delimiters.n);

			if (at >= skip)
				mr_buf_putc(&text, is_delimiter ? '.' : value.p[i]);
			at += is_delimiter;
		}
	}
	if (m->escape)
		add_escaped(out, mr_buf_slice(&text));
	else
		mr_buf_add(out, mr_buf_slice(&text));
	mr_buf_done(&text);
}

static void add_macro(const struct spf_macros *m, const struct macro *macro, struct mr_buf *out)
{
	struct mr_buf sender = MR_BUF(m->local.n + 1 + m->sender_domain.n + 1);
	struct mr_slice value;
	char text[64];

	if (macro->letter == 's') {
		mr_buf_add(&sender, m->local);
		mr_buf_putc(&sender, '@');
		mr_buf_add(&sender, m->sender_domain);
		value = mr_buf_slice(&sender);
	} else {
		value = value_of(m, macro->letter, text);
	}
	if (macro->keep || macro->reverse || macro->delimiters.n || macro->escape)
		add_transformed(out, value, macro);
	else
		mr_buf_add(out, value);
	mr_buf_done(&sender);
}

int mr_spf_macro_expand(const struct spf_macros *m, struct mr_slice spec, struct mr_buf *out)
{
	struct macro macro;

	for (size_t i = 0; i < spec.n && !out->full;) {
		if (spec.p[i] != '%' || i + 1 >= spec.n) {
			mr_buf_putc(out, spec.p[i++]);
		} else if (spec.p[i + 1] == '{') {
			if (parse_macro(mr_slice_from(spec, i), &macro) < 0)
				return -EINVAL;
			add_macro(m, &macro, out);
			i += macro.len;
		} else {
			mr_buf_puts(out, spec.p[i + 1] == '%' ? "%" : spec.p[i + 1] == '_' ? " " : "%20");
			i += 2;
		}
	}
	return out->full ? -ENOBUFS : 0;
}
