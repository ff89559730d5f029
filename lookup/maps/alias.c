/* alias: where mail for this address really goes (virtual_alias_maps). Key: an address. Value: all finals, joined by ", ": aliases of
 * aliases are followed, catch-all, role addresses and rewritten senders (SRS) are resolved, the extension is written with "+". An address
 * that only leads to itself is not found, and every address of an answer leads to nothing new: Postfix asks for each of them again. */
#include "map.h"

/* ours */
#include "mail/address.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_buf list = MR_BUF(MR_SOCKETMAP_REPLY_MAX - 16);
	struct mr_slice asked = mr_address_lower(key, w->arena), only = { "", 0 };
	struct mr_resolved r;
	size_t n = 0;

	mr_resolve(w, key, MR_RESOLVE_DELIVER, &r);
	if (!mr_map_resolved(&r, out))
		return;
	for (size_t i = 0; i < r.n_finals; i++) {
		if (!r.finals[i].receive)
			continue;
		only = mr_final_deliver(&r.finals[i], false, w->arena);
		mr_buf_puts(&list, n++ ? ", " : "");
		mr_buf_add(&list, only);
	}
	if (list.full) {
		out->status = MR_SOCKETMAP_PERM;
		out->data = MR_LIT("too many recipients behind this address");
	} else if (n > 1 || (n == 1 && !mr_slice_ieq(only, asked))) {
		out->status = MR_SOCKETMAP_OK;
		out->data = mr_slice_of(mr_arena_slice(w->arena, mr_buf_slice(&list)));
	}
	mr_buf_done(&list);
}

const struct mr_map mr_map_table_alias = { "alias", find };
