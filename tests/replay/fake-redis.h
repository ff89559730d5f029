/* fake-redis: a scripted stand-in for Redis's socket, in the test's own loop and under the test's clock. PING is answered; what it answers
 * to all else is said by answer(): an array of numbers, or words that make no sense to who asks. What scripts do in a real Redis is tested
 * with a real one (tests/unit). */
#pragma once
#include "base/slice.h"
#include "rt/loop.h"

struct fake_redis;

struct fake_redis *fake_redis_new(struct mr_loop *l, const char *path); /* away at first */
void fake_redis_free(struct fake_redis *f);
void fake_redis_answer(struct fake_redis *f, struct mr_slice words);
/* open, away: whether it listens. hold: commands wait. release: those are answered now, and no more are held. False for another word. */
bool fake_redis_mode(struct fake_redis *f, struct mr_slice word);
size_t fake_redis_asked(const struct fake_redis *f); /* commands so far, but for PING */
