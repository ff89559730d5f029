/* sign: the DKIM-Signature of a message of ours. The sealed key comes anew for each message, over a local socket and out of lookup's cache:
 * so a key that was changed or switched off is not used for one message more, and no clear key outlives the message it signs. */
#pragma once
#include "base/diag.h"
#include "job.h"

/* The key ring, read at start and at reload. An empty path: none, and then nothing can be signed. */
int mr_sign_load(const char *keyring_file, struct mr_diag *diag);
void mr_sign_wipe(void);
/* Any thread. job->sign is MR_SIGN_YES. The value of one field, folded with LF + tab. */
int mr_sign_message(const struct mr_job *j, struct mr_buf *out, struct mr_diag *diag);
