/* sock: Unix sockets, and one kind of TCP. The directory decides who may connect (owner, group, setgid: packaging/systemd/tmpfiles), the
 * socket is 0660. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/diag.h"

/* Binds and listens. A stale socket (nobody answers) is replaced; a live one, a missing directory, a path that is too long or no socket is
 * an error with one clear line. Returns the fd (non-blocking, close-on-exec) or -errno. */
int mr_listen_unix(const char *path, unsigned mode, struct mr_diag *diag);
int mr_listen_dgram(const char *path, unsigned mode, struct mr_diag *diag);
/* A socket that Postfix asks, bound as run_dir/name and again as postfix_dir/run/mailreeve/name, so that one absolute name is right inside
 * and outside its chroot. The second is left out, fds[1] = -1, where postfix_dir is "" or both names are one, and with one warning where
 * its folder does not exist (no Postfix on this host). Any other failure of either is an error. */
int mr_listen_twice(const char *run_dir, const char *postfix_dir, const char *name, unsigned mode, int fds[2], struct mr_diag *diag);
/* "127.0.0.1:10028", "[::1]:10028": an IP address that only this host reaches. */
bool mr_is_loopback(const char *address);
/* Binds and listens there, as mr_listen_unix(); -EINVAL for any other address. */
int mr_listen_loopback(const char *address, struct mr_diag *diag);
/* Blocking, for verbs, with the same limit of time for each step. */
int mr_connect_loopback_wait(const char *address, uint64_t timeout_ms);
/* Non-blocking connect started; the fd, or -errno. */
int mr_connect_unix(const char *path);
int mr_connect_ip(const char *address); /* "192.0.2.1:3310"; under way, the first write tells how it went; -EINVAL: no such address */
/* Blocking, for verbs: connected within the time or -errno; each later read or write has the same limit (EAGAIN). */
int mr_connect_unix_wait(const char *path, uint64_t timeout_ms);
