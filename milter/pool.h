/* pool: the scanner processes as the I/O loop sees them. A task is one message; it waits for a scanner, has it for itself, and ends with
 * the scanner's result or with the scanner's death. Loop thread only; callbacks come later, never from inside a call. */
#pragma once
#include "base/diag.h"
#include "rt/loop.h"
#include "scanwire.h"
#include "worker.h"

struct mr_pool;
struct mr_scanner;

struct mr_pool_config {
	const char *program; /* run with MR_MASTER_ARG; "/proc/self/exe" */
	unsigned scanners_max;
	unsigned messages_max; /* of one scanner; then it is replaced */
	struct mr_worker_limits limits;
	int log_target, log_level;
	struct mr_scan_setup setup; /* copied */
};

struct mr_pool_task {
	/* the asker's */
	const struct mr_scan_input *in;
	int memfd;  /* with in->message; -1: that is small and is sent as it is */
	bool fresh; /* only a scanner that has seen no message yet */
	/* What is known so far, and questions to be answered each by mr_pool_answer(). */
	void (*questions)(struct mr_pool_task *t, const struct mr_scan_report *r);
	/* The task is over. NULL: its scanner crashed, was killed, or talked nonsense; see also bystander. */
	void (*done)(struct mr_pool_task *t, const struct mr_scan_report *r);
	void *arg;
	/* the pool's; zero at first */
	uint64_t id;
	bool bystander; /* when done: the scanner went down with its master, which says nothing about the message */
	struct mr_scanner *scanner;
	struct mr_pool_task *prev, *next;
};

/* Starts a master; when that cannot be started it tries again every second. */
struct mr_pool *mr_pool_new(struct mr_loop *l, const struct mr_pool_config *c);
/* A new master with the new configuration; the old one's scanners finish their messages and go. */
void mr_pool_reload(struct mr_pool *p, const struct mr_pool_config *c);
void mr_pool_free(struct mr_pool *p); /* tasks are dropped without a callback */
void mr_pool_submit(struct mr_pool *p, struct mr_pool_task *t);
void mr_pool_answer(struct mr_pool *p, struct mr_pool_task *t, const struct mr_dns_answer *a);
/* The task is over without a callback; a scanner that has it is killed. */
void mr_pool_cancel(struct mr_pool *p, struct mr_pool_task *t);
size_t mr_pool_scanners(const struct mr_pool *p);
size_t mr_pool_waiting(const struct mr_pool *p);
