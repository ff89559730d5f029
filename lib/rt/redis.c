/* redis: commands with deadlines, and one subscription, over two links. */

/* system */
#include <string.h>

/* libraries */
#include <hiredis/async.h>
#include <utlist.h>

/* ours */
#include "base/arena.h"
#include "base/mem.h"
#include "rt/clock.h"
#include "rt/file.h"
#include "rt/redis-link.h"
#include "rt/redis.h"

#define PASSWORD_MAX 4096
#define ARRAYS_DEEP  8 /* arrays in arrays that are handed on */

struct command {
	struct command *prev, *next;
	struct mr_redis *redis;
	struct mr_timer *timer;
	uint64_t sent; /* ms */
	bool told, in_hiredis;
	mr_redis_cb *cb;
	void *arg;
};

struct mr_redis {
	char *server, *user, *password;
	struct redis_link link, listener;
	struct command *commands;
	uint64_t last_reply; /* ms */
	bool freeing;
	char *channel;
	void (*on_message)(struct mr_slice payload, void *arg);
	void (*on_lost)(void *arg);
	void *arg;
};

static struct mr_slice reply_text(const redisReply *r)
{
	return (struct mr_slice){ r->str, r->len };
}

void redis_reply_convert(const redisReply *r, struct mr_arena *arena, unsigned depth, struct mr_redis_reply *out)
{
	struct mr_redis_reply *items;

	*out = (struct mr_redis_reply){ .ok = true };
	switch (r->type) {
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		out->type = MR_REDIS_STR;
		out->text = reply_text(r);
		break;
	case REDIS_REPLY_INTEGER:
		out->type = MR_REDIS_INT;
		out->integer = r->integer;
		break;
	case REDIS_REPLY_ERROR:
		out->ok = false;
		out->text = reply_text(r);
		break;
	case REDIS_REPLY_ARRAY:
		out->type = MR_REDIS_ARRAY;
		items = depth < ARRAYS_DEEP ? mr_arena_try(arena, (r->elements + 1) * sizeof(*items)) : NULL;
		out->ok = items != NULL;
		for (size_t i = 0; items && i < r->elements; i++)
			redis_reply_convert(r->element[i], arena, depth + 1, &items[i]);
		out->items = items;
		out->n_items = items ? r->elements : 0;
		break;
	default:
		out->type = MR_REDIS_NIL;
	}
}

static void release(struct command *c)
{
	if (!c->told || c->in_hiredis)
		return;
	DL_DELETE(c->redis->commands, c);
	free(c);
}

static void tell(struct command *c, const struct mr_redis_reply *reply)
{
	if (c->told)
		return;
	c->told = true;
	mr_timer_cancel(&c->timer);
	if (c->cb && !c->redis->freeing)
		c->cb(reply, c->arg);
}

static void tell_failed(struct command *c, const char *why)
{
	tell(c, &(struct mr_redis_reply){ .ok = false, .text = mr_slice_of(why) });
}

static void on_reply(redisAsyncContext *ac, void *data, void *arg)
{
	struct command *c = arg;
	mr_autoarena arena = NULL;
	struct mr_redis_reply reply;

	c->in_hiredis = false;
	if (!data) {
		tell_failed(c, "connection lost");
	} else {
		c->redis->last_reply = mr_now_ms();
		arena = mr_arena_new(0);
		redis_reply_convert(data, arena, 0, &reply);
		tell(c, &reply);
	}
	release(c);
}

/* Late, or never sent. A connection on which nothing at all came back since then is stuck: its queue would only grow. */
static void on_timer(void *arg)
{
	struct command *c = arg;
	struct mr_redis *r = c->redis;
	bool stuck = c->in_hiredis && r->last_reply < c->sent;

	c->timer = NULL;
	tell_failed(c, c->in_hiredis ? "time-out" : "not connected");
	release(c);
	if (stuck)
		redis_link_reset(&r->link, "no answer");
}

