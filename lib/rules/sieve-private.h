/* sieve-private: the two ways in which a sieve finds openings. For few, bits walk along all of them at once; many are found word by word.
 */
#pragma once
#include "sieve.h"

static inline bool mr_sieve_report(struct mr_buf *out, uint32_t id, size_t at)
{
	struct mr_rules_start start = { .id = id, .at = (uint32_t)at };

	return mr_buf_add(out, (struct mr_slice){ (const char *)&start, sizeof(start) }) == 0;
}

struct mr_sieve_opening {
	uint32_t id;
	const struct mr_rules_opening *o;
};

/* sieve-bits.c: what a byte of text costs grows with the openings, what there is to touch is little. */
struct mr_sieve_bits;

struct mr_sieve_bits *mr_sieve_bits_new(const struct mr_sieve_opening *v, size_t n);
void mr_sieve_bits_free(struct mr_sieve_bits *s);
bool mr_sieve_bits_scan(const struct mr_sieve_bits *s, struct mr_slice text, struct mr_buf *out);

/* sieve-words.c: some hundred kilobytes for 4,000 openings, of which a text touches a part; a byte costs little more than for a few. */
struct mr_sieve_words;

struct mr_sieve_words *mr_sieve_words_new(const struct mr_sieve_opening *v, size_t n);
void mr_sieve_words_free(struct mr_sieve_words *s);
bool mr_sieve_words_scan(const struct mr_sieve_words *s, struct mr_slice text, struct mr_buf *out);
