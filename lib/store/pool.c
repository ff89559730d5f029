/* The pool: threads with a connection each, so that a loop never waits for the database. */
#include "store/db.h"

/* system */
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* libraries */
#include <mysql.h>
#include <utlist.h>

/* ours */
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "store/connection.h"
#include "store/servers.h"

#define THREADS_MAX     64
#define IDLE_PING_MS    1000 /* a connection idle for longer is asked before it is trusted */
#define AT_ONCE_MS      500  /* a server that was started again breaks older connections sooner than that */
#define WATCH_MS        1000 /* how often the server in use and better ones are looked at, where there are several */
#define WATCH_ANSWER_MS 2000 /* how long it may take to answer a watcher */

struct item {
	struct mr_db_job job;
	bool again; /* it was begun before, on a connection that broke */
	/* No job, but a connection that is wanted. */
	void (*given)(void *arg, struct mr_db *db); /* NULL: a job */
	struct mr_db *db;
	struct item *next, *prev;
};

struct mr_db_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* of who takes jobs */
	pthread_cond_t end;  /* of the watcher, who takes none: a signal for a job must not reach it */
	struct mr_servers servers;
	struct item *queue, *finished;
	size_t queued;
	unsigned queue_max, n_threads;
	pthread_t threads[THREADS_MAX], watcher;
	struct mr_db *busy[THREADS_MAX]; /* the connection that a thread waits for */
	uint64_t broke;                  /* ms: when a connection did last */
	bool stopping, watched;
	int event; /* a job was finished */
	struct mr_io *io;
	/* State of the back end as logged; under the lock. */
	enum { POOL_UNKNOWN, POOL_UP, POOL_DOWN } state;
	int error;       /* why it is down */
	bool connecting; /* one thread tries at a time while the back end is away */
	struct mr_diag why;
};

