/* front: libmilter's side of the milter. libmilter is one a process, so is this. Its callbacks collect a message; eom.c decides and acts.
 *
 * Debian's libmilter runs the callbacks of one session one after the other, but on any of its threads: state hangs on the session
 * (smfi_setpriv), never on a thread. Its threads outlive smfi_main(); so each callback that touches more than its own session passes a
 * gate, which mr_front_shut() shuts. */
#pragma once
#include "io.h"

/* Opens the socket. A stale one is replaced; one in use, or a folder that is missing, is an error with one line. `settings` is taken over.
 */
int mr_front_open(struct mr_milter_io *io, struct mr_settings *settings, const char *path, struct mr_diag *diag);
void mr_front_set(struct mr_settings *settings); /* taken over; for messages from the next one on */
int mr_front_run(void);                          /* libmilter's main loop */
void mr_front_drain(void);                       /* no new messages: 451 */
void mr_front_request_stop(void);                /* mr_front_run() returns */
size_t mr_front_pending(void);                   /* messages begun and not answered */
size_t mr_front_sessions(void);
/* The end, in three steps: no callback comes in any more; how many are still inside (some wait for the loop); everything goes once none is.
 */
void mr_front_shut(void);
size_t mr_front_inside(void);
void mr_front_close(void);
