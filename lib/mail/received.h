/* received: a trace field as Postfix and Dovecot write it (RFC 5321 section 4.4): "from HELO (NAME [ADDRESS]) ... by HOST (PROGRAM) with
 * PROTOCOL id ...; date". Nothing is said of who wrote it. */
#pragma once
#include "base/slice.h"

/* Slices of the value; empty: it is not there. */
struct mr_received {
	struct mr_slice client;  /* the comment behind the name after "from": "NAME [ADDRESS]" */
	struct mr_slice by;      /* the name after "by" */
	struct mr_slice program; /* the comment behind that */
	struct mr_slice with;    /* the word after "with" */
};
/* Of each clause the first, in this order. What stands in comments, and behind one that does not end, is no clause. */
void mr_received_read(struct mr_slice value, struct mr_received *out);
