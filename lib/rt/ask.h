/* ask: single questions to a socket that answers lines and closes (app/service.h): one connection a question, on the loop, nobody waits.
 * What cannot be asked now is not asked later: who cares asks again. Loop thread only. */
#pragma once
#include "base/buf.h"
#include "rt/loop.h"

struct mr_asker;

/* At most open_max questions at once; answer_max: bytes of an answer. */
struct mr_asker *mr_asker_new(struct mr_loop *l, const char *path, unsigned open_max, size_t answer_max);
/* Open questions are dropped, nobody is told. */
void mr_asker_free(struct mr_asker *a);
/* The line is copied; it has no line break. done is told once, later: err 0 with the lines before the last "ok" (they live during the
 * call), else -errno and what there is to say of it: -ENOENT and -ECONNREFUSED: nobody listens there; -EBUSY: too many open; -ETIMEDOUT;
 * -EREMOTEIO: the answer is an error, whose text is given; -EPROTO. */
void mr_asker_ask(struct mr_asker *a, const char *line, uint64_t ms, void (*done)(int err, struct mr_slice text, void *arg), void *arg);
