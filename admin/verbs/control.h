/* control: one question to a daemon's control socket. */
#pragma once
#include <stdint.h>
#include "base/buf.h"
#include "base/diag.h"

/* Sends the line to the socket and adds the answer's lines, the last "ok" or "error WHY" among them, within so many ms. -errno. */
int control_request(const char *path, uint64_t ms, const char *line, struct mr_buf *answer);
/* Sends the verb to RUN_DIR/DAEMON/control.sock and takes the answer's lines, the last "ok" among them. Waits 3 s at most. */
int control_ask(const char *run_dir, const char *daemon, const char *verb, struct mr_buf *answer, struct mr_diag *diag);
/* The value of "key=value" in an answer; empty when it is not there. */
struct mr_slice control_value(struct mr_slice answer, const char *key);
