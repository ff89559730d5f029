/* line-driver: a line of a pool that asks for one mailbox every 20 ms and says when what becomes of it changes: "found", "none", "failed",
 * or "not now" when the line could not be asked. Ends when standard input does, and says "asked N told N" then. Usage: line-driver CONF
 * ADDRESS
 */
/* ours */
#include "base/mem.h"
#include "pool-open.h"
#include "store/line.h"

struct driver {
	struct mr_addresses_ask ask; /* first */
	struct opened o;
	struct mr_line *line;
	const char *last;
	struct mr_row_mailbox row;
	struct mr_row_alias none;
	unsigned asked, told;
	bool in_ask;
};

static void say(struct driver *d, const char *now)
{
	if (now == d->last)
		return;
	d->last = now;
	printf("%s\n", now);
	fflush(stdout);
}

static void answered(struct mr_addresses_ask *ask, int err)
{
	struct driver *d = (struct driver *)ask;

	d->told++;
	say(d, d->in_ask ? "too early" : err ? "failed" : d->row.address ? "found" : "none");
	mr_arena_free(ask->arena);
}

static void tick(void *arg)
{
	struct driver *d = arg;

	mr_timer_start(d->o.loop, EVERY_MS, tick, d);
	if (d->asked > d->told)
		return;
	d->row = (struct mr_row_mailbox){ 0 };
	d->ask =
	    (struct mr_addresses_ask){ .mailboxes = { &d->o.address, 1, false }, .arena = mr_arena_new(0), .m = &d->row, .a = &d->none };
	d->ask.done = answered;
	d->in_ask = true;
	if (mr_line_read_addresses(d->line, &d->ask)) {
		d->asked++;
	} else {
		mr_arena_free(d->ask.arena);
		say(d, "not now");
	}
	d->in_ask = false;
}

int main(int argc, char **argv)
{
	struct driver d = { 0 };

	open_pool(argc, argv, "line-driver", &d.o);
	d.line = mr_line_new(d.o.loop, d.o.pool);
	tick(&d);
	run_until_input_ends(&d.o);
	mr_line_free(d.line);
	printf("asked %u told %u\n", d.asked, d.told);
	close_pool(&d.o);
	return 0;
}
