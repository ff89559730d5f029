/* define: statements about rules. What a rule says is only taken apart here; mr_rules_finish() compiles it when all is known. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "private.h"

#define SCORE_MAX 1e5

bool mr_rules_name_ok(struct mr_slice name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = mr_lower(name.p[i]);

		if (!((c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9' && i > 0)))
			return false;
	}
	return name.n > 0 && name.n <= MR_RULES_NAME_MAX;
}

struct mr_rules_rule *mr_rules_named(struct mr_rules *r, struct mr_slice name)
{
	struct mr_rules_rule *rule;

	HASH_FIND(hh, r->rules, name.p, name.n, rule);
	if (rule || HASH_COUNT(r->rules) >= MR_RULES_MAX)
		return rule;
	rule = mr_arena_alloc(r->arena, sizeof(*rule));
	rule->name = mr_arena_slice(r->arena, name);
	if (r->at) {
		rule->file = r->at->name;
		rule->of_others = r->at->of_others;
		rule->brought = r->at->brought;
		rule->stock = r->at->stock;
		rule->line = r->at->line;
	}
	HASH_ADD_KEYPTR(hh, r->rules, rule->name, name.n, rule);
	return rule;
}

/* Takes the name off *value. NULL: a problem, said. */
static struct mr_rules_rule *subject(struct mr_rules *r, struct mr_slice key, struct mr_slice *value)
{
	struct mr_slice name = mr_rules_word(value);
	struct mr_rules_rule *rule = NULL;

	if (!mr_rules_name_ok(name))
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "%.*s: \"%.*s\" is no name of a rule", (int)key.n, key.p,
				 (int)(name.n < MR_RULES_NAME_MAX ? name.n : MR_RULES_NAME_MAX), name.p);
	else if (!value->n)
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "%.*s %.*s: nothing follows the name", (int)key.n, key.p, (int)name.n, name.p);
	else if (!(rule = mr_rules_named(r, name)))
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "too many rules");
	return rule;
}

/* Forgets an earlier definition, keeps what is said by name. */
static void redefine(struct mr_rules *r, struct mr_rules_rule *rule, enum mr_rules_kind kind)
{
	rule->kind = kind;
	rule->file = r->at->name;
	rule->of_others = r->at->of_others;
	rule->brought = r->at->brought;
	rule->stock = r->at->stock;
	rule->line = r->at->line;
	rule->failed = false;
	rule->why = NULL;
	rule->header = rule->unset = rule->definition = (struct mr_slice){ 0 };
	rule->details = NULL;
	rule->exists = rule->negated = rule->has_unset = false;
	rule->pattern = (struct mr_rules_pattern){ 0 };
	rule->eval = NULL;
	rule->args = (struct mr_sa_args){ 0 };
}

static void take_pattern(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_slice text)
{
	struct mr_diag diag = { 0 };
	int err = mr_rules_pattern_parse(text, &rule->pattern, &diag);

	if (err < 0)
		mr_rules_problem(r, err == -ENOTSUP ? MR_RULES_UNSUPPORTED : MR_RULES_ERROR, rule, "%s", diag.text);
}

/* "'a', 2, b" */
static int take_args(struct mr_slice text, struct mr_sa_args *out)
{
	struct mr_sa_args a = { .raw = out->raw };

	text = mr_slice_trim(text);
	while (text.n) {
		struct mr_slice arg;
		size_t n = 0;

		if (a.n == MR_SA_ARGS_MAX)
			return -EINVAL;
		if (text.p[0] == '\'' || text.p[0] == '"') {
			ptrdiff_t end = mr_slice_chr(mr_slice_from(text, 1), text.p[0]);

			if (end < 0)
				return -EINVAL;
			arg = (struct mr_slice){ text.p + 1, (size_t)end };
			n = (size_t)end + 2;
		} else {
			while (n < text.n && text.p[n] != ',' && !mr_rules_space(text.p[n]))
				n++;
			arg = (struct mr_slice){ text.p, n };
		}
		a.v[a.n++] = arg;
		text = mr_slice_trim(mr_slice_from(text, n));
		if (text.n && text.p[0] != ',')
			return -EINVAL;
		text = mr_slice_trim(mr_slice_from(text, 1));
	}
	*out = a;
	return 0;
}

/* "name(args)": whether the function is there is seen at the end, when it is known whether the rule counts. */
static void take_eval(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_slice call)
{
	ptrdiff_t open = mr_slice_chr(call, '(');

	rule->definition = call;
	if (open <= 0 || call.p[call.n - 1] != ')' ||
	    take_args((struct mr_slice){ call.p + open + 1, call.n - (size_t)open - 2 }, &rule->args) < 0)
		mr_rules_problem(r, MR_RULES_ERROR, rule, "eval: a call such as eval:check('a', 1) is missing");
}

