/* sieve: see sieve.h. Of each opening one window of two to four bytes is looked for, in tables of hashed keys; in front of each a filter of
 * bits says of most places of a text that no key stands there. Where a key stands the openings that have it are compared whole. */

/* system */
#include <endian.h>
#include <string.h>

/* ours */
#include "base/mem.h"
#include "sieve-private.h"

#define KEY_MASK(length) ((uint32_t)((UINT64_C(1) << (length)*MR_SIEVE_KIND_BITS) - 1))
#define PADDING          8
#define BATCH            64

struct scan {
	const struct mr_rules_sieve *s;
	struct mr_slice text; /* with PADDING on both sides */
	struct mr_buf *out;
	struct key {
		uint32_t table, key, from;
	} keys[BATCH]; /* to be looked up */
	struct mr_rules_start batch[BATCH];
	size_t n_keys, n;
	bool full;
};

static void flush(struct scan *scan)
{
	if (mr_buf_add(scan->out, (struct mr_slice){ (const char *)scan->batch, scan->n * sizeof(*scan->batch) }) < 0)
		scan->full = true;
	scan->n = 0;
}

static void report(struct scan *scan, const struct mr_sieve_known *k, size_t at)
{
	for (uint32_t i = 0; i < k->n_ids; i++) {
		if (scan->n == BATCH)
			flush(scan);
		scan->batch[scan->n++] = (struct mr_rules_start){ .id = scan->s->ids[k->first_id + i], .at = (uint32_t)at };
	}
}

/* What the mask of an opening does not say of it. */
static bool stands(const struct scan *scan, const struct mr_sieve_known *k, size_t at)
{
	struct mr_slice text = scan->text;

	if (at > text.n || k->n > text.n - at)
		return false;
	if (k->before != MR_BEFORE_ANY && !(k->before & mr_rules_before_of(text, at)))
		return false;
	for (unsigned rest = k->classes; rest; rest &= rest - 1) {
		unsigned i = (unsigned)__builtin_ctz(rest);

		if (!mr_rules_class_has(&scan->s->classes[k->class[i]], (unsigned char)text.p[at + i]))
			return false;
	}
	return true;
}

static inline bool is_like(const struct mr_sieve_candidate *c, const char *at)
{
	uint64_t bytes;

	memcpy(&bytes, at, sizeof(bytes));
	return !(((le64toh(bytes) ^ c->value) & c->mask) << MR_SIEVE_FREE_BITS);
}

/* That key is made of the bytes from there on. */
static void look_up(struct scan *scan, const struct mr_sieve_slot *slot, size_t from)
{
	for (const struct mr_sieve_candidate *c = &scan->s->lists[slot->list - 1];; c++) {
		const struct mr_sieve_known *k = &scan->s->known[mr_sieve_number_of(c)];

		if (is_like(c, scan->text.p + from - mr_sieve_place_of(c)) && stands(scan, k, from - mr_sieve_place_of(c)))
			report(scan, k, from - mr_sieve_place_of(c));
		if (mr_sieve_is_last(c))
			break;
	}
}

/* What the filters let through: where it is looked for is fetched for several at once, since much of it is in no near cache. */
static void drain(struct scan *scan)
{
	const struct mr_sieve_slot *slots[BATCH];

	for (size_t i = 0; i < scan->n_keys; i++) {
		const struct mr_sieve_table *t = &scan->s->tables[scan->keys[i].table];
		uint32_t at = mr_sieve_hash(scan->keys[i].key) >> t->slot_shift;

		while (t->slots[at].list && t->slots[at].key != scan->keys[i].key)
			at = mr_sieve_next_slot(t, at);
		slots[i] = &t->slots[at];
		if (slots[i]->list)
			__builtin_prefetch(&scan->s->lists[slots[i]->list - 1]);
	}
	for (size_t i = 0; i < scan->n_keys; i++)
		if (slots[i]->list)
			look_up(scan, slots[i], scan->keys[i].from);
	scan->n_keys = 0;
}

/* A window of the last bytes, the last of which is at i: is it worth looking up? */
static inline void look(struct scan *scan, const struct mr_sieve_table *t, unsigned length, uint32_t row, size_t i)
{
	uint32_t key = row & KEY_MASK(length), h = mr_sieve_hash(key), bit = h >> t->filter_shift;

	if (!(t->filter[bit / 64] >> bit % 64 & 1))
		return;
	__builtin_prefetch(&t->slots[h >> t->slot_shift]);
	scan->keys[scan->n_keys++] = (struct key){ .table = length - MR_SIEVE_WINDOW_MIN, .key = key, .from = (uint32_t)(i + 1 - length) };
}

/* Windows of which lengths there are is known when this is compiled. */
static inline __attribute__((always_inline)) void pass(struct scan *scan, bool two, bool three, bool four)
{
	const struct mr_sieve_table tables[MR_SIEVE_TABLES] = { scan->s->tables[0], scan->s->tables[1], scan->s->tables[2] };
	uint32_t row = 0; /* the kinds of the last bytes */

	for (size_t i = 0; i < scan->text.n && !scan->full; i++) {
		row = row << MR_SIEVE_KIND_BITS | mr_sieve_kind_of[(unsigned char)scan->text.p[i]];
		if (two)
			look(scan, &tables[0], 2, row, i);
		if (three)
			look(scan, &tables[1], 3, row, i);
		if (four)
			look(scan, &tables[2], 4, row, i);
		if (scan->n_keys > BATCH - MR_SIEVE_TABLES)
			drain(scan);
	}
	if (two)
		look(scan, &tables[0], 2, row << MR_SIEVE_KIND_BITS, scan->text.n); /* an opening of one byte may be the last one */
	drain(scan);
	flush(scan);
}

static void go_through(struct scan *scan)
{
	const struct mr_sieve_table *t = scan->s->tables;

	switch ((t[0].slots ? 1 : 0) + (t[1].slots ? 2 : 0) + (t[2].slots ? 4 : 0)) {
	case 1:
		return pass(scan, true, false, false);
	case 2:
		return pass(scan, false, true, false);
	case 3:
		return pass(scan, true, true, false);
	case 4:
		return pass(scan, false, false, true);
	case 5:
		return pass(scan, true, false, true);
	case 6:
		return pass(scan, false, true, true);
	case 7:
		return pass(scan, true, true, true);
	}
}

bool mr_rules_sieve_scan(const struct mr_rules_sieve *s, struct mr_slice text, struct mr_buf *out)
{
	struct scan scan; /* not all of it is cleared: there are many texts */
	char *padded;

	if (text.n > UINT32_MAX)
		return false;
	if (!text.n)
		return true;
	padded = mr_alloc(text.n + 2 * PADDING);
	memcpy(padded + PADDING, text.p, text.n);
	scan.s = s;
	scan.text = (struct mr_slice){ padded + PADDING, text.n };
	scan.out = out;
	scan.n_keys = scan.n = 0;
	scan.full = false;
	go_through(&scan);
	free(padded);
	return !scan.full;
}
