/* mailbox: does mail to this address end in the mailbox of that name? (virtual_mailbox_maps). Key: an address, with "+extension" or
 * without. Value: the mailbox. It is the same answer as the alias map's: an address is here when it is one of its own finals. */
#include "map.h"

/* ours */
#include "mail/address.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_slice asked = mr_address_lower(key, w->arena);
	struct mr_resolved r;

	mr_resolve(w, key, MR_RESOLVE_DELIVER, &r);
	if (!mr_map_resolved(&r, out))
		return;
	for (size_t i = 0; i < r.n_finals; i++) {
		const struct mr_final *f = &r.finals[i];
		if (!f->local || !f->receive)
			continue;
		if (mr_slice_eq(f->address, asked) || mr_slice_eq(mr_final_deliver(f, true, w->arena), asked)) {
			out->status = MR_SOCKETMAP_OK;
			out->data = f->address;
		}
	}
}

const struct mr_map mr_map_table_mailbox = { "mailbox", find };
