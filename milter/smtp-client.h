/* smtp-client: one message handed to the Postfix of this host, for verbs: blocking, with a limit of time for each step. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

struct mr_smtp_recipient {
	struct mr_slice address, parameters; /* ESMTP parameters with spaces between, or empty */
	bool refused;                        /* for good; `why` says what the server said */
	struct mr_slice why;
};
struct mr_smtp_message {
	const char *address;                /* "127.0.0.1:10029" */
	struct mr_slice sender, parameters; /* empty: the null sender */
	struct mr_slice field;              /* lines of the header that go first, CRLF included */
	struct mr_slice content;            /* lines end in CRLF; dots are seen to here */
	struct mr_smtp_recipient *recipients;
	size_t n_recipients;
};
/* 0: taken, for those who are not refused. -ECONNABORTED: it is not known whether it was taken, the end of the message had been sent. Else
 * it was not, and the diagnosis says why: -EAGAIN for now, -EPERM for good. Parameters of RFC 3461 are left out where the server offers
 * none.
 */
int mr_smtp_send(struct mr_smtp_message *m, struct mr_arena *arena, struct mr_diag *diag);
/* The same over a connection that is there. */
int mr_smtp_send_over(int fd, struct mr_smtp_message *m, struct mr_arena *arena, struct mr_diag *diag);
