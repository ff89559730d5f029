#include "changes.h"

/* system */
#include <errno.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "stats.h"

#define PAGE       1000 /* entries of one read */
#define FIRST_BACK 1000 /* ids before the newest one from which the first poll reads */
#define AWAY_MS    50   /* a poll while there is no database fails at once; the first one that can be read shall not be waited for */

/* An entry applied within the overlap. */
struct seen {
	uint64_t id, at_ms;
	struct seen *next, *prev; /* oldest first */
	UT_hash_handle hh;
};

struct mr_changes {
	struct mr_loop *loop;
	struct mr_changes_config conf;
	struct mr_rows *rows;
	struct mr_source *source;
	void (*on_change)(enum mr_row_kind kind, const struct mr_change *change, void *arg);
	void *arg;
	struct mr_timer *timer;
	struct seen *seen, *by_age;
	bool started;        /* the first poll was made: `floor` holds */
	bool polling, again; /* a read is under way; another one is wanted after it */
	bool late;
	uint64_t floor;             /* ids up to here are settled: everything among them was seen at least `overlap` ago */
	uint64_t page_after;        /* where the page under way begins */
	uint64_t began_ms;          /* when this round of pages began */
	uint64_t good_ms;           /* when the last round that worked began, else when we did */
	uint64_t gone_ms;           /* until none has worked: how long nobody read the log before that */
	uint64_t round, good_round; /* begun last; that worked last */
	void (*on_round)(void *arg);
	void *round_arg;
	void (*on_told)(const struct mr_db_expect *e, void *arg);
	void *told_arg;
	struct mr_db_origin origin;
	/* What this round found, for those who are read from next. */
	struct mr_db_expect expect;
	uint64_t after_last;      /* entries seen in it since expect.last */
	struct mr_db_expect told; /* last */
};

static void poll_log(struct mr_changes *c);

static void on_timer(void *arg)
{
	struct mr_changes *c = arg;

	c->timer = NULL;
	poll_log(c);
}

/* One line when the log cannot be read for too long, one when it can be again. */
static void watch_lateness(struct mr_changes *c)
{
	uint64_t silent = mr_now_ms() - c->good_ms;
	bool late = silent > c->conf.late_ms;

	if (late && !c->late)
		mr_log(MR_LOG_ERROR, "changes-late", mr_u("silent_ms", silent),
		       mr_s("effect", "rows are read again, or are stale while the database is away"));
	else if (!late && c->late)
		mr_log(MR_LOG_NOTICE, "changes-followed");
	c->late = late;
}

static void schedule(struct mr_changes *c, bool away)
{
	uint64_t pause = away && c->conf.interval_ms > AWAY_MS ? AWAY_MS : c->conf.interval_ms;

	c->polling = false;
	watch_lateness(c);
	if (c->timer == NULL)
		c->timer = mr_timer_start(c->loop, c->again ? 0 : pause, on_timer, c);
	c->again = false;
}

static void forget(struct mr_changes *c, struct seen *s)
{
	HASH_DEL(c->seen, s);
	DL_DELETE(c->by_age, s);
	free(s);
}

/* What was applied longer than the overlap ago raises the floor. In order of age, so that an id never sinks below one that is still open.
 */
static void settle(struct mr_changes *c)
{
	uint64_t now = mr_now_ms();

	while (c->by_age != NULL && now - c->by_age->at_ms > c->conf.overlap_ms) {
		if (c->by_age->id > c->floor)
			c->floor = c->by_age->id;
		forget(c, c->by_age);
	}
}

/* An entry of this round, applied now or before. Between the first and the last that are new every one counts. */
static void note_entry(struct mr_changes *c, const struct mr_change *change, bool is_new)
{
	struct mr_db_expect *e = &c->expect;

	if (!is_new) {
		c->after_last++;
		return;
	}
	if (e->n == 0) {
		e->first = change->id;
		c->after_last = 0;
	}
	e->n += c->after_last + 1;
	e->last = change->id;
	c->after_last = 0;
	e->kind[0] = e->key[0] = '\0';
	if (strlen(change->kind) < sizeof(e->kind) && strlen(change->key) < sizeof(e->key)) {
		snprintf(e->kind, sizeof(e->kind), "%s", change->kind);
		snprintf(e->key, sizeof(e->key), "%s", change->key);
	}
}

static void apply(struct mr_changes *c, const struct mr_change *change)
{
	enum mr_row_kind kind;
	struct seen *s;
	struct mr_slice key = mr_slice_of(change->key);

	HASH_FIND(hh, c->seen, &change->id, sizeof(change->id), s);
	note_entry(c, change, s == NULL);
	if (s != NULL)
		return;
	s = mr_new(struct seen, 1);
	s->id = change->id;
	s->at_ms = mr_now_ms();
	HASH_ADD(hh, c->seen, id, sizeof(s->id), s);
	DL_APPEND(c->by_age, s);
	mr_stat_changes++;
	if (!mr_row_kind_parse(change->kind, &kind)) {
		mr_log(MR_LOG_WARNING, "change-unknown", mr_s("kind", change->kind), mr_u("change", change->id));
		mr_rows_drop_all(c->rows); /* of a newer schema: what it means is not known, so nothing is taken as known */
		return;
	}
	mr_rows_drop(c->rows, kind, key);
	if (c->on_change)
		c->on_change(kind, change, c->arg);
}

/* The log begins anew: at the start, or because the database is another one now. Nothing read before is known to be current. */
static void restart(struct mr_changes *c, uint64_t newest)
{
	while (c->by_age != NULL)
		forget(c, c->by_age);
	mr_rows_drop_all(c->rows);
	c->started = true;
	c->floor = newest > FIRST_BACK ? newest - FIRST_BACK : 0;
}

