/* pool-private: what pool.c (tasks) and pool-master.c (processes) share. */
#pragma once

/* libraries */
#include <utlist.h>

/* ours */
#include "pool.h"

#define SCANNER_IN_MAX  (MR_WIRE_MAX + 65536 + 32)
#define SCANNER_OUT_MAX (64u << 20) /* answers to MR_DNS_QUESTIONS_MAX questions */

struct mr_scanner {
	struct mr_master *master;
	pid_t pid;
	int fd, pidfd;
	struct mr_io *io;
	struct mr_buf in, out;
	struct mr_later sending; /* out, at the end of the turn */
	struct mr_pool_task *task;
	bool ready; /* has shut itself in */
	unsigned messages;
	struct mr_scanner *prev, *next;
};

struct mr_master {
	struct mr_pool *pool;
	pid_t pid;
	int fd;
	struct mr_io *io;
	struct mr_scanner *scanners;
	size_t n_scanners;
	size_t asked;   /* forks under way */
	size_t unready; /* scanners that have not said so yet */
	bool old;       /* replaced: ends when its scanners have gone */
	struct mr_master *prev, *next;
};

struct mr_pool {
	struct mr_loop *loop;
	struct mr_pool_config config; /* but for its setup */
	struct mr_buf setup;          /* encoded */
	struct mr_master *masters, *current;
	struct mr_timer *restart;
	struct mr_pool_task *waiting;
	size_t n_waiting;
	uint64_t last_id;
};

/* pool.c */
void mr_scanner_event(int fd, int what, void *arg);
void mr_scanner_flush(void *scanner);
void mr_pool_dispatch(struct mr_pool *p);
/* pool-master.c */
bool mr_master_gone(const struct mr_master *m);     /* even before the loop has told */
void mr_pool_ask(struct mr_pool *p, size_t wanted); /* has the current master fork, within scanners_max */
void mr_pool_pause(struct mr_pool *p);              /* no forks for a second: they fail */
void mr_scanner_free(struct mr_scanner *s);         /* kills it; ends an old master that has no scanner left */