/* "Name =~ /x/ [if-unset: y]" */
static void take_header(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_slice value)
{
	static const struct mr_slice mark = MR_LIT("[if-unset:");
	size_t n = 0;
	const char *found;

	while (n < value.n && !mr_rules_space(value.p[n]) && value.p[n] != '=' && value.p[n] != '!')
		n++;
	rule->header = (struct mr_slice){ value.p, n };
	if (n > 0 && value.p[n - 1] == ':')
		rule->header.n--;
	value = mr_slice_trim(mr_slice_from(value, n));
	if (!rule->header.n || value.n < 3 || value.p[1] != '~' || (value.p[0] != '=' && value.p[0] != '!')) {
		mr_rules_problem(r, MR_RULES_ERROR, rule, "a field, =~ or !~, and a regular expression are missing");
		return;
	}
	rule->negated = value.p[0] == '!';
	value = mr_slice_trim(mr_slice_from(value, 2));
	found = value.n && value.p[value.n - 1] == ']' ? memmem(value.p, value.n, mark.p, mark.n) : NULL;
	if (found && found > value.p && mr_rules_space(found[-1])) {
		size_t at = (size_t)(found - value.p);

		rule->has_unset = true;
		rule->unset = mr_slice_trim((struct mr_slice){ found + mark.n, value.n - at - mark.n - 1 });
		value = mr_slice_trim((struct mr_slice){ value.p, at });
	}
	take_pattern(r, rule, value);
}

static void take_details(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_slice value)
{
	struct mr_diag diag = { 0 };

	if (mr_rules_details_parse(r, rule, value, &diag) < 0)
		mr_rules_problem(r, MR_RULES_ERROR, rule, "%s", diag.text);
}

static bool is_eval(struct mr_slice value, struct mr_slice *call)
{
	static const struct mr_slice words[] = { MR_LIT("eval:"), MR_LIT("rbleval:") };

	for (size_t i = 0; i < MR_COUNT(words); i++) {
		if (mr_slice_starts(value, words[i])) {
			*call = mr_slice_from(value, words[i].n);
			return true;
		}
	}
	return false;
}

static void define(struct mr_rules *r, enum mr_rules_kind kind, struct mr_rules_rule *rule, struct mr_slice value)
{
	struct mr_slice call;
	bool eval = kind != MR_RULES_URI && kind != MR_RULES_URI_DETAIL && kind != MR_RULES_META && kind != MR_RULES_MIMEHEADER &&
		    is_eval(value, &call);

	redefine(r, rule, eval ? MR_RULES_EVAL : kind);
	if (eval) {
		rule->args.raw = kind == MR_RULES_RAWBODY;
		take_eval(r, rule, call);
	} else if (kind == MR_RULES_META) {
		rule->definition = value;
	} else if (kind == MR_RULES_URI_DETAIL) {
		take_details(r, rule, value);
	} else if (kind == MR_RULES_HEADER && mr_slice_starts(value, MR_LIT("exists:"))) {
		rule->header = mr_slice_from(value, 7);
		rule->exists = true;
	} else if (kind == MR_RULES_HEADER || kind == MR_RULES_MIMEHEADER) {
		take_header(r, rule, value);
	} else {
		take_pattern(r, rule, value);
	}
}

static void score(struct mr_rules *r, struct mr_rules_rule *rule, struct mr_slice value)
{
	double scores[4];
	bool relative = false;
	size_t n = 0;

	while (value.n && n < 4) {
		struct mr_slice word = mr_rules_word(&value);

		if (word.n > 2 && word.p[0] == '(' && word.p[word.n - 1] == ')') {
			relative = true;
			word = (struct mr_slice){ word.p + 1, word.n - 2 };
		}
		if (mr_parse_double(word, -SCORE_MAX, SCORE_MAX, &scores[n++]) < 0) {
			mr_rules_problem(r, MR_RULES_ERROR, NULL, "score %s: \"%.*s\" is no number", rule->name,
					 (int)(word.n < 60 ? word.n : 60), word.p);
			return;
		}
	}
	if (value.n || (n != 1 && n != 4) || (relative && !rule->scored)) {
		mr_rules_problem(r, MR_RULES_ERROR, NULL, "score %s: %s", rule->name,
				 relative && !rule->scored ? "adds to no earlier score" : "one number or four are missing");
		return;
	}
	for (size_t i = 0; i < 4; i++)
		rule->scores[i] = scores[n == 1 ? 0 : i] + (relative ? rule->scores[i] : 0);
	rule->scored = true;
	rule->scored_at = (struct mr_rules_line){ r->at->name, r->at->line, r->at->brought };
}

