/* authres-read: what an Authentication-Results field says: whose it is, and its results (RFC 8601 section 2.2). */
/* ours */
#include "base/mem.h"
#include "mail/authres.h"

/* RFC 2045 token characters: what may stand unquoted (RFC 8601 section 2.2, "value"). */
bool mr_authres_token_char(char c)
{
	return c > ' ' && c <= '~' && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* Over white space and comments. False for a comment without an end. */
static bool skip_blank(struct mr_slice *s)
{
	size_t i = 0, depth = 0;

	for (; i < s->n; i++) {
		char c = s->p[i];

		if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (c == '\\' && depth)
			i++;
		else if (!depth && !memchr(" \t\r\n", c, 4))
			break;
	}
	*s = mr_slice_from(*s, i);
	return depth == 0;
}

/* A token or a quoted string off the front, into `text` without quotes. False when neither stands there. */
static bool take_value(struct mr_slice *s, char *text, size_t max, struct mr_slice *out)
{
	size_t i = 0, n = 0;
	bool quoted = s->n && s->p[0] == '"', closed = !quoted;

	for (i = quoted; i < s->n && n < max; i++) {
		if (quoted && s->p[i] == '"') {
			closed = true;
			i++;
			break;
		}
		if (quoted && s->p[i] == '\\' && i + 1 < s->n)
			i++;
		else if (!quoted && !mr_authres_token_char(s->p[i]))
			break;
		text[n++] = s->p[i];
	}
	*s = mr_slice_from(*s, i);
	*out = (struct mr_slice){ text, n };
	return closed && n > 0 && n < max;
}

static bool contains(struct mr_slice value, struct mr_slice id)
{
	for (size_t i = 0; id.n && i + id.n <= value.n; i++) {
		if (mr_slice_ieq((struct mr_slice){ value.p + i, id.n }, id))
			return true;
	}
	return false;
}

/* [CFWS] authserv-id [CFWS version] [CFWS] (";" or the end) */
static bool parse_id(struct mr_slice value, char *text, size_t max, struct mr_slice *out, struct mr_slice *rest)
{
	struct mr_slice version;
	char digits[16];

	if (!skip_blank(&value) || !take_value(&value, text, max, out) || !skip_blank(&value))
		return false;
	if (value.n && value.p[0] != ';' && (!take_value(&value, digits, sizeof(digits), &version) || !skip_blank(&value)))
		return false;
	*rest = mr_slice_from(value, 1);
	return !value.n || value.p[0] == ';';
}

static bool same_id(struct mr_slice id, struct mr_slice ours)
{
	if (id.n && id.p[id.n - 1] == '.') /* the same host to whoever reads it loosely */
		id.n--;
	return mr_slice_ieq(id, ours);
}

bool mr_authres_claims(struct mr_slice value, struct mr_slice authserv_id)
{
	struct mr_slice id, rest;
	char text[512];

	if (!parse_id(value, text, sizeof(text), &id, &rest))
		return contains(value, authserv_id);
	return same_id(id, authserv_id);
}

bool mr_authres_results(struct mr_slice value, struct mr_slice authserv_id, struct mr_slice *results)
{
	struct mr_slice id, rest;
	char text[512];

	if (!parse_id(value, text, sizeof(text), &id, &rest) || !same_id(id, authserv_id))
		return false;
	*results = mr_slice_trim(rest);
	return true;
}

/* Up to the next ";" that stands neither in a quoted string nor in a comment. */
static struct mr_slice take_result(struct mr_slice *rest)
{
	struct mr_slice all = *rest;
	size_t i = 0, depth = 0;
	bool quoted = false;

	for (; i < all.n && (depth || quoted || all.p[i] != ';'); i++) {
		if (all.p[i] == '\\' && (depth || quoted))
			i++;
		else if (all.p[i] == '"' && !depth)
			quoted = !quoted;
		else if (all.p[i] == '(' && !quoted)
			depth++;
		else if (all.p[i] == ')' && depth)
			depth--;
	}
	*rest = mr_slice_from(all, i + 1);
	return (struct mr_slice){ all.p, i < all.n ? i : all.n };
}

/* method [/ version] = result */
static bool parse_result(struct mr_slice s, struct mr_slice *method, struct mr_slice *result)
{
	size_t n = 0;

	if (!skip_blank(&s))
		return false;
	while (n < s.n && mr_authres_token_char(s.p[n]))
		n++;
	*method = (struct mr_slice){ s.p, n };
	s = mr_slice_from(s, n);
	if (!skip_blank(&s))
		return false;
	if (s.n && s.p[0] == '/') {
		for (n = 1; n < s.n && s.p[n] != '='; n++)
			;
		s = mr_slice_from(s, n);
	}
	if (!s.n || s.p[0] != '=')
		return false;
	s = mr_slice_from(s, 1);
	if (!skip_blank(&s))
		return false;
	for (n = 0; n < s.n && mr_authres_token_char(s.p[n]); n++)
		;
	*result = (struct mr_slice){ s.p, n };
	return method->n && n;
}

bool mr_authres_get(struct mr_slice results, const char *method, struct mr_slice *result)
{
	struct mr_slice name;

	while (results.n) {
		if (parse_result(take_result(&results), &name, result) && mr_slice_ieq(name, mr_slice_of(method)))
			return true;
	}
	return false;
}
