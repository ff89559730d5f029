/* address: envelope addresses, addresses of ours and host names. Header values are in address-header.c. */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/address.h"

#define LOCAL_MAX       512 /* of anybody's address */
#define DESTINATION_MAX 64  /* local part: RFC 5321 section 4.5.3.1.1 */
#define DOMAIN_MAX      255 /* section 4.5.3.1.2, with brackets of a literal */
#define HOST_MAX        253 /* a name of 255 bytes in wire form */
#define LABEL_MAX       63
#define ACCOUNT_MAX     50 /* local part of an account */

static bool is_alnum(char c)
{
	c = mr_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Bytes of an unquoted local part. Dots may stand anywhere, as in Postfix: such addresses exist ("some..one@docomo.ne.jp"). Bytes over
 * 127 are SMTPUTF8 (RFC 6531 section 3.3). */
static bool is_dot_string(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == 127 || strchr("()<>[]:;@\\,\"", c))
			return false;
	}
	return s.n > 0;
}

/* A whole quoted string: printable bytes, the quote and the backslash only after a backslash. */
static bool is_quoted_string(struct mr_slice s)
{
	size_t i = 1;

	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return false;
	for (; i < s.n - 1; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return false;
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	}
	return i == s.n - 1; /* else the last quote was escaped */
}

/* A domain or an address literal, as loosely as Postfix takes them: what is looked up decides. */
static bool is_domain(struct mr_slice s)
{
	bool literal = s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']';
	struct mr_slice inner = literal ? (struct mr_slice){ s.p + 1, s.n - 2 } : s, label;

	for (size_t i = 0; i < inner.n; i++) {
		unsigned char c = (unsigned char)inner.p[i];

		if (c <= ' ' || c == 127 || strchr("()<>[]@\\,;\"", c) || (!literal && c == ':'))
			return false;
	}
	while (!literal && mr_slice_next(&inner, '.', &label)) {
		if (!label.n)
			return false;
	}
	return s.n > 0;
}

int mr_address_split(struct mr_slice s, struct mr_address *out)
{
	ptrdiff_t at = mr_slice_rchr(s, '@');
	struct mr_address a;

	if (at <= 0)
		return -EINVAL;
	a.local = (struct mr_slice){ s.p, (size_t)at };
	a.domain = mr_slice_from(s, (size_t)at + 1);
	if (a.domain.n && a.domain.p[a.domain.n - 1] == '.')
		a.domain.n--;
	if (a.local.n > LOCAL_MAX || a.domain.n > DOMAIN_MAX || !is_domain(a.domain))
		return -EINVAL;
	if (!is_dot_string(a.local) && !is_quoted_string(a.local))
		return -EINVAL;
	*out = a;
	return 0;
}

struct mr_slice mr_address_unquote(struct mr_slice s, struct mr_arena *arena)
{
	ptrdiff_t at = mr_slice_rchr(s, '@');
	size_t local = at < 0 ? 0 : (size_t)at, n = 0;
	char *p;

	if (!is_quoted_string((struct mr_slice){ s.p, local }))
		return s;
	p = mr_arena_alloc(arena, s.n + 1);
	for (size_t i = 1; i < local - 1; i++) {
		i += s.p[i] == '\\';
		p[n++] = s.p[i];
	}
	memcpy(p + n, s.p + local, s.n - local);
	return (struct mr_slice){ p, n + s.n - local };
}

/* Dots only between other bytes (RFC 5321 section 4.1.2). */
static bool is_strict_dot_string(struct mr_slice s)
{
	char before = '.';

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && before == '.')
			return false;
		before = s.p[i];
	}
	return before != '.' && is_dot_string(s);
}

struct mr_slice mr_address_quote(struct mr_slice s, struct mr_arena *arena)
{
	ptrdiff_t at = mr_slice_rchr(s, '@');
	size_t local = at < 0 ? 0 : (size_t)at, n = 0;
	char *p;

	if (at < 0 || is_strict_dot_string((struct mr_slice){ s.p, local }))
		return s;
	p = mr_arena_alloc(arena, 2 * s.n + 3);
	p[n++] = '"';
	for (size_t i = 0; i < local; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			p[n++] = '\\';
		p[n++] = s.p[i];
	}
	p[n++] = '"';
	memcpy(p + n, s.p + local, s.n - local);
	return (struct mr_slice){ p, n + s.n - local };
}

struct mr_slice mr_address_unrouted(struct mr_slice s)
{
	bool literal = false;

	if (!s.n || s.p[0] != '@')
		return s;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '[' || s.p[i] == ']')
			literal = s.p[i] == '[';
		else if (s.p[i] == ':' && !literal)
			return mr_slice_from(s, i + 1);
	}
	return s;
}

struct mr_slice mr_address_canonical(struct mr_slice s, struct mr_arena *arena)
{
	struct mr_slice a = mr_address_quote(mr_address_unquote(mr_address_unrouted(s), arena), arena);

