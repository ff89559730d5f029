/* lock: has an account locked, and people told, by mailreeve-admin, which is asked over its socket: policyd writes no database and sends no
 * mail. Nobody waits for it: the request that found the reason is answered on its own account. One line in the log says what came of it.
 *
 * Asked again within a minute for the same account and thing it does nothing: the database and lookup need a moment to agree, and a client
 * that has found a limit sends on. */
#pragma once
#include "policyd.h"

struct mr_lock; /* the connection to mailreeve-admin */
struct mr_lock *mr_lock_new(struct mr_loop *l, const char *socket);
void mr_lock_free(struct mr_lock *k);

/* reason: one line, said to the user and the administrator; what is longer than the database takes is cut. */
void mr_lock_ask(struct mr_policyd *p, struct mr_slice address, const char *reason);
/* Has the user and the administrator told that a sending limit was reached: text as in "messages 100/1h", what happens to the mail. */
void mr_lock_notice(struct mr_policyd *p, struct mr_slice address, enum mr_limit_action action, const char *limit);
