/* sender-access: the administrator's rules on senders (check_sender_access). Key: an envelope sender, "<>" for the null sender. Value: an
 * action of store/rule.h, none of which permits anything. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	mr_map_access(w, MR_RULE_SENDER, key, out);
}

const struct mr_map mr_map_table_sender_access = { "sender-access", find };
