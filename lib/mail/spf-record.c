/* spf-record: the terms of an SPF record, RFC 7208 sections 4.6.1, 5, 6 and 12. Terms are read one by one, nothing is allocated. */
/* system */
#include <arpa/inet.h>
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "mail/spf-internal.h"

static bool is_alpha(char c)
{
	c = mr_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool mr_spf_record_is(struct mr_slice text, struct mr_slice *terms)
{
	if (!mr_slice_istarts(text, MR_LIT("v=spf1")) || (text.n > 6 && text.p[6] != ' '))
		return false;
	*terms = mr_slice_from(text, 6);
	return true;
}

/* ".toplabel", a final dot allowed, at the end of a domain-spec. */
static bool ends_in_toplabel(struct mr_slice spec)
{
	bool other_than_digits = false;
	struct mr_slice label;
	ptrdiff_t dot;

	if (spec.n && spec.p[spec.n - 1] == '.')
		spec.n--;
	dot = mr_slice_rchr(spec, '.');
	if (dot < 0)
		return false;
	label = mr_slice_from(spec, (size_t)dot + 1);
	if (!label.n || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		if (!is_alpha(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-')
			return false;
		other_than_digits = other_than_digits || !is_digit(label.p[i]);
	}
	return other_than_digits;
}

static int check_domain_spec(struct mr_slice spec)
{
	int flags = mr_spf_macro_check(spec, SPF_MACRO_DOMAIN);

	if (!spec.n || flags < 0)
		return -EINVAL;
	return flags & SPF_ENDS_IN_MACRO || ends_in_toplabel(spec) ? 0 : -EINVAL;
}

/* Takes "/number" off the end of *s, with `slashes` of them. False when none stands there; -1 in *bits when the number is bad. */
static bool take_length(struct mr_slice *s, size_t slashes, unsigned max, unsigned *bits)
{
	size_t digits = 0;
	uint64_t value;

	while (digits < s->n && is_digit(s->p[s->n - 1 - digits]))
		digits++;
	if (!digits || s->n < digits + slashes)
		return false;
	for (size_t i = 0; i < slashes; i++) {
		if (s->p[s->n - digits - 1 - i] != '/')
			return false;
	}
	if (mr_parse_u64((struct mr_slice){ s->p + s->n - digits, digits }, 0, max, &value) < 0 ||
	    (digits > 1 && s->p[s->n - digits] == '0'))
		value = UINT32_MAX;
	*bits = (unsigned)value;
	s->n -= digits + slashes;
	return true;
}

/* [":" domain-spec] [ip4-cidr] ["/" ip6-cidr] */
static int parse_dual(struct mr_slice rest, struct spf_term *t)
{
	t->bits4 = 32;
	t->bits6 = 128;
	take_length(&rest, 2, 128, &t->bits6);
	take_length(&rest, 1, 32, &t->bits4);
	if (t->bits4 > 32 || t->bits6 > 128)
		return -EINVAL;
	if (!rest.n)
		return 0;
	t->domain = mr_slice_from(rest, 1);
	return rest.p[0] == ':' ? check_domain_spec(t->domain) : -EINVAL;
}

static int parse_domain(struct mr_slice rest, struct spf_term *t)
{
	if (!rest.n || rest.p[0] != ':')
		return -EINVAL;
	t->domain = mr_slice_from(rest, 1);
	return check_domain_spec(t->domain);
}

/* Not mr_parse_ip(): ip6:::ffff:192.0.2.1 is no IPv4 network, and brackets are no syntax here. */
static int parse_network(struct mr_slice rest, struct spf_term *t)
{
	bool v4 = t->kind == SPF_IP4;
	unsigned bits = v4 ? 32 : 128;
	char text[INET6_ADDRSTRLEN];

	if (!rest.n || rest.p[0] != ':')
		return -EINVAL;
	rest = mr_slice_from(rest, 1);
	take_length(&rest, 1, bits, &bits);
	if (bits > 128 || rest.n >= sizeof(text) || memchr(rest.p, 0, rest.n))
		return -EINVAL;
	memcpy(text, rest.p, rest.n);
	text[rest.n] = 0;
	t->ip.family = v4 ? AF_INET : AF_INET6;
	t->bits4 = t->bits6 = bits;
	return inet_pton(t->ip.family, text, t->ip.bytes) == 1 ? 0 : -EINVAL;
}

static int parse_arguments(struct mr_slice rest, struct spf_term *t)
{
	switch (t->kind) {
	case SPF_ALL:
		return rest.n ? -EINVAL : 0;
	case SPF_A:
	case SPF_MX:
		return parse_dual(rest, t);
	case SPF_PTR:
		return rest.n ? parse_domain(rest, t) : 0;
	case SPF_INCLUDE:
	case SPF_EXISTS:
		return parse_domain(rest, t);
	case SPF_IP4:
	case SPF_IP6:
		return parse_network(rest, t);
	case SPF_REDIRECT:
	case SPF_EXP:
		t->domain = mr_slice_from(rest, 1);
		return check_domain_spec(t->domain);
	case SPF_OTHER:
		return mr_spf_macro_check(mr_slice_from(rest, 1), SPF_MACRO_EXP) < 0 ? -EINVAL : 0;
	}
	return -EINVAL;
}

static const struct {
	struct mr_slice name;
	enum spf_kind kind;
} mechanisms[] = {
	{ MR_LIT("all"), SPF_ALL }, { MR_LIT("include"), SPF_INCLUDE }, { MR_LIT("a"), SPF_A },     { MR_LIT("mx"), SPF_MX },
	{ MR_LIT("ptr"), SPF_PTR }, { MR_LIT("ip4"), SPF_IP4 },         { MR_LIT("ip6"), SPF_IP6 }, { MR_LIT("exists"), SPF_EXISTS },
};

static int find_mechanism(struct mr_slice name, enum spf_kind *out)
{
	for (size_t i = 0; i < MR_COUNT(mechanisms); i++) {
		if (mr_slice_ieq(name, mechanisms[i].name)) {
			*out = mechanisms[i].kind;
			return 0;
		}
	}
	return -EINVAL;
}

/* Takes the qualifier off the front; true when one stood there. */
static bool take_qualifier(struct mr_slice *term, enum mr_spf_result *out)
{
	static const struct {
		char c;
		enum mr_spf_result result;
	} qualifiers[] = { { '+', MR_SPF_PASS }, { '-', MR_SPF_FAIL }, { '~', MR_SPF_SOFTFAIL }, { '?', MR_SPF_NEUTRAL } };

	*out = MR_SPF_PASS;
	for (size_t i = 0; i < MR_COUNT(qualifiers); i++) {
		if (term->n && term->p[0] == qualifiers[i].c) {
			*out = qualifiers[i].result;
			*term = mr_slice_from(*term, 1);
			return true;
		}
	}
	return false;
}

static int parse_term(struct mr_slice term, struct spf_term *out)
{
	bool qualified = take_qualifier(&term, &out->qualifier);
	struct mr_slice name = { term.p, 0 }, rest;

	while (name.n < term.n && (is_alpha(term.p[name.n]) || (name.n && (is_digit(term.p[name.n]) || memchr("-_.", term.p[name.n], 3)))))
		name.n++;
	rest = mr_slice_from(term, name.n);
	if (!name.n)
		return -EINVAL;
	if (rest.n && rest.p[0] == '=') {
		if (qualified)
			return -EINVAL;
		out->kind = mr_slice_ieq(name, MR_LIT("redirect")) ? SPF_REDIRECT : mr_slice_ieq(name, MR_LIT("exp")) ? SPF_EXP : SPF_OTHER;
	} else if (find_mechanism(name, &out->kind) < 0) {
		return -EINVAL;
	}
	return parse_arguments(rest, out);
}

int mr_spf_term_next(struct mr_slice *rest, struct spf_term *out)
{
	struct mr_slice term = { 0 };

	while (rest->n && rest->p[0] == ' ')
		*rest = mr_slice_from(*rest, 1);
	if (!rest->n)
		return 0;
	mr_slice_next(rest, ' ', &term);
	*out = (struct spf_term){ .text = term };
	return parse_term(term, out) < 0 ? -EINVAL : 1;
}
