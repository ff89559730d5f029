/* sieve-bits: see sieve-private.h. Bits of wide words walk along the openings, a byte of text a step (shift-and: Baeza-Yates and Gonnet, "A
 * new approach to text searching", 1992). What is touched for a text is what it costs: bytes that mean the same to a block share a row of
 * its table, and few openings have narrow rows. */

/* system */
#include <string.h>

/* ours */
#include "base/mem.h"
#include "sieve-private.h"

#define LANES     8
#define LANE_BITS 64
#define STRIDE    16 /* bytes of text between two looks at whether something was found */

/* A step is done for all lanes at once, by the widest registers that the machine has. */
typedef uint64_t lanes __attribute__((vector_size(LANES * sizeof(uint64_t)), aligned(LANES * sizeof(uint64_t))));

struct end {
	uint32_t id;
	uint8_t n, before; /* bytes of the opening, and what stands before it */
};

struct block {
	lanes first, last;
	uint8_t row_of[256]; /* each byte */
	lanes *rows;         /* the bits that may go on; while the sieve grows, one for each byte */
	uint64_t *narrow;    /* the same, where only the first lane is used; else NULL */
	struct end ends[LANES * LANE_BITS];
};

struct mr_sieve_bits {
	struct block **v;
	size_t n;
	unsigned bit; /* the next free one of the last block */
};

void mr_sieve_bits_free(struct mr_sieve_bits *s)
{
	for (size_t i = 0; s && i < s->n; i++) {
		free(s->v[i]->rows);
		free(s->v[i]->narrow);
		free(s->v[i]);
	}
	if (s)
		free(s->v);
	free(s);
}

static void *aligned(size_t n)
{
	void *p = aligned_alloc(_Alignof(lanes), (n + _Alignof(lanes) - 1) / _Alignof(lanes) * _Alignof(lanes));

	if (!p)
		abort();
	memset(p, 0, n);
	return p;
}

static struct block *block_new(void)
{
	struct block *b = aligned(sizeof(*b));

	b->rows = aligned(256 * sizeof(lanes));
	for (unsigned byte = 0; byte < 256; byte++)
		b->row_of[byte] = (uint8_t)byte;
	return b;
}

/* An opening does not cross from a lane into the next. */
static struct block *room_for(struct mr_sieve_bits *s, unsigned bits)
{
	if (s->bit % LANE_BITS + bits > LANE_BITS)
		s->bit += LANE_BITS - s->bit % LANE_BITS;
	if (!s->n || s->bit >= LANES * LANE_BITS) {
		s->v = mr_realloc_array(s->v, s->n + 1, sizeof(struct block *));
		s->v[s->n++] = block_new();
		s->bit = 0;
	}
	return s->v[s->n - 1];
}

static void add(struct mr_sieve_bits *s, uint32_t id, const struct mr_rules_opening *o)
{
	struct block *b = room_for(s, o->n);
	unsigned lane = s->bit / LANE_BITS, bit = s->bit % LANE_BITS;

	b->first[lane] |= UINT64_C(1) << bit;
	b->last[lane] |= UINT64_C(1) << (bit + o->n - 1);
	b->ends[s->bit + o->n - 1] = (struct end){ .id = id, .n = o->n, .before = o->before };
	for (unsigned i = 0; i < o->n; i++)
		for (unsigned byte = 0; byte < 256; byte++)
			if (o->bytes[i].bits[byte / 64] >> byte % 64 & 1)
				b->rows[byte][lane] |= UINT64_C(1) << (bit + i);
	s->bit += o->n;
}

/* Each row once. */
static void pack(struct block *b, bool narrow)
{
	lanes *rows = aligned(256 * sizeof(lanes));
	size_t n = 0;

	for (unsigned byte = 0; byte < 256; byte++) {
		size_t row = 0;

		while (row < n && memcmp(&rows[row], &b->rows[byte], sizeof(lanes)) != 0)
			row++;
		if (row == n)
			rows[n++] = b->rows[byte];
		b->row_of[byte] = (uint8_t)row;
	}
	free(b->rows);
	b->rows = aligned(n * sizeof(lanes));
	memcpy(b->rows, rows, n * sizeof(lanes));
	free(rows);
	if (!narrow)
		return;
	b->narrow = mr_new(uint64_t, n);
	for (size_t i = 0; i < n; i++)
		b->narrow[i] = b->rows[i][0];
}