static struct timespec in_ms(uint64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static void now_up(struct mr_db_pool *p)
{
	if (p->state != POOL_UP)
		mr_log(MR_LOG_NOTICE, "database-connected", mr_s("database", p->servers.conf.db_name));
	p->state = POOL_UP;
	pthread_cond_broadcast(&p->wake);
}

/* Logged once, and once more when an absent server turns out to have an unusable schema (or the other way round). */
static void now_down(struct mr_db_pool *p, int error)
{
	mr_servers_why(&p->servers, &p->why);
	if (p->state != POOL_DOWN || p->error != error)
		mr_log(MR_LOG_ERROR, "database-lost", mr_s("why", p->why.text));
	p->state = POOL_DOWN;
	p->error = error;
	pthread_cond_broadcast(&p->wake);
}

/* Called and left with the lock held; opens outside of it. */
static struct mr_db *search_now(struct mr_db_pool *p, struct mr_search *search, int *err)
{
	struct mr_db *db;

	pthread_mutex_unlock(&p->lock);
	db = mr_search_run(&p->servers, search);
	pthread_mutex_lock(&p->lock);
	*err = mr_search_end(&p->servers, search, db);
	return db;
}

/* The same. */
static struct mr_db *connect_now(struct mr_db_pool *p)
{
	size_t at = p->servers.current, n = p->servers.places.n;
	bool in_use = n > 1 && !p->servers.v[at].bad; /* better ones are the watcher's business: they may stand still */
	struct mr_search search;
	struct mr_db *db = NULL;
	int r = -EAGAIN;

	p->connecting = true;
	if (in_use && mr_search_begin(&p->servers, at, at + 1, &search))
		db = search_now(p, &search, &r);
	/* When the last one in use has failed, those are due that were left alone for longer. */
	for (unsigned i = 0; i < 2 && !db && mr_search_begin(&p->servers, 0, n, &search); i++)
		db = search_now(p, &search, &r);
	p->connecting = false;
	if (db)
		now_up(p);
	else if (mr_servers_all_bad(&p->servers))
		now_down(p, r);
	return db;
}

/* One thread at a time, not before the pause is over; where all is well a thread connects when it has work. */
static bool may_connect(const struct mr_db_pool *p)
{
	return p->state != POOL_UP && !p->connecting && mr_now_ms() >= mr_servers_next_try(&p->servers);
}

/* A connection that lay idle, or since whose use another one broke, may be dead by now; the job shall not find out. */
static bool alive_by(struct mr_db *db, uint64_t used, uint64_t broke)
{
	return !db || (mr_now_ms() - used < IDLE_PING_MS && used > broke) || mr_db_ping(db) == 0;
}

/* Called and left with the lock held, which the loop wants as soon as it wakes. */
static void hand_back(struct mr_db_pool *p, struct item *item)
{
	bool first = p->finished == NULL;

	DL_APPEND(p->finished, item);
	if (!first)
		return; /* the loop has been told, and takes all */
	pthread_mutex_unlock(&p->lock);
	eventfd_write(p->event, 1);
	pthread_mutex_lock(&p->lock);
}

/* Once more a job whose connection broke: where there is another server to ask, or where the only one broke it at once. */
static void take_back(struct mr_db_pool *p, struct item *item, const struct mr_db *db, uint64_t began)
{
	uint64_t now = mr_now_ms();
	bool broke = db && mr_db_useless(db);

	if (broke)
		p->broke = now;
	if (broke && (p->servers.places.n > 1 || now - began < AT_ONCE_MS) && !item->again && !p->stopping) {
		item->again = true;
		DL_PREPEND(p->queue, item);
		p->queued++;
		pthread_cond_signal(&p->wake);
		return;
	}
	hand_back(p, item);
}

static struct mr_db *run_item(struct mr_db_pool *p, struct item *item, struct mr_db *db, unsigned thread)
{
	struct mr_diag why = p->why;
	uint64_t began = mr_now_ms();

	p->busy[thread] = db;
	pthread_mutex_unlock(&p->lock);
	item->job.job(db, &why, item->job.arg);
	pthread_mutex_lock(&p->lock);
	p->busy[thread] = NULL;
	take_back(p, item, db, began);
	if (db && mr_db_useless(db)) {
		mr_db_close(db);
		db = NULL;
	}
	return db;
}

/* Waits for a job; a thread without a connection wakes up to get one while the back end is known to be away, so that recovery does not wait
 * for a job. */
static void wait_for_work(struct mr_db_pool *p, const struct mr_db *db)
{
	uint64_t now = mr_now_ms(), next_try = mr_servers_next_try(&p->servers);
	struct timespec until;

	if (db || p->state == POOL_UP || p->connecting) {
		pthread_cond_wait(&p->wake, &p->lock);
		return;
	}
	until = in_ms(next_try > now ? next_try - now : 0);
	pthread_cond_timedwait(&p->wake, &p->lock, &until);
}

/* Where there are several servers: is it that in use, and does it show what is expected by now? */
static struct mr_db *still_good(struct mr_db_pool *p, struct mr_db *db, unsigned thread)
{
	struct mr_search search;
	struct mr_diag why = { 0 };
	int r;

	if (!db || p->servers.places.n == 1 || (db->at == p->servers.current && db->epoch == p->servers.epoch))
		return db;
	if (db->at != p->servers.current) {
		mr_db_close(db);
		return NULL;
	}
	mr_search_begin(&p->servers, 0, 0, &search);
	p->busy[thread] = db;
	pthread_mutex_unlock(&p->lock);
	r = mr_search_recheck(&search, db, &why);
	pthread_mutex_lock(&p->lock);
	p->busy[thread] = NULL;
	if (r == 0)
		return db;
	/* One that broke may be older than the server's last start: whether the server fails, a fresh one shows. */
	if (r == -ESTALE)
		mr_servers_failed(&p->servers, db->at, &why);
	mr_db_close(db);
	return NULL;
}

static void lend(struct mr_db_pool *p, struct item *item, unsigned thread)
{
	item->db = still_good(p, item->db, thread);
	if (!item->db && p->state == POOL_UP)
		item->db = connect_now(p);
	hand_back(p, item);
}

/* Takes the first job and runs it. While the back end is known to be away the job is told so at once, and others do the connecting. */
static struct mr_db *serve(struct mr_db_pool *p, struct mr_db *db, uint64_t used, unsigned thread)
{
	struct item *item = p->queue;
	uint64_t broke = p->broke;
	bool alive;

	DL_DELETE(p->queue, item);
	p->queued--;
	if (item->given) {
		lend(p, item, thread);
		return db;
	}
	db = still_good(p, db, thread);
	p->busy[thread] = db;
	pthread_mutex_unlock(&p->lock);
	alive = alive_by(db, used, broke);
	pthread_mutex_lock(&p->lock);
	p->busy[thread] = NULL;
	if (!alive) {
		mr_db_close(db);
		db = NULL;
	}
	if (!db && p->state == POOL_UP)
		db = connect_now(p);
	return run_item(p, item, db, thread);
}

struct worker {
	struct mr_db_pool *p;
	unsigned number;
};

static void *worker(void *arg)
{
	struct worker w = *(struct worker *)arg;
	struct mr_db_pool *p = w.p;
	struct mr_db *db = NULL;
	uint64_t used = 0;

	free(arg);
	mysql_thread_init();
	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		if (!db && may_connect(p)) {
			db = connect_now(p);
			used = mr_now_ms();
		} else if (!p->queue || (!db && p->state == POOL_UNKNOWN)) {
			wait_for_work(p, db);
		} else {
			db = serve(p, db, used, w.number);
			used = mr_now_ms();
		}
	}
	pthread_mutex_unlock(&p->lock);
	mr_db_close(db);
	mysql_thread_end();
	return NULL;
}

