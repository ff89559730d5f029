#include "rows.h"

/* system */
#include <errno.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>
#include <utlist.h>

/* ours */
#include "ahead.h"
#include "base/mem.h"
#include "owners.h"
#include "rt/clock.h"
#include "rt/generation.h"
#include "row-table.h"
#include "rt/log.h"
#include "stats.h"

#define USED_MS  1000 /* a row's place in the order of use is this coarse: a question need not touch the row's neighbours */
#define RETRY_MS 1000 /* a row whose re-reading failed is given out as stale at once for so long */

#define AHEAD_REST_MS 60000 /* after a read ahead that failed or was slow: the database has other things to do */
#define AHEAD_SLOW_MS 250

struct entry {
	struct mr_row *row;
	uint64_t hash;                 /* of the key */
	uint64_t read_ms;              /* when its read began */
	uint64_t used_ms;              /* when it was put at the end of the list by use */
	uint64_t failed_ms;            /* when re-reading it failed last, 0 = it has not */
	struct entry *next, *prev;     /* by use, longest ago first */
	struct entry *younger, *older; /* by when they came, for the walk */
	size_t key_len;
	bool loaded;    /* from a snapshot */
	uint16_t ahead; /* the run that brought it, until somebody asks for it; 0 = none */
	char key[];     /* kind and text */
};

/* A read under way. */
struct mr_row_read {
	struct mr_rows *rows;
	struct mr_row_wait *waits;
	uint64_t began_ms;
	uint64_t as_of_ms; /* of what was known before about a row that is there */
	bool overtaken;    /* dropped meanwhile; no longer in rows->reads */
	UT_hash_handle hh;
	size_t key_len;
	char key[];
};

struct mr_rows {
	struct mr_rows_config conf;
	struct mr_source *source;
	struct mr_row_table table;
	struct entry *by_use, *by_age;
	struct mr_row_read *reads;
	uint64_t verified_ms;    /* the change log was read up to then; 0 = never */
	bool serving_stale;      /* was logged; until nothing stale has been given for a while */
	uint64_t stale_given_ms; /* last */
	uint64_t drops;          /* so far */
	struct mr_rows_watch watch;
	struct entry *walk; /* the next one of the walk */
	struct mr_ahead ahead;
	uint64_t ahead_rests_until_ms;
	struct mr_owners *owners;
};

static bool is_entry_of(const void *item, const void *key)
{
	const struct entry *e = item;
	const struct mr_row_key *k = key;

	return e->key_len == k->n && memcmp(e->key, k->bytes, k->n) == 0;
}

static struct entry *find(struct mr_rows *rows, const struct mr_row_key *k)
{
	return mr_row_table_find(&rows->table, mr_hash(k->bytes, k->n), is_entry_of, k);
}

static void entry_free(struct mr_rows *rows, struct entry *e)
{
	if (e == rows->walk)
		rows->walk = e->younger;
	mr_row_table_del(&rows->table, e->hash, e);
	DL_DELETE(rows->by_use, e);
	DL_DELETE2(rows->by_age, e, older, younger);
	mr_row_unref(e->row);
	free(e);
	mr_stat_rows--;
}

static void forget_all(struct mr_rows *rows);

struct mr_rows *mr_rows_new(const struct mr_rows_config *c, struct mr_source *source)
{
	struct mr_rows *rows = mr_new(struct mr_rows, 1);

	rows->conf = *c;
	rows->source = source;
	rows->owners = mr_owners_new(source);
	mr_ahead_init(&rows->ahead);
	return rows;
}

void mr_rows_free(struct mr_rows *rows)
{
	if (rows == NULL)
		return;
	forget_all(rows);
	mr_row_table_done(&rows->table);
	mr_owners_free(rows->owners);
	free(rows);
}

static void evict(struct mr_rows *rows)
{
	while (rows->table.n > rows->conf.max) {
		entry_free(rows, rows->by_use);
		mr_stat_evicted++;
	}
}

void mr_rows_configure(struct mr_rows *rows, const struct mr_rows_config *c)
{
	rows->conf = *c;
	evict(rows);
}

static uint64_t age_max(const struct mr_rows *rows, const struct entry *e)
{
	if (mr_row_key_kind(e->key) == MR_ROW_VIEW)
		return e->row->exists ? rows->conf.view_age_ms : rows->conf.view_negative_age_ms;
	return e->row->exists ? rows->conf.age_ms : rows->conf.negative_age_ms;
}

static bool fresh_since(const struct mr_rows *rows, uint64_t read_ms, uint64_t max, uint64_t now)
{
	bool verified = rows->verified_ms != 0 && now - rows->verified_ms <= rows->conf.late_ms;

	/* Without the change log a row says nothing that is newer than itself. */
	if (!verified && max > rows->conf.late_ms)
		max = rows->conf.late_ms;
	return now - read_ms <= max;
}

