/* queue: what Postfix and Dovecot say. */

/* system */
#include <string.h>

/* libraries */
#include <jansson.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "hostd.h"

#define RECIPIENTS ", \"recipients\": ["
#define HEAD_MAX   16384 /* bytes: names of queue and message, and a sender with each byte escaped */

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

void mr_hostd_pick(struct mr_slice line, void *arg)
{
	/* The last member may be megabytes, and is not looked at. A quote inside a sender has a backslash before it. */
	const char *recipients = line.n ? memmem(line.p, line.n, RECIPIENTS, strlen(RECIPIENTS)) : NULL, *queue, *id, *sender;
	const struct mr_hostd_pick *pick = arg;
	struct mr_buf head = MR_BUF(HEAD_MAX);
	json_t *message = NULL;

	if (recipients && mr_buf_add(&head, (struct mr_slice){ line.p, (size_t)(recipients - line.p) }) == 0 &&
	    mr_buf_putc(&head, '}') == 0)
		message = json_loadb(head.p, head.n, 0, NULL);
	if (json_unpack(message, "{s:s, s:s, s:s}", "queue_name", &queue, "queue_id", &id, "sender", &sender) == 0 &&
	    picked(pick, queue, sender)) {
		mr_buf_add(pick->out, pick->whole_lines ? line : mr_slice_of(id));
		mr_buf_putc(pick->out, '\n');
	}
	json_decref(message);
	mr_buf_done(&head);
}

void mr_hostd_changed(struct mr_slice line, void *arg)
{
	ptrdiff_t colon = mr_slice_rchr(line, ':');
	struct mr_slice rest = mr_slice_trim(mr_slice_from(line, (size_t)(colon + 1))), word;
	uint64_t n, *changed = arg;

	if (colon >= 0 && mr_slice_next(&rest, ' ', &word) && mr_slice_starts(rest, MR_LIT("message")) &&
	    mr_parse_u64(word, 0, UINT64_MAX, &n) == 0)
		*changed = n;
}

/* After a line of words it names the user of each session. */
void mr_hostd_kicked(struct mr_slice line, void *arg)
{
	struct mr_hostd_kicked *k = arg;

	for (size_t i = 0; i < line.n; i++)
		k->sessions += line.p[i] == '@';
	k->nobody |= mr_slice_starts(line, MR_LIT("no users kicked"));
}