/* Another server is asked now. It shows all that was applied last; what came before is applied once more, since a server may have given the
 * id of a change that it lost to another one. */
static void look_back(struct mr_changes *c)
{
	while (c->by_age != NULL)
		forget(c, c->by_age);
	c->floor = c->floor > FIRST_BACK ? c->floor - FIRST_BACK : 0;
}

/* The round cannot go on from where it began: true when it begins anew. */
static bool begins_anew(struct mr_changes *c, const struct mr_change_list *list)
{
	const struct mr_db_origin was = c->origin;

	c->origin = list->origin;
	if (!c->started || list->newest < c->floor || list->origin.lost != was.lost)
		restart(c, list->newest);
	else if (list->origin.server != was.server)
		look_back(c);
	else
		return false;
	c->page_after = c->floor;
	c->expect = (struct mr_db_expect){ 0 };
	return true;
}

static void tell(struct mr_changes *c, const struct mr_db_expect *e)
{
	c->told = *e;
	if (c->source->expect != NULL)
		c->source->expect(c->source, &c->told);
	if (c->on_told != NULL)
		c->on_told(&c->told, c->told_arg);
}

static int read_page(struct mr_changes *c);

static void on_page(void *arg, int err, const struct mr_change_list *list)
{
	struct mr_changes *c = arg;

	if (err == 0 && begins_anew(c, list)) {
		err = read_page(c); /* what the first one gave was asked for from another place */
		if (err == 0)
			return;
	} else if (err == 0) {
		for (size_t i = 0; i < list->n; i++)
			apply(c, &list->v[i]);
		if (c->expect.n > 0) /* of every later read; of a round of several pages all of it */
			tell(c, &c->expect);
		if (list->n == PAGE) {
			c->page_after = list->v[list->n - 1].id;
			err = read_page(c);
			if (err == 0)
				return;
		}
	}
	if (err == 0) {
		c->good_ms = c->began_ms;
		c->gone_ms = 0;
		c->good_round = c->round;
		settle(c);
		mr_rows_verified(c->rows, c->began_ms);
	}
	schedule(c, err != 0);
	if (err == 0 && c->on_round)
		c->on_round(c->round_arg);
}

static int read_page(struct mr_changes *c)
{
	return c->source->read_changes(c->source,
				       &(struct mr_source_changes){ .after = c->page_after, .limit = PAGE, .done = on_page, .arg = c });
}

static void poll_log(struct mr_changes *c)
{
	c->polling = true;
	c->round++;
	c->began_ms = mr_now_ms();
	c->expect = (struct mr_db_expect){ 0 };
	c->page_after = c->started ? c->floor : UINT64_MAX; /* at first only the newest id is wanted */
	if (read_page(c) != 0)
		schedule(c, true);
}

struct mr_changes *mr_changes_new(struct mr_loop *l, const struct mr_changes_config *conf, struct mr_rows *rows, struct mr_source *source,
				  void (*on_change)(enum mr_row_kind kind, const struct mr_change *change, void *arg), void *arg)
{
	struct mr_changes *c = mr_new(struct mr_changes, 1);

	*c = (struct mr_changes){ .loop = l, .conf = *conf, .rows = rows, .source = source, .on_change = on_change, .arg = arg };
	c->good_ms = mr_now_ms();
	c->timer = mr_timer_start(l, 0, on_timer, c);
	return c;
}

void mr_changes_free(struct mr_changes *c)
{
	if (c == NULL)
		return;
	mr_timer_cancel(&c->timer);
	while (c->by_age != NULL)
		forget(c, c->by_age);
	free(c);
}

void mr_changes_configure(struct mr_changes *c, const struct mr_changes_config *conf)
{
	c->conf = *conf;
}

void mr_changes_wake(struct mr_changes *c)
{
	c->again = true;
	if (c->polling)
		return;
	mr_timer_cancel(&c->timer);
	c->again = false;
	c->timer = mr_timer_start(c->loop, 0, on_timer, c);
}

void mr_changes_position(const struct mr_changes *c, uint64_t *floor, struct mr_db_expect *expect)
{
	*floor = c->floor;
	*expect = c->told;
}

void mr_changes_resume(struct mr_changes *c, uint64_t floor, const struct mr_db_expect *expect, uint64_t age_ms)
{
	c->started = true;
	c->floor = floor;
	c->gone_ms = age_ms;
	tell(c, expect);
}

void mr_changes_watch(struct mr_changes *c, void (*on_round)(void *arg), void *arg)
{
	c->on_round = on_round;
	c->round_arg = arg;
}

void mr_changes_watch_expect(struct mr_changes *c, void (*told)(const struct mr_db_expect *e, void *arg), void *arg)
{
	c->on_told = told;
	c->told_arg = arg;
}

bool mr_changes_applied(struct mr_changes *c, uint64_t id)
{
	struct seen *s;

	HASH_FIND(hh, c->seen, &id, sizeof(id), s);
	if (s == NULL && c->started && !c->polling && id <= c->floor)
		c->floor = id - 1; /* whoever asks has just committed it */
	return s != NULL;
}

uint64_t mr_changes_sync(struct mr_changes *c)
{
	static const struct mr_db_expect nothing;

	c->started = false;
	mr_rows_drop_all(c->rows);
	tell(c, &nothing);
	mr_changes_wake(c);
	return c->round + 1;
}

uint64_t mr_changes_rounds(const struct mr_changes *c)
{
	return c->good_round;
}

bool mr_changes_late(const struct mr_changes *c)
{
	return c->late;
}

uint64_t mr_changes_silent_ms(const struct mr_changes *c)
{
	return mr_now_ms() - c->good_ms + c->gone_ms;
}
