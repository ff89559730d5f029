/* sender-login: who may send under this address (smtpd_sender_login_maps). Key: an envelope sender. Value: log-in names, joined by ", ". An
 * address with a mailbox belongs to that mailbox alone, with any extension; an alias or a catch-all belongs to every mailbox that it leads
 * to. Who is locked, receives only or has expired owns none. */
#include "map.h"

static void find(const struct mr_walk *w, struct mr_slice key, struct mr_map_answer *out)
{
	struct mr_buf list = MR_BUF(MR_SOCKETMAP_REPLY_MAX - 16);
	struct mr_resolved r;

	mr_resolve(w, key, MR_RESOLVE_OWN, &r);
	if (!mr_map_resolved(&r, out))
		return;
	for (size_t i = 0; i < r.n_finals; i++) {
		if (!r.finals[i].local || !r.finals[i].send)
			continue;
		mr_buf_puts(&list, list.n ? ", " : "");
		mr_buf_add(&list, r.finals[i].address);
	}
	if (list.full) {
		out->status = MR_SOCKETMAP_PERM;
		out->data = MR_LIT("too many owners of this address");
	} else if (list.n > 0) {
		out->status = MR_SOCKETMAP_OK;
		out->data = mr_slice_of(mr_arena_slice(w->arena, mr_buf_slice(&list)));
	}
	mr_buf_done(&list);
}

const struct mr_map mr_map_table_sender_login = { "sender-login", find };
