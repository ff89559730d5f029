/* presence: tells over Redis that this host's lookup lives, and which changes it has applied, so that who revokes something knows who has
 * forgotten it. Loop thread only.
 *
 * PREFIXlookups: sorted set, host → Redis's time of its last sign of life. PREFIXack:TOKEN: set of the hosts that have done TOKEN, which is
 * the id of a change, or "sync:" and anything; it lasts a minute. Who asks puts TOKEN on the channel PREFIXchanged. */
#pragma once
#include "changes.h"
#include "rt/redis.h"

struct mr_presence;
struct mr_presence_config {
	struct mr_redis *redis;
	const char *prefix, *host; /* copied */
	struct mr_changes *changes;
	void (*on_loss)(void *arg); /* Redis knows nothing of this host: it was not there before, or all its data is gone */
	void *arg;
};
struct mr_presence *mr_presence_new(struct mr_loop *l, const struct mr_presence_config *c);
void mr_presence_free(struct mr_presence *p); /* before Redis and the changes */
void mr_presence_asked(struct mr_presence *p, struct mr_slice token);
void mr_presence_round(struct mr_presence *p); /* the change log was read: what was asked for may be done now */
/* An orderly end: others need not wait for this host. Under way until it is no longer pending. */
void mr_presence_leave(struct mr_presence *p);
bool mr_presence_pending(const struct mr_presence *p);
