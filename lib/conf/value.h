/* value: one option's value: text → field of the conf struct and back. */
#pragma once
#include "base/buf.h"
#include "conf/conf.h"

/* Sets the field, freeing what was there. n is 1 but for lists. -EINVAL with the diagnosis "VALUE is not ...". */
int mr_value_set(const struct mr_option *o, void *conf, const struct mr_slice *texts, size_t n, struct mr_diag *why);
void mr_value_free(const struct mr_option *o, void *conf);
bool mr_value_equal(const struct mr_option *o, const void *a, const void *b);
int mr_value_text(const struct mr_option *o, const void *conf, struct mr_buf *out);
bool mr_value_is_list(const struct mr_option *o);
/* "a size from 1k to 1G" */
void mr_value_allowed(const struct mr_option *o, struct mr_buf *out);

/* The shapes of text values: value-check.c. */
bool mr_value_is_path(struct mr_slice s);
bool mr_value_is_address(struct mr_slice s);
bool mr_value_is_domain(struct mr_slice s);
bool mr_value_is_hostport(struct mr_slice s);
/* Options that may be named as {{option}} in a path; false for others. */
bool mr_value_is_folder(struct mr_slice name);
