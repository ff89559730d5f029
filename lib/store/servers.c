/* Servers of a pool. */
#include "store/servers.h"

/* system */
#include <errno.h>

/* ours */
#include "base/buf.h"
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "store/connection.h"
#include "store/query.h"
#include "store/read.h"

#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS   2000  /* of the only server */
#define PAUSE_OF_MANY  30000 /* of one among several */

int mr_servers_init(struct mr_servers *s, const struct mr_conf_shared *conf, struct mr_diag *diag)
{
	struct mr_servers fresh = { .failing_since = mr_now_ms() };
	int r = mr_db_places(conf, &fresh.places, diag);

	if (r < 0)
		return r;
	fresh.conf = mr_db_conf_copy(conf);
	for (size_t i = 0; i < fresh.places.n; i++)
		fresh.v[i].pause = PAUSE_FIRST_MS;
	*s = fresh;
	return 0;
}

void mr_servers_done(struct mr_servers *s)
{
	mr_db_places_done(&s->places);
	mr_db_conf_done(&s->conf);
}

void mr_servers_expect(struct mr_servers *s, const struct mr_db_expect *e)
{
	s->expect = *e;
	s->epoch++;
}

bool mr_servers_all_bad(const struct mr_servers *s)
{
	bool all = true;

	for (size_t i = 0; i < s->places.n; i++)
		all = all && s->v[i].bad;
	return all;
}

/* Of several servers each has its lines in the log; the only one has the pool's. */
void mr_servers_failed(struct mr_servers *s, size_t at, const struct mr_diag *why)
{
	struct mr_server_state *state = &s->v[at];
	const uint64_t max = s->places.n > 1 ? PAUSE_OF_MANY : PAUSE_MAX_MS;

	if (!state->bad && s->places.n > 1)
		mr_log(MR_LOG_ERROR, "database-server-failed", mr_s("server", s->places.v[at].shown), mr_s("why", why->text));
	state->bad = true;
	state->why = *why;
	state->failed_ms = mr_now_ms();
	if (!s->failing_since && mr_servers_all_bad(s))
		s->failing_since = state->failed_ms;
	state->pause = state->pause * 2 > max ? max : state->pause * 2;
}

static void good(struct mr_servers *s, size_t at)
{
	struct mr_server_state *state = &s->v[at];

	if (s->places.n > 1 && (state->bad || at != s->current || s->failing_since))
		mr_log(MR_LOG_NOTICE, "database-server", mr_s("server", s->places.v[at].shown));
	state->bad = false;
	state->pause = PAUSE_FIRST_MS;
	s->current = at;
	s->failing_since = 0;
}

/* The long pauses are for servers that can be done without. */
static uint64_t next_try(const struct mr_servers *s, size_t at)
{
	const struct mr_server_state *state = &s->v[at];
	bool short_one = s->failing_since && state->pause > PAUSE_MAX_MS;

	return state->bad ? state->failed_ms + (short_one ? PAUSE_MAX_MS : state->pause) : 0;
}

uint64_t mr_servers_next_try(const struct mr_servers *s)
{
	uint64_t at, first = UINT64_MAX;

	for (size_t i = 0; i < s->places.n; i++) {
		at = next_try(s, i);
		first = at < first ? at : first;
	}
	return first;
}

void mr_servers_why(const struct mr_servers *s, struct mr_diag *why)
{
	struct mr_buf text = MR_BUF(MR_DIAG_MAX);

	for (size_t i = 0; i < s->places.n; i++)
		if (s->v[i].bad)
			mr_buf_printf(&text, "%s%s", text.n ? "; " : "", s->v[i].why.text);
	*why = (struct mr_diag){ 0 };
	mr_diag_set(why, 0, "%s", text.n ? text.p : "database: not connected yet");
	mr_buf_done(&text);
}

bool mr_search_begin(struct mr_servers *s, size_t first, size_t end, struct mr_search *search)
{
	uint64_t now = mr_now_ms();
	bool any = false;

	*search = (struct mr_search){ .expect = s->expect, .epoch = s->epoch, .lost = s->lost, .timeout_ms = s->conf.db_timeout };
	search->may_take_over = first == 0 && end == s->places.n && s->failing_since && now - s->failing_since >= s->conf.db_take_over;
	for (size_t i = first; i < end; i++) {
		search->asks[i] = now >= next_try(s, i);
		any = any || search->asks[i];
	}
	return any;
}

int mr_search_recheck(const struct mr_search *search, struct mr_db *db, struct mr_diag *why)
{
	bool fulfils = true;
	int r = search->expect.n ? mr_read_fulfils(db, &search->expect, &fulfils, why) : 0;

	if (r == 0 && !fulfils)
		r = mr_diag_set(why, -ESTALE, "database %s: it lags behind: change %ju is not there yet", db->where,
				(uintmax_t)search->expect.last);
	if (r == 0) {
		db->epoch = search->epoch;
		db->lost = search->lost;
	}
	return r;
}

static int ask(const struct mr_servers *s, struct mr_search *search, size_t at, struct mr_db **out)
{
	struct mr_conf_shared conf = s->conf;
	struct mr_diag *why = &search->why[at];
	int r;

	conf.db_timeout = search->timeout_ms;
	r = mr_db_open_at(&conf, &s->places, at, out, why);
	if (r == 0)
		r = mr_db_check_schema(*out, why);
	if (r == 0 && s->places.n > 1)
		r = mr_search_recheck(search, *out, why);
	return r;
}

struct mr_db *mr_search_run(const struct mr_servers *s, struct mr_search *search)
{
	struct mr_db *db, *behind = NULL;
	bool read_only = true;

	for (size_t i = 0; i < s->places.n; i++) {
		db = NULL;
		search->err[i] = search->asks[i] ? ask(s, search, i, &db) : 0;
		if (search->err[i] == 0 && db) {
			mr_db_close(behind);
			return db;
		}
		if (search->err[i] == -ESTALE && search->may_take_over && !behind && mr_db_read_only(db, &read_only, NULL) == 0 &&
		    !read_only)
			behind = db;
		else
			mr_db_close(db);
	}
	search->took_over = behind != NULL;
	return behind;
}

int mr_search_end(struct mr_servers *s, const struct mr_search *search, const struct mr_db *db)
{
	int err = 0;

	for (size_t i = 0; i < s->places.n; i++) {
		if (search->err[i] == 0 || (search->took_over && i == db->at))
			continue;
		err = search->err[i];
		mr_servers_failed(s, i, &search->why[i]);
	}
	if (search->took_over) {
		mr_log(MR_LOG_ERROR, "database-taken-over", mr_s("server", s->places.v[db->at].shown), mr_u("change", search->expect.last),
		       mr_s("effect", "changes that were seen elsewhere are not there; all is read anew"));
		mr_servers_expect(s, &(struct mr_db_expect){ 0 });
		s->lost++;
	}
	if (db)
		good(s, db->at);
	return db ? 0 : err ? err : -EAGAIN;
}
