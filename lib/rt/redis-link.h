/* redis-link: one connection to Redis that is made again when lost (back-off 0.2 to 5 s), authenticated and proven by a PING before it
 * counts as up. Internal to rt/redis.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "rt/loop.h"

struct redisAsyncContext;

struct redis_link {
	struct mr_loop *loop;
	const char *socket, *user, *password;  /* the owner's; user and password may be "" */
	bool quiet;                            /* logs nothing: another link to the same server does */
	void (*on_up)(struct redis_link *l);   /* may be NULL, as on_down */
	void (*on_down)(struct redis_link *l); /* was up; its commands have had their callbacks or will have them in this turn */
	void *arg;

	struct redisAsyncContext *context; /* NULL: none */
	struct mr_timer *timer;            /* of the next attempt, or of the attempt under way */
	uint64_t delay;                    /* ms */
	bool up, lost_logged;
};

void redis_link_start(struct redis_link *l);
/* Gives the connection up and tries again later. Not from inside one of hiredis' callbacks. */
void redis_link_reset(struct redis_link *l, const char *why);
void redis_link_stop(struct redis_link *l);
