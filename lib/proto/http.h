/* http: requests of HTTP/1.1 and 1.0 (RFC 9112) with a body of known length, as a service on the loopback gets them, and their answers.
 * Refused is whatever two readers could take for different requests: a bare LF, a folded field, space before the colon, two lengths, any
 * transfer coding. */
#pragma once
#include "base/buf.h"

#define MR_HTTP_HEAD_MAX   8192 /* bytes of request line and fields */
#define MR_HTTP_BODY_MAX   8192
#define MR_HTTP_FIELDS_MAX 50

struct mr_http_request {
	struct mr_slice method, target;
	struct mr_slice fields; /* lines with their CRLF, for mr_http_field() */
	struct mr_slice body;
	bool keep_alive;
	int status; /* of a request that is refused: 400, 411, 413, 417, 431, 501 or 505 */
};

/* 1 and bytes used, 0 for more bytes needed, or -EPROTO with `status`: the connection cannot go on. Slices point into `in`. */
int mr_http_next(struct mr_slice in, struct mr_http_request *out, size_t *used);
/* The value of the only field of that name, whose case does not matter; p == NULL where there is none, or more than one. */
struct mr_slice mr_http_field(const struct mr_http_request *r, struct mr_slice name);
/* An answer with a body of JSON. */
void mr_http_reply(struct mr_buf *out, int status, bool keep_alive, struct mr_slice body);
