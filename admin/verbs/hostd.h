/* hostd: requests to the root helper of this host. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"
#include "options.h"

/* Sends one request and takes the lines of the answer, without the last "ok". 0, or -errno with the reason: what hostd said, or that it is
 * not there. *answer is the caller's to free. */
int hostd_ask(const struct mr_conf_shared *c, const char *request, struct mr_buf *answer, struct mr_diag *diag);
/* The same for a request that answers with a number, as "kicked=2". */
int hostd_count(const struct mr_conf_shared *c, const char *request, uint64_t *out, struct mr_diag *diag);
