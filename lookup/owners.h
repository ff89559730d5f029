/* owners: which addresses have an alias, patterns or limits of their own, known as a whole where these are few. So that a mailbox is read
 * without them, and an alias that does not exist not at all.
 *
 * What is known is that an address has none, as of when the read of the owners began; whatever was dropped since then is not known. Read
 * again when enough addresses were not in memory to pay for it. Loop thread only. */
#pragma once
#include "source.h"

#define MR_OWNERS_MAX 100000 /* of one kind; where there are more nothing is known of that kind */

struct mr_owners;
struct mr_owners *mr_owners_new(struct mr_source *source);
void mr_owners_free(struct mr_owners *o); /* after the source has called back */

/* Is it known that the address has none of these? *as_of_ms: since when. */
bool mr_owners_lacks(const struct mr_owners *o, enum mr_owned what, struct mr_slice address, uint64_t *as_of_ms);
/* An address was not in memory. max_age_ms: what is known longer is read again. */
void mr_owners_missed(struct mr_owners *o, uint64_t max_age_ms);
void mr_owners_drop(struct mr_owners *o, struct mr_slice address); /* it may have some now */
void mr_owners_drop_all(struct mr_owners *o);
