/* diag: why something was refused, in words for the administrator, collected by libraries that do not log. */
#pragma once
#include "base/slice.h"

#define MR_DIAG_MAX 512
struct mr_diag {
	char text[MR_DIAG_MAX]; /* one line, no newline; remote bytes escaped */
};
/* Sets the text (the first one set stays) and returns err, so: return mr_diag_set(d, -EINVAL, "..."). d may be NULL. */
int mr_diag_set(struct mr_diag *d, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "what: " before the text that is set, where err < 0; returns err. */
int mr_diag_about(struct mr_diag *d, int err, const char *what);
