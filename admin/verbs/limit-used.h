/* limit-used: the sending limits of somebody, and what is used of them. */
#pragma once
#include "options.h"
#include "proto/limit.h"
#include "rt/counters.h"
#include "store/db.h"

struct limit_used {
	struct mr_limit rule;
	bool known; /* Redis has told; else the next one means nothing */
	struct mr_counter used;
};
#define LIMIT_USED_MAX 128

/* whom: a user, who has limits of its own and of its domain; a domain; the address of a client, which has limits of its own and of its
 * network; or a network of clients, /24 or /48 or narrower. At most LIMIT_USED_MAX, in the arena. 0; -EINVAL, -ENOENT or what the database
 * says, with the reason. */
int limit_used(const struct verbs_conf *conf, struct mr_db *db, const char *whom, struct mr_arena *arena, struct limit_used **out,
	       size_t *n, struct mr_diag *diag);
