/* channel: one connection to a socket of lookup: questions of wire.h go out pipelined, answers come back by their id. A lost connection
 * is made again and the open questions are asked again on it. Internal to lib/directory. */
#pragma once
#include "proto/wire.h"
#include "rt/loop.h"

struct channel;
struct kept;

/* Who is told: deliver() gets the answer, or NULL when none came in time, and knows what fn really is. */
struct channel_asker {
	void (*deliver)(const struct mr_wire *answer, struct mr_arena *arena, const struct channel_asker *asker);
	void (*fn)(void);
	void *arg;
	void *own;      /* deliver()'s */
	bool keep;      /* its answer may serve for the same question again */
	uint64_t asked; /* mr_now_ms(), set by channel_ask() */
};

/* kept (may be NULL) has answers of before. on_connected (may be NULL) is told of each connection that is made, and of its end. */
struct channel *channel_new(struct mr_loop *l, const char *path, struct kept *kept, void (*on_connected)(bool up, void *arg), void *arg);
void channel_free(struct channel *c); /* open questions are dropped; not from inside a callback */
/* Whoever waits is told now that no answer came; not from inside a callback, and nobody asks again from inside his. */
void channel_give_up(struct channel *c); /* NULL is fine */
bool channel_up(const struct channel *c);
/* Fields are copied. The asker is told later, exactly once, at the latest at the deadline (mr_now_ms()). Where lookup has been away
 * for a while it is told at once, so that its caller does not spend its own time waiting for nothing. */
struct channel_field {
	const char *key; /* NULL ends the list */
	struct mr_slice value;
};
void channel_ask(struct channel *c, const char *cmd, const struct channel_field *fields, uint64_t deadline, struct channel_asker asker);