/* --- the watcher, where there are several servers */

/* The server in use does not answer: jobs that wait for it shall not do so until db_timeout. */
static void give_up_current(struct mr_db_pool *p, const struct mr_diag *why)
{
	size_t at = p->servers.current;

	mr_servers_failed(&p->servers, at, why);
	for (unsigned i = 0; i < p->n_threads; i++)
		if (p->busy[i] && p->busy[i]->at == at)
			mr_db_interrupt(p->busy[i]);
}

/* A connection to one server, first..end-1. Called and left with the lock held. */
static struct mr_db *look_for(struct mr_db_pool *p, size_t first, size_t end)
{
	struct mr_search search;
	struct mr_db *db;

	if (!mr_search_begin(&p->servers, first, end, &search))
		return NULL;
	search.timeout_ms = search.timeout_ms < WATCH_ANSWER_MS ? search.timeout_ms : WATCH_ANSWER_MS;
	pthread_mutex_unlock(&p->lock);
	db = mr_search_run(&p->servers, &search);
	pthread_mutex_lock(&p->lock);
	if (!db && end == first + 1 && first == p->servers.current)
		give_up_current(p, &search.why[first]);
	else if (db || end <= p->servers.current)
		mr_search_end(&p->servers, &search, db);
	return db;
}

/* A better server than that in use, else whether that still answers. */
static struct mr_db *look_around(struct mr_db_pool *p, struct mr_db *db)
{
	struct mr_diag why = { 0 };
	struct mr_db *better = NULL;
	int r = 0;

	if (p->state != POOL_UP) /* the others look for a server */
		return db;
	if (p->servers.current > 0)
		better = look_for(p, 0, p->servers.current);
	if (better || (db && db->at != p->servers.current)) {
		mr_db_close(db);
		db = better;
	}
	if (db && !better) {
		pthread_mutex_unlock(&p->lock);
		r = mr_db_check_schema(db, &why);
		pthread_mutex_lock(&p->lock);
	}
	if (r < 0) {
		mr_db_close(db);
		db = NULL;
	}
	return db ? db : look_for(p, p->servers.current, p->servers.current + 1);
}

static void *watcher(void *arg)
{
	struct mr_db_pool *p = arg;
	struct mr_db *db = NULL;
	struct timespec until;
	uint64_t next;

	mysql_thread_init();
	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		db = look_around(p, db);
		next = mr_now_ms() + WATCH_MS;
		while (!p->stopping && mr_now_ms() < next) {
			until = in_ms(next - mr_now_ms());
			pthread_cond_timedwait(&p->end, &p->lock, &until);
		}
	}
	pthread_mutex_unlock(&p->lock);
	mr_db_close(db);
	mysql_thread_end();
	return NULL;
}

/* --- */

static void finish_items(struct item *list)
{
	struct item *item, *next;

	DL_FOREACH_SAFE (list, item, next) {
		if (item->given)
			item->given(item->job.arg, item->db);
		else
			item->job.done(item->job.arg);
		free(item);
	}
}

static void on_finished(int fd, int what, void *arg)
{
	struct mr_db_pool *p = arg;
	struct item *list;
	eventfd_t n;

	eventfd_read(fd, &n);
	pthread_mutex_lock(&p->lock);
	list = p->finished;
	p->finished = NULL;
	pthread_mutex_unlock(&p->lock);
	finish_items(list);
}

