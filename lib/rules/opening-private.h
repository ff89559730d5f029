/* opening-private: what reads a regular expression, shared by opening.c and opening-class.c. */
#pragma once
#include "opening.h"

struct mr_opening_reader {
	struct mr_slice text;
	size_t at;
	uint32_t options;
	unsigned depth;
	bool failed;
	unsigned n_windows; /* opened so far: opening.c */
	bool deaf;          /* what is read now is no part of what is matched, or nothing more is asked for */
};

static inline bool mr_opening_ended(const struct mr_opening_reader *r)
{
	return r->failed || r->at >= r->text.n;
}

static inline char mr_opening_peek(const struct mr_opening_reader *r)
{
	return mr_opening_ended(r) ? 0 : r->text.p[r->at];
}

static inline bool mr_opening_take(struct mr_opening_reader *r, const char *what)
{
	if (r->failed || !mr_slice_starts(mr_slice_from(r->text, r->at), mr_slice_of(what)))
		return false;
	r->at += mr_slice_of(what).n;
	return true;
}

/* opening-class.c */
void mr_opening_put(struct mr_rules_class *c, unsigned from, unsigned to);
void mr_opening_negate(struct mr_rules_class *c);
/* Letters of ASCII in both cases, where the expression says so. */
void mr_opening_fold(const struct mr_opening_reader *r, struct mr_rules_class *c);
/* \d \w \s \h \v, and their opposites in capitals. */
bool mr_opening_named(char letter, struct mr_rules_class *c);
/* The byte of an escape that stands for one, after the backslash and its letter. */
unsigned mr_opening_escaped(struct mr_opening_reader *r, char letter);
/* "[...]", after the bracket. */
struct mr_rules_class mr_opening_bracketed(struct mr_opening_reader *r);
