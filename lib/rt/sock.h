/* sock: Unix sockets. The directory decides who may connect (owner, group, setgid: packaging/systemd/tmpfiles), the socket is 0660. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "base/diag.h"

/* Binds and listens. A stale socket (nobody answers) is replaced; a live one, a missing directory, a path that is too long or no socket is an
 * error with one clear line. Returns the fd (non-blocking, close-on-exec) or -errno. */
int mr_listen_unix(const char *path, unsigned mode, struct mr_diag *diag);
int mr_listen_dgram(const char *path, unsigned mode, struct mr_diag *diag);
/* Non-blocking connect started; the fd, or -errno. */
int mr_connect_unix(const char *path);
/* Blocking, for verbs: connected within the time or -errno. */
int mr_connect_unix_wait(const char *path, uint64_t timeout_ms);
