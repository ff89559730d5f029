/* idle: what of the site's own files never runs here, and which metas and scores in them count on such rules: nothing that an administrator
 * says is passed over in silence. */

/* ours */
#include "private.h"

static bool is_hopeless(struct mr_rules_rule *rule);

/* Of a rule that never runs here why not, to follow its name; else NULL. */
static const char *why_never(struct mr_rules_rule *rule)
{
	if (rule->kind == MR_RULES_NONE)
		return "is defined nowhere";
	if (rule->state == MR_RULES_OFF)
		return rule->why;
	if (rule->state == MR_RULES_NO_SCORE && mr_rules_scores(rule, 4))
		return "has a score only with the network or a learning filter";
	return is_hopeless(rule) ? "rests on rules that never run here" : NULL;
}

static bool speaks_of_one(const struct mr_rules_node *n)
{
	return n && (n->op == MR_RULES_RULE || speaks_of_one(n->a) || speaks_of_one(n->b) || speaks_of_one(n->c));
}

/* May it be anything but 0? Yes where that is not clear. */
static bool may_hit(const struct mr_rules_node *n)
{
	switch (n->op) {
	case MR_RULES_RULE:
		return !why_never(n->rule);
	case MR_RULES_AND:
	case MR_RULES_MUL:
		return may_hit(n->a) && may_hit(n->b);
	case MR_RULES_OR:
	case MR_RULES_ADD:
	case MR_RULES_SUB:
		return may_hit(n->a) || may_hit(n->b);
	default:
		return speaks_of_one(n) || mr_rules_node_at_zero(n) < 0 || mr_rules_node_at_zero(n) > 0;
	}
}

/* A meta that cannot hit since what it needs never runs here. */
static bool is_hopeless(struct mr_rules_rule *rule)
{
	if (rule->kind != MR_RULES_META || !rule->meta || !rule->parts)
		return false;
	if (rule->hope == MR_RULES_HOPE_UNKNOWN) {
		rule->hope = MR_RULES_HOPE_ASKED; /* in a circle: not for this reason */
		rule->hope = may_hit(rule->meta) ? MR_RULES_HOPEFUL : MR_RULES_HOPELESS;
	}
	return rule->hope == MR_RULES_HOPELESS;
}

static void tell(struct mr_rules *r, enum mr_rules_fault fault, const struct mr_rules_rule *rule, const struct mr_rules_line *at,
		 const char *text)
{
	mr_rules_problem_add(
	    r, (struct mr_rules_problem){ .fault = fault, .file = at->file, .line = at->line, .rule = rule->name, .text = text });
}

/* Each part once, however often it stands there. */
static bool is_first(const struct mr_rules_rule *rule, const struct mr_rules_node *part)
{
	const struct mr_rules_node *n = rule->parts;

	while (n->rule != part->rule)
		n = n->next;
	return n == part;
}

static void tell_meta(struct mr_rules *r, struct mr_rules_rule *rule, const struct mr_rules_line *at)
{
	const char *never = is_hopeless(rule) ? "never hits" : "counts it as 0";

	for (const struct mr_rules_node *n = rule->parts; n; n = n->next) {
		const char *why = why_never(n->rule);

		if (why && n->rule != rule && is_first(rule, n))
			tell(r, MR_RULES_VAIN, rule, at, mr_arena_printf(r->arena, "%s: %s %s", never, n->rule->name, why));
	}
}

/* A score of a rule that does not run, or that others only look at. */
static void tell_score(struct mr_rules *r, struct mr_rules_rule *rule)
{
	const char *why = why_never(rule);

	if (!rule->scored || rule->scored_at.brought || !mr_rules_scores(rule, 4))
		return;
	if (mr_rules_told(rule))
		tell(r, MR_RULES_VAIN, rule, &rule->scored_at,
		     "the score counts nowhere: the filter tells the same by a symbol of its own, whose score is in symbol_scores");
	else if (why)
		tell(r, MR_RULES_VAIN, rule, &rule->scored_at, mr_arena_printf(r->arena, "the score counts nowhere: the rule %s", why));
}

static void tell_rule(struct mr_rules *r, struct mr_rules_rule *rule)
{
	struct mr_rules_line at = { rule->file, rule->line, rule->brought };
	bool own = rule->kind != MR_RULES_NONE && !rule->brought;
	bool runs = rule->state == MR_RULES_RUNS || rule->state == MR_RULES_UNNEEDED;
	const char *why = runs ? NULL : why_never(rule);

	if (own && why) {
		tell(r, MR_RULES_IDLE, rule, &at, why);
		return;
	}
	if (own && runs)
		tell_meta(r, rule, &at);
	tell_score(r, rule);
}

void mr_rules_tell_idle(struct mr_rules *r)
{
	for (size_t i = 0; i < r->n_rules; i++)
		if (r->ordered[i]->state != MR_RULES_CANNOT)
			tell_rule(r, r->ordered[i]);
}
