/* uri-detail: rules over what is known of one address in the message: how it stands there, what refers to it, its canonical forms, hosts
 * and domains, and what is clicked on (Mail::SpamAssassin::Plugin::URIDetail). One address has to fulfil all that a rule says. */

/* system */
#include <errno.h>

/* ours */
#include "private.h"

static const char *const keys[MR_RULES_DETAILS] = {
	[MR_RULES_RAW] = "raw",   [MR_RULES_TYPE] = "type",     [MR_RULES_CLEANED] = "cleaned",
	[MR_RULES_TEXT] = "text", [MR_RULES_DOMAIN] = "domain", [MR_RULES_HOST] = "host",
};

/* Of "/x/i domain =~ ..." what belongs to the regular expression: white space may stand in it, but not right behind its end. 0: no end. */
static size_t pattern_length(struct mr_slice s)
{
	size_t open = s.n && s.p[0] == 'm' ? 1 : 0, end;
	char close;

	if (s.n < open + 2)
		return 0;
	close = s.p[open] == '{' ? '}' : s.p[open] == '(' ? ')' : s.p[open] == '[' ? ']' : s.p[open] == '<' ? '>' : s.p[open];
	for (size_t i = open + 1; i < s.n; i++) {
		if (s.p[i] == '\\') {
			i++;
		} else if (s.p[i] == close) {
			for (end = i + 1; end < s.n && memchr("imsx", s.p[end], 4);)
				end++;
			if (end == s.n || mr_rules_space(s.p[end]))
				return end;
		}
	}
	return 0;
}

/* "key =~ /x/": taken off *rest. */
static int take_condition(struct mr_rules_detail *details, struct mr_slice *rest, struct mr_diag *diag)
{
	struct mr_rules_detail d = { .there = true };
	size_t n = 0, key = 0;
	int err;

	while (n < rest->n && rest->p[n] >= 'a' && rest->p[n] <= 'z')
		n++;
	while (key < MR_RULES_DETAILS && !mr_slice_eq((struct mr_slice){ rest->p, n }, mr_slice_of(keys[key])))
		key++;
	*rest = mr_slice_trim(mr_slice_from(*rest, n));
	if (key == MR_RULES_DETAILS || rest->n < 3 || rest->p[1] != '~' || (rest->p[0] != '=' && rest->p[0] != '!'))
		return mr_diag_set(diag, -EINVAL,
				   "raw, type, cleaned, text, domain or host, =~ or !~, and a regular expression are missing");
	d.negated = rest->p[0] == '!';
	*rest = mr_slice_trim(mr_slice_from(*rest, 2));
	n = pattern_length(*rest);
	if (!n)
		return mr_diag_set(diag, -EINVAL, "%s: the regular expression has no beginning or no end", keys[key]);
	err = mr_rules_pattern_parse((struct mr_slice){ rest->p, n }, &d.pattern, diag);
	d.pattern.refers = false;
	*rest = mr_slice_trim(mr_slice_from(*rest, n));
	if (err == 0)
		details[key] = d;
	return err;
}

int mr_rules_details_parse(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_slice text, struct mr_diag *diag)
{
	int err = 0;

	rule->details = mr_arena_alloc(r->arena, MR_RULES_DETAILS * sizeof(*rule->details));
	for (text = mr_slice_trim(text); err == 0 && text.n;)
		err = take_condition(rule->details, &text, diag);
	return err;
}

int mr_rules_details_compile(struct mr_rules_rule *rule, struct mr_diag *diag)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < MR_RULES_DETAILS; i++)
		if (rule->details[i].there)
			err = mr_rules_pattern_compile(&rule->details[i].pattern, diag);
	return err;
}

void mr_rules_details_jit(struct mr_rules_rule *rule)
{
	for (size_t i = 0; i < MR_RULES_DETAILS; i++) {
		struct mr_rules_pattern *p = &rule->details[i].pattern;

		p->jit = p->code && pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0;
	}
}

void mr_rules_details_free(struct mr_rules_rule *rule)
{
	for (size_t i = 0; rule->details && i < MR_RULES_DETAILS; i++)
		pcre2_code_free(rule->details[i].pattern.code);
}

/* -- matching -- */

/* 1, 0, or -1: it took too long. */
static int holds(struct mr_rules *r, const struct mr_rules_detail *d, struct mr_slice text)
{
	struct mr_slice first;
	int n = mr_rules_pattern_count(r, &d->pattern, text, NULL, 1, &first);

	return n < 0 ? n : (n > 0) != d->negated;
}

/* It holds for one of them; also "!~" does. */
static int holds_of_one(struct mr_rules *r, const struct mr_rules_detail *d, const struct mr_sa_list *list)
{
	int found = 0;

	for (size_t i = 0; found == 0 && i < list->n; i++)
		found = holds(r, d, list->items[i]);
	return found;
}

static int holds_of_type(struct mr_rules *r, const struct mr_rules_detail *d, unsigned types)
{
	int found = 0;

	for (unsigned i = 0; found == 0 && i < MR_SA_URI_TYPES; i++)
		if (types & 1u << i)
			found = holds(r, d, mr_slice_of(mr_sa_uri_type_str((enum mr_sa_uri_type)(1u << i))));
	return found;
}

static int condition(struct mr_rules *r, const struct mr_rules_detail *d, enum mr_rules_key key, const struct mr_sa_uri *u)
{
	switch (key) {
	case MR_RULES_RAW:
		return holds(r, d, u->raw);
	case MR_RULES_TYPE:
		return holds_of_type(r, d, u->types);
	case MR_RULES_CLEANED:
		return holds_of_one(r, d, &u->cleaned);
	case MR_RULES_TEXT:
		return holds_of_one(r, d, &u->anchors);
	case MR_RULES_DOMAIN:
		return holds_of_one(r, d, &u->domains);
	case MR_RULES_HOST:
		return holds_of_one(r, d, &u->hosts);
	case MR_RULES_DETAILS:
		break;
	}
	return 0;
}

static int all_hold(struct mr_rules *r, const struct mr_rules_rule *rule, const struct mr_sa_uri *u)
{
	int found = 1;

	for (size_t i = 0; found > 0 && i < MR_RULES_DETAILS; i++)
		if (rule->details[i].there)
			found = condition(r, &rule->details[i], (enum mr_rules_key)i, u);
	return found;
}

int mr_rules_details_match(struct mr_rules *r, const struct mr_rules_rule *rule, struct mr_sa *sa, struct mr_slice *first)
{
	size_t n;
	const struct mr_sa_uri *u = mr_sa_uri_details(sa, &n);
	int found = 0;

	for (size_t i = 0; found == 0 && i < n; i++) {
		found = all_hold(r, rule, &u[i]);
		if (found > 0)
			*first = u[i].raw;
	}
	return found;
}
