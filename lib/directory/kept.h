/* kept: answers that still hold, since lookup has changed nothing after it gave them (rt/generation.h). lookup says with an
 * answer whether it may be kept. It is used for a second at the most, counted from its question: a lookup that stands still raises nothing,
 * but whoever waits for its acknowledgement waits longer than that. Bounded: past KEPT_MAX the one that came first goes.
 * Internal to lib/directory. */
#pragma once
#include "proto/directory.h"

struct kept;
struct kept *kept_new(const char *generation_path);
void kept_free(struct kept *k); /* NULL is fine */
/* The connection was made, or lost: another lookup answers from now on, or none. */
void kept_connected(struct kept *k, bool up);
/* An answer about an account that says a generation. asked: mr_now_ms() of its question. */
void kept_add_account(struct kept *k, const struct mr_dir_account *a, uint64_t asked);
/* NULL: ask. It lives until the next call. */
const struct mr_dir_account *kept_find_account(struct kept *k, struct mr_slice address);
/* The same of an answer as it is, under its question. What says no generation is not kept. */
void kept_add(struct kept *k, struct mr_slice question, const struct mr_wire *answer, uint64_t asked);
bool kept_has(const struct kept *k, struct mr_slice question);
bool kept_find(const struct kept *k, struct mr_slice question, struct mr_arena *arena, struct mr_wire *out); /* into the arena */