void mr_redis_command(struct mr_redis *r, uint64_t timeout_ms, mr_redis_cb *cb, void *arg, size_t argc, const struct mr_slice *argv)
{
	struct command *c = mr_alloc(sizeof(*c));
	mr_autofree const char **words = mr_new(const char *, argc);
	mr_autofree size_t *lengths = mr_new(size_t, argc);

	for (size_t i = 0; i < argc; i++) {
		words[i] = argv[i].p;
		lengths[i] = argv[i].n;
	}
	c->redis = r;
	c->cb = cb;
	c->arg = arg;
	c->sent = mr_now_ms();
	DL_APPEND(r->commands, c);
	if (r->link.up)
		c->in_hiredis = redisAsyncCommandArgv(r->link.context, on_reply, c, (int)argc, words, lengths) == REDIS_OK;
	c->timer = mr_timer_start(r->link.loop, c->in_hiredis ? timeout_ms : 0, on_timer, c);
}

/* ["subscribe", channel, n] or ["message", channel, payload] */
static void on_push(redisAsyncContext *ac, void *data, void *arg)
{
	struct mr_redis *r = arg;
	const redisReply *reply = data;

	if (!reply || r->freeing || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 || !reply->element[0]->str)
		return;
	if (strcmp(reply->element[0]->str, "message") == 0)
		r->on_message(reply_text(reply->element[2]), r->arg);
	else
		r->on_lost(r->arg); /* what came before now was missed */
}

static void on_listener_up(struct redis_link *l)
{
	struct mr_redis *r = l->arg;
	const char *words[] = { "SUBSCRIBE", r->channel };

	redisAsyncCommandArgv(l->context, on_push, r, 2, words, NULL);
}

static void on_listener_down(struct redis_link *l)
{
	struct mr_redis *r = l->arg;

	r->on_lost(r->arg);
}

int mr_redis_subscribe(struct mr_redis *r, const char *channel, void (*on_message)(struct mr_slice payload, void *arg),
		       void (*on_lost)(void *arg), void *arg)
{
	r->channel = mr_strdup(channel);
	r->on_message = on_message;
	r->on_lost = on_lost;
	r->arg = arg;
	r->listener = (struct redis_link){ .loop = r->link.loop,
					   .place = r->link.place,
					   .user = r->user,
					   .password = r->password,
					   .quiet = true,
					   .on_up = on_listener_up,
					   .on_down = on_listener_down,
					   .arg = r };
	redis_link_start(&r->listener);
	return 0;
}

int mr_redis_new(struct mr_loop *l, const struct mr_redis_config *c, struct mr_redis **out, struct mr_diag *diag)
{
	struct mr_buf password = MR_BUF(PASSWORD_MAX);
	struct redis_place place;
	struct mr_redis *r;
	int rc = redis_place(c, &place, diag);

	if (rc == 0 && c->password_file[0])
		rc = mr_file_secret(c->password_file, &password, diag);
	if (rc == 0) {
		r = mr_alloc(sizeof(*r));
		r->server = mr_strdup(place.shown);
		r->user = mr_strdup(c->user);
		r->password = mr_buf_steal(&password);
		place.shown = r->server;
		r->link = (struct redis_link){ .loop = l, .place = place, .user = r->user, .password = r->password, .arg = r };
		redis_link_start(&r->link);
		*out = r;
	}
	mr_buf_done(&password);
	return rc;
}

void mr_redis_free(struct mr_redis *r)
{
	struct command *c, *next;

	if (!r)
		return;
	r->freeing = true;
	redis_link_stop(&r->link);
	if (r->channel)
		redis_link_stop(&r->listener);
	DL_FOREACH_SAFE (r->commands, c, next) {
		mr_timer_cancel(&c->timer);
		free(c);
	}
	mr_wipe(r->password, strlen(r->password));
	free(r->password);
	free(r->user);
	free(r->server);
	free(r->channel);
	free(r);
}

bool mr_redis_up(const struct mr_redis *r)
{
	return r->link.up;
}
