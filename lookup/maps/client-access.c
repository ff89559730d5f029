/* client-access: the administrator's rules on clients (check_client_access). Key: the name of a client, then its address. Value: an action
 * of store/rule.h, none of which permits anything. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	mr_map_access(w, MR_RULE_CLIENT, key, out);
}

const struct mr_map mr_map_table_client_access = { "client-access", find };
