/* pool-driver: a pool of two threads that asks for one mailbox every 20 ms and says when the answer changes: "found", "none" or "away".
 * Ends when standard input does. First it fills the queue once and says how many jobs were taken: "taken N". Usage: pool-driver CONF
 * ADDRESS */
/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "pool-open.h"
#include "store/read.h"

#define BURST 100

struct driver {
	struct opened o;
	const char *last;
	int result;
	bool busy;
};

static void ask(struct mr_db *db, const struct mr_diag *why, void *arg)
{
	mr_autoarena arena = mr_arena_new(0);
	struct driver *d = arg;
	struct mr_row_mailbox row;

	d->result = db ? mr_read_mailbox(db, d->o.address, arena, &row, NULL) : -EAGAIN;
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
		d->busy = mr_db_pool_submit(d->o.pool, &job) == 0;
	mr_timer_start(d->o.loop, EVERY_MS, tick, d);
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
		taken += mr_db_pool_submit(d->o.pool, &(struct mr_db_job){ slow, count, &done }) == 0;
	printf("taken %u\n", taken);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct driver d = { 0 };

	open_pool(argc, argv, "pool-driver", &d.o);
	fill_queue(&d);
	tick(&d);
	run_until_input_ends(&d.o);
	close_pool(&d.o);
	return 0;
}
