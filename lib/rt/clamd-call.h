/* clamd-call: one command to one clamd over a connection of its own, and the line that comes back. Internal to rt/clamd.c, which sees to
 * deadlines. */
#pragma once
#include "rt/clamd.h"

struct clamd_call;
enum clamd_command { CLAMD_VERSION, CLAMD_FILDES, CLAMD_INSTREAM };
/* err 0: the line, without its NUL, which lives during the call. Else -errno, and line is empty; !reached: nothing could be said to it. The
 * call is over and freed by its owner, from inside or later. */
typedef void clamd_call_done(int err, bool reached, struct mr_slice line, void *arg);

/* "unix:/path" or "tcp:host:port": -EINVAL else. */
int clamd_place(const char *server, bool *is_unix, const char **address);
/* *m lives as long as the call; NULL for CLAMD_VERSION. -errno: no connection. */
int clamd_call_start(struct mr_loop *l, const char *server, enum clamd_command command, const struct mr_clamd_message *m,
		     clamd_call_done *done, void *arg, struct clamd_call **out);
void clamd_call_free(struct clamd_call *c); /* NULL is fine */
