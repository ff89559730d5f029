/* counters-world: see counters-world.h */

/* system */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* libraries */
#include <hiredis/hiredis.h>
#include <utlist.h>

/* ours */
#include "rt/clock.h"
#include "rt/counters.h"
#include "rt/log.h"
#include "support/counters-world.h"
#include "unit/spawn.h"
#include "unit/unit.h"

#define CLOCK     "redis.call('TIME')"
#define OUR_CLOCK "redis.call('HMGET','c','s','u')"
#define WORDS_MAX 64
#define ARGS      9 /* of each name, see rt/counters-script.h */

/* A command on its way, or its answer on the way back. */
struct command {
	struct command *prev, *next;
	size_t argc;
	char **argv;
	size_t *lengths;
	mr_redis_cb *cb;
	void *arg;
	uint64_t sent, deadline;
	redisReply *reply; /* NULL: not done yet */
	bool told;
};

struct mr_redis {
	struct mr_loop *loop;
	struct mr_counters *counters;
	struct command *commands;
	bool stands;
};

struct grant {
	uint64_t at, n;
};

struct world world;
static struct mr_redis host[HOSTS];
struct mr_redis *const hosts[HOSTS] = { &host[0], &host[1], &host[2] };
static struct command *ghosts;
static struct asking *askings;
static bool delivering; /* an answer of Redis */
static struct {
	struct grant *v;
	size_t n, cap;
} grants[NAMES];

static const char *const names[NAMES] = { "a", "b" }, *const keys[NAMES] = { "mr:a", "mr:b" };
static char folder[64], socket_path[128], *script;
static pid_t server;
static redisContext *redis;

/* --- what was granted */

static uint64_t used(size_t name, uint64_t stretch)
{
	uint64_t sum = 0;

	for (size_t i = grants[name].n; i-- > 0 && grants[name].v[i].at + stretch > world.now;)
		sum += grants[name].v[i].n;
	return sum;
}

static void grant(size_t name, uint64_t n)
{
	if (grants[name].n == grants[name].cap) {
		grants[name].cap = grants[name].cap ? 2 * grants[name].cap : 1024;
		grants[name].v = mr_realloc_array(grants[name].v, grants[name].cap, sizeof(struct grant));
	}
	grants[name].v[grants[name].n++] = (struct grant){ world.now, n };
	world.seen.granted++;
	if (used(name, world.names[name].window) > world.names[name].limit)
		fail_msg("more than %ju granted", (uintmax_t)world.names[name].limit);
}

/* --- Redis */

static redisReply *run(size_t argc, char *const *argv, const size_t *lengths)
{
	redisReply *r = redisCommandArgv(redis, (int)argc, (const char **)argv, lengths);

	assert_non_null(r);
	return r;
}

/* The script with a clock that is ours. */
static void keep_script(const char *text)
{
	const char *at = strstr(text, CLOCK);
	size_t n = strlen(text) + sizeof(OUR_CLOCK);

	assert_non_null(at);
	script = mr_alloc(n);
	snprintf(script, n, "%.*s%s%s", (int)(at - text), text, OUR_CLOCK, at + strlen(CLOCK));
}

static uint64_t argument(const struct command *c, size_t n_keys, size_t key, size_t what)
{
	return strtoull(c->argv[3 + n_keys + 3 + key * ARGS + what - 1], NULL, 10);
}

/* Of what it answers: what is granted is granted now; a refusal must be due. */
static void watch(const struct command *c)
{
	size_t n_keys = strtoull(c->argv[2], NULL, 10), full;

	assert_int_equal(c->reply->type, REDIS_REPLY_ARRAY);
	full = (size_t)c->reply->element[0]->integer;
	for (size_t i = 0; full == 0 && strcmp(c->argv[3 + n_keys], "take") == 0 && i < n_keys; i++)
		grant(strcmp(c->argv[3 + i], keys[0]) != 0, argument(c, n_keys, i, 3));
	if (full > 0 && c->reply->element[2]->integer == 0) {
		size_t name = strcmp(c->argv[3 + full - 1], keys[0]) != 0;
		uint64_t longest = world.names[name].window / 12 * 13 + 1, is = used(name, longest);

		world.seen.refused++;
		if (world.well && is + argument(c, n_keys, full - 1, 3) <= world.names[name].limit)
			fail_msg("refused with %ju of %ju used", (uintmax_t)is, (uintmax_t)world.names[name].limit);
	}
}