struct mr_sieve_bits *mr_sieve_bits_new(const struct mr_sieve_opening *v, size_t n)
{
	struct mr_sieve_bits *s = mr_new(struct mr_sieve_bits, 1);

	for (size_t i = 0; i < n; i++)
		add(s, v[i].id, v[i].o);
	for (size_t i = 0; i < s->n; i++)
		pack(s->v[i], s->n == 1 && s->bit <= LANE_BITS);
	return s;
}

static bool report_lane(const struct block *b, unsigned lane, uint64_t found, struct mr_slice text, size_t at, struct mr_buf *out)
{
	for (uint64_t left = found; left; left &= left - 1) {
		const struct end *e = &b->ends[lane * LANE_BITS + (unsigned)__builtin_ctzll(left)];

		if (e->before & mr_rules_before_of(text, at + 1 - e->n) && !mr_sieve_report(out, e->id, at + 1 - e->n))
			return false;
	}
	return true;
}

static bool report(const struct block *b, const lanes *found, struct mr_slice text, size_t at, struct mr_buf *out)
{
	for (unsigned lane = 0; lane < LANES; lane++)
		if (!report_lane(b, lane, (*found)[lane], text, at, out))
			return false;
	return true;
}

static inline bool any(const lanes *v)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < LANES; i++)
		all |= (*v)[i];
	return all;
}

/* Once more, step by step, what something was found in. */
#define LOOK(name, target)                                                                                                                 \
	target static __attribute__((noinline)) bool look_##name(const struct block *b, const lanes *before, struct mr_slice text,         \
								 size_t from, size_t to, struct mr_buf *out)                               \
	{                                                                                                                                  \
		lanes state = *before;                                                                                                     \
                                                                                                                                           \
		for (size_t i = from; i < to; i++) {                                                                                       \
			lanes found;                                                                                                       \
                                                                                                                                           \
			state = ((state << 1) | b->first) & b->rows[b->row_of[(unsigned char)text.p[i]]];                                  \
			found = state & b->last;                                                                                           \
			if (any(&found) && !report(b, &found, text, i, out))                                                               \
				return false;                                                                                              \
		}                                                                                                                          \
		return true;                                                                                                               \
	}

#define WALK(name, target)                                                                                                                 \
	LOOK(name, target)                                                                                                                 \
	target static bool walk_##name(const struct block *b, struct mr_slice text, struct mr_buf *out)                                    \
	{                                                                                                                                  \
		const lanes first = b->first, last = b->last, *rows = b->rows;                                                             \
		const uint8_t *row_of = b->row_of;                                                                                         \
		lanes state = { 0 };                                                                                                       \
                                                                                                                                           \
		for (size_t i = 0; i < text.n;) {                                                                                          \
			size_t stop = text.n - i < STRIDE ? text.n : i + STRIDE, from = i;                                                 \
			lanes before = state, found = { 0 };                                                                               \
                                                                                                                                           \
			for (; i < stop; i++) {                                                                                            \
				state = ((state << 1) | first) & rows[row_of[(unsigned char)text.p[i]]];                                   \
				found |= state & last;                                                                                     \
			}                                                                                                                  \
			if (any(&found) && !look_##name(b, &before, text, from, stop, out))                                                \
				return false;                                                                                              \
		}                                                                                                                          \
		return true;                                                                                                               \
	}

#if defined(__x86_64__)
WALK(512, __attribute__((target("avx512f"))))
WALK(256, __attribute__((target("avx2"))))
#endif
WALK(any, )

static bool walk_narrow(const struct block *b, struct mr_slice text, struct mr_buf *out)
{
	const uint64_t first = b->first[0], last = b->last[0];
	uint64_t state = 0;

	for (size_t i = 0; i < text.n; i++) {
		state = ((state << 1) | first) & b->narrow[b->row_of[(unsigned char)text.p[i]]];
		if (state & last && !report_lane(b, 0, state & last, text, i, out))
			return false;
	}
	return true;
}

static bool (*widest(void))(const struct block *, struct mr_slice, struct mr_buf *)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		return walk_512;
	if (__builtin_cpu_supports("avx2"))
		return walk_256;
#endif
	return walk_any;
}

bool mr_sieve_bits_scan(const struct mr_sieve_bits *s, struct mr_slice text, struct mr_buf *out)
{
	bool (*walk_block)(const struct block *, struct mr_slice, struct mr_buf *) = widest();

	for (size_t i = 0; i < s->n; i++)
		if (!(s->v[i]->narrow ? walk_narrow : walk_block)(s->v[i], text, out))
			return false;
	return true;
}
