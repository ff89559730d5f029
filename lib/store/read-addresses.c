/* Mailboxes and aliases, many in one round trip: most questions want both rows of an address, and questions that come together share it. */
#include "store/read.h"

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "store/line.h"
#include "store/query.h"

/* A mailbox, its patterns, its limits, an alias: each a part of its own, since a join and a subquery cost the server more than what they
 * save, and columns that a part does not have are NULL. */
#define MAILBOXES(where) "SELECT " MR_MAILBOX_COLUMNS ", 'm' FROM v_mailbox WHERE " where
#define NULLS_4          "NULL, NULL, NULL, NULL, "
#define NULLS_6          NULLS_4 "NULL, NULL, "
#define NULLS_12         NULLS_6 NULLS_6
#define PATTERNS(where)  "SELECT owner, pattern, action = 'allow', " NULLS_12 "'p' FROM v_list WHERE scope = 'user' AND " where
#define LIMITS(where)    "SELECT owner, rule, NULL, " NULLS_12 "'l' FROM v_limit WHERE level = 'user' AND " where
#define ALIASES(where)   "SELECT address, destination, enabled, " NULLS_4 "expires, senders, " NULLS_6 "'a' FROM v_alias WHERE " where
/* What is known not to be there is not asked for: each part costs the server as much again. */
#define READ_ALL(in)                                                                                                                       \
	MR_CURRENT MAILBOXES("address IN (" in ")") " UNION ALL " PATTERNS("owner IN (" in ")") " UNION ALL " LIMITS(                      \
	    "owner IN (" in ")") " UNION ALL " ALIASES("address IN (" in ")")
#define READ_PLAIN(in) MR_CURRENT MAILBOXES("address IN (" in ")") " UNION ALL " ALIASES("address IN (" in ")")
#define READ_ALONE(in) MR_CURRENT MAILBOXES("address IN (" in ")")
/* A list of placeholders is part of a statement's text: some lengths are prepared, the rest of one is filled with its last key. */
#define IN_1    "?"
#define IN_2    IN_1 "," IN_1
#define IN_4    IN_2 "," IN_2
#define IN_8    IN_4 "," IN_4
#define IN_16   IN_8 "," IN_8
#define IN_32   IN_16 "," IN_16
#define IN_64   IN_32 "," IN_32
#define LENGTHS 7
#define EACH(read)                                                                                                                         \
	{                                                                                                                                  \
		read(IN_1), read(IN_2), read(IN_4), read(IN_8), read(IN_16), read(IN_32), read(IN_64)                                      \
	}

static const struct statement {
	size_t of_mailboxes, of_aliases; /* lists of keys in it */
	const char *sql[LENGTHS];        /* with 1, 2, 4 ... keys in each list */
} all_parts = { 3, 1, EACH(READ_ALL) }, plain = { 1, 1, EACH(READ_PLAIN) }, alone = { 1, 0, EACH(READ_ALONE) };
enum { COLUMN_ADDRESS, COLUMN_TEXT, COLUMN_FLAG, COLUMN_EXPIRES = 7, COLUMN_SENDERS, COLUMN_PART = 15 };

/* Where the rows of each part are: in one answer, or in one each. */
struct parts {
	const struct mr_rows *mailboxes, *patterns, *limits, *aliases;
};

/* The rows of one part by their keys. */
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

