/* shelf: a fixed number of items by their keys, which are digests. All its memory is taken at once and never grows or moves: an item has
 * one of eight places, and where all of them are taken, the new one gets that of the smallest stamp. So a shelf begins to forget before it
 * is full, at some two thirds. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct mr_shelf;
/* places: a power of two, of 8 at least; item and key: bytes of them, the key is the item's beginning. */
struct mr_shelf *mr_shelf_new(size_t places, size_t item, size_t key);
void mr_shelf_free(struct mr_shelf *s); /* NULL is fine */

/* NULL: there is none, or its stamp is smaller than `since`. What is given lives until the next call that changes something. */
void *mr_shelf_find(const struct mr_shelf *s, const void *key, uint64_t since);
/* The item of this key, new ones zeroed but for the key; from now on with this stamp, which is not 0. */
void *mr_shelf_put(struct mr_shelf *s, const void *key, uint64_t stamp);
void mr_shelf_drop(struct mr_shelf *s, const void *key);
