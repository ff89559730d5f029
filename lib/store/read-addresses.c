/* Mailboxes and aliases, many in one round trip: most questions want both rows of an address, and questions that come together share it. */
#include "store/read.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/query.h"

/* A mailbox, its patterns, its limits, an alias: each a part of its own, since a join and a subquery cost the server more than what they
 * save, and columns that a part does not have are NULL. */
#define READ(address, owner)                                                                                                               \
	"SET STATEMENT wsrep_sync_wait=1 FOR "                                                                                             \
	"SELECT address, password, enabled, send_only, quota_bytes, junk_score, reject_score, locked, receive_only, expires, "             \
	"quarantine_score, 'm' "                                                                                                           \
	"FROM v_mailbox WHERE " address " UNION ALL "                                                                                      \
	"SELECT owner, pattern, action = 'allow', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'p' "                                    \
	"FROM v_list WHERE scope = 'user' AND " owner " UNION ALL "                                                                        \
	"SELECT owner, rule, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'l' "                                                   \
	"FROM v_limit WHERE level = 'user' AND " owner " UNION ALL "                                                                       \
	"SELECT address, destination, enabled, NULL, NULL, NULL, NULL, NULL, NULL, expires, senders, 'a' "                                 \
	"FROM v_alias WHERE " address
#define READ_IN(in) READ("address IN (" in ")", "owner IN (" in ")")
/* A list of placeholders is part of a statement's text: some lengths are prepared, the rest of one is filled with its last key. */
#define IN_1  "?"
#define IN_2  IN_1 "," IN_1
#define IN_4  IN_2 "," IN_2
#define IN_8  IN_4 "," IN_4
#define IN_16 IN_8 "," IN_8
#define IN_32 IN_16 "," IN_16
#define IN_64 IN_32 "," IN_32

static const struct {
	size_t n;
	const char *sql;
} statements[] = {
	{ 1, READ_IN(IN_1) },   { 2, READ_IN(IN_2) },   { 4, READ_IN(IN_4) },   { 8, READ_IN(IN_8) },
	{ 16, READ_IN(IN_16) }, { 32, READ_IN(IN_32) }, { 64, READ_IN(IN_64) },
};
enum { COLUMN_ADDRESS, COLUMN_TEXT, COLUMN_FLAG, COLUMN_EXPIRES = 9, COLUMN_SENDERS, COLUMN_PART };

/* The rows of one part of the answer by their keys. */
struct sorted {
	const struct mr_rows *rows;
	size_t n_keys;
	size_t *key_of; /* of each row: its key, n_keys for none */
	size_t *first;  /* of each key: the place of its first row, were they in order */
};

/* The key's place; looked for from `hint` on: rows of one key mostly come together, and keys in their order. */
static size_t key_of(const struct mr_read_keys *keys, const char *address, size_t hint)
{
	for (size_t i = 0; i < keys->n; i++) {
		size_t k = (hint + i) % keys->n;
		if (strcmp(keys->v[k], address) == 0)
			return k;
	}
	return keys->n;
}

static bool sort_part(const struct mr_rows *rows, char part, const struct mr_read_keys *keys, struct mr_arena *arena, struct sorted *s)
{
	size_t hint = 0;

	*s = (struct sorted){ .rows = rows, .n_keys = keys->n };
	s->key_of = mr_arena_try(arena, (rows->n + 1) * sizeof(*s->key_of));
	s->first = mr_arena_try(arena, (keys->n + 2) * sizeof(*s->first));
	if (s->key_of == NULL || s->first == NULL)
		return false;
	for (size_t i = 0; i < rows->n; i++) {
		bool ours = *mr_cell(rows, i, COLUMN_PART) == part;
		size_t k = ours ? key_of(keys, mr_cell(rows, i, COLUMN_ADDRESS), hint) : keys->n;
		s->key_of[i] = k;
		s->first[k + 1]++;
		if (k < keys->n)
			hint = k;
	}
	for (size_t k = 0; k < keys->n; k++)
		s->first[k + 1] += s->first[k];
	return true;
}

/* The next row from *i on that has a key. */
static bool next_row(const struct sorted *s, size_t *i)
{
	while (*i < s->rows->n && s->key_of[*i] == s->n_keys)
		++*i;
	return *i < s->rows->n;
}

