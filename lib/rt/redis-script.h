/* redis-script: a script that Redis keeps. It is called by its hash (EVALSHA); a Redis that does not know it (restarted, flushed) says so
 * and is sent it whole. */
#pragma once
#include "base/hash.h"
#include "rt/redis.h"

#define MR_REDIS_SCRIPT_WORDS 3 /* that stand before the keys */

struct mr_redis_script {
	const char *text;              /* lives as long as the script */
	char sha[2 * MR_SHA1_LEN + 1]; /* as Redis names it */
};

void mr_redis_script_init(struct mr_redis_script *s, const char *text);
/* The first words of a command that runs it, whole or by its hash; after them come the keys, n_keys as text, and the arguments. */
void mr_redis_script_words(const struct mr_redis_script *s, bool whole, struct mr_slice n_keys, struct mr_slice out[MR_REDIS_SCRIPT_WORDS]);
/* Redis does not know it. */
bool mr_redis_script_unknown(const struct mr_redis_reply *r);
