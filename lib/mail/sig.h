/* sig: what signature fields of DKIM and ARC have in common: which header fields are signed, and how their own text is written. */
#pragma once
#include "mail/canon.h"
#include "mail/sign-key.h"

#define MR_SIG_NAMES_MAX 500 /* names in h=: for each all fields of the message are walked over */

/* The fields named in h= ("from:to", white space understood), each name the next one from the bottom (RFC 6376 section 5.4.2), in canonical
 * form. Names of fields that are not there add nothing, nor does the signature itself (NULL: none yet). -EINVAL: more names than
 * MR_SIG_NAMES_MAX. -ENOBUFS. */
int mr_sig_add_signed(struct mr_buf *out, const struct mr_message *m, struct mr_slice names, enum mr_canon c,
		      const struct mr_header *itself);
/* Adds a signature field that came with the message, without its line end and without the value of b= (`b`, a view into it). */
int mr_sig_add_bare(struct mr_buf *out, const struct mr_header *h, struct mr_slice b, enum mr_canon c);
/* Adds a field of ours in relaxed form without its line end, as the last thing that is signed. */
int mr_sig_add_own(struct mr_buf *out, const char *name, struct mr_slice value);
/* Adds names joined by ":", folded with LF + tab. */
void mr_sig_fold_names(struct mr_buf *out, struct mr_slice names);
/* The fields that deserve to be signed, as often as they stand in the message; `once_more`: those that must not be added later once more
 * than that. -EINVAL: more than MR_SIG_NAMES_MAX. */
int mr_sig_list_names(const struct mr_message *m, bool once_more, struct mr_buf *out);
/* *value ends with "b=": signs `text` followed by the field and adds the signature and the tail. */
int mr_sig_sign(const struct mr_sign_key *key, struct mr_buf *text, const char *name, struct mr_buf *value, struct mr_slice tail);
