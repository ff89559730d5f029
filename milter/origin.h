/* origin: which client brought forwarded mail into the house? In the second pass the session is Postfix's own, but the Received field of
 * the first one stands on top (smtpd shows the milter all but the one that it adds now), with the client as smtpd saw it. What a sender
 * brings stands below that, and is never looked at. Pure. */
#pragma once
#include "base/parse.h"
#include "base/slice.h"

/* mail_name of the smtpd that takes what Dovecot sends (redirect_port in master.cf), which Received tells. */
#define MR_ORIGIN_REDIRECT "Mailreeve-redirect"

/* Begins as { 0 }. What a script redirects has a field of that smtpd on top, one of Dovecot's LMTP, then those of the pass before. */
struct mr_origin {
	enum { MR_ORIGIN_POSTFIX, MR_ORIGIN_LMTP, MR_ORIGIN_DECIDED } next; /* whose field comes next */
	struct mr_ip client; /* family 0: there is none, as for mail of local programs, or a field is not as expected */
};

/* A field Received of the message, from the top; `hostname` is this host's name in them. */
void mr_origin_received(struct mr_origin *o, struct mr_slice value, struct mr_slice hostname);
