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

#define THREADS_MAX      64
#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS   2000
#define IDLE_PING_MS     1000 /* a connection idle for longer is asked before it is trusted */

struct item {
	struct mr_db_job job;
	struct item *next, *prev;
};

struct mr_db_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct mr_conf_shared conf; /* its own copies of the db_ options */
	struct item *queue, *finished;
	size_t queued;
	unsigned queue_max, n_threads;
	pthread_t threads[THREADS_MAX];
	bool stopping;
	int event; /* a job was finished */
	struct mr_io *io;
	/* State of the back end as logged; under the lock. */
	enum { POOL_UNKNOWN, POOL_UP, POOL_DOWN } state;
	int error;                  /* why it is down */
	bool connecting;            /* one thread tries at a time while the back end is away */
	uint64_t next_try, backoff; /* ms */
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
	p->backoff = BACKOFF_FIRST_MS;
	p->next_try = 0;
	if (p->state != POOL_UP)
		mr_log(MR_LOG_NOTICE, "database-connected", mr_s("database", p->conf.db_name));
	p->state = POOL_UP;
	pthread_cond_broadcast(&p->wake);
}

/* Logged once, and once more when an absent server turns out to have an unusable schema (or the other way round). */
static void now_down(struct mr_db_pool *p, int error, const struct mr_diag *why)
{
	p->why = *why;
	if (p->state != POOL_DOWN || p->error != error)
		mr_log(MR_LOG_ERROR, "database-lost", mr_s("why", why->text));
	p->state = POOL_DOWN;
	p->error = error;
	p->next_try = mr_now_ms() + p->backoff;
	p->backoff = p->backoff * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : p->backoff * 2;
	pthread_cond_broadcast(&p->wake);
}

/* Called and left with the lock held; opens outside of it. */
static struct mr_db *connect_now(struct mr_db_pool *p)
{
	struct mr_diag why = { 0 };
	struct mr_db *db = NULL;
	int r;

	p->connecting = true;
	pthread_mutex_unlock(&p->lock);
	r = mr_db_open(&p->conf, &db, &why);
	if (r == 0)
		r = mr_db_check_schema(db, &why);
	if (r < 0) {
		mr_db_close(db);
		db = NULL;
	}
	pthread_mutex_lock(&p->lock);
	p->connecting = false;
	if (db)
		now_up(p);
	else
		now_down(p, r, &why);
	return db;
}

/* One thread at a time, not before the pause is over; where all is well a thread connects when it has work. */
static bool may_connect(const struct mr_db_pool *p)
{
	return p->state != POOL_UP && !p->connecting && mr_now_ms() >= p->next_try;
}

/* A connection that lay idle may be dead by now; the job shall not find out. */
static struct mr_db *checked(struct mr_db *db, uint64_t used)
{
	if (db && mr_now_ms() - used >= IDLE_PING_MS && mr_db_ping(db) < 0) {
		mr_db_close(db);
		return NULL;
	}
	return db;
}

static struct mr_db *run_item(struct mr_db_pool *p, struct item *item, struct mr_db *db)
{
	struct mr_diag why = p->why;

	pthread_mutex_unlock(&p->lock);
	item->job.job(db, &why, item->job.arg);
	pthread_mutex_lock(&p->lock);
	if (db && mr_db_broken(db)) {
		mr_db_close(db);
		db = NULL;
	}
	DL_APPEND(p->finished, item);
	eventfd_write(p->event, 1);
	return db;
}

/* Waits for a job; a thread without a connection wakes up to get one while the back end is known to be away, so that recovery does not wait
 * for a job. */
static void wait_for_work(struct mr_db_pool *p, const struct mr_db *db)
{
	uint64_t now = mr_now_ms();
	struct timespec until;

	if (db || p->state == POOL_UP || p->connecting) {
		pthread_cond_wait(&p->wake, &p->lock);
		return;
	}
	until = in_ms(p->next_try > now ? p->next_try - now : 0);
	pthread_cond_timedwait(&p->wake, &p->lock, &until);
}

/* Takes the first job and runs it. While the back end is known to be away the job is told so at once, and others do the connecting. */
static struct mr_db *serve(struct mr_db_pool *p, struct mr_db *db, uint64_t used)
{
	struct item *item = p->queue;

	DL_DELETE(p->queue, item);
	p->queued--;
	pthread_mutex_unlock(&p->lock);
	db = checked(db, used);
	pthread_mutex_lock(&p->lock);
	if (!db && p->state == POOL_UP)
		db = connect_now(p);
	return run_item(p, item, db);
}

static void *worker(void *arg)
{
	struct mr_db_pool *p = arg;
	struct mr_db *db = NULL;
	uint64_t used = 0;

	mysql_thread_init();
	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		if (!db && may_connect(p)) {
			db = connect_now(p);
			used = mr_now_ms();
		} else if (!p->queue || (!db && p->state == POOL_UNKNOWN)) {
			wait_for_work(p, db);
		} else {
			db = serve(p, db, used);
			used = mr_now_ms();
		}
	}
	pthread_mutex_unlock(&p->lock);
	mr_db_close(db);
	mysql_thread_end();
	return NULL;
}

static void finish_items(struct item *list)
{
	struct item *item, *next;

	DL_FOREACH_SAFE (list, item, next) {
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

static struct mr_conf_shared copy_conf(const struct mr_conf_shared *c)
{
	return (struct mr_conf_shared){
		.db_socket = mr_strdup(c->db_socket),
		.db_host = mr_strdup(c->db_host),
		.db_name = mr_strdup(c->db_name),
		.db_user = mr_strdup(c->db_user),
		.db_password_file = mr_strdup(c->db_password_file),
		.db_ca_file = mr_strdup(c->db_ca_file),
		.db_port = c->db_port,
		.db_timeout = c->db_timeout,
	};
}

static void free_conf(struct mr_conf_shared *c)
{
	free(c->db_socket);
	free(c->db_host);
	free(c->db_name);
	free(c->db_user);
	free(c->db_password_file);
	free(c->db_ca_file);
}

struct mr_db_pool *mr_db_pool_new(struct mr_loop *l, const struct mr_conf_shared *conf, unsigned threads, unsigned queue_max)
{
	struct mr_db_pool *p = mr_new(struct mr_db_pool, 1);
	pthread_condattr_t attr;

	*p = (struct mr_db_pool){ .conf = copy_conf(conf), .queue_max = queue_max, .backoff = BACKOFF_FIRST_MS };
	mr_diag_set(&p->why, 0, "database: not connected yet");
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	p->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->io = mr_io_start(l, p->event, MR_READ, on_finished, p);
	for (; p->n_threads < threads && p->n_threads < THREADS_MAX; p->n_threads++)
		if (pthread_create(&p->threads[p->n_threads], NULL, worker, p))
			break;
	return p;
}

int mr_db_pool_submit(struct mr_db_pool *p, const struct mr_db_job *job)
{
	struct item *item;
	int r = -EAGAIN;

	pthread_mutex_lock(&p->lock);
	if (!p->stopping && p->queued < p->queue_max && p->n_threads) {
		item = mr_new(struct item, 1);
		item->job = *job;
		DL_APPEND(p->queue, item);
		p->queued++;
		pthread_cond_signal(&p->wake);
		r = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return r;
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

void mr_db_pool_free(struct mr_db_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	mr_io_cancel(&p->io);
	close(p->event);
	finish_items(p->finished);
	finish_items(p->queue);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free_conf(&p->conf);
	free(p);
}
