/* counters-world: processes that count together (rt/counters.h) and one real Redis that runs the real script, with every message between
 * them and the clock in the test's hand. It takes the place of rt/redis.c: commands wait here until the test has them done, and their
 * answers until it delivers them. What is granted is watched: of what Redis gave out, now or in advance, never more than the limit within
 * any stretch of a window; and while `well` holds nobody may be refused as long as less than the limit is used. MR_TRACE=1 shows what Redis
 * is asked. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOSTS  3
#define NAMES  2  /* that are counted: "a", "b" */
#define LAG_MS 19 /* at most: what a process believes to be now may be as old as its turn */

struct mr_redis; /* a process and its connection */

extern struct world {
	uint64_t now; /* ms, of Redis and of all */
	struct {
		uint64_t window, limit;
	} names[NAMES];
	bool well; /* all are: no message is lost or slow, nobody stands still or dies */
	struct {
		size_t asked, granted, refused, commands;
	} seen;
} world;
extern struct mr_redis *const hosts[HOSTS];

int world_setup(void **state); /* of a cmocka group */
int world_teardown(void **state);
void world_begin(uint64_t now); /* an empty Redis; names are to be filled in */
void world_end(void);

/* --- a process */
struct asking {
	bool take;
	size_t n, names[NAMES];
	uint64_t units[NAMES];
	bool here, told, granted; /* answered at once, without Redis; answered; with yes */
	struct asking *prev, *next;
};
/* It asks, believing that it is lag ms earlier. The answer to it is the world's to free. */
const struct asking *host_ask(struct mr_redis *h, const struct asking *a, uint64_t lag);
void host_turn(struct mr_redis *h, uint64_t lag); /* its timers run; of commands that were too slow it is told so */
void host_give_back(struct mr_redis *h);
void host_stand(struct mr_redis *h, bool still);
void host_die(struct mr_redis *h); /* and a new one begins */

/* --- its connection */
bool wire_do(struct mr_redis *h);                /* the oldest command that Redis has not done; false: there is none */
bool wire_deliver(struct mr_redis *h);           /* the oldest answer; false: there is none */
bool wire_late(struct mr_redis *h, uint64_t ms); /* the oldest command was sent longer ago */
/* Breaks. Each command that Redis has not done is lost, if `lost`, or done by wire_ghost() some day. */
void wire_cut(struct mr_redis *h, bool (*lost)(void));
bool wire_ghost(void); /* does the oldest command of connections that are gone */

void redis_flush(void);
/* What stands under a name: the sum of its slots. */
uint64_t redis_count(size_t name);
