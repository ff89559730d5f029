#include "usage.h"

/* system */
#include <errno.h>
#include <inttypes.h>

/* libraries */
#include "base/hash.h"
#define HASH_FUNCTION MR_UTHASH
#include <uthash.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "proto/directory.h"
#include "rt/file.h"
#include "rt/log.h"
#include "stats.h"

#define FILE_MAX    (1u << 30) /* bytes */
#define ADDRESS_MAX 320
#define REDIS_MS    2000
#define REDIS_RETRY 5000 /* ms between attempts to read the hash once */
#define SCAN_COUNT  "1000"
#define SHARE_COUNT 1000 /* entries sent at a time */

struct used {
	uint64_t bytes, messages;
	UT_hash_handle hh;
	size_t address_len;
	char address[];
};

struct mr_usage {
	struct mr_loop *loop;
	struct mr_usage_config conf;
	struct used *table;
	struct mr_timer *write_timer, *load_timer;
	bool dirty, writing, write_failed;
	bool sharing;            /* a page is under way */
	struct used *share_next; /* where the next one begins; entries are in the order in which they came */
	struct mr_slice hash;    /* name of the Redis hash */
	char *names;             /* memory of path and hash */
};

static struct used *find(const struct mr_usage *u, struct mr_slice address)
{
	struct used *e;

	HASH_FIND(hh, u->table, address.p, address.n, e);
	return e;
}

uint64_t mr_usage_get(const struct mr_usage *u, struct mr_slice address)
{
	const struct used *e = find(u, address);

	return e ? e->bytes : MR_DIR_UNKNOWN;
}

/* True when something is different now. */
static bool put(struct mr_usage *u, struct mr_slice address, uint64_t bytes, uint64_t messages)
{
	struct used *e = find(u, address);

	if (e == NULL) {
		e = mr_alloc(sizeof(*e) + address.n + 1);
		memcpy(e->address, address.p, address.n);
		e->address_len = address.n;
		HASH_ADD_KEYPTR(hh, u->table, e->address, e->address_len, e);
		mr_stat_usage++;
	} else if (e->bytes == bytes && e->messages == messages) {
		return false;
	}
	e->bytes = bytes;
	e->messages = messages;
	return true;
}

/* "BYTES MESSAGES" */
static bool parse_numbers(struct mr_slice text, uint64_t *bytes, uint64_t *messages)
{
	struct mr_slice first;

	return mr_slice_next(&text, ' ', &first) && mr_parse_u64(first, 0, MR_DIR_UNKNOWN - 1, bytes) == 0 &&
	       mr_parse_u64(text, 0, UINT64_MAX, messages) == 0;
}

/* --- the state file: a line "ADDRESS BYTES MESSAGES" each */

static void load_file(struct mr_usage *u)
{
	struct mr_buf text = MR_BUF(FILE_MAX);
	struct mr_diag diag = { 0 };
	struct mr_slice rest, line, address;
	uint64_t bytes, messages, broken = 0;
	int err = mr_file_read(u->conf.path, &text, &diag);

	if (err != 0 && err != -ENOENT)
		mr_log(MR_LOG_WARNING, "usage-unread", mr_s("why", diag.text));
	rest = err == 0 ? mr_buf_slice(&text) : (struct mr_slice){ "", 0 };
	while (mr_slice_next(&rest, '\n', &line)) {
		if (mr_slice_next(&line, ' ', &address) && address.n > 0 && address.n <= ADDRESS_MAX &&
		    parse_numbers(line, &bytes, &messages))
			put(u, address, bytes, messages);
		else if (address.n > 0)
			broken++;
	}
	if (broken > 0)
		mr_log(MR_LOG_WARNING, "usage-lines-broken", mr_s("path", u->conf.path), mr_u("lines", broken));
	mr_buf_done(&text);
}

/* What one writing needs; on a thread of the pool it sees nothing else. */
struct write_job {
	struct mr_usage *u;
	char *path;
	struct mr_buf text;
	struct mr_diag diag;
	int err;
};

