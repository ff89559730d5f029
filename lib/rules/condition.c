/* condition: what stands behind `if`. Each level of precedence is a function. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "private.h"

#define VERSION      4.000001 /* of SpamAssassin, whose language this is */
#define PERL_VERSION 5.036
#define DEPTH_MAX    50

struct condition {
	struct mr_rules *rules;
	struct mr_slice rest;
	struct mr_diag *diag;
	int depth;
	bool failed;
};

static double disjunction(struct condition *c);

static double fail(struct condition *c, const char *why)
{
	if (!c->failed)
		mr_diag_set(c->diag, -EINVAL, "if: %s", why);
	c->failed = true;
	c->rest.n = 0;
	return 0;
}

static bool take(struct condition *c, const char *what)
{
	struct mr_slice w = mr_slice_of(what);

	c->rest = mr_slice_trim(c->rest);
	if (!mr_slice_starts(c->rest, w))
		return false;
	c->rest = mr_slice_from(c->rest, w.n);
	return true;
}

static struct mr_slice take_name(struct condition *c)
{
	struct mr_slice name = mr_slice_trim(c->rest);
	size_t n = 0;

	while (n < name.n && ((name.p[n] >= '0' && name.p[n] <= '9') || (name.p[n] >= 'a' && name.p[n] <= 'z') ||
			      (name.p[n] >= 'A' && name.p[n] <= 'Z') || name.p[n] == '_' || name.p[n] == ':' || name.p[n] == '.'))
		n++;
	c->rest = mr_slice_from(name, n);
	name.n = n;
	return name;
}

static double call(struct condition *c, struct mr_slice function)
{
	struct mr_slice name;

	if (!take(c, "("))
		return fail(c, "( is missing");
	name = take_name(c);
	if (!name.n || !take(c, ")"))
		return fail(c, "a name in parentheses is missing");
	if (mr_slice_eq(function, MR_LIT("plugin")))
		return mr_rules_has_plugin(c->rules, name);
	if (mr_slice_eq(function, MR_LIT("can")) || mr_slice_eq(function, MR_LIT("has")))
		return mr_rules_has_feature(c->rules, name);
	return fail(c, "plugin(), can() or has() is missing");
}

static double value(struct condition *c)
{
	struct mr_slice word;
	double number;

	if (c->depth > DEPTH_MAX)
		return fail(c, "too deep");
	if (take(c, "(")) {
		c->depth++;
		number = disjunction(c);
		c->depth--;
		return take(c, ")") ? number : fail(c, ") is missing");
	}
	word = take_name(c);
	if (mr_slice_eq(word, MR_LIT("version")))
		return VERSION;
	if (mr_slice_eq(word, MR_LIT("perl_version")))
		return PERL_VERSION;
	if (mr_slice_eq(word, MR_LIT("local_tests_only")))
		return !c->rules->config.net;
	if (word.n && mr_parse_double(word, 0, 1e9, &number) == 0)
		return number;
	return word.n ? call(c, word) : fail(c, "a value is missing");
}

static double negation(struct condition *c)
{
	double v;

	c->rest = mr_slice_trim(c->rest);
	if (mr_slice_starts(c->rest, MR_LIT("!=")) || !take(c, "!"))
		return value(c);
	if (++c->depth > DEPTH_MAX)
		return fail(c, "too deep");
	v = !negation(c);
	c->depth--;
	return v;
}

static double comparison(struct condition *c)
{
	static const char *const operators[] = { ">=", "<=", "==", "!=", ">", "<" };
	double a = negation(c), b;
	size_t i = 0;

	while (i < MR_COUNT(operators) && !take(c, operators[i]))
		i++;
	if (i == MR_COUNT(operators))
		return a;
	b = negation(c);
	switch (i) {
	case 0:
		return a >= b;
	case 1:
		return a <= b;
	case 2:
		return a >= b && a <= b;
	case 3:
		return a < b || a > b;
	case 4:
		return a > b;
	default:
		return a < b;
	}
}

static double conjunction(struct condition *c)
{
	double a = comparison(c);

	while (take(c, "&&")) {
		double b = comparison(c);

		a = a && b;
	}
	return a;
}

static double disjunction(struct condition *c)
{
	double a = conjunction(c);

	while (take(c, "||")) {
		double b = conjunction(c);

		a = a || b;
	}
	return a;
}

int mr_rules_condition(struct mr_rules *r, struct mr_slice text, bool *out, struct mr_diag *diag)
{
	struct condition c = { .rules = r, .rest = text, .diag = diag };
	double v = disjunction(&c);

	if (!c.failed && mr_slice_trim(c.rest).n)
		fail(&c, "something follows that is not understood");
	if (c.failed)
		return -EINVAL;
	*out = v;
	return 0;
}

bool mr_rules_has_plugin(const struct mr_rules *r, struct mr_slice name)
{
	struct mr_rules_tag *p;

	/* Names of old, and one that is gone. */
	if (mr_slice_eq(name, MR_LIT("Mail::SpamAssassin::Plugin::RaciallyCharged")))
		return true;
	if (mr_slice_eq(name, MR_LIT("Mail::SpamAssassin::Plugin::Dmarc")))
		name = MR_LIT("Mail::SpamAssassin::Plugin::DMARC");
	if (mr_slice_eq(name, MR_LIT("Mail::SpamAssassin::Plugin::WhiteListSubject")))
		name = MR_LIT("Mail::SpamAssassin::Plugin::WelcomeListSubject");
	HASH_FIND(hh, r->plugins, name.p, name.n, p);
	return p;
}

bool mr_rules_has_feature(struct mr_rules *r, struct mr_slice name)
{
	ptrdiff_t end = mr_slice_rchr(name, ':');
	struct mr_slice module = { name.p, end > 0 ? (size_t)end - 1 : 0 };

	if (mr_slice_eq(name, MR_LIT("Mail::SpamAssassin::Conf::compat_welcomelist_blocklist")))
		return r->compat_welcomelist;
	return mr_rules_known_feature(name) && (mr_slice_eq(module, MR_LIT("Mail::SpamAssassin::Conf")) || mr_rules_has_plugin(r, module));
}
