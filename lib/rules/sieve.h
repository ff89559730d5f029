/* sieve: finds in one pass over a text where matches of many regular expressions may begin: where one of their openings stands. Bits of
 * wide words walk along the openings, a byte of text a step (shift-and: Baeza-Yates and Gonnet, "A new approach to text searching", 1992).
 */
#pragma once
#include "base/buf.h"
#include "opening.h"

struct mr_rules_sieve;

struct mr_rules_sieve *mr_rules_sieve_new(void);
void mr_rules_sieve_free(struct mr_rules_sieve *s); /* NULL is fine */
/* id: what the openings lead to. */
void mr_rules_sieve_add(struct mr_rules_sieve *s, uint32_t id, const struct mr_rules_opening *v, size_t n);
/* After the last, and before the first scan. */
void mr_rules_sieve_done(struct mr_rules_sieve *s);

struct mr_rules_start {
	uint32_t id, at;
};
/* The places of the text at which openings begin, as struct mr_rules_start, in no order, some twice. False: more than out takes. */
bool mr_rules_sieve_scan(const struct mr_rules_sieve *s, struct mr_slice text, struct mr_buf *out);
