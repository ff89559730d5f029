/* admin: asks mailreeve-admin, over its socket, to lock an account or to tell people: daemons write no database and send no mail. Nobody
 * waits for it, and one line in the log says what came of it. Loop thread only.
 *
 * Asked again within a minute for the same account and thing it does nothing: the database and lookup need a moment to agree, and whoever
 * has given the reason goes on giving it. */
#pragma once
#include "base/slice.h"
#include "rt/loop.h"

struct mr_admin;
struct mr_admin *mr_admin_new(struct mr_loop *l, const char *socket);
void mr_admin_free(struct mr_admin *k);
/* verb: of mailreeve-admin(8), about: the account or nothing. text: one line, said to people; what is longer than the database takes is
 * cut. */
void mr_admin_ask(struct mr_admin *k, const char *verb, struct mr_slice about, const char *text);