static void write_run(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	struct write_job *j = arg;

	j->err = mr_file_write(j->path, 0600, mr_buf_slice(&j->text), &j->diag);
}

static void schedule_write(struct mr_usage *u);

static void write_done(void *arg)
{
	struct write_job *j = arg;
	struct mr_usage *u = j->u;

	u->writing = false;
	if (j->err != 0) {
		u->dirty = true;
		if (!u->write_failed)
			mr_log(MR_LOG_WARNING, "usage-unwritten", mr_s("why", j->diag.text));
	}
	u->write_failed = j->err != 0;
	if (u->dirty)
		schedule_write(u);
	mr_buf_done(&j->text);
	free(j->path);
	free(j);
}

static void write_file(struct mr_usage *u)
{
	struct write_job *j = mr_new(struct write_job, 1);
	struct used *e, *next;

	*j = (struct write_job){ .u = u, .path = mr_strdup(u->conf.path), .text = MR_BUF(FILE_MAX), .err = -ECANCELED };
	HASH_ITER (hh, u->table, e, next)
		mr_buf_printf(&j->text, "%.*s %" PRIu64 " %" PRIu64 "\n", (int)e->address_len, e->address, e->bytes, e->messages);
	u->dirty = false;
	u->writing = true;
	if (u->conf.pool != NULL &&
	    mr_db_pool_submit(u->conf.pool, &(struct mr_db_job){ .job = write_run, .done = write_done, .arg = j }) == 0)
		return;
	write_run(NULL, NULL, j);
	write_done(j);
}

static void on_write_timer(void *arg)
{
	struct mr_usage *u = arg;

	u->write_timer = NULL;
	if (u->dirty && !u->writing)
		write_file(u);
}

static void schedule_write(struct mr_usage *u)
{
	if (u->write_timer == NULL && u->conf.path[0] != '\0')
		u->write_timer = mr_timer_start(u->loop, u->conf.interval_ms, on_write_timer, u);
}

static void changed(struct mr_usage *u)
{
	u->dirty = true;
	if (!u->writing)
		schedule_write(u);
}

/* --- Redis, best effort */

static void redis_put(struct mr_usage *u, struct mr_slice address, uint64_t bytes, uint64_t messages)
{
	char value[64];
	int n = snprintf(value, sizeof(value), "%" PRIu64 " %" PRIu64, bytes, messages);
	const struct mr_slice argv[] = { MR_LIT("HSET"), u->hash, address, { value, (size_t)n } };

	if (u->conf.redis != NULL)
		mr_redis_command(u->conf.redis, REDIS_MS, NULL, NULL, MR_COUNT(argv), argv);
}

static void scan(struct mr_usage *u, struct mr_slice cursor);

static void on_load_timer(void *arg)
{
	struct mr_usage *u = arg;

	u->load_timer = NULL;
	scan(u, MR_LIT("0"));
}

/* One page of HSCAN: the next cursor and a list of field, value, field, value. What the state file says already stays. */
static void on_scan(const struct mr_redis_reply *r, void *arg)
{
	struct mr_usage *u = arg;
	uint64_t bytes, messages;

	if (!r->ok || r->type != MR_REDIS_ARRAY || r->n_items != 2) {
		if (u->load_timer == NULL)
			u->load_timer = mr_timer_start(u->loop, REDIS_RETRY, on_load_timer, u);
		return;
	}
	const struct mr_redis_reply *page = &r->items[1];
	for (size_t i = 0; i + 1 < page->n_items; i += 2) {
		struct mr_slice address = page->items[i].text;
		if (address.n > 0 && address.n <= ADDRESS_MAX && mr_slice_chr(address, ' ') < 0 && mr_slice_chr(address, '\n') < 0 &&
		    find(u, address) == NULL && parse_numbers(page->items[i + 1].text, &bytes, &messages) &&
		    put(u, address, bytes, messages))
			changed(u);
	}
	if (!mr_slice_eq(r->items[0].text, MR_LIT("0")))
		scan(u, r->items[0].text);
}