/* Rules whose answers come from the network: known by name, so that others may count on them being 0. */
static void outside(struct mr_rules *r, struct mr_rules_rule *rule)
{
	if (rule->kind == MR_RULES_NONE)
		redefine(r, rule, MR_RULES_OUTSIDE);
}

/* Rules of a kind that only SpamAssassin knows. */
static void unknown(struct mr_rules *r, struct mr_rules_rule *rule, const char *kind)
{
	redefine(r, rule, MR_RULES_OUTSIDE);
	mr_rules_problem(r, MR_RULES_UNSUPPORTED, rule, "%s is not supported", kind);
}

static void replace_rules(struct mr_rules *r, struct mr_slice names)
{
	while (names.n) {
		struct mr_slice name = mr_rules_word(&names);
		struct mr_rules_rule *rule = mr_rules_name_ok(name) ? mr_rules_named(r, name) : NULL;

		if (rule)
			rule->replace = true;
		else
			mr_rules_problem(r, MR_RULES_ERROR, NULL, "replace_rules: \"%.*s\" is no name of a rule",
					 (int)(name.n < 60 ? name.n : 60), name.p);
	}
}

int mr_rules_define(struct mr_rules *r, struct mr_slice key, struct mr_slice value)
{
	enum { UNKNOWN = MR_RULES_KINDS, DESCRIBE, SCORE, TFLAGS, REPLACE, PASSED, UNTESTED };
	static const struct {
		const char *key;
		int what;
	} t[] = {
		{ "header", MR_RULES_HEADER },
		{ "body", MR_RULES_BODY },
		{ "rawbody", MR_RULES_RAWBODY },
		{ "uri", MR_RULES_URI },
		{ "full", MR_RULES_FULL },
		{ "mimeheader", MR_RULES_MIMEHEADER },
		{ "uri_detail", MR_RULES_URI_DETAIL },
		{ "meta", MR_RULES_META },
		{ "askdns", MR_RULES_OUTSIDE },
		{ "reuse", MR_RULES_OUTSIDE },
		{ "uridnsbl", MR_RULES_OUTSIDE },
		{ "uridnssub", MR_RULES_OUTSIDE },
		{ "urirhsbl", MR_RULES_OUTSIDE },
		{ "urirhssub", MR_RULES_OUTSIDE },
		{ "urinsrhsbl", MR_RULES_OUTSIDE },
		{ "urinsrhssub", MR_RULES_OUTSIDE },
		{ "urifullnsrhsbl", MR_RULES_OUTSIDE },
		{ "urifullnsrhssub", MR_RULES_OUTSIDE },
		{ "uri_block_cc", UNKNOWN },
		{ "uri_block_cidr", UNKNOWN },
		{ "uri_block_cont", UNKNOWN },
		{ "uri_block_isp", UNKNOWN },
		{ "describe", DESCRIBE },
		{ "score", SCORE },
		{ "tflags", TFLAGS },
		{ "replace_rules", REPLACE },
		{ "priority", PASSED }, /* all run, in whatever order: no rule ends the others here */
		{ "test", UNTESTED },   /* "test NAME ok LINE": for `mailreeve rules check` of a later day and SpamAssassin's makers */
	};
	struct mr_rules_rule *rule;
	size_t i = 0;

	while (i < MR_COUNT(t) && !mr_slice_eq(key, mr_slice_of(t[i].key)))
		i++;
	if (i == MR_COUNT(t))
		return 0;
	if (t[i].what == REPLACE) {
		replace_rules(r, value);
		return 1;
	}
	if (t[i].what == PASSED || t[i].what == UNTESTED)
		return 1;
	/* "reuse NAME" says no more. */
	if (mr_slice_eq(key, MR_LIT("reuse")) && mr_rules_name_ok(value)) {
		rule = mr_rules_named(r, value);
		if (rule)
			outside(r, rule);
		return 1;
	}
	rule = subject(r, key, &value);
	if (!rule)
		return 1;
	if (t[i].what == DESCRIBE)
		rule->description = value.p;
	else if (t[i].what == SCORE)
		score(r, rule, value);
	else if (t[i].what == TFLAGS)
		rule->tflags = value;
	else if (t[i].what == MR_RULES_OUTSIDE)
		outside(r, rule);
	else if (t[i].what == UNKNOWN)
		unknown(r, rule, t[i].key);
	else
		define(r, (enum mr_rules_kind)t[i].what, rule, value);
	return 1;
}
