/* signals: by what an account is noticed that behaves unlike itself: the rows of the option hijack_signals.
 *
 *   SIGNAL:AMOUNT/WINDOW:POINTS         "recipients:100/1h:2"
 *
 * A row gives its points once for each time that its amount has been reached within the window, three times at most. */
#pragma once
#include <stdint.h>
#include "base/slice.h"

enum mr_signal {
	MR_SIGNAL_RECIPIENTS,   /* different ones */
	MR_SIGNAL_SENDERS,      /* different envelope senders */
	MR_SIGNAL_NETWORKS,     /* that it sends from, at about the same time */
	MR_SIGNAL_LOGINS,       /* networks that it logs in from, whatever the protocol */
	MR_SIGNAL_NEW_NETWORKS, /* that it has neither sent nor logged in from before */
	MR_SIGNAL_NULL_SENDERS, /* messages with the sender <>, which no mail program sends */
	MR_SIGNAL_BOUNCES,      /* that come back to it */
	MR_SIGNAL_SPAM,         /* messages that the milter took for spam (proto/hijack.h) */
	MR_SIGNAL_BOUNCE_RATIO, /* of 100 recipients, from MR_SIGNAL_BOUNCES_MIN bounces on */
};
#define MR_SIGNALS            9
#define MR_SIGNAL_ROWS_MAX    10
#define MR_SIGNAL_TIMES_MAX   3
#define MR_SIGNAL_BOUNCES_MIN 5

struct mr_signal_row {
	enum mr_signal signal;
	uint64_t amount, window; /* ms */
	uint64_t points;
};

const char *mr_signal_str(enum mr_signal s);
/* -EINVAL, -ERANGE */
int mr_signal_row_parse(struct mr_slice text, struct mr_signal_row *out);
