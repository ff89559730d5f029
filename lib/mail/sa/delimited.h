/* sa/delimited: a regular expression as Perl has it, between delimiters: /like this/i, m{like this}, qr!like this!s. */
#pragma once
#include "base/diag.h"
#include "base/slice.h"

#include <stdint.h>

/* Its text, a part of `in`, and PCRE2's options. -EINVAL and diag: it has no delimiters, does not end, holds a program ... */
int mr_sa_delimited(struct mr_slice in, struct mr_slice *out, uint32_t *options, struct mr_diag *diag);
