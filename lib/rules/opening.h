/* opening: with which bytes matches of a regular expression may begin. Where those are rare in mail, matches are looked for only there
 * (sieve.h): what else the expression says is PCRE2's business. */
#pragma once

/* system */
#include <stdint.h>

/* ours */
#include "base/slice.h"

#define MR_OPENING_BYTES 6
#define MR_OPENINGS_MAX  512

/* A set of bytes. */
struct mr_rules_class {
	uint64_t bits[4];
};

static inline bool mr_rules_class_has(const struct mr_rules_class *c, unsigned byte)
{
	return c->bits[byte / 64] >> byte % 64 & 1;
}

/* What stands before a place: nothing, or the end of a line; a byte of \w; any other byte. */
enum mr_rules_before { MR_BEFORE_LINE = 1, MR_BEFORE_WORD = 2, MR_BEFORE_OTHER = 4, MR_BEFORE_ANY = 7 };

/* A match begins with n bytes, one of each class, behind one of these. */
struct mr_rules_opening {
	uint8_t n;
	bool whole;     /* and may end there: more of the expression may follow; else it is cut */
	uint8_t before; /* enum mr_rules_before, several */
	uint8_t edges;  /* n is 0: what is asked of the place (opening-set.c), and not yet of what stands before it */
	struct mr_rules_class bytes[MR_OPENING_BYTES];
};

/* What each match of an expression begins with: one of `begins`; and what it contains: one of `within`, the rarest such set that was seen
 * ("necessary factors"), which may stand at its beginning, too. None is empty. n 0: not known: matches may begin with anything, or be
 * empty, or the expression is not understood. */
struct mr_rules_opening_sets {
	struct mr_rules_opening begins[MR_OPENINGS_MAX], within[MR_OPENINGS_MAX];
	size_t n_begins, n_within;
};
/* The expression is in PCRE2's syntax, over bytes; options: PCRE2_... */
void mr_rules_openings(struct mr_slice text, uint32_t options, struct mr_rules_opening_sets *out);

static inline bool mr_rules_is_word(unsigned byte)
{
	return (byte | 32) - 'a' < 26 || byte - '0' < 10 || byte == '_';
}

static inline enum mr_rules_before mr_rules_before_of(struct mr_slice text, size_t at)
{
	unsigned byte = at ? (unsigned char)text.p[at - 1] : '\n';

	return byte == '\n' ? MR_BEFORE_LINE : mr_rules_is_word(byte) ? MR_BEFORE_WORD : MR_BEFORE_OTHER;
}

/* common.c: how many of the bytes of ordinary mail are of that class, about: 0.01 is one in a hundred. */
double mr_rules_class_share(const struct mr_rules_class *c);
/* How many places of a byte of ordinary mail begin with one of them, about: 0.001 is one in a thousand. */
double mr_rules_openings_share(const struct mr_rules_opening *v, size_t n);
/* No common word begins with it, and about one place of 100,000, or fewer. */
bool mr_rules_opening_is_rare(const struct mr_rules_opening *o);

/* opening-set.c: sets of openings, which grow as an expression is read. */
struct mr_rules_openset {
	struct mr_rules_opening *v; /* free() it */
	size_t n, room;
};
void mr_rules_openset_nothing(struct mr_rules_openset *s);       /* the empty text alone */
void mr_rules_openset_any(struct mr_rules_openset *s);           /* whatever */
void mr_rules_openset_line(struct mr_rules_openset *s);          /* the empty text where a line begins */
void mr_rules_openset_edge(struct mr_rules_openset *s, bool is); /* that between a byte of \w and another one; or elsewhere */
void mr_rules_openset_byte(struct mr_rules_openset *s, const struct mr_rules_class *c);
void mr_rules_openset_or(struct mr_rules_openset *s, const struct mr_rules_openset *other);
void mr_rules_openset_then(struct mr_rules_openset *s, const struct mr_rules_openset *next);
/* At least min of it in a row, at most max. */
void mr_rules_openset_repeat(struct mr_rules_openset *s, unsigned min, unsigned max);
bool mr_rules_openset_grows(const struct mr_rules_openset *s); /* what follows can change it */
void mr_rules_openset_shrink(struct mr_rules_openset *s, size_t max);
