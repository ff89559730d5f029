/* queue: what Postfix and Dovecot say. */

/* system */
#include <stdlib.h>
#include <string.h>

/* libraries */
#include <jansson.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "hostd.h"
#include "mail/address.h"

#define RECIPIENTS ", \"recipients\": ["
#define HEAD_MAX   16384 /* bytes: names of queue and message, and a sender with each byte escaped */
/* The first and the last line that postcat prints of a message, and the log-in that it came with. */
#define ENVELOPE MR_LIT("*** ENVELOPE RECORDS ")
#define END      MR_LIT("*** MESSAGE FILE END ")
#define LOGIN    MR_LIT("named_attribute: sasl_username=")

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

struct mr_hostd_set {
	const char **v; /* in order */
	size_t n;
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const struct mr_hostd_set *mr_hostd_set(struct mr_slice ids, struct mr_arena *arena)
{
	struct mr_hostd_set *set = mr_arena_alloc(arena, sizeof(*set));
	struct mr_slice id;

	set->v = mr_arena_alloc(arena, (ids.n + 1) * sizeof(*set->v) / MR_HOSTD_ID_MIN);
	while (mr_slice_next(&ids, '\n', &id))
		if (id.n >= MR_HOSTD_ID_MIN)
			set->v[set->n++] = mr_arena_slice(arena, id);
	qsort(set->v, set->n, sizeof(*set->v), compare);
	return set;
}

struct mr_slice mr_hostd_from(struct mr_slice ids, const char *from, struct mr_arena *arena)
{
	const struct mr_hostd_set *set = mr_hostd_set(ids, arena);
	char *text = mr_arena_alloc(arena, ids.n + 1), *end = text;

	for (size_t i = 0; i < set->n; i++)
		if (!from || strcmp(set->v[i], from) >= 0) {
			end = stpcpy(end, set->v[i]);
			*end++ = '\n';
		}
	return (struct mr_slice){ text, (size_t)(end - text) };
}

static void add_line(struct mr_buf *out, struct mr_slice line)
{
	size_t before = out->n;

	if (mr_buf_add(out, line) < 0 || mr_buf_putc(out, '\n') < 0)
		mr_buf_truncate(out, before);
}

static void take(const struct mr_hostd_pick *pick, const char *queue, const char *id, const char *sender, struct mr_slice line)
{
	bool on_hold = mr_slice_eq(mr_slice_of(queue), MR_LIT("hold"));

	if (pick->where != MR_HOSTD_ANY_QUEUE && on_hold != (pick->where == MR_HOSTD_ON_HOLD))
		return;
	if (pick->only && !bsearch(&id, pick->only->v, pick->only->n, sizeof(id), compare))
		return;
	bool own = !pick->sender || sent_by(mr_slice_of(sender), mr_slice_of(pick->sender), pick->delimiter);
	struct mr_buf *to = own ? pick->out : pick->others;
	if (to)
		add_line(to, own && pick->whole_lines ? line : mr_slice_of(id));
}

void mr_hostd_pick(struct mr_slice line, void *arg)
{
	/* The last member may be megabytes, and is not looked at. A quote inside a sender has a backslash before it. */
	const char *recipients = line.n ? memmem(line.p, line.n, RECIPIENTS, strlen(RECIPIENTS)) : NULL, *queue, *id, *sender;
	struct mr_buf head = MR_BUF(HEAD_MAX);
	json_t *message = NULL;

	if (recipients && mr_buf_add(&head, (struct mr_slice){ line.p, (size_t)(recipients - line.p) }) == 0 &&
	    mr_buf_putc(&head, '}') == 0)
		message = json_loadb(head.p, head.n, 0, NULL);
	if (json_unpack(message, "{s:s, s:s, s:s}", "queue_name", &queue, "queue_id", &id, "sender", &sender) == 0)
		take(arg, queue, id, sender, line);
	json_decref(message);
	mr_buf_done(&head);
}

void mr_hostd_logins(struct mr_slice line, void *arg)
{
	struct mr_hostd_logins *l = arg;

	if (mr_slice_starts(line, ENVELOPE))
		l->within = l->rest.n > 0 && mr_slice_next(&l->rest, '\n', &l->id);
	else if (mr_slice_starts(line, END))
		l->within = false;
	else if (l->within && mr_slice_starts(line, LOGIN) && mr_slice_ieq(mr_slice_from(line, LOGIN.n), mr_slice_of(l->login)))
		add_line(l->out, l->id);
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

void mr_hostd_session(struct mr_slice line, void *arg)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_slice user, address;

	if (line.n > 0 && mr_slice_next(&line, '\t', &user) && mr_address_account(user, arena, &address, NULL) == 0)
		add_line(arg, address);
}

/* After a line of words it names the user of each session. */
void mr_hostd_kicked(struct mr_slice line, void *arg)
{
	struct mr_hostd_kicked *k = arg;

	for (size_t i = 0; i < line.n; i++)
		k->sessions += line.p[i] == '@';
	k->nobody |= mr_slice_starts(line, MR_LIT("no users kicked"));
}