static bool take_patterns(const struct sorted *s, struct mr_arena *arena, struct mr_row_mailbox *out)
{
	struct mr_row_pattern *patterns = mr_arena_try(arena, (s->first[s->n_keys] + 1) * sizeof(*patterns));

	if (patterns == NULL)
		return false;
	for (size_t i = 0; next_row(s, &i); i++) {
		struct mr_row_mailbox *m = &out[s->key_of[i]];
		m->patterns = patterns + s->first[s->key_of[i]];
		m->patterns[m->n_patterns++] =
		    (struct mr_row_pattern){ .pattern = mr_cell(s->rows, i, COLUMN_TEXT), .allow = mr_cell_true(s->rows, i, COLUMN_FLAG) };
	}
	for (size_t k = 0; k < s->n_keys; k++)
		mr_patterns_sort(out[k].patterns, out[k].n_patterns);
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The texts of one key, in order, a line each; NULL when they do not fit into the arena. */
static const char *join_lines(char **lines, size_t n, struct mr_arena *arena)
{
	size_t size = 1, at = 0;

	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++)
		size += strlen(lines[i]) + 1;
	char *text = mr_arena_try(arena, size);
	for (size_t i = 0; text != NULL && i < n; i++) {
		if (i > 0)
			text[at++] = '\n';
		memcpy(text + at, lines[i], strlen(lines[i]));
		at += strlen(lines[i]);
	}
	return text;
}

static bool take_limits(const struct sorted *s, struct mr_arena *arena, struct mr_row_mailbox *out)
{
	char **lines = mr_arena_try(arena, (s->first[s->n_keys] + 1) * sizeof(*lines));
	size_t *n = mr_arena_try(arena, (s->n_keys + 1) * sizeof(*n));

	if (lines == NULL || n == NULL)
		return false;
	for (size_t i = 0; next_row(s, &i); i++)
		lines[s->first[s->key_of[i]] + n[s->key_of[i]]++] = mr_cell(s->rows, i, COLUMN_TEXT);
	for (size_t k = 0; k < s->n_keys; k++) {
		out[k].limits = n[k] == 0 ? "" : join_lines(lines + s->first[k], n[k], arena);
		if (out[k].limits == NULL)
			return false;
	}
	return true;
}

static bool take_mailboxes(const struct mr_rows *rows, const struct mr_read_keys *keys, struct mr_arena *arena, struct mr_row_mailbox *out)
{
	struct sorted s;

	if (!sort_part(rows, 'm', keys, arena, &s))
		return false;
	for (size_t i = 0; next_row(&s, &i); i++)
		out[s.key_of[i]] = mr_mailbox_of(rows, i);
	return sort_part(rows, 'p', keys, arena, &s) && take_patterns(&s, arena, out) && sort_part(rows, 'l', keys, arena, &s) &&
	       take_limits(&s, arena, out);
}

static bool take_aliases(const struct mr_rows *rows, const struct mr_read_keys *keys, struct mr_arena *arena, struct mr_row_alias *out)
{
	char **destinations = mr_arena_try(arena, (rows->n + 1) * sizeof(*destinations));
	struct sorted s;

	if (destinations == NULL || !sort_part(rows, 'a', keys, arena, &s))
		return false;
	for (size_t i = 0; next_row(&s, &i); i++) {
		struct mr_row_alias *a = &out[s.key_of[i]];
		if (a->address == NULL) {
			a->address = mr_cell(rows, i, COLUMN_ADDRESS);
			a->destinations = destinations + s.first[s.key_of[i]];
			a->enabled = mr_cell_true(rows, i, COLUMN_FLAG);
			a->expires = mr_cell_i64(rows, i, COLUMN_EXPIRES);
			a->senders = mr_cell_text(rows, i, COLUMN_SENDERS);
		}
		if (*mr_cell(rows, i, COLUMN_TEXT) != '\0') /* else its mail is refused */
			a->destinations[a->n_destinations++] = mr_cell(rows, i, COLUMN_TEXT);
	}
	for (size_t k = 0; k < keys->n; k++)
		if (out[k].n_destinations > 1)
			qsort(out[k].destinations, out[k].n_destinations, sizeof(*out[k].destinations), by_text);
	return true;
}

