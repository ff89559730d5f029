/* line-driver: a line of a pool that asks for one mailbox every 20 ms and says when what becomes of it changes: "found", "none", "failed",
 * or "not now" when the line could not be asked. Ends when standard input does, and says "asked N told N" then. Usage: line-driver CONF
 * ADDRESS
 */
/* system */
#include <stdio.h>
#include <unistd.h>

/* ours */
#include "base/mem.h"
#include "rt/log.h"
#include "store/line.h"

#define EVERY_MS 20

struct driver {
	struct mr_addresses_ask ask; /* first */
	struct mr_loop *loop;
	struct mr_line *line;
	const char *address, *last;
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

	mr_timer_start(d->loop, EVERY_MS, tick, d);
	if (d->asked > d->told)
		return;
	d->row = (struct mr_row_mailbox){ 0 };
	d->ask = (struct mr_addresses_ask){ .mailboxes = { &d->address, 1, false }, .arena = mr_arena_new(0), .m = &d->row, .a = &d->none };
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
	struct mr_db_pool *pool;
	struct mr_io *input;

	if (argc != 3 || mr_conf_load(argv[1], true, tables, &conf, &diag) < 0) {
		fprintf(stderr, "line-driver CONF ADDRESS: %s\n", diag.text);
		return 2;
	}
	mr_log_open("line-driver", 0, MR_LOG_NOTICE);
	d.address = argv[2];
	if (mr_db_pool_new(d.loop, &conf, 2, 16, &pool, &diag) < 0) {
		fprintf(stderr, "line-driver: %s\n", diag.text);
		return 2;
	}
	d.line = mr_line_new(d.loop, pool);
	tick(&d);
	input = mr_io_start(d.loop, STDIN_FILENO, MR_READ, on_input, d.loop);
	mr_loop_run(d.loop);
	mr_io_cancel(&input);
	mr_db_pool_free(pool);
	mr_line_free(d.line);
	printf("asked %u told %u\n", d.asked, d.told);
	mr_loop_free(d.loop);
	mr_conf_free(tables, &conf);
	return 0;
}
