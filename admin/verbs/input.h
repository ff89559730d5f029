/* input: what a verb asks of its standard input. */
#pragma once
#include "base/buf.h"
#include "base/diag.h"

/* One line; on a terminal asked for twice, without echo. The buffer is the caller's to wipe. */
int input_password(struct mr_buf *out, struct mr_diag *diag);
/* Asks the question on the terminal; true on "yes". Without a terminal always false. */
bool input_confirm(const char *question);
