/* recipient-access: the administrator's rules on recipients (check_recipient_access). Key: an envelope recipient. Value: an action of
 * store/rule.h, none of which permits anything. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	mr_map_access(w, MR_RULE_RECIPIENT, key, out);
}

const struct mr_map mr_map_table_recipient_access = { "recipient-access", find };
