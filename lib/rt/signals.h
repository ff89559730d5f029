/* signals: SIGTERM, SIGINT and SIGUSR1 as calls on the loop; SIGPIPE and SIGHUP are ignored (SIGHUP means stop to libmilter, reload to
 * others: here it is nothing). Call from the main thread, which must leave these signals unblocked: the kernel then hands them to it, even
 * where a library's thread waits for them (libmilter's does). Once a process. */
#pragma once
#include <pthread.h>
#include "rt/loop.h"

struct mr_signals;
struct mr_signals *mr_signals_start(struct mr_loop *l, void (*fn)(int signal, void *arg), void *arg);
/* From then on they are ignored: the process is about to end, and being told so twice changes nothing. */
void mr_signals_free(struct mr_signals *s);
/* A thread that takes none of these signals. 0 or -errno. */
int mr_signals_thread(pthread_t *thread, void *(*fn)(void *arg), void *arg);
