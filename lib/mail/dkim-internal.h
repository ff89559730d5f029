/* dkim-internal: what the files of DKIM verification share: a signature field that was read. */
#pragma once
#include "mail/canon.h"
#include "mail/dkim.h"

/* What a DKIM-Signature field says. */
struct dkim_field {
	const struct mr_header *header;
	struct mr_slice domain, selector, identity, algorithm; /* compact; d= in lower case, d= and s= in A-labels */
	struct mr_slice b, body_hash, names;                   /* b=, bh=, h= as they stand in the field */
	struct mr_slice key_name;                              /* selector._domainkey.domain */
	enum mr_canon head, body;                              /* c= */
	uint64_t length;                                       /* l=; UINT64_MAX: the whole body */
	bool ed25519;                                          /* else RSA */
	bool below;                                            /* i= names a domain below d= */
	enum mr_dkim_result result;                            /* where there is a problem */
	const char *problem;                                   /* decides without a look at the key; or NULL */
};
/* `now`: seconds since 1970. */
void mr_dkim_field_parse(const struct mr_header *h, int64_t now, struct mr_arena *arena, struct dkim_field *out);
