/* sa/patterns: regular expressions that functions and settings bring along; see patterns.c. */
#pragma once
/* libraries */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* ours */
#include "mail/sa/internal.h"

/* context: NULL for PCRE2's own memory. NULL and diag: it is none. */
pcre2_code *sa_pattern_compile(struct mr_slice text, uint32_t options, pcre2_compile_context *context, struct mr_diag *diag);
/* As pcre2_match(), within what the message may still cost. */
int sa_pattern_match(struct mr_sa *sa, const pcre2_code *code, struct mr_slice s, pcre2_match_data *data);
/* For a first look at what mostly does not match: its steps are not counted one by one, so it may only take a few. False: no match. */
pcre2_code *sa_pattern_compile_quick(struct mr_slice text);
bool sa_pattern_may_match(struct mr_sa *sa, const pcre2_code *quick, struct mr_slice s, pcre2_match_data *data);
