/* quarantine: copies of mail that somebody did not get. One folder an entry under state_dir/milter/quarantine/:
 *
 *   ID/message    the mail as it stood, CRLF lines
 *   ID/envelope   one wire message (proto/wire.h): entry=ID, time (seconds since 1970), queue-id, client, helo, sender (empty: null
 * sender), recipient (one a field: who did not get it), from (header From), score, symbols, reason
 *
 * ID is TIME-QUEUEID-RANDOM: [0-9A-Za-z-]. An entry is written as .new-ID, both files and the folder are fsynced, then it is renamed and
 * the parent fsynced: after a crash an entry is there whole or not at all. Mode 0700 and 0600. */
#pragma once
#include "base/diag.h"
#include "proto/wire.h"
#include "verdict.h"

#define MR_QUARANTINE_ID_MAX 96

struct mr_quarantine_copy {
	struct mr_slice message;
	int64_t time;
	struct mr_slice queue_id, client, helo, sender, from, reason;
	const struct mr_verdict_withheld *recipients;
	size_t n_recipients;
	const struct mr_scan_result *scan; /* may be NULL */
};

/* Makes the folder if it is missing and clears what a crash left half written. 0 or -errno with one line. */
int mr_quarantine_open(const char *dir, struct mr_diag *diag);
/* Any thread. When it returns 0 the copy is on disk. */
int mr_quarantine_store(const char *dir, const struct mr_quarantine_copy *c, char id[MR_QUARANTINE_ID_MAX], struct mr_diag *diag);
/* Fields of an entry's envelope file. -EPROTO. */
int mr_quarantine_envelope(struct mr_slice file, struct mr_arena *arena, struct mr_wire *out);
