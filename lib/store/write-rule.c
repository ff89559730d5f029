/* Changes to the rules of Postfix's maps. */
#include "store/write.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/change.h"

struct rule_change {
	const char *map;
	struct mr_rule rule; /* value NULL: delete */
};

static int refuse_too_many(struct mr_db *db, const char *map, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r =
	    mr_query(db, "SELECT COUNT(*) > ? FROM rule WHERE map = ?", MR_PARAMS(mr_num(MR_RULES_MAX), mr_text(map)), arena, &rows, diag);

	if (r == 0 && mr_cell_true(&rows, 0, 0))
		r = mr_diag_set(diag, -EINVAL, "at most %d rules of the map %s", MR_RULES_MAX, map);
	return r;
}

static int set_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct rule_change *c = arg;
	int r = mr_exec(db, "REPLACE INTO rule (map, pattern, value) VALUES (?, ?, ?)",
			MR_PARAMS(mr_text(c->map), mr_text(c->rule.pattern), mr_text(c->rule.value)), NULL, diag);

	if (r == 0)
		r = refuse_too_many(db, c->map, diag);
	return r < 0 ? r : mr_change_note(db, "rules", c->map, "set", diag);
}

static int del_body(struct mr_db *db, void *arg, struct mr_diag *diag)
{
	const struct rule_change *c = arg;
	uint64_t gone = 0;
	int r = mr_exec(db, "DELETE FROM rule WHERE map = ? AND pattern = ?", MR_PARAMS(mr_text(c->map), mr_text(c->rule.pattern)), &gone,
			diag);

	if (r == 0 && gone == 0)
		r = mr_diag_set(diag, -ENOENT, "the map %s has no rule for %s", c->map, c->rule.pattern);
	return r < 0 ? r : mr_change_note(db, "rules", c->map, "del", diag);
}

int mr_write_rule_set(struct mr_db *db, enum mr_rule_map map, const char *pattern, const char *value, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct rule_change c = { .map = mr_rule_map_str(map) };
	int r = mr_rule_check(map, pattern, value, arena, &c.rule, diag);

	return r < 0 ? r : mr_transaction(db, set_body, &c, diag);
}

int mr_write_rule_del(struct mr_db *db, enum mr_rule_map map, const char *pattern, struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct rule_change c = { .map = mr_rule_map_str(map) };
	int r = mr_rule_pattern_check(map, pattern, arena, &c.rule, diag);

	return r < 0 ? r : mr_transaction(db, del_body, &c, diag);
}