static bool fresh(const struct mr_rows *rows, const struct entry *e, uint64_t now)
{
	if (e->loaded && rows->verified_ms == 0)
		return false;
	return fresh_since(rows, e->read_ms, age_max(rows, e), now);
}

static struct entry *entry_add(struct mr_rows *rows, const struct mr_row_key *k)
{
	struct entry *e = mr_alloc(sizeof(*e) + k->n + 1);

	memcpy(e->key, k->bytes, k->n);
	e->key_len = k->n;
	e->hash = mr_hash(k->bytes, k->n);
	mr_row_table_add(&rows->table, e->hash, e);
	DL_APPEND(rows->by_use, e);
	DL_APPEND2(rows->by_age, e, older, younger);
	e->used_ms = mr_now_ms();
	mr_stat_rows++;
	return e;
}

/* *is_new: it was not in memory, or only past its age. */
static struct entry *keep(struct mr_rows *rows, const struct mr_row_key *k, struct mr_row *row, uint64_t began_ms, bool *is_new)
{
	struct entry *e = find(rows, k);

	*is_new = e == NULL || !fresh(rows, e, mr_now_ms());
	if (e == NULL)
		e = entry_add(rows, k);
	mr_row_unref(e->row);
	e->row = mr_row_ref(row);
	e->read_ms = began_ms;
	e->failed_ms = 0;
	e->loaded = false;
	evict(rows);
	return e;
}

static bool may_be_stale(const struct mr_rows *rows, const struct entry *e, bool any, uint64_t now)
{
	bool retried = e->failed_ms != 0 && now - e->failed_ms <= RETRY_MS;

	return (any || retried) && now - e->read_ms <= rows->conf.stale_ms;
}

static void note_stale(struct mr_rows *rows, const struct entry *e)
{
	mr_stat_stale++;
	rows->stale_given_ms = mr_now_ms();
	if (rows->serving_stale)
		return;
	rows->serving_stale = true;
	mr_log(MR_LOG_WARNING, "serving-stale", mr_s("kind", mr_row_kind_str(mr_row_key_kind(e->key))),
	       mr_sl("key", mr_row_key_text(e->key, e->key_len)), mr_u("max_age_ms", rows->conf.stale_ms));
}

static void use(struct mr_rows *rows, struct entry *e, uint64_t now)
{
	DL_DELETE(rows->by_use, e);
	DL_APPEND(rows->by_use, e);
	e->used_ms = now;
}

/* The address is known to have none of these, and that is not too old. */
static bool lacks(const struct mr_rows *rows, enum mr_owned what, struct mr_slice address, uint64_t now, uint64_t *as_of_ms)
{
	return mr_owners_lacks(rows->owners, what, address, as_of_ms) && fresh_since(rows, *as_of_ms, rows->conf.negative_age_ms, now);
}

/* Addresses that may be read ahead in one step. They may be so many mailboxes and as many aliases, of two rows each; nothing that was asked
 * for is pushed out by them. */
static unsigned ahead_max(const struct mr_rows *rows)
{
	bool room = rows->table.n + 4 * (size_t)rows->conf.ahead <= rows->conf.max;

	return room && mr_now_ms() >= rows->ahead_rests_until_ms ? rows->conf.ahead : 0;
}

static void read_on(struct mr_rows *rows, struct mr_ahead_run *run);

static void use_ahead(struct mr_rows *rows, struct entry *e)
{
	mr_stat_ahead_used++;
	read_on(rows, mr_ahead_used(&rows->ahead, e->ahead, ahead_max(rows)));
	e->ahead = 0;
}

enum mr_row_state mr_rows_get(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key, bool any, bool *stale, struct mr_row **row)
{
	struct mr_row_key k;
	uint64_t now = mr_now_ms(), as_of;

	if (!mr_row_key_set(&k, kind, key))
		return MR_ROW_NONE;
	struct entry *e = find(rows, &k);
	bool is_fresh = e != NULL && fresh(rows, e, now);

	if (!is_fresh && kind == MR_ROW_ALIAS && lacks(rows, MR_OWNED_ALIAS, key, now, &as_of)) {
		e = keep(rows, &k, mr_row_absent(kind), as_of, &is_fresh);
		is_fresh = true;
		mr_stat_lacking++;
	}
	if (e == NULL || !(is_fresh || may_be_stale(rows, e, any, now))) {
		mr_stat_misses++;
		return MR_ROW_UNKNOWN;
	}
	if (is_fresh)
		mr_stat_hits++;
	else
		note_stale(rows, e);
	if (stale)
		*stale = !is_fresh;
	if (now - e->used_ms >= USED_MS)
		use(rows, e, now);
	if (e->ahead != 0)
		use_ahead(rows, e);
	*row = e->row;
	return e->row->exists ? MR_ROW_FOUND : MR_ROW_NONE;
}