static void set_clock(void)
{
	char s[24], us[24], *words[] = { "HSET", "c", "s", s, "u", us };

	snprintf(s, sizeof(s), "%ju", (uintmax_t)(world.now / 1000));
	snprintf(us, sizeof(us), "%ju", (uintmax_t)(world.now % 1000 * 1000));
	freeReplyObject(run(MR_COUNT(words), words, NULL));
}

static void show(const struct command *c)
{
	print_message("%ju", (uintmax_t)world.now);
	for (size_t i = 2; i < c->argc; i++)
		print_message(" %s", c->argv[i]);
	print_message(" ->");
	for (size_t i = 0; i < c->reply->elements; i++)
		print_message(" %lld%s", c->reply->element[i]->integer, i + 1 < c->reply->elements ? "" : "\n");
}

static void do_command(struct command *c)
{
	char *words[WORDS_MAX] = { "EVAL", script };
	size_t lengths[WORDS_MAX];

	if (!script && strcmp(c->argv[0], "EVALSHA") == 0) {
		c->reply = run(c->argc, c->argv, c->lengths);
		return; /* NOSCRIPT: the text comes next */
	}
	if (!script)
		keep_script(c->argv[1]);
	assert_true(c->argc <= WORDS_MAX);
	words[1] = script;
	for (size_t i = 2; i < c->argc; i++)
		words[i] = c->argv[i];
	for (size_t i = 0; i < c->argc; i++)
		lengths[i] = strlen(words[i]);
	set_clock();
	c->reply = run(c->argc, words, lengths);
	if (getenv("MR_TRACE"))
		show(c);
	world.seen.commands++;
	watch(c);
}

void redis_flush(void)
{
	freeReplyObject(redisCommand(redis, "FLUSHALL"));
}

uint64_t redis_count(size_t name)
{
	redisReply *r = redisCommand(redis, "HGETALL %s", keys[name]);
	uint64_t sum = 0;

	for (size_t i = 0; i + 1 < r->elements; i += 2)
		if (r->element[i]->str[0] >= '0' && r->element[i]->str[0] <= '9')
			sum += strtoull(r->element[i + 1]->str, NULL, 10);
	freeReplyObject(r);
	return sum;
}

/* --- the connection */

void mr_redis_command(struct mr_redis *r, uint64_t timeout_ms, mr_redis_cb *cb, void *arg, size_t argc, const struct mr_slice *argv)
{
	struct command *c = mr_alloc(sizeof(*c));

	c->argc = argc;
	c->argv = mr_new(char *, argc);
	c->lengths = mr_new(size_t, argc);
	for (size_t i = 0; i < argc; i++) {
		c->argv[i] = mr_slice_dup(argv[i]);
		c->lengths[i] = argv[i].n;
	}
	c->cb = cb;
	c->arg = arg;
	c->sent = world.now;
	c->deadline = mr_now_ms() + timeout_ms;
	DL_APPEND(r->commands, c);
}

static void command_free(struct command *c)
{
	for (size_t i = 0; i < c->argc; i++)
		free(c->argv[i]);
	free(c->argv);
	free(c->lengths);
	if (c->reply)
		freeReplyObject(c->reply);
	free(c);
}

static void tell_failed(struct command *c)
{
	if (!c->told)
		c->cb(&(struct mr_redis_reply){ .text = MR_LIT("lost") }, c->arg);
	c->told = true;
}

bool wire_do(struct mr_redis *h)
{
	struct command *c;

	DL_SEARCH_SCALAR(h->commands, c, reply, NULL);
	if (c)
		do_command(c);
	return c != NULL;
}

bool wire_deliver(struct mr_redis *h)
{
	struct command *c = h->commands;
	struct mr_redis_reply items[WORDS_MAX], answer = { .type = MR_REDIS_ARRAY, .items = items };

	if (!c || !c->reply || h->stands)
		return false;
	DL_DELETE(h->commands, c);
	answer.ok = c->reply->type == REDIS_REPLY_ARRAY;
	answer.text = (struct mr_slice){ c->reply->str, c->reply->len };
	for (size_t i = 0; answer.ok && i < c->reply->elements; i++)
		items[answer.n_items++] =
		    (struct mr_redis_reply){ .ok = true, .type = MR_REDIS_INT, .integer = c->reply->element[i]->integer };
	mr_clock_fake(world.now, 0);
	delivering = true;
	if (!c->told)
		c->cb(&answer, c->arg);
	delivering = false;
	command_free(c);
	return true;
}

bool wire_late(struct mr_redis *h, uint64_t ms)
{
	return h->commands && h->commands->sent + ms < world.now;
}

static void abandon(struct command *c, bool (*lost)(void))
{
	if (!c->reply && !lost())
		DL_APPEND(ghosts, c);
	else
		command_free(c);
}

