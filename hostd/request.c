/* request: the grammar of what may be asked for. */

/* system */
#include <errno.h>

/* ours */
#include "base/mem.h"
#include "hostd.h"
#include "mail/address.h"

static const struct mr_hostd_verb verbs[] = {
	{ "kick", MR_HOSTD_ADDRESS, MR_HOSTD_KICK, NULL, true },
	{ "sessions", MR_HOSTD_NOTHING, MR_HOSTD_SESSIONS, NULL, true },
	{ "list", MR_HOSTD_MAYBE_ADDRESS, MR_HOSTD_LIST, NULL, false },
	{ "list-held", MR_HOSTD_MAYBE_ADDRESS, MR_HOSTD_LIST, "-H", false },
	{ "hold-sender", MR_HOSTD_ADDRESS, MR_HOSTD_CHANGE, "-h", true },
	{ "release-sender", MR_HOSTD_ADDRESS, MR_HOSTD_CHANGE, "-H", false },
	{ "hold", MR_HOSTD_IDS, MR_HOSTD_CHANGE, "-h", false },
	{ "release", MR_HOSTD_IDS, MR_HOSTD_CHANGE, "-H", false },
	{ "delete", MR_HOSTD_IDS, MR_HOSTD_CHANGE, "-d", false },
};

/* Short ids are hexadecimal, long ones of letters without vowels (postconf(5) enable_long_queue_ids). "ALL", which postsuper takes for
 * every message, is too short. */
static bool queue_id(struct mr_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'A' && s.p[i] <= 'Z') && !(s.p[i] >= 'a' && s.p[i] <= 'z'))
			return false;
	return s.n >= MR_HOSTD_ID_MIN && s.n <= MR_HOSTD_ID_MAX;
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

/* "ADDRESS", or what goes on with a turn before: "ADDRESS ID". */
static int take_address(struct mr_slice rest, struct mr_hostd_request *q, struct mr_arena *arena, struct mr_diag *diag)
{
	struct mr_slice word = rest, address = { 0 };
	bool turns = q->verb->job != MR_HOSTD_KICK && mr_slice_chr(rest, ' ') >= 0;
	int r;

	if (turns)
		mr_slice_next(&rest, ' ', &word);
	r = mr_address_account(word, arena, &address, diag);
	if (r == 0 && turns && !queue_id(rest))
		r = mr_diag_set(diag, -EINVAL, "not an id of Postfix's queue");
	if (r == 0) {
		q->address = mr_arena_slice(arena, address);
		q->from = turns ? mr_arena_slice(arena, rest) : NULL;
	}
	return r;
}

int mr_hostd_parse(const struct mr_control_request *r, struct mr_arena *arena, struct mr_hostd_request *out, struct mr_diag *diag)
{
	struct mr_hostd_request q = { .verb = verbs, .ids = MR_BUF(2 * MR_CONTROL_LINE_MAX) };
	int err = 0;

	while (q.verb < verbs + MR_COUNT(verbs) && !mr_slice_eq(r->verb, mr_slice_of(q.verb->name)))
		q.verb++;
	if (q.verb == verbs + MR_COUNT(verbs))
		return mr_diag_set(diag, -EINVAL, "unknown request");
	if (q.verb->takes == MR_HOSTD_IDS)
		err = take_ids(r->arg, &q.ids, diag);
	else if (q.verb->takes == MR_HOSTD_NOTHING)
		err = r->arg.n > 0 ? mr_diag_set(diag, -EINVAL, "%s takes nothing", q.verb->name) : 0;
	else if (r->arg.n > 0 || q.verb->takes == MR_HOSTD_ADDRESS)
		err = take_address(r->arg, &q, arena, diag);
	if (err < 0)
		mr_buf_done(&q.ids);
	else
		*out = q;
	return err;
}
