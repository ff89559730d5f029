/* What the verbs list. */
#include "store/list.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/query.h"

int mr_list_domains(struct mr_db *db, struct mr_arena *arena, struct mr_domain_entry **out, size_t *n, struct mr_diag *diag)
{
	struct mr_domain_entry *v;
	struct mr_rows rows;
	int r = mr_query(
	    db,
	    "SELECT name, enabled, dkim, (SELECT COUNT(*) FROM v_mailbox m WHERE m.domain = d.name), "
	    "(SELECT COUNT(DISTINCT address) FROM v_alias a WHERE a.domain = d.name), alias_of, relay_to FROM v_domain d ORDER BY name",
	    MR_NO_PARAMS, arena, &rows, diag);

	if (r < 0)
		return r;
	v = mr_arena_alloc(arena, (rows.n + 1) * sizeof *v);
	for (size_t i = 0; i < rows.n; i++)
		v[i] = (struct mr_domain_entry){
			.name = mr_cell(&rows, i, 0),
			.enabled = mr_cell_true(&rows, i, 1),
			.dkim = mr_cell_true(&rows, i, 2),
			.users = mr_cell_u64(&rows, i, 3),
			.aliases = mr_cell_u64(&rows, i, 4),
			.alias_of = mr_cell_text(&rows, i, 5),
			.relay_to = mr_cell_text(&rows, i, 6),
		};
	*out = v;
	*n = rows.n;
	return 0;
}

int mr_list_users(struct mr_db *db, const char *domain, struct mr_arena *arena, struct mr_row_mailbox **out, size_t *n,
		  struct mr_diag *diag)
{
	struct mr_row_mailbox *v;
	struct mr_rows rows;
	int r = mr_query(db, "SELECT " MR_MAILBOX_COLUMNS " FROM v_mailbox WHERE ? IS NULL OR domain = ? ORDER BY domain, address",
			 MR_PARAMS(mr_text(domain), mr_text(domain)), arena, &rows, diag);

	if (r < 0)
		return r;
	v = mr_arena_alloc(arena, (rows.n + 1) * sizeof *v);
	for (size_t i = 0; i < rows.n; i++)
		v[i] = mr_mailbox_of(&rows, i);
	*out = v;
	*n = rows.n;
	return 0;
}

int mr_list_lock(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_lock_entry *out, struct mr_diag *diag)
{
	struct mr_rows rows;
	int r =
	    mr_query(db, "SELECT locked_at, locked_reason FROM mailbox WHERE address = ?", MR_PARAMS(mr_text(address)), arena, &rows, diag);

	if (r == 0 && rows.n == 0)
		r = mr_diag_set(diag, -ENOENT, "there is no user %s", address);
	if (r == 0)
		*out = (struct mr_lock_entry){ mr_cell(&rows, 0, 0), mr_cell(&rows, 0, 1) };
	return r;
}

static void aliases_of(const struct mr_rows *rows, struct mr_arena *arena, struct mr_alias_entry **out, size_t *n)
{
	struct mr_alias_entry *v = mr_arena_alloc(arena, (rows->n + 1) * sizeof *v), *a = NULL;
	char **destinations = mr_arena_alloc(arena, (rows->n + 1) * sizeof *destinations);
	size_t count = 0;

	for (size_t i = 0; i < rows->n; i++) {
		struct mr_slice address = mr_slice_of(mr_cell(rows, i, 0));

		if (!a || !mr_slice_eq(mr_slice_of(a->alias.address), address)) {
			a = &v[count++];
			a->alias = (struct mr_row_alias){ .address = mr_cell(rows, i, 0), .destinations = &destinations[i] };
			a->alias.enabled = mr_cell_true(rows, i, 2);
			a->alias.expires = mr_cell_i64(rows, i, 3);
			a->note = mr_cell_text(rows, i, 4);
			a->alias.senders = mr_cell_text(rows, i, 5);
		}
		destinations[i] = mr_cell(rows, i, 1);
		a->alias.n_destinations += *destinations[i] != '\0';
	}
	*out = v;
	*n = count;
}

#define ALIAS_COLUMNS "SELECT address, destination, enabled, expires, note, senders FROM v_alias "

