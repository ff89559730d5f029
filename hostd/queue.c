/* queue: what Postfix and Dovecot say. */

/* libraries */
#include <jansson.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "hostd.h"

/* "anna+list@example.org" is a sender of anna@example.org. */
static bool sent_by(struct mr_slice from, struct mr_slice account, char delimiter)
{
	ptrdiff_t at = mr_slice_rchr(from, '@'), account_at = mr_slice_rchr(account, '@');
	struct mr_slice local, base;

	if (at < 0 || account_at < 0 || !mr_slice_ieq(mr_slice_from(from, (size_t)at), mr_slice_from(account, (size_t)account_at)))
		return false;
	local = (struct mr_slice){ from.p, (size_t)at };
	base = (struct mr_slice){ account.p, (size_t)account_at };
	return mr_slice_istarts(local, base) && (local.n == base.n || local.p[base.n] == delimiter || local.p[base.n] == '+');
}

static bool picked(const struct mr_hostd_pick *pick, const char *queue, const char *sender)
{
	bool on_hold = mr_slice_eq(mr_slice_of(queue), MR_LIT("hold"));

	if (pick->sender && !sent_by(mr_slice_of(sender), mr_slice_of(pick->sender), pick->delimiter))
		return false;
	return pick->where == MR_HOSTD_ANY_QUEUE || on_hold == (pick->where == MR_HOSTD_ON_HOLD);
}

void mr_hostd_pick(struct mr_slice listing, const struct mr_hostd_pick *pick, struct mr_buf *out)
{
	const char *queue, *id, *sender;
	struct mr_slice line;
	json_t *message;

	while (mr_slice_next(&listing, '\n', &line)) {
		message = line.n > 0 ? json_loadb(line.p, line.n, 0, NULL) : NULL;
		if (json_unpack(message, "{s:s, s:s, s:s}", "queue_name", &queue, "queue_id", &id, "sender", &sender) == 0 &&
		    picked(pick, queue, sender)) {
			mr_buf_add(out, pick->whole_lines ? line : mr_slice_of(id));
			mr_buf_putc(out, '\n');
		}
		json_decref(message);
	}
}

uint64_t mr_hostd_changed(struct mr_slice said)
{
	struct mr_slice line, word;
	uint64_t n, changed = 0;

	while (mr_slice_next(&said, '\n', &line)) {
		ptrdiff_t colon = mr_slice_rchr(line, ':');

		line = mr_slice_trim(mr_slice_from(line, (size_t)(colon + 1)));
		if (colon >= 0 && mr_slice_next(&line, ' ', &word) && mr_slice_starts(line, MR_LIT("message")) &&
		    mr_parse_u64(word, 0, UINT64_MAX, &n) == 0)
			changed = n;
	}
	return changed;
}

/* After a line of words it names the user of each session. */
size_t mr_hostd_kicked(struct mr_slice said)
{
	size_t n = 0;

	for (size_t i = 0; i < said.n; i++)
		n += said.p[i] == '@';
	return n;
}
