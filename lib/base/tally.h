/* tally: how much was counted under a key within the last `window`, in this process. A window is kept in 12 slots: what was counted is
 * never forgotten before the window is over, and at the latest a twelfth of it later. Bounded: past keys_max the key that was longest not
 * added to is forgotten. */
#pragma once
#include <stdint.h>
#include "base/slice.h"

#define MR_TALLY_SLOTS 12

struct mr_tally;
struct mr_tally *mr_tally_new(size_t keys_max);
void mr_tally_free(struct mr_tally *t); /* NULL is fine */

/* now and window in ms, of one clock; a key has always the same window, of at least MR_TALLY_SLOTS ms. */
uint64_t mr_tally_total(const struct mr_tally *t, struct mr_slice key, uint64_t window, uint64_t now);
void mr_tally_add(struct mr_tally *t, struct mr_slice key, uint64_t window, uint64_t now, uint64_t n);
/* Others have counted, too: makes it at least this total, the difference as of now. */
void mr_tally_raise(struct mr_tally *t, struct mr_slice key, uint64_t window, uint64_t now, uint64_t total);
/* Forgets the key and tells what its total was. */
uint64_t mr_tally_take(struct mr_tally *t, struct mr_slice key, uint64_t window, uint64_t now);
size_t mr_tally_keys(const struct mr_tally *t);