bool mr_rows_has(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key)
{
	struct mr_row_key k;
	struct entry *e = mr_row_key_set(&k, kind, key) ? find(rows, &k) : NULL;

	return e != NULL && may_be_stale(rows, e, true, mr_now_ms());
}

static struct mr_row_key key_of_read(const struct mr_row_read *read)
{
	struct mr_row_key k = { .n = read->key_len };

	memcpy(k.bytes, read->key, read->key_len);
	return k;
}

static void note_failure(struct mr_rows *rows, const struct mr_row_read *read)
{
	const struct mr_row_key k = key_of_read(read);
	struct entry *e = find(rows, &k);

	mr_stat_read_failures++;
	if (e != NULL)
		e->failed_ms = mr_now_ms();
}

static void detach(struct mr_row_read *read)
{
	if (!read->overtaken)
		HASH_DEL(read->rows->reads, read);
	read->overtaken = true;
}

/* The source's answer. Waiters may start new reads, of the same key, too: so the read is out of the table before they are told. */
static void arrived(void *arg, int err, struct mr_row *row)
{
	struct mr_row_read *read = arg;
	struct mr_row_wait *w;
	const struct mr_row_key k = key_of_read(read);
	bool overtaken = read->overtaken, is_new;

	detach(read);
	if (err != 0)
		note_failure(read->rows, read);
	else if (overtaken)
		mr_stat_overtaken++;
	else
		keep(read->rows, &k, row, row->exists ? read->as_of_ms : read->began_ms, &is_new);
	while ((w = read->waits) != NULL) {
		mr_rows_cancel(w);
		w->done(w, err, row);
	}
	mr_row_unref(row);
	free(read);
}

/* --- reading ahead */

/* A step of a run under way. */
struct step {
	struct mr_rows *rows;
	struct mr_ahead_run *run;
	uint64_t began_ms, drops; /* when it began */
};

/* One row read ahead; what was read later than it stays. True when it was not in memory. */
static bool keep_ahead(const struct step *step, const struct mr_near_row *near)
{
	struct mr_rows *rows = step->rows;
	struct mr_row_key k;
	bool is_new;

	if (!mr_row_key_set(&k, near->kind, mr_slice_of(near->key)))
		return false;
	struct entry *e = find(rows, &k);
	if (e != NULL && e->read_ms > step->began_ms)
		return false;
	e = keep(rows, &k, near->row, step->began_ms, &is_new);
	if (is_new)
		e->ahead = step->run->id;
	return is_new;
}

static void near_arrived(void *arg, int err, const struct mr_near_list *list)
{
	struct step *step = arg;
	struct mr_rows *rows = step->rows;
	bool overtaken = err == 0 && rows->drops != step->drops; /* of whatever row: drops are rare */
	unsigned n_new = 0;

	if (err != 0 || mr_now_ms() - step->began_ms > AHEAD_SLOW_MS)
		rows->ahead_rests_until_ms = mr_now_ms() + AHEAD_REST_MS;
	for (size_t i = 0; i < list->n && err == 0 && !overtaken; i++)
		n_new += keep_ahead(step, &list->v[i]);
	if (overtaken)
		mr_stat_overtaken += (int64_t)list->n;
	mr_stat_ahead += n_new;
	mr_ahead_read(&rows->ahead, step->run, n_new, err == 0 && !overtaken ? list->end : NULL);
	free(step);
}

static void read_on(struct mr_rows *rows, struct mr_ahead_run *run)
{
	struct mr_source_near ask = { .done = near_arrived };
	struct step *step;

	if (run == NULL)
		return;
	step = mr_new(struct step, 1);
	*step = (struct step){ .rows = rows, .run = run, .began_ms = mr_now_ms(), .drops = rows->drops };
	ask.after = mr_slice_of(run->end);
	ask.limit = run->step;
	ask.arg = step;
	if (rows->source->read_near(rows->source, &ask) == 0)
		return;
	mr_ahead_read(&rows->ahead, run, 0, NULL);
	free(step);
}

static void read_ahead(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key)
{
	if (kind != MR_ROW_MAILBOX && kind != MR_ROW_ALIAS)
		return;
	mr_owners_missed(rows->owners, rows->conf.negative_age_ms);
	if (mr_slice_chr(key, '@') > 0) /* a catch-all has no neighbours */
		read_on(rows, mr_ahead_miss(&rows->ahead, key, ahead_max(rows)));
}

/* --- */

