/* pool-driver: a pool of two threads that asks for one mailbox every 20 ms and says when the answer changes: "found", "none" or "away".
 * Ends when standard input does. First it fills the queue once and says how many jobs were taken: "taken N". Usage: pool-driver CONF
 * ADDRESS */
/* system */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "rt/log.h"
#include "store/read.h"

#define EVERY_MS  20
#define QUEUE_MAX 16
#define BURST     100

struct driver {
	struct mr_loop *loop;
	struct mr_db_pool *pool;
	const char *address, *last;
	int result;
	bool busy;
};

static void ask(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	mr_autoarena arena = mr_arena_new(0);
	struct driver *d = arg;
	struct mr_row_mailbox row;

	d->result = db ? mr_read_mailbox(db, d->address, arena, &row, NULL) : -EAGAIN;
}

static void answered(void *arg)
{
	struct driver *d = arg;
	const char *now = d->result == 0 ? "found" : d->result == -ENOENT ? "none" : "away";

	d->busy = false;
	if (now == d->last)
		return;
	d->last = now;
	printf("%s\n", now);
	fflush(stdout);
}

static void tick(void *arg)
{
	struct driver *d = arg;
	const struct mr_db_job job = { ask, answered, d };

	if (!d->busy)
		d->busy = mr_db_pool_submit(d->pool, &job) == 0;
	mr_timer_start(d->loop, EVERY_MS, tick, d);
}

static void slow(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	usleep(EVERY_MS * 1000);
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static void fill_queue(struct driver *d)
{
	static unsigned done;
	unsigned taken = 0;

	for (unsigned i = 0; i < BURST; i++)
		taken += mr_db_pool_submit(d->pool, &(struct mr_db_job){ slow, count, &done }) == 0;
	printf("taken %u\n", taken);
	fflush(stdout);
}

static void on_input(int fd, int what, void *arg)
{
	char byte;

	if (read(fd, &byte, 1) <= 0)
		mr_loop_stop(arg);
}

int main(int argc, char **argv)
{
	const struct mr_option *tables[] = { mr_conf_shared_options, NULL };
	struct mr_conf_shared conf = { 0 };
	struct mr_diag diag = { 0 };
	struct driver d = { .loop = mr_loop_new() };
	struct mr_io *input;

	if (argc != 3 || mr_conf_load(argv[1], true, tables, &conf, &diag) < 0) {
		fprintf(stderr, "pool-driver CONF ADDRESS: %s\n", diag.text);
		return 2;
	}
	mr_log_open("pool-driver", 0, MR_LOG_NOTICE);
	d.address = argv[2];
	if (mr_db_pool_new(d.loop, &conf, 2, QUEUE_MAX, &d.pool, &diag) < 0) {
		fprintf(stderr, "pool-driver: %s\n", diag.text);
		return 2;
	}
	fill_queue(&d);
	tick(&d);
	input = mr_io_start(d.loop, STDIN_FILENO, MR_READ, on_input, d.loop);
	mr_loop_run(d.loop);
	mr_io_cancel(&input);
	mr_db_pool_free(d.pool);
	mr_loop_free(d.loop);
	mr_conf_free(tables, &conf);
	return 0;
}
