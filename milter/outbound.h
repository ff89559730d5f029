/* outbound: tells policyd, by Redis, of messages of logged-in users that look like spam: one of the signals by which it notices a hijacked
 * account (the option hijack_signals of section policyd). Nobody waits for it; what Redis does not take is lost. Loop thread only. */
#pragma once
#include "conf/shared.h"
#include "rt/loop.h"

struct mr_outbound;
/* *out is NULL where no Redis is configured. */
int mr_outbound_new(struct mr_loop *l, const struct mr_conf_shared *conf, struct mr_outbound **out, struct mr_diag *diag);
void mr_outbound_free(struct mr_outbound *o);              /* NULL is fine */
struct mr_redis *mr_outbound_redis(struct mr_outbound *o); /* NULL where none is configured */
void mr_outbound_spam(struct mr_outbound *o, const char *login, const char *queue_id);
