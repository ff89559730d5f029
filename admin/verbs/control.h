/* control: one question to a daemon's control socket. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"

/* Sends the verb to RUN_DIR/DAEMON/control.sock and takes the value of `key` from the answer. Waits 3 s at most. */
int control_ask(const char *run_dir, const char *daemon, const char *verb, const char *key, struct mr_buf *value, struct mr_diag *diag);
