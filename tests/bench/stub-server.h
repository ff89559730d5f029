/* stub-server: what the floors of benchmarks have in common: one loop over the connections of a Unix socket, nothing else. */
#pragma once
#include <stdbool.h>

/* answer() reads one question, whole since its peer waits for the answer, and answers it; false: the connection ends. Returns 1, and only
 * where the socket cannot be. */
int stub_serve(const char *socket, bool (*answer)(int fd));
