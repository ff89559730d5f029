/* virus: what clamd's answer means for a message. */
#pragma once
#include "job.h"

/* The message, complete, is one that clamd is to look at. */
bool mr_virus_wanted(const struct mr_job *j);
/* Loop thread only. What came of it; NULL: no answer. */
void mr_virus_note(struct mr_job *j, const struct mr_clamd_answer *a);
/* Once the scan is over, too: its symbol among the others. */
void mr_virus_symbol(struct mr_job *j);
