/* grey: what greylisting at the end of a message remembers. Not who sends to whom, as at RCPT, but who stands behind the mail: the author's
 * domain where a signature proves it, else the envelope's domain where SPF does, else the client's network and the sender's domain. So a
 * retry from another host of the same sender passes, and so does all of its mail from then on. */
#pragma once
#include "job.h"

/* Lives in the arena and in the job. */
struct mr_grey_triple mr_grey_key(const struct mr_job *j, struct mr_arena *arena);