static void scan(struct mr_usage *u, struct mr_slice cursor)
{
	const struct mr_slice argv[] = { MR_LIT("HSCAN"), u->hash, cursor, MR_LIT("COUNT"), MR_LIT(SCAN_COUNT) };

	mr_redis_command(u->conf.redis, REDIS_MS, on_scan, u, MR_COUNT(argv), argv);
}

static void share_page(struct mr_usage *u);

static void on_shared(const struct mr_redis_reply *r, void *arg)
{
	struct mr_usage *u = arg;

	u->sharing = false;
	if (r->ok)
		share_page(u);
}

/* HSETNX: what another host has put there meanwhile is newer, or the same. */
static void share_page(struct mr_usage *u)
{
	struct used *e;
	char value[64];

	for (size_t i = 0; u->share_next != NULL && i < SHARE_COUNT; i++) {
		e = u->share_next;
		u->share_next = e->hh.next;
		const int n = snprintf(value, sizeof(value), "%" PRIu64 " %" PRIu64, e->bytes, e->messages);
		const struct mr_slice argv[] = { MR_LIT("HSETNX"), u->hash, { e->address, e->address_len }, { value, (size_t)n } };
		const bool last = u->share_next == NULL || i == SHARE_COUNT - 1;
		u->sharing = last;
		mr_redis_command(u->conf.redis, REDIS_MS, last ? on_shared : NULL, u, MR_COUNT(argv), argv);
	}
}

void mr_usage_share(struct mr_usage *u)
{
	u->share_next = u->table;
	if (!u->sharing)
		share_page(u);
}

/* --- */

struct mr_usage *mr_usage_new(struct mr_loop *l, const struct mr_usage_config *c)
{
	struct mr_usage *u = mr_new(struct mr_usage, 1);
	struct mr_buf names = MR_BUF(8192);
	size_t path_len = strlen(c->path) + 1;

	*u = (struct mr_usage){ .loop = l, .conf = *c };
	mr_buf_add(&names, (struct mr_slice){ c->path, path_len });
	mr_buf_printf(&names, "%susage", c->redis_prefix);
	u->names = mr_buf_steal(&names);
	u->conf.path = u->names;
	u->hash = mr_slice_of(u->names + path_len);
	if (u->conf.path[0] != '\0')
		load_file(u);
	if (c->redis != NULL)
		u->load_timer = mr_timer_start(l, 0, on_load_timer, u);
	return u;
}

void mr_usage_free(struct mr_usage *u)
{
	struct used *e, *next;

	if (u == NULL)
		return;
	u->conf.pool = NULL;
	if (u->dirty && u->conf.path[0] != '\0')
		write_file(u);
	mr_timer_cancel(&u->write_timer);
	mr_timer_cancel(&u->load_timer);
	HASH_ITER (hh, u->table, e, next) {
		HASH_DEL(u->table, e);
		free(e);
	}
	mr_stat_usage = 0;
	free(u->names);
	free(u);
}

void mr_usage_set(struct mr_usage *u, struct mr_slice address, uint64_t bytes, uint64_t messages)
{
	if (address.n == 0 || address.n > ADDRESS_MAX || !put(u, address, bytes, messages))
		return;
	changed(u);
	redis_put(u, address, bytes, messages);
}

void mr_usage_forget(struct mr_usage *u, struct mr_slice address)
{
	const struct mr_slice argv[] = { MR_LIT("HDEL"), u->hash, address };
	struct used *e = find(u, address);

	if (e == NULL)
		return;
	if (e == u->share_next)
		u->share_next = e->hh.next;
	HASH_DEL(u->table, e);
	free(e);
	mr_stat_usage--;
	changed(u);
	if (u->conf.redis != NULL)
		mr_redis_command(u->conf.redis, REDIS_MS, NULL, NULL, MR_COUNT(argv), argv);
}