int mr_list_aliases(struct mr_db *db, const char *domain, struct mr_arena *arena, struct mr_alias_entry **out, size_t *n,
		    struct mr_diag *diag)
{
	struct mr_rows rows;
	int r = mr_query(db, ALIAS_COLUMNS "WHERE ? IS NULL OR domain = ? ORDER BY domain, address, destination",
			 MR_PARAMS(mr_text(domain), mr_text(domain)), arena, &rows, diag);

	if (r == 0)
		aliases_of(&rows, arena, out, n);
	return r;
}

int mr_list_alias(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_alias_entry *out, struct mr_diag *diag)
{
	struct mr_alias_entry *v = NULL;
	struct mr_rows rows;
	size_t n = 0;
	int r = mr_query(db, ALIAS_COLUMNS "WHERE address = ? ORDER BY destination", MR_PARAMS(mr_text(address)), arena, &rows, diag);

	if (r < 0)
		return r;
	aliases_of(&rows, arena, &v, &n);
	if (n == 0)
		return mr_diag_set(diag, -ENOENT, "there is no alias %s", address);
	*out = v[0];
	return 0;
}

int mr_list_rules(struct mr_db *db, const char *map, struct mr_arena *arena, struct mr_rule_entry **out, size_t *n, struct mr_diag *diag)
{
	struct mr_rule_entry *v;
	struct mr_rows rows;
	int r = mr_query(db, "SELECT map, pattern, value FROM v_rule WHERE ? IS NULL OR map = ? ORDER BY map, pattern",
			 MR_PARAMS(mr_text(map), mr_text(map)), arena, &rows, diag);

	if (r < 0)
		return r;
	v = mr_arena_alloc(arena, (rows.n + 1) * sizeof *v);
	for (size_t i = 0; i < rows.n; i++)
		v[i] = (struct mr_rule_entry){ mr_cell(&rows, i, 0), mr_cell(&rows, i, 1), mr_cell(&rows, i, 2) };
	*out = v;
	*n = rows.n;
	return 0;
}

int mr_list_limits(struct mr_db *db, struct mr_arena *arena, struct mr_limit_entry **out, size_t *n, struct mr_diag *diag)
{
	struct mr_limit_entry *v;
	struct mr_rows rows;
	int r = mr_query(db, "SELECT IF(owner = '', 'default', owner), rule FROM v_limit ORDER BY level, owner, rule", MR_NO_PARAMS, arena,
			 &rows, diag);

	if (r < 0)
		return r;
	v = mr_arena_alloc(arena, (rows.n + 1) * sizeof *v);
	for (size_t i = 0; i < rows.n; i++)
		v[i] = (struct mr_limit_entry){ .owner = mr_cell(&rows, i, 0), .rule = mr_cell(&rows, i, 1) };
	*out = v;
	*n = rows.n;
	return 0;
}

int mr_list_dkim(struct mr_db *db, const char *domain, struct mr_arena *arena, struct mr_dkim_entry **out, size_t *n, struct mr_diag *diag)
{
	struct mr_dkim_entry *v;
	struct mr_rows rows;
	int r = mr_query(db,
			 "SELECT selector, algorithm, public_key, state, GREATEST(0, TIMESTAMPDIFF(SECOND, since, UTC_TIMESTAMP())), "
			 "DATE_FORMAT(checked, '%Y-%m-%dT%TZ'), problem FROM dkim_key WHERE domain = ? ORDER BY state, since, selector",
			 MR_PARAMS(mr_text(domain)), arena, &rows, diag);

	if (r < 0)
		return r;
	v = mr_arena_alloc(arena, (rows.n + 1) * sizeof *v);
	for (size_t i = 0; i < rows.n; i++)
		v[i] = (struct mr_dkim_entry){
			.selector = mr_cell(&rows, i, 0),
			.algorithm = mr_cell(&rows, i, 1),
			.public_key = mr_cell(&rows, i, 2),
			.age = (int64_t)mr_cell_u64(&rows, i, 4),
			.checked = mr_cell(&rows, i, 5),
			.problem = mr_cell(&rows, i, 6),
		};
	for (size_t i = 0; i < rows.n; i++) {
		if (!mr_key_state_parse(mr_slice_of(mr_cell(&rows, i, 3)), &v[i].state))
			return mr_diag_set(diag, -EPROTO, "key %s of %s is in a state that this program does not know", v[i].selector,
					   domain);
	}
	*out = v;
	*n = rows.n;
	return 0;
}
