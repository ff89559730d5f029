#include "presence.h"

/* ours */
#include "base/mem.h"
#include "base/parse.h"

#define ALIVE_MS    3000
#define ABSENT_MS   50 /* while there is no connection: who is not heard of is not waited for, but answers already */
#define REDIS_MS    2000
#define ASKED_MAX   64 /* tokens waited for at a time; older ones are forgotten */
#define TOKEN_MAX   64
#define NAMES_MAX   1024
#define ACK_SECONDS "60"

/* Redis's own clock, so that those of the hosts do not matter. Who has not been heard of for a week is forgotten. */
static const char alive_script[] = "local t = redis.call('TIME')[1] "
				   "local new = redis.call('ZADD', KEYS[1], t, ARGV[1]) "
				   "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', t - 604800) "
				   "return new";

struct asked {
	char token[TOKEN_MAX];
	size_t n;
	uint64_t change; /* 0: it is a sync, done by round */
	uint64_t round;
};

struct mr_presence {
	struct mr_loop *loop;
	struct mr_presence_config conf;
	char *prefix, *host, *set;
	struct mr_timer *timer;
	struct asked asked[ASKED_MAX];
	size_t n_asked;
	bool leaving;
};

static void on_alive(const struct mr_redis_reply *r, void *arg)
{
	struct mr_presence *p = arg;

	if (r->ok && r->type == MR_REDIS_INT && r->integer == 1)
		p->conf.on_loss(p->conf.arg);
}

static void on_timer(void *arg)
{
	struct mr_presence *p = arg;
	const struct mr_slice argv[] = { MR_LIT("EVAL"), mr_slice_of(alive_script), MR_LIT("1"), mr_slice_of(p->set),
					 mr_slice_of(p->host) };

	bool up = mr_redis_up(p->conf.redis);

	if (up)
		mr_redis_command(p->conf.redis, REDIS_MS, on_alive, p, MR_COUNT(argv), argv);
	p->timer = mr_timer_start(p->loop, up ? ALIVE_MS : ABSENT_MS, on_timer, p);
}

static char *name(const char *prefix, const char *rest)
{
	struct mr_buf b = MR_BUF(NAMES_MAX);

	mr_buf_printf(&b, "%s%s", prefix, rest);
	return mr_buf_steal(&b);
}

struct mr_presence *mr_presence_new(struct mr_loop *l, const struct mr_presence_config *c)
{
	struct mr_presence *p = mr_new(struct mr_presence, 1);

	*p = (struct mr_presence){ .loop = l, .conf = *c };
	p->prefix = mr_strdup(c->prefix);
	p->host = mr_strdup(c->host);
	p->set = name(c->prefix, "lookups");
	p->timer = mr_timer_start(l, 0, on_timer, p);
	return p;
}

void mr_presence_free(struct mr_presence *p)
{
	if (p == NULL)
		return;
	mr_timer_cancel(&p->timer);
	free(p->prefix);
	free(p->host);
	free(p->set);
	free(p);
}

static void acknowledge(struct mr_presence *p, const struct asked *a)
{
	struct mr_buf key = MR_BUF(NAMES_MAX);

	mr_buf_printf(&key, "%sack:%.*s", p->prefix, (int)a->n, a->token);
	const struct mr_slice add[] = { MR_LIT("SADD"), mr_buf_slice(&key), mr_slice_of(p->host) };
	const struct mr_slice expire[] = { MR_LIT("EXPIRE"), mr_buf_slice(&key), MR_LIT(ACK_SECONDS) };
	mr_redis_command(p->conf.redis, REDIS_MS, NULL, NULL, MR_COUNT(add), add);
	mr_redis_command(p->conf.redis, REDIS_MS, NULL, NULL, MR_COUNT(expire), expire);
	mr_buf_done(&key);
}

static bool is_done(struct mr_presence *p, const struct asked *a)
{
	if (a->change == 0)
		return mr_changes_rounds(p->conf.changes) >= a->round;
	return mr_changes_applied(p->conf.changes, a->change);
}

void mr_presence_round(struct mr_presence *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_asked; i++) {
		if (is_done(p, &p->asked[i]))
			acknowledge(p, &p->asked[i]);
		else
			p->asked[kept++] = p->asked[i];
	}
	p->n_asked = kept;
}

/* What is no token only wakes up. */
void mr_presence_asked(struct mr_presence *p, struct mr_slice token)
{
	struct asked a = { .n = token.n };
	bool sync = mr_slice_starts(token, MR_LIT("sync:"));

	mr_changes_wake(p->conf.changes);
	if (token.n > TOKEN_MAX || (!sync && mr_parse_u64(token, 1, UINT64_MAX, &a.change) != 0))
		return;
	memcpy(a.token, token.p, token.n);
	if (sync)
		a.round = mr_changes_sync(p->conf.changes);
	if (p->n_asked == ASKED_MAX) {
		p->n_asked--;
		memmove(p->asked, p->asked + 1, p->n_asked * sizeof(a));
	}
	p->asked[p->n_asked++] = a;
	mr_presence_round(p); /* a poll may have seen it already */
}

static void on_left(const struct mr_redis_reply *r, void *arg)
{
	struct mr_presence *p = arg;

	p->leaving = false;
}

void mr_presence_leave(struct mr_presence *p)
{
	const struct mr_slice argv[] = { MR_LIT("ZREM"), mr_slice_of(p->set), mr_slice_of(p->host) };

	mr_timer_cancel(&p->timer);
	p->leaving = true;
	mr_redis_command(p->conf.redis, REDIS_MS, on_left, p, MR_COUNT(argv), argv);
}

bool mr_presence_pending(const struct mr_presence *p)
{
	return p->leaving;
}
