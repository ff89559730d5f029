/* relay: through which host mail of a sender leaves. Pure. */
#pragma once
#include "map.h"

/* The relay host of a sender as Postfix names it ("" and "<>" are the null sender): of the mailbox whose address it is, with any extension;
 * else of its domain, of the domain that this one stands for; else that of everybody. Only the last one holds for senders that are nobody's
 * here: the null sender, those of other domains, addresses rewritten by us (SRS). True when it is known; *relay is NULL where there is
 * none. False with out->waiting or a TEMP.
 */
bool mr_relay_find(const struct mr_walk *w, struct mr_slice sender, const struct mr_row_relay **relay, struct mr_map_answer *out);
/* The relay host of everybody, the same way. */
bool mr_relay_default(const struct mr_walk *w, const struct mr_row_relay **relay, struct mr_map_answer *out);
/* Does the relay want a log-in? */
static inline bool mr_relay_logs_in(const struct mr_row_relay *relay)
{
	return relay->username[0] != '\0';
}
