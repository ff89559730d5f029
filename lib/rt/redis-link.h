/* redis-link: one connection to Redis that is made again when lost (back-off 0.2 to 5 s), authenticated and proven by a PING before it
 * counts as up. Internal to rt/redis.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/diag.h"
#include "base/parse.h"
#include "rt/loop.h"

struct redisAsyncContext;
struct mr_redis_config;

/* Where Redis is. */
struct redis_place {
	const char *shown; /* the socket, or the address as it was given; the owner's */
	char host[MR_IP_STRLEN];
	int port; /* 0: it is the socket */
};
/* 0, or -EINVAL. `shown` is c's. */
int redis_place(const struct mr_redis_config *c, struct redis_place *out, struct mr_diag *diag);

struct redis_link {
	struct mr_loop *loop;
	struct redis_place place;
	const char *user, *password;           /* the owner's; either may be "" */
	bool quiet;                            /* logs nothing: another link to the same server does */
	void (*on_up)(struct redis_link *l);   /* may be NULL, as on_down */
	void (*on_down)(struct redis_link *l); /* was up; its commands have had their callbacks or will have them in this turn */
	void *arg;

	struct redisAsyncContext *context; /* NULL: none */
	struct mr_io *io;                  /* of its socket */
	struct mr_later flush;             /* sends the commands of this turn */
	bool flushing;
	struct mr_timer *timer; /* of the next attempt, or of the attempt under way */
	uint64_t delay;         /* ms */
	bool up, lost_logged;
};

void redis_link_start(struct redis_link *l);
/* Gives the connection up and tries again later. Not from inside one of hiredis' callbacks. */
void redis_link_reset(struct redis_link *l, const char *why);
void redis_link_stop(struct redis_link *l);

struct redisReply;
struct mr_arena;
struct mr_redis_reply;
/* hiredis' reply as ours; its arrays are in the arena, its text is hiredis'. depth 0. */
void redis_reply_convert(const struct redisReply *r, struct mr_arena *arena, unsigned depth, struct mr_redis_reply *out);
