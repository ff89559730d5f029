/* redis: one connection on a loop, with reconnect (back-off 0.2 to 5 s), deadlines and subscription. Redis is never needed to answer mail:
 * callers carry on when a command fails. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"
#include "rt/loop.h"

struct mr_redis;
struct mr_redis_reply {
	bool ok; /* false: away, late or an error reply; text then says why */
	enum { MR_REDIS_NIL, MR_REDIS_STR, MR_REDIS_INT, MR_REDIS_ARRAY } type;
	struct mr_slice text;
	int64_t integer;
	const struct mr_redis_reply *items;
	size_t n_items;
};
typedef void mr_redis_cb(const struct mr_redis_reply *r, void *arg);

struct mr_conf_shared;
struct mr_redis_config {
	const char *socket;               /* "": address */
	const char *address;              /* "127.0.0.1:6379", never a name: to look one up would stop the loop */
	const char *user, *password_file; /* password file "" = no AUTH */
};
struct mr_redis_config mr_redis_config(const struct mr_conf_shared *c);
bool mr_redis_wanted(const struct mr_redis_config *c); /* false: there is neither socket nor address */
/* One question and its answer, blocking at most timeout_ms for each step: 0, -EAGAIN with what is wrong, or what is wrong with the address
 * or the password file. */
int mr_redis_check(const struct mr_redis_config *c, uint64_t timeout_ms, struct mr_diag *diag);
/* For --check of a daemon: adds "ok redis" or "failed redis: why"; 0 or 1. Nothing where no Redis is configured. */
int mr_redis_check_line(const struct mr_conf_shared *c, struct mr_buf *out);
/* Several questions of a verb over one connection; each step blocks at most timeout_ms. The arrays of a reply are in the
 * arena, its texts live until the next question. */
struct mr_redis_session;
struct mr_arena;
int mr_redis_open(const struct mr_redis_config *c, uint64_t timeout_ms, struct mr_redis_session **out, struct mr_diag *diag);
int mr_redis_ask(struct mr_redis_session *s, size_t argc, const struct mr_slice *argv, struct mr_arena *arena, struct mr_redis_reply *out,
		 struct mr_diag *diag);
void mr_redis_close(struct mr_redis_session *s);
/* Never fails because Redis is away (but for a wrong address or password file): it keeps trying. Logs redis-connected and redis-lost once
 * each. */
int mr_redis_new(struct mr_loop *l, const struct mr_redis_config *c, struct mr_redis **out, struct mr_diag *diag);
void mr_redis_free(struct mr_redis *r); /* commands are dropped without a callback; not from inside a callback */
bool mr_redis_up(const struct mr_redis *r);
/* argv of binary-safe slices. cb may be NULL; it comes later, exactly once, at the latest after timeout_ms; "not connected" in the next
 * turn of the loop while there is no connection, as just after mr_redis_new(). */
void mr_redis_command(struct mr_redis *r, uint64_t timeout_ms, mr_redis_cb *cb, void *arg, size_t argc, const struct mr_slice *argv);
/* A second connection listens; on_message for each message, on_lost(arg) whenever messages may have been missed (loss, and each time that
 * it has begun to listen, the first time included). Once a mr_redis. */
int mr_redis_subscribe(struct mr_redis *r, const char *channel, void (*on_message)(struct mr_slice payload, void *arg),
		       void (*on_lost)(void *arg), void *arg);
