/* question: runs a pure function over rows until it has its answer: runs it, fetches what was missing, runs it again from the start. What a
 * question fetched belongs to it, even if the cache did not keep it, so each run comes further. At its deadline it gets what there is:
 * stale rows, or TEMP; it never waits longer. Where every missing row has a stale version at hand it waits for the database only for
 * `stale_wait`. Loop thread only. */
#pragma once
#include "resolve.h"
#include "rows.h"

struct mr_ask {
	/* Pure: looks into w->view and adds the answer's bytes to out. False: rows are missing. At the end of its time no row is missing
	 * any more. */
	bool (*run)(const struct mr_ask *ask, const struct mr_walk *w, struct mr_buf *out);
	/* The answer is there; inside mr_question_start() or later, once. */
	void (*answer)(const struct mr_ask *ask, struct mr_slice bytes);
	struct mr_slice key, extra; /* what is asked; copied when the question has to wait */
	const void *what;           /* the run function's: which map, which table */
	uint64_t id;
	void *to; /* the answer function's */
	/* Called when the question is going to wait; may be NULL. */
	void (*waits)(const struct mr_ask *ask);
};

struct mr_questions;
struct mr_questions_config {
	uint64_t deadline_ms, stale_wait_ms;
	size_t open_max; /* questions that may wait; further ones get at once what there is */
};
struct mr_questions *mr_questions_new(struct mr_loop *l, const struct mr_questions_config *c, struct mr_rows *rows,
				      const struct mr_site *site);
/* Open questions are answered first with what there is. */
void mr_questions_free(struct mr_questions *qs);
void mr_questions_configure(struct mr_questions *qs, const struct mr_questions_config *c, const struct mr_site *site);
void mr_question_start(struct mr_questions *qs, const struct mr_ask *ask);
size_t mr_questions_open(const struct mr_questions *qs);
