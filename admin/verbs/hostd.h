/* hostd: requests to the root helper of this host. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"
#include "options.h"

/* A queue that is too long to be looked at in one turn (mailreeve-hostd(8)) is looked at in several, of less than a minute each. */
#define HOSTD_ALL  0 /* turns: until all of it was looked at */
#define HOSTD_PART 1 /* what these functions return when it was not: the turns are used up, or one came to nothing */

/* Sends one request and takes the lines of the answer, without the last "ok". 0, HOSTD_PART, or -errno with the reason: what hostd said, or
 * that it is not there. *answer is the caller's to free. */
int hostd_ask(const struct mr_conf_shared *c, const char *request, unsigned turns, struct mr_buf *answer, struct mr_diag *diag);
/* The same for a request that answers with a number, as "kicked=2": the sum of all turns. */
int hostd_count(const struct mr_conf_shared *c, const char *request, unsigned turns, uint64_t *out, struct mr_diag *diag);
/* How many messages of the queue are on hold, of that sender or, with NULL, all; they are added to *n. */
int hostd_held(const struct mr_conf_shared *c, const char *address, unsigned turns, uint64_t *n, struct mr_diag *diag);
