/* sign: the DKIM-Signatures of a message of ours. The sealed keys come anew for each message, over a local socket and out of lookup's
 * cache: so a key that was changed or switched off is not used for one message more. Opened keys are held ready by their sealed text. */
#pragma once
#include "job.h"
#include "mail/arc.h"

/* The key ring, read at start and at reload; opened keys are forgotten. An empty path: none, and then nothing can be signed. */
int mr_sign_load(const char *keyring_file, struct mr_diag *diag);
void mr_sign_wipe(void);
/* Any thread. job->sign is MR_SIGN_YES. One value for each of the job's keys, folded with LF + tab, in the arena. */
int mr_sign_message(const struct mr_job *j, struct mr_arena *arena, struct mr_slice *out, struct mr_diag *diag);
/* The same for one more set of the ARC chain, with the job's only key; answers as mr_arc_seal() does. */
int mr_sign_seal(const struct mr_job *j, struct mr_arena *arena, struct mr_arc_set *out, struct mr_diag *diag);
