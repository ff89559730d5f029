/* act: a verdict carried out through libmilter. Postfix takes all of it or, when the message is not accepted in the end, nothing. */
#pragma once

/* libraries */
#include <libmilter/mfapi.h>

/* ours */
#include "session.h"
#include "verdict.h"

struct act {
	SMFICTX *ctx;
	const struct session *session;
	const struct mr_verdict *verdict;
	const char *queue_id;
	const struct mr_slice *signatures; /* values of DKIM-Signature */
	size_t n_signatures;
};

/* Header fields out and in, envelope, hold: for every verdict but refusals. 0, or -EIO: the message must not be accepted. */
int act_change(const struct act *a);
/* Adds a field at the very top, above our own Received. 0 or -EIO. */
int act_insert(SMFICTX *ctx, const struct session *s, const char *name, struct mr_slice value);
/* The answer to the client. */
sfsistat act_answer(const struct act *a);
sfsistat act_too_big(SMFICTX *ctx);
sfsistat act_tempfail(SMFICTX *ctx);
sfsistat act_circle(SMFICTX *ctx); /* 554 5.4.6, and counted */
