/* outbound: see outbound.h */

/* ours */
#include "base/mem.h"
#include "outbound.h"
#include "proto/hijack.h"
#include "rt/distinct.h"

#define STORE_MS 2000

struct mr_outbound {
	struct mr_redis *redis;
	struct mr_distinct_store *store;
};

int mr_outbound_new(struct mr_loop *l, const struct mr_conf_shared *conf, struct mr_outbound **out, struct mr_diag *diag)
{
	const struct mr_redis_config config = mr_redis_config(conf);
	struct mr_redis *redis = NULL;
	int rc = mr_redis_wanted(&config) ? mr_redis_new(l, &config, &redis, diag) : 0;

	*out = NULL;
	if (rc < 0 || !redis)
		return rc;
	*out = mr_alloc(sizeof(**out));
	(*out)->redis = redis;
	(*out)->store = mr_distinct_new(l, redis, conf->redis_prefix);
	return 0;
}

void mr_outbound_free(struct mr_outbound *o)
{
	if (!o)
		return;
	mr_redis_free(o->redis);
	mr_distinct_free(o->store);
	free(o);
}

struct mr_redis *mr_outbound_redis(struct mr_outbound *o)
{
	return o ? o->redis : NULL;
}

static void on_noted(const struct mr_distincts *d, void *arg)
{
}

void mr_outbound_spam(struct mr_outbound *o, const char *login, const char *queue_id)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_distinct_item item = {
		.name = mr_hijack_spam_name(mr_slice_of(login), arena),
		.member = mr_slice_of(queue_id),
		.window = MR_HIJACK_SPAM_WINDOW,
		.max = MR_HIJACK_SPAM_MAX,
		.op = MR_DISTINCT_NOTE,
	};

	if (o)
		mr_distinct_ask(o->store, STORE_MS, &item, 1, on_noted, NULL);
}
