/* history: what the last messages came to, a JSON object each, in memory: for the control socket's verb `history`. Bounded in number and in
 * bytes. Any thread. */
#pragma once
#include "base/buf.h"

#define MR_HISTORY_LINE_MAX  16384       /* bytes; a longer one is not kept */
#define MR_HISTORY_BYTES_MAX (64u << 20) /* of all lines; the oldest go */

void mr_history_configure(size_t max); /* lines; 0 forgets and keeps none */
void mr_history_add(struct mr_slice id, struct mr_slice line);
/* The newest `n` lines, or with an id those of that message, the oldest first; as many of them as `out` has room for. */
void mr_history_print(size_t n, struct mr_slice id, struct mr_buf *out);
