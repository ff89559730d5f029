/* signing: how many DKIM keys wait for their record, and how many sign without one, for the statistics: from the database, now and then. */
#pragma once
#include "store/db.h"

struct mr_signing;
struct mr_signing *mr_signing_new(struct mr_loop *l, struct mr_db_pool *pool, uint64_t interval_ms);
void mr_signing_free(struct mr_signing *s); /* after the pool; NULL is fine */
