/* client: asks lookup over its passdb socket, blocking. For Dovecot's auth-worker processes, which answer one request at a time and may
 * wait: no event loop, no thread, nothing of Dovecot's. One connection is kept per process and socket; a kept one that has gone away is
 * replaced once within the same question, and a socket that nobody listens on yet is tried until the deadline.
 *
 * Each question returns 0 and an answer whose bytes live in the arena, or -errno: -ETIMEDOUT (no answer within the deadline, connecting
 * included), -EPROTO (what came is no answer to the question), or what connecting said (-ENOENT, -ECONNREFUSED, -EACCES ...). All of these
 * mean "ask again later", none "unknown". */
#pragma once
#include "proto/directory.h"

struct mr_client;

/* A shared client for this socket, to give back with mr_client_put(). It connects when it is first asked. -ENAMETOOLONG for a path that no
 * socket can have. */
int mr_client_get(const char *path, unsigned timeout_ms, struct mr_client **out);
void mr_client_put(struct mr_client *c); /* NULL is fine */

int mr_client_passdb(struct mr_client *c, const char *address, struct mr_arena *arena, struct mr_dir_passdb *out);
int mr_client_userdb(struct mr_client *c, const char *address, const char *service, struct mr_arena *arena, enum mr_dir_status *status,
		     struct mr_dir_account *out);
/* One page of addresses in order, after `after` ("" = from the start): at most `limit`; none = the end. Read them with mr_wire_each(page,
 * "address"). */
int mr_client_iterate(struct mr_client *c, const char *after, unsigned limit, struct mr_arena *arena, enum mr_dir_status *status,
		      struct mr_wire *page);
