/* scores: what the site makes of the symbols of a message: scores of its own for single ones, and the most that all of a group may add
 * together, so that many hits for one reason do not decide alone. A group is what one check finds. Pure. */
#pragma once
#include "base/diag.h"
#include "scan.h"

#define MR_SCORES_MAX  1000 /* of one list */
#define MR_SCORE_LIMIT 1000

struct mr_score {
	struct mr_slice name;
	double value;
};
struct mr_scores {
	struct mr_score *symbols, *caps; /* by name, in order */
	size_t n_symbols, n_caps;
};
/* Words "NAME:SCORE" and "group:SCORE". Lives in the arena. -EINVAL with the option's name. */
int mr_scores_parse(char *const *symbols, size_t n_symbols, char *const *caps, size_t n_caps, struct mr_arena *arena, struct mr_scores *out,
		    struct mr_diag *diag);
/* Sets the symbols' scores and the sum. Once or more often comes to the same. */
void mr_scores_apply(const struct mr_scores *s, struct mr_scan_result *r);

struct mr_score_group {
	struct mr_slice name;
	double sum, counted; /* counted: no more than the cap */
	const double *cap;   /* NULL: none */
};
/* The groups of a message in the order in which they come; `out` holds MR_SYMBOLS_MAX. Returns their number. */
size_t mr_scores_groups(const struct mr_scores *s, const struct mr_scan_result *r, struct mr_score_group *out);
