/* spool: the message as it arrives, written down as it will stand: header fields, empty line, body, CRLF. A small one stays in memory,
 * which saves ten system calls; a larger one goes into a memfd. Errors stick and are asked for once, at the end. */
#pragma once
#include <stdint.h>
#include "base/buf.h"

/* What stands before each message, and is no part of it: clamd, which is handed the descriptor, judges by the first bytes
 * whether a file is mail. Without it a field "MZ: x" or "%PDF-1.3: x" at the top, which Postfix lets pass, hides every attachment. */
#define MR_SPOOL_LEAD   "Received: by mailreeve\r\n"
#define MR_SPOOL_LEAD_N (sizeof(MR_SPOOL_LEAD) - 1)

#define MR_SPOOL_SMALL 32768 /* bytes, with the lead, that are kept in memory at most */

struct mr_spool {
	int memfd;          /* -1: it is small so far */
	struct mr_buf buf;  /* not written yet */
	uint64_t size, max; /* bytes of the message */
	int error;          /* -EFBIG past max, else of the system */
};

void mr_spool_begin(struct mr_spool *s, uint64_t max);
/* `value` as the MTA gave it: with the space after the colon when has_space; folds as LF or CRLF. */
void mr_spool_field(struct mr_spool *s, struct mr_slice name, struct mr_slice value, bool has_space);
void mr_spool_bytes(struct mr_spool *s, struct mr_slice bytes);
/* 0 and the message with its lead, the caller's from now on: in *small, or in *memfd, which is -1 else; or -errno. */
int mr_spool_end(struct mr_spool *s, struct mr_buf *small, int *memfd);
void mr_spool_done(struct mr_spool *s); /* what was not taken */
/* A memfd with a small message, for whoever wants a descriptor, or -errno. */
int mr_spool_memfd(const struct mr_buf *small);
