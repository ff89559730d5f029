/* sa/patterns: regular expressions that functions and settings bring along. All of them together have one budget for a message. */
/* system */
#include <errno.h>

/* ours */
#include "mail/sa/patterns.h"

#define STEPS_LIMIT 100000   /* of one match, by PCRE2's count, from one place */
#define STEPS_MAX   10000000 /* of a message: half a second */
#define QUICK_LIMIT 500      /* of a match without our count, which takes one for each byte at least */
#define QUICK_STEPS 100      /* what that is taken for */
#define RUN         16       /* bytes that one step passes over at a stretch */

static pcre2_code *compile(struct mr_slice text, uint32_t options, pcre2_compile_context *context, struct mr_diag *diag)
{
	PCRE2_UCHAR why[256];
	PCRE2_SIZE at = 0;
	int err = 0;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text.p ? text.p : ""), text.n, options | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C,
					 &err, &at, context);

	if (code)
		return code;
	pcre2_get_error_message(err, why, sizeof(why));
	mr_diag_set(diag, -EINVAL, "regular expression, at character %zu: %s", (size_t)at + 1, (char *)why);
	return NULL;
}

pcre2_code *sa_pattern_compile(struct mr_slice text, uint32_t options, pcre2_compile_context *context, struct mr_diag *diag)
{
	return compile(text, options | PCRE2_AUTO_CALLOUT, context, diag);
}

pcre2_code *sa_pattern_compile_quick(struct mr_slice text)
{
	return compile(text, PCRE2_NO_AUTO_CAPTURE, NULL, NULL);
}

struct walk {
	struct mr_sa *sa;
	size_t start, at; /* where the last step was */
};

/* Called before each item of an expression. */
static int step(pcre2_callout_block *b, void *arg)
{
	struct walk *w = arg;
	size_t from = w->start == b->start_match ? w->at : b->start_match, to = b->current_position;

	w->start = b->start_match;
	w->at = to;
	w->sa->pattern_steps += 1 + (to > from ? (to - from) / RUN : 0);
	return w->sa->pattern_steps > STEPS_MAX ? PCRE2_ERROR_CALLOUT : 0;
}

static int match(struct mr_sa *sa, const pcre2_code *code, struct mr_slice s, pcre2_match_data *data, uint32_t limit)
{
	struct walk w = { .sa = sa };
	pcre2_match_context *context;
	int found;

	if (mr_sa_patterns_cut(sa))
		return PCRE2_ERROR_CALLOUT;
	context = pcre2_match_context_create(NULL);
	if (!context)
		return PCRE2_ERROR_NOMEMORY;
	pcre2_set_match_limit(context, limit);
	pcre2_set_callout(context, step, &w);
	found = pcre2_match(code, (PCRE2_SPTR)(s.p ? s.p : ""), s.n, 0, 0, data, context);
	pcre2_match_context_free(context);
	return found;
}

int sa_pattern_match(struct mr_sa *sa, const pcre2_code *code, struct mr_slice s, pcre2_match_data *data)
{
	return match(sa, code, s, data, STEPS_LIMIT);
}

bool sa_pattern_may_match(struct mr_sa *sa, const pcre2_code *quick, struct mr_slice s, pcre2_match_data *data)
{
	if (s.n >= QUICK_LIMIT)
		return true;
	sa->pattern_steps += QUICK_STEPS;
	return match(sa, quick, s, data, QUICK_LIMIT) != PCRE2_ERROR_NOMATCH;
}

bool mr_sa_patterns_cut(const struct mr_sa *sa)
{
	return sa->pattern_steps > STEPS_MAX;
}
