/* redis-hosts: a Redis of the test's own, and the links of two hosts to it on one loop; for tests of what hosts share. */
#pragma once
#include <stdio.h>
#include "rt/log.h"
#include "rt/redis.h"
#include "spawn.h"
#include "unit.h"

static char redis_folder[64], redis_socket[96];
static pid_t server; /* 0: killed */
static struct mr_loop *loop;
static struct mr_redis *links[2];

/* Empty: nothing is kept over spawn_kill(&server). */
static inline void start_server(void)
{
	char *argv[] = { "redis-server", "--port", "0", "--unixsocket", redis_socket, "--save", "", NULL };

	server = spawn(redis_folder, argv);
	assert_true(server > 0);
}

static inline void stop_loop(void *arg)
{
	mr_loop_stop(loop);
}

static inline void run_for(uint64_t ms)
{
	mr_timer_start(loop, ms, stop_loop, NULL);
	mr_loop_run(loop);
}

static inline void wait_up(bool up)
{
	for (size_t h = 0; h < MR_COUNT(links); h++) {
		for (int i = 0; i < 500 && mr_redis_up(links[h]) != up; i++)
			run_for(20);
		assert_int_equal(mr_redis_up(links[h]), up);
	}
}

static inline void open_links(void)
{
	struct mr_redis_config config = { .socket = redis_socket, .address = "", .user = "", .password_file = "" };

	mr_log_set_level(MR_LOG_ERROR);
	snprintf(redis_folder, sizeof(redis_folder), "/tmp/mr-test-redis-XXXXXX");
	assert_non_null(mkdtemp(redis_folder));
	snprintf(redis_socket, sizeof(redis_socket), "%s/s", redis_folder);
	loop = mr_loop_new();
	for (size_t h = 0; h < MR_COUNT(links); h++)
		assert_int_equal(mr_redis_new(loop, &config, &links[h], NULL), 0);
	start_server();
}

/* Before what uses them is freed. */
static inline void close_links(void)
{
	for (size_t h = 0; h < MR_COUNT(links); h++)
		mr_redis_free(links[h]);
}

/* Last; 0 for cmocka. */
static inline int close_server(void)
{
	char log[96];

	mr_loop_free(loop);
	spawn_kill(&server);
	unlink(redis_socket);
	snprintf(log, sizeof(log), "%s/log", redis_folder);
	unlink(log);
	return rmdir(redis_folder);
}
