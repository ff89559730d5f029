/* Thresholds of domains and users. */

/* system */
#include <errno.h>
#include <stdio.h>

/* ours */
#include "base/mem.h"
#include "base/parse.h"
#include "store/change.h"

#define SCORE_LIMIT 10000.0 /* of DECIMAL(7,2) */

static int parse(enum mr_threshold t, const char *text, struct mr_score_change *out, struct mr_diag *diag)
{
	struct mr_score_change c = { .set = true };
	double v = 0;

	if (!mr_slice_eq(mr_slice_of(text), MR_LIT("default"))) {
		if (mr_parse_double(mr_slice_of(text), -SCORE_LIMIT, SCORE_LIMIT, &v) < 0)
			return mr_diag_set(diag, -EINVAL, "%s: a number between -%.0f and %.0f, or the word default", mr_threshold_name(t),
					   SCORE_LIMIT, SCORE_LIMIT);
		snprintf(c.value, sizeof c.value, "%.2f", v);
	}
	*out = c;
	return 0;
}

int mr_thresholds_parse(const char *const texts[MR_THRESHOLDS], struct mr_thresholds_change *out, struct mr_diag *diag)
{
	int r = 0;

	for (unsigned t = 0; t < MR_THRESHOLDS && r == 0; t++)
		if (texts[t])
			r = parse(t, texts[t], &out->of[t], diag);
	return r;
}

/* A statement each, since most commands set none, and no more than one. */
#define STATEMENTS(begin, end)                                                                                                             \
	{                                                                                                                                  \
		[MR_AT_HEADER] = begin "header_score" end, [MR_AT_GREYLIST] = begin "greylist_score" end,                                  \
		[MR_AT_JUNK] = begin "junk_score" end, [MR_AT_QUARANTINE] = begin "quarantine_score" end,                                  \
		[MR_AT_REJECT] = begin "reject_score" end, [MR_AT_OUTBOUND] = begin "outbound_score" end,                                  \
		[MR_AT_OUTBOUND_REJECT] = begin "outbound_reject_score" end                                                                \
	}
#define ORDER "SELECT junk_score > reject_score, outbound_score > outbound_reject_score FROM "

static const struct statements {
	const char *set[MR_THRESHOLDS], *order;
} statements[] = {
	[MR_THRESHOLDS_OF_DOMAIN] = { STATEMENTS("UPDATE domain SET ", " = ? WHERE name = ?"), ORDER "domain WHERE name = ?" },
	[MR_THRESHOLDS_OF_USER] = { STATEMENTS("UPDATE mailbox SET ", " = ? WHERE address = ?"), ORDER "mailbox WHERE address = ?" },
};

int mr_change_thresholds(struct mr_db *db, enum mr_threshold_owner kind, const char *owner, const struct mr_thresholds_change *c,
			 struct mr_diag *diag)
{
	mr_autoarena arena = mr_arena_new(0);
	struct mr_rows rows;
	int r = 0;

	for (unsigned t = 0; t < MR_THRESHOLDS && r == 0; t++) {
		const struct mr_score_change *one = &c->of[t];

		if (one->set)
			r = mr_exec(db, statements[kind].set[t], MR_PARAMS(mr_text(*one->value ? one->value : NULL), mr_text(owner)), NULL,
				    diag);
	}
	if (r == 0)
		r = mr_query(db, statements[kind].order, MR_PARAMS(mr_text(owner)), arena, &rows, diag);
	if (r == 0 && rows.n && mr_cell_true(&rows, 0, 0))
		r = mr_diag_set(diag, -EINVAL, "%s: the junk score would be above the reject score", owner);
	if (r == 0 && rows.n && mr_cell_true(&rows, 0, 1))
		r = mr_diag_set(diag, -EINVAL, "%s: the outbound score would be above the outbound reject score", owner);
	return r;
}