static int take_rows(const struct mr_rows *rows, const struct mr_read_keys *mailboxes, const struct mr_read_keys *aliases,
		     struct mr_arena *arena, struct mr_row_mailbox *m, struct mr_row_alias *a, struct mr_diag *diag)
{
	if (take_mailboxes(rows, mailboxes, arena, m) && take_aliases(rows, aliases, arena, a))
		return 0;
	return mr_diag_set(diag, -EAGAIN, "database: the answer is too large");
}

/* Fills `n` parameters; nothing has the empty address. */
static void fill(struct mr_param *params, size_t n, const struct mr_read_keys *keys)
{
	for (size_t i = 0; i < n; i++)
		params[i] = mr_text(keys->n == 0 ? "" : keys->v[i < keys->n ? i : keys->n - 1]);
}

int mr_read_addresses(struct mr_db *db, const struct mr_read_keys *mailboxes, const struct mr_read_keys *aliases, struct mr_arena *arena,
		      struct mr_row_mailbox *m, struct mr_row_alias *a, struct mr_diag *diag)
{
	struct mr_param params[4 * MR_READ_MAX];
	struct mr_rows rows;
	size_t wanted = mailboxes->n > aliases->n ? mailboxes->n : aliases->n, size = 0;

	while (size + 1 < MR_COUNT(statements) && statements[size].n < wanted)
		size++;
	const size_t n = statements[size].n;
	if (wanted > n)
		return mr_diag_set(diag, -EINVAL, "database: %zu addresses in one read", wanted);
	for (size_t part = 0; part < 3; part++)
		fill(params + part * n, n, mailboxes);
	fill(params + 3 * n, n, aliases);
	int r = mr_query(db, statements[size].sql, params, 4 * n, arena, &rows, diag);
	return r < 0 ? r : take_rows(&rows, mailboxes, aliases, arena, m, a, diag);
}

#define NEXT                                                                                                                               \
	"SELECT address FROM ((SELECT address FROM v_mailbox WHERE address > ? ORDER BY address LIMIT ?) UNION "                           \
	"(SELECT DISTINCT address FROM v_alias WHERE address > ? ORDER BY address LIMIT ?)) AS near ORDER BY address LIMIT ?"
#define BETWEEN READ("address > ? AND address <= ?", "owner > ? AND owner <= ?")

/* First which addresses there are, then all their rows in one statement, which is what makes the rows current: an address that ceased to be
 * in between has none. Bounds on both sides, so that the answer has every row of what lies between, also of what is not there. */
int mr_read_near(struct mr_db *db, const char *after, unsigned limit, struct mr_arena *arena, struct mr_read_near *out,
		 struct mr_diag *diag)
{
	const struct mr_param from = mr_text(after), count = mr_num(limit);
	struct mr_param bounds[8];
	struct mr_rows addresses, rows;
	struct mr_read_near near = { 0 };
	int r = mr_query(db, NEXT, MR_PARAMS(from, count, from, count, count), arena, &addresses, diag);

	if (r < 0)
		return r;
	near.keys = (struct mr_read_keys){ (const char *const *)addresses.cells, addresses.n };
	near.mailboxes = mr_arena_try(arena, (addresses.n + 1) * sizeof(*near.mailboxes));
	near.aliases = mr_arena_try(arena, (addresses.n + 1) * sizeof(*near.aliases));
	if (near.mailboxes == NULL || near.aliases == NULL)
		return mr_diag_set(diag, -EAGAIN, "database: the answer is too large");
	if (addresses.n > 0) {
		for (size_t i = 0; i < MR_COUNT(bounds); i++)
			bounds[i] = i % 2 == 0 ? from : mr_text(mr_cell(&addresses, addresses.n - 1, 0));
		r = mr_query(db, BETWEEN, bounds, MR_COUNT(bounds), arena, &rows, diag);
	}
	if (r == 0 && addresses.n > 0)
		r = take_rows(&rows, &near.keys, &near.keys, arena, near.mailboxes, near.aliases, diag);
	if (r == 0)
		*out = near;
	return r;
}

static const struct mr_read_keys no_keys;

int mr_read_mailbox(struct mr_db *db, const char *address, struct mr_arena *arena, struct mr_row_mailbox *out, struct mr_diag *diag)
{
	struct mr_row_mailbox m = { 0 };
	int r = mr_read_addresses(db, &(struct mr_read_keys){ &address, 1 }, &no_keys, arena, &m, NULL, diag);

	if (r == 0 && m.address == NULL)
		r = -ENOENT;
	if (r == 0)
		*out = m;
	return r;
}
