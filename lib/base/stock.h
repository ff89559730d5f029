/* stock: what this process has of counters that it shares with others: units that were taken for it in advance, to be used within a short
 * time, so that most questions about a busy counter can be answered here. What it has of one counter is a lot: used until its end, then
 * reported, whatever is left of it. A lot is never used again once its report is on its way, and is reported until somebody says that the
 * report has arrived.
 *
 * Only who is busy gets one: as many as two seconds need, once there are 4 a second. Bounded: past keys_max the key that came first is
 * forgotten, and what it had with it: it stays taken. */
#pragma once
#include <stdint.h>
#include "base/slice.h"

struct mr_lot {
	uint64_t serial;       /* its name; 0: none */
	uint64_t window, slot; /* of the counter; in which slot of it the lot was taken */
	uint64_t n, used;
	uint64_t limit; /* of the counter, as it was then: of another limit a lot says nothing */
	uint64_t end;   /* ms: used only before */
};

struct mr_stock;
struct mr_stock *mr_stock_new(size_t keys_max);
void mr_stock_free(struct mr_stock *s); /* NULL is fine */

/* Somebody asks for n units, to take them or only to see whether they are there: are they in stock? Counts as a use. now in ms. */
bool mr_stock_covers(struct mr_stock *s, struct mr_slice key, uint64_t limit, uint64_t n, bool take, uint64_t now);
void mr_stock_use(struct mr_stock *s, struct mr_slice key, uint64_t n); /* after it covered them */

/* For a question about the key that goes out now: what to report with it; false is nothing. Until mr_stock_reported() nobody else is told
 * to. */
bool mr_stock_report(struct mr_stock *s, struct mr_slice key, struct mr_lot *lot);
void mr_stock_reported(struct mr_stock *s, struct mr_slice key, bool arrived);
/* And after that, how much to ask for; 0 is nothing. Until mr_stock_got() nobody else is told to. */
uint64_t mr_stock_wants(struct mr_stock *s, struct mr_slice key, uint64_t now);
void mr_stock_got(struct mr_stock *s, struct mr_slice key, const struct mr_lot *lot); /* NULL: nothing came of it */

/* Those whose lots have ended by `now`, or whose report did not arrive; the keys are the stock's own and live until the next call. */
struct mr_stock_due {
	struct mr_slice key;
	uint64_t window;
};
size_t mr_stock_due(const struct mr_stock *s, uint64_t now, struct mr_stock_due *out, size_t max);
uint64_t mr_stock_next(const struct mr_stock *s); /* ms: when the next lot ends; UINT64_MAX: there is none */
