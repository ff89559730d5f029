/* session: what the front keeps of one SMTP session and of the message in it. Internal to front.c and eom.c. */
#pragma once

/* libraries */
#include <libmilter/mfapi.h>

/* ours */
#include "headers.h"
#include "job.h"
#include "origin.h"
#include "spool.h"

/* One message; reset by assigning (struct message){ 0 } when it is done. job == NULL: none has begun. */
struct message {
	struct mr_job *job;
	struct mr_spool spool;
	bool in_body; /* the empty line after the header is spooled */
	struct mr_headers_strip *strip;
	char *release;      /* value of MR_QUARANTINE_FIELD where that may be meant, else NULL */
	char *reverse_path; /* the sender as Postfix wrote it, where the message is forwarded, else NULL */
	struct mr_origin origin;
	uint64_t began, ended; /* ms: MAIL, end of message */
};

struct session {
	enum mr_role role;
	struct mr_ip client; /* family 0: none */
	char *client_name, *helo;
	bool counted;        /* in the number of sessions */
	bool lead_space;     /* header values come and go with the space after the colon */
	unsigned long steps; /* protocol steps agreed upon */
	struct message m;
};

/* End of message: scan, decide, act, log. eom.c */
sfsistat message_end(SMFICTX *ctx, struct session *s);
/* End of message in the second pass of forwarded mail: seal, unless it goes in a circle. forward.c */
sfsistat forward_end(SMFICTX *ctx, struct session *s);
/* End of message out of the quarantine. release.c */
sfsistat release_end(SMFICTX *ctx, struct session *s);
/* The message is complete and shown to the loop; waits until that knows what there is to know. 0 or -errno; *step is what went wrong. eom.c
 */
int message_collect(struct session *s, const char *queue_id, const char **step);
