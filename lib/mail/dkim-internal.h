/* dkim-internal: what the files of DKIM share: a signature field as read by ourselves, and feeding libopendkim. */
#pragma once
/* libraries */
#include <opendkim/dkim.h>

/* ours */
#include "mail/dkim.h"

/* What a DKIM-Signature field says. */
struct dkim_field {
	const struct mr_header *header;
	struct mr_slice domain, selector, identity, algorithm, b; /* compact; d= in lower case */
	struct mr_slice key_name;                                 /* selector._domainkey.domain */
	bool has_length;                                          /* l= */
	const char *problem;                                      /* why it is not worth a look by the library, or NULL */
};
void mr_dkim_field_parse(const struct mr_header *h, struct mr_arena *arena, struct dkim_field *out);

/* One header field with CRLF folds; what the library refuses (NUL bytes, odd names) it does not get. -ENOMEM. */
int mr_dkim_feed_header(DKIM *d, const struct mr_header *h);
/* The body with every line ended by CRLF. -ENOMEM. */
int mr_dkim_feed_body(DKIM *d, struct mr_slice body);