static int begin(struct mr_rows *rows, const struct mr_row_key *k, struct mr_row_read **out)
{
	struct mr_row_read *read = mr_alloc(sizeof(*read) + k->n + 1);
	struct mr_source_row ask = { .kind = mr_row_key_kind(k->bytes), .done = arrived, .arg = read };
	uint64_t now = mr_now_ms(), as_of;

	*read = (struct mr_row_read){ .rows = rows, .began_ms = now, .as_of_ms = now, .key_len = k->n };
	memcpy(read->key, k->bytes, k->n);
	ask.key = mr_row_key_text(read->key, k->n);
	if (ask.kind == MR_ROW_MAILBOX && lacks(rows, MR_OWNED_PATTERN, ask.key, now, &as_of) &&
	    lacks(rows, MR_OWNED_LIMIT, ask.key, now, &as_of)) {
		ask.plain = true;
		read->as_of_ms = as_of;
	}
	int err = rows->source->read_row(rows->source, &ask);
	if (err != 0) {
		note_failure(rows, read);
		free(read);
		return err;
	}
	mr_stat_reads++;
	HASH_ADD_KEYPTR(hh, rows->reads, read->key, read->key_len, read);
	*out = read;
	read_ahead(rows, ask.kind, ask.key);
	return 0;
}

int mr_rows_fetch(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key, struct mr_row_wait *w)
{
	struct mr_row_key k;
	struct mr_row_read *read;
	int err = 0;

	if (!mr_row_key_set(&k, kind, key))
		return -EAGAIN;
	HASH_FIND(hh, rows->reads, k.bytes, k.n, read);
	if (read != NULL)
		mr_stat_coalesced++;
	else
		err = begin(rows, &k, &read);
	if (err == 0) {
		w->read = read;
		DL_APPEND(read->waits, w);
	}
	return err;
}

void mr_rows_cancel(struct mr_row_wait *w)
{
	if (w->read == NULL)
		return;
	DL_DELETE(w->read->waits, w);
	w->read = NULL;
}

/* What was given out before may not hold any more. */
static void count_drop(struct mr_rows *rows)
{
	rows->drops++;
	mr_generation_raise(rows->conf.generation);
}

void mr_rows_drop(struct mr_rows *rows, enum mr_row_kind kind, struct mr_slice key)
{
	struct mr_row_key k;
	struct mr_row_read *read;

	if (!mr_row_key_set(&k, kind, key))
		return;
	if (rows->watch.dropped != NULL)
		rows->watch.dropped(&k, rows->watch.arg);
	count_drop(rows);
	if (kind == MR_ROW_MAILBOX || kind == MR_ROW_ALIAS)
		mr_owners_drop(rows->owners, key);
	struct entry *e = find(rows, &k);
	if (e != NULL) {
		entry_free(rows, e);
		mr_stat_dropped++;
	}
	HASH_FIND(hh, rows->reads, k.bytes, k.n, read);
	if (read != NULL)
		detach(read);
}

static void forget_all(struct mr_rows *rows)
{
	struct mr_row_read *read, *next_read;

	count_drop(rows);
	mr_owners_drop_all(rows->owners);
	while (rows->by_use != NULL)
		entry_free(rows, rows->by_use);
	HASH_ITER (hh, rows->reads, read, next_read)
		detach(read);
}

void mr_rows_drop_all(struct mr_rows *rows)
{
	if (rows->watch.dropped != NULL)
		rows->watch.dropped(NULL, rows->watch.arg);
	forget_all(rows);
}

void mr_rows_watch(struct mr_rows *rows, const struct mr_rows_watch *w)
{
	rows->watch = *w;
}

bool mr_rows_put(struct mr_rows *rows, const struct mr_row_key *k, struct mr_row *row, uint64_t age_ms)
{
	struct entry *e;

	if (rows->table.n >= rows->conf.max || find(rows, k) != NULL)
		return false;
	e = entry_add(rows, k);
	e->row = mr_row_ref(row);
	e->read_ms = mr_now_ms() - age_ms;
	e->loaded = true;
	return true;
}

void mr_rows_walk(struct mr_rows *rows)
{
	rows->walk = rows->by_age;
}

struct mr_row *mr_rows_next(struct mr_rows *rows, struct mr_row_key *k, uint64_t *age_ms)
{
	struct entry *e = rows->walk;

	if (e == NULL)
		return NULL;
	rows->walk = e->younger;
	memcpy(k->bytes, e->key, e->key_len);
	k->n = e->key_len;
	*age_ms = mr_now_ms() - e->read_ms;
	return e->row;
}

void mr_rows_verified(struct mr_rows *rows, uint64_t at_ms)
{
	rows->verified_ms = at_ms;
	if (rows->serving_stale && mr_now_ms() - rows->stale_given_ms > rows->conf.late_ms) {
		rows->serving_stale = false;
		mr_log(MR_LOG_NOTICE, "serving-fresh");
	}
}

size_t mr_rows_count(const struct mr_rows *rows)
{
	return rows->table.n;
}