	if (a.n && a.p[a.n - 1] == '.' && mr_slice_chr(a, '@') >= 0)
		a.n--;
	return a;
}

struct mr_slice mr_address_lower(struct mr_slice s, struct mr_arena *arena)
{
	char *p = mr_arena_slice(arena, s);

	for (size_t i = 0; i < s.n; i++)
		p[i] = mr_lower(p[i]);
	return (struct mr_slice){ p, s.n };
}

static int check_label(struct mr_slice label, bool underscore, struct mr_diag *diag)
{
	if (!label.n)
		return mr_diag_set(diag, -EINVAL, "domain has an empty part");
	if (label.n > LABEL_MAX)
		return mr_diag_set(diag, -EINVAL, "domain has a part of more than %d characters", LABEL_MAX);
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return mr_diag_set(diag, -EINVAL, "a part of a domain must not begin or end with a hyphen");
	for (size_t i = 0; i < label.n; i++) {
		if ((unsigned char)label.p[i] > 127)
			return mr_diag_set(diag, -EINVAL, "domain must be in ASCII: write its punycode form (xn--...)");
		if (!is_alnum(label.p[i]) && label.p[i] != '-' && !(underscore && label.p[i] == '_'))
			return mr_diag_set(diag, -EINVAL, "domain may hold only a-z 0-9 - and dots");
	}
	return 0;
}

bool mr_domain_below(struct mr_slice name, struct mr_slice domain)
{
	return domain.n &&
	       (mr_slice_ieq(name, domain) || (name.n > domain.n && name.p[name.n - domain.n - 1] == '.' && mr_slice_iends(name, domain)));
}

int mr_domain_check(struct mr_slice s, bool underscore, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag)
{
	struct mr_slice rest = s, label = { 0 };
	bool digits = true;

	if (!s.n)
		return mr_diag_set(diag, -EINVAL, "domain is empty");
	if (s.n > HOST_MAX)
		return mr_diag_set(diag, -EINVAL, "domain has more than %d characters", HOST_MAX);
	while (mr_slice_next(&rest, '.', &label)) {
		int r = check_label(label, underscore, diag);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < label.n; i++)
		digits = digits && label.p[i] >= '0' && label.p[i] <= '9';
	if (digits) /* RFC 1123 section 2.1: else 192.0.2.1 were a name */
		return mr_diag_set(diag, -EINVAL, "last part of a domain must not be a number");
	*out = mr_address_lower(s, arena);
	return 0;
}

static int check_account_local(struct mr_slice local, struct mr_diag *diag)
{
	if (!local.n)
		return mr_diag_set(diag, -EINVAL, "nothing stands before the @");
	if (local.n > ACCOUNT_MAX)
		return mr_diag_set(diag, -EINVAL, "local part has more than %d characters", ACCOUNT_MAX);
	for (size_t i = 0; i < local.n; i++) {
		char c = local.p[i];

		if (!is_alnum(c) && c != '.' && c != '_' && c != '-')
			return mr_diag_set(diag, -EINVAL, "local part may hold only a-z 0-9 . _ -");
		if (c == '.' && (i == 0 || i == local.n - 1 || local.p[i - 1] == '.'))
			return mr_diag_set(diag, -EINVAL, "local part must not begin or end with a dot, or hold two together");
	}
	return 0;
}

int mr_address_account(struct mr_slice s, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag)
{
	ptrdiff_t at = mr_slice_chr(s, '@');
	struct mr_slice domain;
	int r;

	if (at < 0)
		return mr_diag_set(diag, -EINVAL, "address has no @");
	r = check_account_local((struct mr_slice){ s.p, (size_t)at }, diag);
	if (r == 0)
		r = mr_domain_check(mr_slice_from(s, (size_t)at + 1), false, arena, &domain, diag);
	if (r == 0)
		*out = mr_address_lower(s, arena);
	return r;
}

int mr_address_destination(struct mr_slice s, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag)
{
	struct mr_slice domain;
	struct mr_address a;
	char *p;
	int r;

	if (mr_address_split(s, &a) < 0)
		return mr_diag_set(diag, -EINVAL, "not a mail address");
	if (a.local.n > DESTINATION_MAX)
		return mr_diag_set(diag, -EINVAL, "local part has more than %d characters", DESTINATION_MAX);
	r = mr_domain_check(a.domain, false, arena, &domain, diag);
	if (r < 0)
		return r;
	if (mr_slice_chr(domain, '.') < 0)
		return mr_diag_set(diag, -EINVAL, "domain needs at least two parts");
	p = mr_arena_alloc(arena, a.local.n + 1 + domain.n + 1);
	memcpy(p, a.local.p, a.local.n);
	p[a.local.n] = '@';
	memcpy(p + a.local.n + 1, domain.p, domain.n);
	*out = (struct mr_slice){ p, a.local.n + 1 + domain.n };
	return 0;
}