static bool take_mailboxes(const struct parts *p, const struct mr_read_keys *keys, struct mr_arena *arena, struct mr_row_mailbox *out)
{
	struct sorted s;

	if (!sort_part(p->mailboxes, 'm', keys, arena, &s))
		return false;
	for (size_t i = 0; next_row(&s, &i); i++)
		out[s.key_of[i]] = mr_mailbox_of(p->mailboxes, i);
	return sort_part(p->patterns, 'p', keys, arena, &s) && take_patterns(&s, arena, out) &&
	       sort_part(p->limits, 'l', keys, arena, &s) && take_limits(&s, arena, out);
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

static int take_parts(const struct parts *p, const struct mr_read_keys *mailboxes, const struct mr_read_keys *aliases,
		      struct mr_arena *arena, struct mr_row_mailbox *m, struct mr_row_alias *a, struct mr_diag *diag)
{
	if (take_mailboxes(p, mailboxes, arena, m) && take_aliases(p->aliases, aliases, arena, a))
		return 0;
	return mr_diag_set(diag, -EAGAIN, "database: the answer is too large");
}

/* So many lists of `n` parameters; nothing has the empty address. */
static struct mr_param *fill(struct mr_param *params, size_t lists, size_t n, const struct mr_read_keys *keys)
{
	for (; lists > 0; lists--)
		for (size_t i = 0; i < n; i++)
			*params++ = mr_text(keys->n == 0 ? "" : keys->v[i < keys->n ? i : keys->n - 1]);
	return params;
}

/* The statement for these keys, and its parameters. */
struct question {
	const char *sql;
	struct mr_param params[4 * MR_READ_MAX];
	size_t n;
};

static int put(const struct mr_read_keys *mailboxes, const struct mr_read_keys *aliases, struct question *q, struct mr_diag *diag)
{
	const struct statement *st = mailboxes->n > 0 && !mailboxes->plain ? &all_parts : aliases->n > 0 ? &plain : &alone;
	size_t wanted = mailboxes->n > aliases->n ? mailboxes->n : aliases->n, length = 0;
	struct mr_param *end;

	while (length + 1 < LENGTHS && (size_t)1 << length < wanted)
		length++;
	const size_t n = (size_t)1 << length;
	if (wanted > n)
		return mr_diag_set(diag, -EINVAL, "database: %zu addresses in one read", wanted);
	end = fill(q->params, st->of_mailboxes, n, mailboxes);
	end = fill(end, st->of_aliases, n, aliases);
	q->sql = st->sql[length];
	q->n = (size_t)(end - q->params);
	return 0;
}

static int take(const struct mr_rows *rows, const struct mr_read_keys *mailboxes, const struct mr_read_keys *aliases,
		struct mr_arena *arena, struct mr_row_mailbox *m, struct mr_row_alias *a, struct mr_diag *diag)
{
	return take_parts(&(struct parts){ rows, rows, rows, rows }, mailboxes, aliases, arena, m, a, diag);
}

int mr_read_addresses(struct mr_db *db, const struct mr_read_keys *mailboxes, const struct mr_read_keys *aliases, struct mr_arena *arena,
		      struct mr_row_mailbox *m, struct mr_row_alias *a, struct mr_diag *diag)
{
	struct question q;
	struct mr_rows rows;
	int r = put(mailboxes, aliases, &q, diag);

	if (r == 0)
		r = mr_query(db, q.sql, q.params, q.n, arena, &rows, diag);
	return r < 0 ? r : take(&rows, mailboxes, aliases, arena, m, a, diag);
}

static void answered(void *arg, int err, const struct mr_rows *rows)
{
	struct mr_addresses_ask *ask = arg;

	if (err == 0)
		err = take(rows, &ask->mailboxes, &ask->aliases, ask->arena, ask->m, ask->a, NULL);
	ask->done(ask, err);
}

bool mr_line_read_addresses(struct mr_line *line, struct mr_addresses_ask *ask)
{
	struct question *q = mr_arena_try(ask->arena, sizeof(*q));

	if (q == NULL || put(&ask->mailboxes, &ask->aliases, q, NULL) < 0)
		return false;
	return mr_line_ask(line, &(struct mr_line_ask){ q->sql, q->params, q->n, ask->arena, answered, ask });
}

/* --- what comes next in the order of the database: a statement for each part, of one range in one index, which is less work for the server
 * than a union. The order is the server's alone, as a site's views may have another collation than ours. */

#define OWN_ROWS_MAX  10000 /* patterns or limits in one range */
#define AFTER(name)   name " > ? ORDER BY " name " LIMIT ?"
#define BETWEEN(name) name " > ? AND " name " <= ? ORDER BY " name " LIMIT ?"

/* Behind `after`, up to `to`; NULL: to the end. */
struct range {
	const char *after, *to;
};
/* To the end, and up to an address. */
static const char *const mailbox_range[] = { MR_CURRENT MAILBOXES(AFTER("address")), MR_CURRENT MAILBOXES(BETWEEN("address")) };
static const char *const alias_range[] = { MR_CURRENT ALIASES(AFTER("address")), MR_CURRENT ALIASES(BETWEEN("address")) };
static const char *const pattern_range[] = { MR_CURRENT PATTERNS(AFTER("owner")), MR_CURRENT PATTERNS(BETWEEN("owner")) };
static const char *const limit_range[] = { MR_CURRENT LIMITS(AFTER("owner")), MR_CURRENT LIMITS(BETWEEN("owner")) };

static int read_range(struct mr_db *db, const char *const sql[], const struct range *r, unsigned limit, struct mr_arena *arena,
		      struct mr_rows *out, struct mr_diag *diag)
{
	const struct mr_param after = mr_text(r->after), max = mr_num(limit);

	if (r->to == NULL)
		return mr_query(db, sql[0], MR_PARAMS(after, max), arena, out, diag);
	return mr_query(db, sql[1], MR_PARAMS(after, mr_text(r->to), max), arena, out, diag);
}

/* Leaves out the last address, of which rows may be missing. The last one now, NULL for none. */
static const char *cut_last(struct mr_rows *aliases)
{
	const char *last = mr_cell(aliases, aliases->n - 1, COLUMN_ADDRESS);

	while (aliases->n > 0 && strcmp(mr_cell(aliases, aliases->n - 1, COLUMN_ADDRESS), last) == 0)
		aliases->n--;
	return aliases->n > 0 ? mr_cell(aliases, aliases->n - 1, COLUMN_ADDRESS) : NULL;
}

/* Mailboxes and aliases of a range that has no more than `limit` of each, as far as it goes. *r becomes that range. */
static int read_both(struct mr_db *db, struct range *r, unsigned limit, struct mr_arena *arena, struct mr_rows *mailboxes,
		     struct mr_rows *aliases, struct mr_diag *diag)
{
	int err = read_range(db, mailbox_range, r, limit, arena, mailboxes, diag);

	if (err == 0 && mailboxes->n == limit)
		r->to = mr_cell(mailboxes, limit - 1, COLUMN_ADDRESS);
	if (err == 0)
		err = read_range(db, alias_range, r, limit, arena, aliases, diag);
	if (err < 0 || aliases->n < limit)
		return err;
	r->to = cut_last(aliases);
	mailboxes->n = 0;
	return r->to == NULL ? 0 : read_range(db, mailbox_range, r, limit, arena, mailboxes, diag);
}

static int read_own(struct mr_db *db, const char *const sql[], const struct range *r, struct mr_arena *arena, struct mr_rows *out,
		    struct mr_diag *diag)
{
	int err = read_range(db, sql, r, OWN_ROWS_MAX, arena, out, diag);

	return err == 0 && out->n == OWN_ROWS_MAX ? mr_diag_set(diag, -EAGAIN, "database: the answer is too large") : err;
}

/* Every address once, whichever of the two it has. */
static bool take_keys(const struct mr_rows *mailboxes, const struct mr_rows *aliases, struct mr_arena *arena, struct mr_read_keys *out)
{
	const struct mr_rows *all[] = { mailboxes, aliases };
	char **v = mr_arena_try(arena, (mailboxes->n + aliases->n + 1) * sizeof(*v));
	size_t n = 0, distinct = 0;

	if (v == NULL)
		return false;
	for (size_t part = 0; part < MR_COUNT(all); part++)
		for (size_t i = 0; i < all[part]->n; i++)
			v[n++] = mr_cell(all[part], i, COLUMN_ADDRESS);
	qsort(v, n, sizeof(*v), by_text);
	for (size_t i = 0; i < n; i++)
		if (distinct == 0 || strcmp(v[distinct - 1], v[i]) != 0)
			v[distinct++] = v[i];
	*out = (struct mr_read_keys){ (const char *const *)v, distinct };
	return true;
}

/* Each statement begins after this one was called, and so shows all that was committed before: that is what makes the rows current. Bounds
 * on both sides, so that the answers have every row of what lies between, also of what is not there. */
int mr_read_near(struct mr_db *db, const char *after, unsigned limit, struct mr_arena *arena, struct mr_read_near *out,
		 struct mr_diag *diag)
{
	struct mr_rows mailboxes = { 0 }, aliases = { 0 }, patterns = { 0 }, limits = { 0 };
	const struct parts parts = { &mailboxes, &patterns, &limits, &aliases };
	struct range r = { .after = after };
	struct mr_read_near near = { 0 };
	int err = read_both(db, &r, limit, arena, &mailboxes, &aliases, diag);

	if (err == 0 && mailboxes.n > 0)
		err = read_own(db, pattern_range, &r, arena, &patterns, diag);
	if (err == 0 && mailboxes.n > 0)
		err = read_own(db, limit_range, &r, arena, &limits, diag);
	if (err < 0)
		return err;
	if (take_keys(&mailboxes, &aliases, arena, &near.keys)) {
		near.mailboxes = mr_arena_try(arena, (near.keys.n + 1) * sizeof(*near.mailboxes));
		near.aliases = mr_arena_try(arena, (near.keys.n + 1) * sizeof(*near.aliases));
	}
	if (near.mailboxes == NULL || near.aliases == NULL)
		return mr_diag_set(diag, -EAGAIN, "database: the answer is too large");
	near.end = r.to;
	err = take_parts(&parts, &near.keys, &near.keys, arena, near.mailboxes, near.aliases, diag);
	if (err == 0)
		*out = near;
	return err;
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
