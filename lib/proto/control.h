/* control: the line protocol of each daemon's control socket. Request: one line "VERB [ARG...]\n" (verbs: status stats pending reload
 * log-level). Answer: lines "key=value" with names and numbers only, then "ok\n" or "error TEXT\n". */
#pragma once
#include "base/buf.h"

#define MR_CONTROL_LINE_MAX 1024
struct mr_control_request {
	struct mr_slice verb, arg;
};
/* 1, 0 (more needed), -EPROTO, -EMSGSIZE as elsewhere. */
int mr_control_next(struct mr_slice in, struct mr_control_request *out, size_t *used);