static void start_threads(struct mr_db_pool *p, unsigned threads)
{
	struct worker *w;

	for (; p->n_threads < threads && p->n_threads < THREADS_MAX; p->n_threads++) {
		w = mr_new(struct worker, 1);
		*w = (struct worker){ p, p->n_threads };
		if (pthread_create(&p->threads[p->n_threads], NULL, worker, w)) {
			free(w);
			break;
		}
	}
	p->watched = p->servers.places.n > 1 && pthread_create(&p->watcher, NULL, watcher, p) == 0;
}

int mr_db_pool_new(struct mr_loop *l, const struct mr_conf_shared *conf, unsigned threads, unsigned queue_max, struct mr_db_pool **out,
		   struct mr_diag *diag)
{
	struct mr_servers servers;
	struct mr_db_pool *p;
	pthread_condattr_t attr;
	int r = mr_servers_init(&servers, conf, diag);

	if (r < 0)
		return r;
	p = mr_new(struct mr_db_pool, 1);
	*p = (struct mr_db_pool){ .servers = servers, .queue_max = queue_max };
	mr_servers_why(&p->servers, &p->why);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_cond_init(&p->end, &attr);
	pthread_condattr_destroy(&attr);
	p->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->io = mr_io_start(l, p->event, MR_READ, on_finished, p);
	start_threads(p, threads);
	*out = p;
	return 0;
}

static int queue(struct mr_db_pool *p, const struct item *what)
{
	struct item *item;
	int r = -EAGAIN;

	pthread_mutex_lock(&p->lock);
	if (!p->stopping && p->queued < p->queue_max && p->n_threads) {
		item = mr_new(struct item, 1);
		*item = *what;
		DL_APPEND(p->queue, item);
		p->queued++;
		r = 0;
	}
	pthread_mutex_unlock(&p->lock);
	if (r == 0) /* a thread that wakes up takes the lock */
		pthread_cond_signal(&p->wake);
	return r;
}

int mr_db_pool_submit(struct mr_db_pool *p, const struct mr_db_job *job)
{
	return queue(p, &(struct item){ .job = *job });
}

int mr_db_pool_lend(struct mr_db_pool *p, struct mr_db *db, void (*given)(void *arg, struct mr_db *db), void *arg)
{
	return queue(p, &(struct item){ .job.arg = arg, .given = given, .db = db });
}

bool mr_db_pool_fits(struct mr_db_pool *p, const struct mr_db *db)
{
	bool fits;

	pthread_mutex_lock(&p->lock);
	fits = !mr_db_useless(db) && p->state == POOL_UP &&
	       (p->servers.places.n == 1 || (db->at == p->servers.current && db->epoch == p->servers.epoch));
	pthread_mutex_unlock(&p->lock);
	return fits;
}

bool mr_db_pool_up(const struct mr_db_pool *p)
{
	struct mr_db_pool *pool = (struct mr_db_pool *)(uintptr_t)p; /* the lock is no part of what the caller sees */
	bool up;

	pthread_mutex_lock(&pool->lock);
	up = pool->state == POOL_UP;
	pthread_mutex_unlock(&pool->lock);
	return up;
}

void mr_db_pool_expect(struct mr_db_pool *p, const struct mr_db_expect *e)
{
	pthread_mutex_lock(&p->lock);
	mr_servers_expect(&p->servers, e);
	pthread_mutex_unlock(&p->lock);
}

struct mr_db_origin mr_db_origin(const struct mr_db *db)
{
	return (struct mr_db_origin){ db->at, db->lost };
}

const char *mr_db_pool_server(const struct mr_db_pool *p, struct mr_arena *arena)
{
	struct mr_db_pool *pool = (struct mr_db_pool *)(uintptr_t)p;
	const char *shown;

	pthread_mutex_lock(&pool->lock);
	shown = mr_arena_strdup(arena, pool->servers.places.v[pool->servers.current].shown);
	pthread_mutex_unlock(&pool->lock);
	return shown;
}

void mr_db_pool_free(struct mr_db_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->wake);
	pthread_cond_broadcast(&p->end);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	if (p->watched)
		pthread_join(p->watcher, NULL);
	mr_io_cancel(&p->io);
	close(p->event);
	finish_items(p->finished);
	finish_items(p->queue);
	pthread_cond_destroy(&p->wake);
	pthread_cond_destroy(&p->end);
	pthread_mutex_destroy(&p->lock);
	mr_servers_done(&p->servers);
	free(p);
}
