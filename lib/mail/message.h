/* message: the header fields of a message as views into its bytes (RFC 5322 section 2.2). Lines end in CRLF or LF. No copy is made. */
#pragma once
#include "base/arena.h"

struct mr_header {
	struct mr_slice name;  /* without the colon and white space before it */
	struct mr_slice value; /* after the colon, folds and leading space as they are, without the last line break */
	struct mr_slice raw;   /* whole field with its last line break */
};
struct mr_message {
	struct mr_slice all, body; /* body: after the empty line; empty when there is none */
	struct mr_header *headers;
	size_t n_headers;
	bool cut; /* more than MR_HEADERS_MAX fields or MR_HEADER_BYTES_MAX bytes: the rest was not looked at */
};
#define MR_HEADERS_MAX      10000
#define MR_HEADER_BYTES_MAX (2u << 20)

/* Never fails: garbage gives few headers. A line that is no header field ends the header, as in Postfix, and is the first of the body. A
 * first line "From ..." of a mailbox file is passed over. The array lives in the arena. */
void mr_message_parse(struct mr_slice all, struct mr_arena *arena, struct mr_message *out);
