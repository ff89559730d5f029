/* counters-read: what stands in Redis of a counter, for people. */

/* system */
#include <errno.h>

/* ours */
#include "base/arena.h"
#include "base/parse.h"
#include "base/tally.h"
#include "rt/counters.h"

/* Of the hash that counters-script.h describes: a slot counts until 13 slots after its beginning. */
static void add_slots(const struct mr_redis_reply *hash, uint64_t now, uint64_t length, struct mr_counter *out)
{
	uint64_t slot, n, first = UINT64_MAX, last = 0;

	for (size_t i = 0; i + 1 < hash->n_items; i += 2) {
		if (mr_parse_u64(hash->items[i].text, 0, UINT64_MAX / length - MR_TALLY_SLOTS - 1, &slot) < 0 ||
		    mr_parse_u64(hash->items[i + 1].text, 1, INT64_MAX, &n) < 0 || (slot + MR_TALLY_SLOTS + 1) * length <= now)
			continue;
		out->total += n;
		first = slot < first ? slot : first;
		last = slot > last ? slot : last;
	}
	if (out->total > 0) {
		out->more_ms = (first + MR_TALLY_SLOTS + 1) * length - now;
		out->ends_ms = (last + MR_TALLY_SLOTS + 1) * length - now;
	}
}

static int ask_time(struct mr_redis_session *s, struct mr_arena *arena, uint64_t *ms, struct mr_diag *diag)
{
	struct mr_redis_reply reply;
	uint64_t seconds, us;
	int r = mr_redis_ask(s, 1, &MR_LIT("TIME"), arena, &reply, diag);

	if (r < 0)
		return r;
	if (reply.n_items != 2 || mr_parse_u64(reply.items[0].text, 0, UINT32_MAX, &seconds) < 0 ||
	    mr_parse_u64(reply.items[1].text, 0, 999999, &us) < 0)
		return mr_diag_set(diag, -EAGAIN, "Redis does not tell the time");
	*ms = seconds * 1000 + us / 1000;
	return 0;
}

int mr_counter_read(struct mr_redis_session *s, const char *prefix, struct mr_slice name, uint64_t window, struct mr_counter *out,
		    struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	char *key = mr_arena_printf(arena, "%s%.*s", prefix, (int)name.n, name.p);
	const struct mr_slice words[] = { MR_LIT("HGETALL"), mr_slice_of(key) };
	struct mr_counter found = { 0 };
	struct mr_redis_reply reply;
	uint64_t now = 0;
	int r = ask_time(s, arena, &now, diag);

	if (r == 0)
		r = mr_redis_ask(s, 2, words, arena, &reply, diag);
	if (r < 0)
		return r;
	add_slots(&reply, now, window / MR_TALLY_SLOTS, &found);
	*out = found;
	return 0;
}
