/* request: the grammar of what may be asked for. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "hostd.h"
#include "mail/address.h"

static const struct {
	const char *name;
	enum { MAYBE_ADDRESS, ADDRESS, IDS } arg;
} verbs[] = {
	[MR_HOSTD_KICK] = { "kick", ADDRESS },
	[MR_HOSTD_LIST] = { "list", MAYBE_ADDRESS },
	[MR_HOSTD_HOLD_SENDER] = { "hold-sender", ADDRESS },
	[MR_HOSTD_RELEASE_SENDER] = { "release-sender", ADDRESS },
	[MR_HOSTD_HOLD] = { "hold", IDS },
	[MR_HOSTD_RELEASE] = { "release", IDS },
	[MR_HOSTD_DELETE] = { "delete", IDS },
};

/* Short ids are hexadecimal, long ones of letters without vowels (postconf(5) enable_long_queue_ids). "ALL", which postsuper takes for
 * every message, is too short. */
static bool queue_id(struct mr_slice s)
{
	if (s.n < MR_HOSTD_ID_MIN || s.n > MR_HOSTD_ID_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z'))
			return false;
	}
	return true;
}

static int take_ids(struct mr_slice rest, struct mr_buf *ids, struct mr_diag *diag)
{
	struct mr_slice id;

	if (rest.n == 0)
		return mr_diag_set(diag, -EINVAL, "which message?");
	while (mr_slice_next(&rest, ' ', &id)) {
		if (!queue_id(id))
			return mr_diag_set(diag, -EINVAL, "not an id of Postfix's queue");
		mr_buf_add(ids, id);
		mr_buf_putc(ids, '\n');
	}
	return 0;
}

int mr_hostd_parse(const struct mr_control_request *r, struct mr_arena *arena, struct mr_hostd_request *out, struct mr_diag *diag)
{
	struct mr_hostd_request q = { .ids = MR_BUF(2 * MR_CONTROL_LINE_MAX) };
	struct mr_slice address;
	size_t v = 0;
	int err = 0;

	while (v < MR_COUNT(verbs) && !mr_slice_eq(r->verb, mr_slice_of(verbs[v].name)))
		v++;
	if (v == MR_COUNT(verbs))
		return mr_diag_set(diag, -EINVAL, "unknown request");
	q.verb = (enum mr_hostd_verb)v;
	switch (verbs[v].arg) {
	case MAYBE_ADDRESS:
	case ADDRESS:
		if (r->arg.n == 0 && verbs[v].arg == MAYBE_ADDRESS)
			break;
		err = mr_address_account(r->arg, arena, &address, diag);
		q.address = err < 0 ? NULL : mr_arena_slice(arena, address);
		break;
	case IDS:
		err = take_ids(r->arg, &q.ids, diag);
		break;
	}
	if (err < 0)
		mr_buf_done(&q.ids);
	else
		*out = q;
	return err;
}
