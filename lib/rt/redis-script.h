/* redis-script: questions that a script answers which Redis keeps: it is called by its hash (EVALSHA); a Redis that does not know it
 * (restarted, flushed) says so and is sent it whole. What several stores have in common: names with a prefix, questions that wait, an
 * answer of numbers, deciding without Redis. Loop thread only. */
#pragma once
#include "base/hash.h"
#include "rt/redis.h"

struct mr_script_ask;
struct mr_script {
	struct mr_loop *loop;
	struct mr_redis *redis; /* NULL: there is none */
	char *prefix;           /* of all names */
	const char *text;
	char sha[2 * MR_SHA1_LEN + 1]; /* as Redis names it */
	struct mr_script_ask *asks;
};

/* One question: the first member of the store's own struct. */
struct mr_script_ask {
	struct mr_script_ask *prev, *next;
	struct mr_script *script;
	struct mr_arena *arena; /* in which it lives itself; for what is put into words */
	struct mr_timer *timer; /* without Redis */
	uint64_t timeout;
	bool whole; /* the script itself was sent */
	size_t n, max;
	struct mr_slice *words;
	/* Is told once, later; then the question is gone. v: the numbers of the answer; NULL: none came that can be understood. */
	void (*done)(struct mr_script_ask *a, const int64_t *v);
	size_t answers; /* numbers that the answer must have, none below 0 */
};

/* text lives as long as the script. */
void mr_script_init(struct mr_script *s, struct mr_loop *l, struct mr_redis *redis, const char *prefix, const char *text);
void mr_script_done(struct mr_script *s); /* after mr_redis_free(); open questions are dropped */

/* A question of `size` bytes, zeroed, with room for so many keys and arguments. */
void *mr_script_ask_new(struct mr_script *s, size_t size, size_t max);
struct mr_slice mr_script_name(struct mr_script_ask *a, struct mr_slice name); /* with the prefix, in the arena */
/* Keys first. A word lives as long as the question. */
void mr_script_word(struct mr_script_ask *a, struct mr_slice word);
void mr_script_number(struct mr_script_ask *a, uint64_t n);
/* After the words were added, and `done` and `answers` set. Without Redis done is told in the next turn of the loop. */
void mr_script_ask_drop(struct mr_script_ask *a); /* instead of sending it */
void mr_script_ask_send(struct mr_script_ask *a, size_t n_keys, uint64_t timeout_ms);
