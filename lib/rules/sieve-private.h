/* sieve-private: what a sieve is made of. sieve-build.c makes it, sieve.c looks through texts with it. */
#pragma once
#include "sieve.h"

#define MR_SIEVE_KIND_BITS  6
#define MR_SIEVE_WINDOW_MIN 2
#define MR_SIEVE_TABLES     3 /* of windows of two, three and four bytes */

/* What keys tell apart: a letter in both cases is of one kind, and so is any digit. 0: there is no byte, before a text and behind it. */
extern const unsigned char mr_sieve_kind_of[256];

/* An opening, and what it leads to. */
struct mr_sieve_known {
	uint64_t value, mask;             /* its bytes, little-endian: what these bits of them are */
	uint8_t n, before;                /* before: enum mr_rules_before, several */
	uint8_t classes;                  /* a bit for each place of which the mask does not say all */
	uint16_t class[MR_OPENING_BYTES]; /* of s->classes */
	uint32_t first_id, n_ids;
};

/* One that has a certain window. An opening leaves two bytes of these words free: there is in `value` the window's place in it and whether
 * it is the last one with that key; in `mask`, with the rest of those of `value`, its number. */
struct mr_sieve_candidate {
	uint64_t value, mask;
};
#define MR_SIEVE_OPENING_BITS (8 * MR_OPENING_BYTES)
#define MR_SIEVE_FREE_BITS    (64 - MR_SIEVE_OPENING_BITS)
#define MR_SIEVE_PLACE_BITS   3

static inline bool mr_sieve_is_last(const struct mr_sieve_candidate *c)
{
	return c->value >> MR_SIEVE_OPENING_BITS & 1;
}

static inline size_t mr_sieve_place_of(const struct mr_sieve_candidate *c)
{
	return c->value >> (MR_SIEVE_OPENING_BITS + 1) & ((1u << MR_SIEVE_PLACE_BITS) - 1);
}

static inline size_t mr_sieve_number_of(const struct mr_sieve_candidate *c)
{
	return c->value >> (MR_SIEVE_OPENING_BITS + 1 + MR_SIEVE_PLACE_BITS) << MR_SIEVE_FREE_BITS | c->mask >> MR_SIEVE_OPENING_BITS;
}

/* Of windows of one length. */
struct mr_sieve_table {
	uint64_t *filter;
	struct mr_sieve_slot {
		uint32_t key, list; /* 0: none has that key, and 1 + of s->lists */
	} * slots;
	unsigned filter_shift, slot_shift; /* of a hash, to the right */
};

struct mr_rules_sieve {
	struct mr_sieve_added *added; /* until all are */
	size_t n_added, room;
	struct mr_sieve_table tables[MR_SIEVE_TABLES];
	struct mr_sieve_known *known;
	struct mr_rules_class *classes;
	size_t n_known, n_classes;
	uint32_t *ids;
	struct mr_sieve_candidate *lists; /* of each key a row */
};

static inline uint32_t mr_sieve_hash(uint32_t key)
{
	return key * 2654435769U;
}

static inline uint32_t mr_sieve_next_slot(const struct mr_sieve_table *t, uint32_t at)
{
	return (at + 1) & (UINT32_MAX >> t->slot_shift);
}
