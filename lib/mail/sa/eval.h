/* sa/eval: functions that rules call by name, "header FOO eval:check_for_x('a', 2)". One table; a function that is not in it is listed by
 * `mailreeve rules list`, and so are the rules that need it. */
#pragma once
#include "base/diag.h"
#include "mail/sa/sa.h"

#define MR_SA_ARGS_MAX 16

struct mr_sa_args {
	struct mr_slice v[MR_SA_ARGS_MAX]; /* without quotes */
	size_t n;
	bool raw;             /* a rule on the raw body asks */
	const void *prepared; /* what prepare() made of them, or NULL */
};

/* What a function rests on. */
enum mr_sa_eval_basis {
	MR_SA_EVAL_MESSAGE,
	MR_SA_EVAL_PROOF, /* on proofs (sa.h) */
	MR_SA_EVAL_TOLD,  /* the same, and who has the proofs tells it by itself: here it is for other rules */
};

struct mr_sa_eval {
	const char *name;
	/* Optional: once, after all rules were read and before processes are forked: compiles patterns, looks at numbers. What it returns
	 * lives in the arena. NULL and diag: the call is in error. */
	const void *(*prepare)(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena, struct mr_diag *diag);
	/* Hits: 0, or more, mostly 1. Bounded time whatever the message is. */
	int (*run)(struct mr_sa *sa, const struct mr_sa_args *args);
	enum mr_sa_eval_basis basis;
};

/* NULL: not supported. */
const struct mr_sa_eval *mr_sa_eval_find(struct mr_slice name);