void wire_cut(struct mr_redis *h, bool (*lost)(void))
{
	struct command *all = h->commands, *c, *next;

	h->commands = NULL;
	mr_clock_fake(world.now, 0);
	DL_FOREACH_SAFE (all, c, next) {
		DL_DELETE(all, c);
		tell_failed(c);
		abandon(c, lost);
	}
}

bool wire_ghost(void)
{
	struct command *c = ghosts;

	if (!c)
		return false;
	DL_DELETE(ghosts, c);
	do_command(c);
	command_free(c);
	return true;
}

/* --- processes */

static void born(struct mr_redis *h)
{
	*h = (struct mr_redis){ .loop = mr_loop_new() };
	h->counters = mr_counters_new(h->loop, h, "mr:");
}

static bool is_lost(void)
{
	return true;
}

static void die(struct mr_redis *h)
{
	struct command *c, *next;

	DL_FOREACH_SAFE (h->commands, c, next) {
		DL_DELETE(h->commands, c);
		abandon(c, is_lost);
	}
	mr_counters_free(h->counters);
	mr_loop_free(h->loop);
}

void host_die(struct mr_redis *h)
{
	die(h);
	born(h);
}

void host_stand(struct mr_redis *h, bool still)
{
	h->stands = still;
}

void host_turn(struct mr_redis *h, uint64_t lag)
{
	struct command *c, *next;

	if (h->stands)
		return;
	mr_clock_fake(world.now - lag, 0);
	DL_FOREACH_SAFE (h->commands, c, next)
		if (c->deadline <= mr_now_ms())
			tell_failed(c);
	mr_loop_once(h->loop);
}

void host_give_back(struct mr_redis *h)
{
	mr_clock_fake(world.now, 0);
	mr_counters_give_back(h->counters);
}

static void on_counted(const struct mr_counted *c, void *arg)
{
	struct asking *a = arg;

	a->told = true;
	a->granted = c->full == a->n;
	/* When Redis answers, it was granted when it was done there. */
	for (size_t i = 0; !delivering && c->shared && a->granted && a->take && i < a->n; i++)
		grant(a->names[i], a->units[i]);
}

const struct asking *host_ask(struct mr_redis *h, const struct asking *asking, uint64_t lag)
{
	struct asking *a = mr_alloc(sizeof(*a));
	struct mr_count v[NAMES];
	struct mr_counted now;

	*a = *asking;
	DL_APPEND(askings, a);
	if (h->stands)
		return a;
	world.seen.asked++;
	for (size_t i = 0; i < a->n; i++) {
		size_t name = a->names[i];

		v[i] = (struct mr_count){ mr_slice_of(names[name]), world.names[name].window, world.names[name].limit, a->units[i] };
	}
	mr_clock_fake(world.now - lag, 0);
	a->here = mr_counters_ask(h->counters, a->take, 2000, v, a->n, &now, on_counted, a);
	if (a->here) {
		assert_true(now.shared && now.full == a->n);
		on_counted(&now, a);
	}
	return a;
}

/* --- */

void world_begin(uint64_t now)
{
	redis_flush();
	world = (struct world){ .now = now };
	mr_clock_fake(now, 0);
	for (size_t h = 0; h < HOSTS; h++)
		born(&host[h]);
}

void world_end(void)
{
	struct asking *a;

	for (size_t h = 0; h < HOSTS; h++)
		die(&host[h]);
	while (wire_ghost())
		continue;
	while ((a = askings)) {
		DL_DELETE(askings, a);
		free(a);
	}
	for (size_t i = 0; i < NAMES; i++) {
		free(grants[i].v);
		memset(&grants[i], 0, sizeof(grants[i]));
	}
}

int world_setup(void **state)
{
	char *argv[] = { "redis-server", "--port", "0", "--unixsocket", socket_path, "--save", "", NULL };

	mr_log_set_level(MR_LOG_ERROR);
	snprintf(folder, sizeof(folder), "/tmp/mr-test-counters-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	server = spawn(folder, argv);
	assert_true(server > 0);
	for (int i = 0; i < 500 && (!redis || redis->err); i++) {
		if (redis)
			redisFree(redis);
		usleep(20000);
		redis = redisConnectUnix(socket_path);
	}
	assert_int_equal(redis->err, 0);
	return 0;
}

int world_teardown(void **state)
{
	char name[160];

	redisFree(redis);
	free(script);
	spawn_kill(&server);
	unlink(socket_path);
	snprintf(name, sizeof(name), "%s/log", folder);
	unlink(name);
	return rmdir(folder);
}
