/* pool-open: what the drivers of pools have in common: a pool of two threads by a configuration, and a loop that runs until standard input
 * ends.
 */
#pragma once
/* system */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ours */
#include "rt/log.h"
#include "store/db.h"

#define EVERY_MS  20 /* between questions */
#define QUEUE_MAX 16 /* jobs of the pool */

struct opened {
	const char *address; /* to ask for */
	struct mr_loop *loop;
	struct mr_db_pool *pool;
	struct mr_conf_shared conf;
};

static const struct mr_option *const pool_options[] = { mr_conf_shared_options, NULL };

/* Reads "NAME CONF ADDRESS"; ends the process where that cannot be done. */
static inline void open_pool(int argc, char **argv, const char *name, struct opened *o)
{
	struct mr_diag diag = { 0 };

	o->loop = mr_loop_new();
	if (argc != 3 || mr_conf_load(argv[1], true, pool_options, &o->conf, &diag) < 0 ||
	    mr_db_pool_new(o->loop, &o->conf, 2, QUEUE_MAX, &o->pool, &diag) < 0) {
		fprintf(stderr, "%s CONF ADDRESS: %s\n", name, diag.text);
		exit(2);
	}
	mr_log_open(name, 0, MR_LOG_NOTICE);
	o->address = argv[2];
}

static inline void on_input(int fd, int what, void *arg)
{
	char byte;

	if (read(fd, &byte, 1) <= 0)
		mr_loop_stop(arg);
}

static inline void run_until_input_ends(struct opened *o)
{
	struct mr_io *input = mr_io_start(o->loop, STDIN_FILENO, MR_READ, on_input, o->loop);

	mr_loop_run(o->loop);
	mr_io_cancel(&input);
	mr_db_pool_free(o->pool);
}

static inline void close_pool(struct opened *o)
{
	mr_loop_free(o->loop);
	mr_conf_free(pool_options, &o->conf);
}
