/* sa/eval-internal: what the files of functions share. Each file has its table; eval.c knows them all. */
#pragma once
#include <math.h>
#include "mail/sa/eval.h"
#include "mail/sa/internal.h"

extern const struct mr_sa_eval sa_evals_body[], sa_evals_charset[], sa_evals_date[], sa_evals_forged[], sa_evals_freemail[],
    sa_evals_header[], sa_evals_html[], sa_evals_image[], sa_evals_list[], sa_evals_mime[], sa_evals_office[], sa_evals_pdf[],
    sa_evals_proof[], sa_evals_relay[], sa_evals_uri[];

/* Argument i; p NULL where it is not given or "undef". */
struct mr_slice sa_arg(const struct mr_sa_args *args, size_t i);
/* Its number; `otherwise` where it is not given. "inf" is one. */
double sa_arg_number(const struct mr_sa_args *args, size_t i, double otherwise);
/* Compares as "> 5" or "!= 0" says; false where that is no comparison. */
bool sa_compare(double v, struct mr_slice expression);

/* For mr_sa_eval.prepare: argument 0, or 1, is a regular expression (NULL where it is not given). */
const void *sa_prepare_pattern0(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena, struct mr_diag *diag);
const void *sa_prepare_pattern1(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena, struct mr_diag *diag);
/* The same, where it may also stand between delimiters, /like this/i. */
const void *sa_prepare_delimited0(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena,
				  struct mr_diag *diag);
const void *sa_prepare_delimited1(const struct mr_sa_args *args, const struct mr_sa_conf *conf, struct mr_arena *arena,
				  struct mr_diag *diag);
bool sa_pattern_in(struct mr_sa *sa, const void *prepared, struct mr_slice s);

static inline struct mr_slice sa_scalar(struct mr_sa *sa, const char *request)
{
	return mr_sa_scalar(sa, mr_slice_of(request));
}
static inline bool sa_starts_i(struct mr_slice s, const char *prefix)
{
	return mr_slice_istarts(s, mr_slice_of(prefix));
}
/* White space as single spaces. */
struct mr_slice sa_folded(struct mr_arena *a, struct mr_slice s);
/* A template of received.h anywhere in s. */
bool sa_form_in(const char *form, struct mr_slice s);
/* Is a charset of none of the languages of ok_locales? */
bool sa_charset_far(const struct mr_sa_conf *c, struct mr_slice charset);
/* Nothing to tell forgeries by: the Received fields were removed on the way. */
bool sa_gated(struct mr_sa *sa);
/* Seconds since 1970 of a date as mail has it, leniently; false: it is none. */
bool sa_date(struct mr_slice s, double *seconds);
