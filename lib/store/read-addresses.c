/* Mailboxes and aliases, many in one round trip: most questions want both rows of an address, and questions that come together share it. */
#include "store/read.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/query.h"

/* A list of placeholders is part of a statement's text: some lengths are prepared, the rest of one is filled with its last key. */
#define IN_1  "?"
#define IN_2  IN_1 "," IN_1
#define IN_4  IN_2 "," IN_2
#define IN_8  IN_4 "," IN_4
#define IN_16 IN_8 "," IN_8
#define IN_32 IN_16 "," IN_16
#define IN_64 IN_32 "," IN_32
#define READ(in)                                                                                                                           \
	"SET STATEMENT wsrep_sync_wait=1 FOR "                                                                                             \
	"SELECT m.address, m.password, m.enabled, m.send_only, m.quota_bytes, m.junk_score, m.reject_score, m.locked, m.receive_only, "    \
	"m.expires, l.pattern, l.action = 'allow', " MR_LIMITS(                                                                            \
	    "user", "m.address") ", NULL FROM v_mailbox m LEFT JOIN v_list l ON l.scope = 'user' AND l.owner = m.address "                 \
				 "WHERE m.address IN (" in ") "                                                                            \
				 "UNION ALL SELECT address, NULL, enabled, NULL, NULL, NULL, NULL, NULL, NULL, expires, NULL, NULL, "      \
				 "NULL, destination FROM "                                                                                 \
				 "v_alias WHERE address IN (" in ")"

static const struct {
	size_t n;
	const char *sql;
} statements[] = {
	{ 1, READ(IN_1) },   { 2, READ(IN_2) },   { 4, READ(IN_4) },   { 8, READ(IN_8) },
	{ 16, READ(IN_16) }, { 32, READ(IN_32) }, { 64, READ(IN_64) },
};
enum { COLUMN_ADDRESS, COLUMN_ENABLED = 2, COLUMN_EXPIRES = 9, COLUMN_PATTERN, COLUMN_ALLOW, COLUMN_LIMITS, COLUMN_DESTINATION };

/* The rows of the answer by their keys: a mailbox comes once for each of its patterns, an alias once for each destination. */
struct sorted {
	size_t *key_of; /* of each row: its key, keys->n for none */
	size_t *first;  /* of each key: the place of its first row, were they in order */
};

static bool sort_rows(const struct mr_rows *rows, bool aliases, const struct mr_read_keys *keys, struct mr_arena *arena, struct sorted *s)
{
	size_t k = 0;

	s->key_of = mr_arena_try(arena, (rows->n + 1) * sizeof(*s->key_of));
	s->first = mr_arena_try(arena, (keys->n + 2) * sizeof(*s->first));
	if (s->key_of == NULL || s->first == NULL)
		return false;
	for (size_t i = 0; i < rows->n; i++) {
		const char *address = mr_cell(rows, i, COLUMN_ADDRESS);
		bool ours = aliases == (mr_cell(rows, i, COLUMN_DESTINATION) != NULL);
		if (!ours || k == keys->n || strcmp(keys->v[k], address) != 0) /* rows of one key mostly come together */
			for (k = ours ? 0 : keys->n; k < keys->n && strcmp(keys->v[k], address) != 0;)
				k++;
		s->key_of[i] = k;
		s->first[k + 1]++;
	}
	for (k = 0; k < keys->n; k++)
		s->first[k + 1] += s->first[k];
	return true;
}

static bool take_mailboxes(const struct mr_rows *rows, const struct mr_read_keys *keys, struct mr_arena *arena, struct mr_row_mailbox *out)
{
	struct mr_row_pattern *patterns = mr_arena_try(arena, (rows->n + 1) * sizeof(*patterns));
	struct sorted s;

	if (patterns == NULL || !sort_rows(rows, false, keys, arena, &s))
		return false;
	for (size_t i = 0; i < rows->n; i++) {
		if (s.key_of[i] == keys->n)
			continue;
		struct mr_row_mailbox *m = &out[s.key_of[i]];
		if (m->address == NULL) {
			*m = mr_mailbox_of(rows, i);
			m->limits = mr_cell_text(rows, i, COLUMN_LIMITS);
			m->patterns = patterns + s.first[s.key_of[i]];
		}
		if (mr_cell(rows, i, COLUMN_PATTERN) != NULL)
			m->patterns[m->n_patterns++] = (struct mr_row_pattern){ .pattern = mr_cell(rows, i, COLUMN_PATTERN),
										.allow = mr_cell_true(rows, i, COLUMN_ALLOW) };
	}
	for (size_t k = 0; k < keys->n; k++)
		mr_patterns_sort(out[k].patterns, out[k].n_patterns);
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool take_aliases(const struct mr_rows *rows, const struct mr_read_keys *keys, struct mr_arena *arena, struct mr_row_alias *out)
{
	char **destinations = mr_arena_try(arena, (rows->n + 1) * sizeof(*destinations));
	struct sorted s;

	if (destinations == NULL || !sort_rows(rows, true, keys, arena, &s))
		return false;
	for (size_t i = 0; i < rows->n; i++) {
		if (s.key_of[i] == keys->n)
			continue;
		struct mr_row_alias *a = &out[s.key_of[i]];
		if (a->address == NULL) {
			a->address = mr_cell(rows, i, COLUMN_ADDRESS);
			a->destinations = destinations + s.first[s.key_of[i]];
			a->enabled = mr_cell_true(rows, i, COLUMN_ENABLED);
			a->expires = mr_cell_i64(rows, i, COLUMN_EXPIRES);
		}
		if (*mr_cell(rows, i, COLUMN_DESTINATION) != '\0') /* else its mail is refused */
			a->destinations[a->n_destinations++] = mr_cell(rows, i, COLUMN_DESTINATION);
	}
	for (size_t k = 0; k < keys->n; k++)
		if (out[k].n_destinations > 1)
			qsort(out[k].destinations, out[k].n_destinations, sizeof(*out[k].destinations), by_text);
	return true;
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
	struct mr_param params[2 * MR_READ_MAX];
	struct mr_rows rows;
	size_t wanted = mailboxes->n > aliases->n ? mailboxes->n : aliases->n, size = 0;

	while (size + 1 < MR_COUNT(statements) && statements[size].n < wanted)
		size++;
	const size_t n = statements[size].n;
	if (wanted > n)
		return mr_diag_set(diag, -EINVAL, "database: %zu addresses in one read", wanted);
	fill(params, n, mailboxes);
	fill(params + n, n, aliases);
	int r = mr_query(db, statements[size].sql, params, 2 * n, arena, &rows, diag);
	if (r < 0)
		return r;
	if (!take_mailboxes(&rows, mailboxes, arena, m) || !take_aliases(&rows, aliases, arena, a))
		return mr_diag_set(diag, -EAGAIN, "database: the answer is too large");
	return 0;
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
