/* headers: which header fields of a message only we may set, and the text of those that we set. Pure. */
#pragma once
#include "base/buf.h"
#include "scan.h"

#define MR_HEADER_VALUE_MAX (16u << 10) /* bytes of one value that we add */

/* X-Spam*, and Authentication-Results with our id: must not come in from outside (RFC 8601 section 5). */
bool mr_headers_ours(struct mr_slice name, struct mr_slice value, struct mr_slice hostname);

#define MR_HEADERS_STRIP_MAX 1000 /* fields to remove; for each of them Postfix reads all those above it again */

/* The fields that are to go: each by its name and how many of that name stand above it, as smfi_chgheader() wants them. */
struct mr_headers_strip;
struct mr_headers_strip *mr_headers_strip_new(void);
void mr_headers_strip_free(struct mr_headers_strip *s);
/* One field of the message, from the top. True: it is to go. */
bool mr_headers_strip_field(struct mr_headers_strip *s, const char *name, struct mr_slice value, struct mr_slice hostname);
/* There is one: the message has been through a filter before. */
bool mr_headers_strip_any(const struct mr_headers_strip *s);
/* There are more of them than can be removed: the message must not be accepted. */
bool mr_headers_strip_full(const struct mr_headers_strip *s);
/* There are more of them than can be removed: the message must not be accepted. */
bool mr_headers_strip_full(const struct mr_headers_strip *s);
/* From the last to the first, so that what is removed does not move those still to come (CVE-2022-48521). Ends at the
 * first negative answer and returns it. */
int mr_headers_strip_each(const struct mr_headers_strip *s, int (*fn)(const char *name, unsigned index, void *arg), void *arg);

/* Adds `in` as a value that may be sent: CR and NUL never, a line break only as a fold, else a space; trailing space gone. */
int mr_headers_value(struct mr_slice in, struct mr_buf *out);
/* Value of X-Spam-Result: "score=1.50; SPF_FAIL(1.00)...", folded. */
int mr_headers_result(const struct mr_scan_result *r, struct mr_buf *out);
