/* spool: the message as it arrives, written into a memfd as it will stand: header fields, empty line, body, CRLF. Errors stick and are
 * asked for once, at the end. */
#pragma once
#include <stdint.h>
#include "base/buf.h"

/* What stands before each message in its memfd, and is no part of it: clamd, which is handed the descriptor, judges by the first bytes
 * whether a file is mail. Without it a field "MZ: x" or "%PDF-1.3: x" at the top, which Postfix lets pass, hides every attachment. */
#define MR_SPOOL_LEAD   "Received: by mailreeve\r\n"
#define MR_SPOOL_LEAD_N (sizeof(MR_SPOOL_LEAD) - 1)

struct mr_spool {
	int memfd;          /* taken over by whoever takes the message */
	struct mr_buf buf;  /* not written yet */
	uint64_t size, max; /* bytes of the message */
	int error;          /* -EFBIG past max, else of the system */
};

void mr_spool_begin(struct mr_spool *s, uint64_t max);
/* `value` as the MTA gave it: with the space after the colon when has_space; folds as LF or CRLF. */
void mr_spool_field(struct mr_spool *s, struct mr_slice name, struct mr_slice value, bool has_space);
void mr_spool_bytes(struct mr_spool *s, struct mr_slice bytes);
/* 0 and the memfd, the caller's from now on; or -errno. */
int mr_spool_end(struct mr_spool *s, int *memfd);
void mr_spool_done(struct mr_spool *s); /* what was not taken */
