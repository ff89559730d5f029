/* back-ends: Redis and the resolver, asked once. 0, or -errno with the reason. */
#pragma once
#include "conf/shared.h"

#define BACK_END_UNUSED 1 /* by this configuration */
int back_end_redis(const struct mr_conf_shared *conf, struct mr_diag *diag);
int back_end_resolver(const struct mr_conf_shared *conf, struct mr_diag *diag);
