/* control: one question to a daemon's control socket. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"

/* Sends the verb to RUN_DIR/DAEMON/control.sock and takes the answer's lines, the last "ok" among them. Waits 3 s at most. */
int control_ask(const char *run_dir, const char *daemon, const char *verb, struct mr_buf *answer, struct mr_diag *diag);
/* The value of "key=value" in an answer; empty when it is not there. */
struct mr_slice control_value(struct mr_slice answer, const char *key);
