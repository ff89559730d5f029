/* line: a connection of a pool that the loop itself waits for: a statement goes out and its answer is taken when it comes, and no thread is
 * woken on the way there and back. For short reads that many wait for. The pool opens it and looks after it; whenever it will not do, the
 * pool's threads are there. Loop thread only. */
#pragma once
#include "store/read.h"

struct mr_line;
struct mr_line *mr_line_new(struct mr_loop *l, struct mr_db_pool *pool);
void mr_line_free(struct mr_line *line); /* after the pool; what is under way is told -EAGAIN */

/* What mr_read_addresses() reads. All of it stays where it is until done() comes; then m and a are filled, unless err is set. */
struct mr_addresses_ask {
	struct mr_read_keys mailboxes, aliases;
	struct mr_arena *arena;
	struct mr_row_mailbox *m;
	struct mr_row_alias *a;
	void (*done)(struct mr_addresses_ask *ask, int err);
};
/* True: done() comes, later, once; after an error the pool's threads may have more luck. False: the line is busy, or has no connection yet.
 */
bool mr_line_read_addresses(struct mr_line *line, struct mr_addresses_ask *ask);
