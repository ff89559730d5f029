/* sieve: finds in one pass over a text where something stands that is asked for on behalf of many regular expressions: what their matches
 * begin with, or what they contain. */
#pragma once
#include "base/buf.h"
#include "opening.h"

struct mr_rules_sieve;

struct mr_rules_sieve *mr_rules_sieve_new(void);
void mr_rules_sieve_free(struct mr_rules_sieve *s); /* NULL is fine */
/* id: what the openings lead to. Each is found by itself. */
void mr_rules_sieve_add(struct mr_rules_sieve *s, uint32_t id, const struct mr_rules_opening *v, size_t n);
/* At how many places of a byte of ordinary mail a sieve has to look closer for their sake, about. */
double mr_rules_sieve_share(const struct mr_rules_opening *v, size_t n);
/* After the last, and before the first scan. */
void mr_rules_sieve_done(struct mr_rules_sieve *s);

struct mr_rules_start {
	uint32_t id, at;
};
/* The places of the text at which openings stand, as struct mr_rules_start, in about the order of the text, some twice. False: more than
 * out takes. */
bool mr_rules_sieve_scan(const struct mr_rules_sieve *s, struct mr_slice text, struct mr_buf *out);
