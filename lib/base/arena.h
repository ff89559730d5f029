/* arena: memory that lives as long as one request or message; freed at once. Bounded: past `max` an allocation gives NULL only from
 * mr_arena_try(); the others end the process, so use mr_arena_try() for what a peer's bytes can make large. */
#pragma once
#include "base/slice.h"

struct mr_arena;

struct mr_arena *mr_arena_new(size_t max /* bytes, 0 = 64 MiB */);
void mr_arena_free(struct mr_arena *a);             /* NULL is fine */
void mr_arena_reset(struct mr_arena *a);            /* everything allocated is gone */
void *mr_arena_try(struct mr_arena *a, size_t n);   /* zeroed, 16-byte aligned; NULL past the maximum */
void *mr_arena_alloc(struct mr_arena *a, size_t n); /* zeroed; never NULL */
/* An array of n members of `size` bytes with room for one more: itself, or a copy with twice the room, never more than max; *room is 0
 * before the first. What it was stays allocated. */
void *mr_arena_more(struct mr_arena *a, void *v, size_t n, size_t *room, size_t max, size_t size);
char *mr_arena_strdup(struct mr_arena *a, const char *s);
char *mr_arena_slice(struct mr_arena *a, struct mr_slice s); /* NUL-terminated copy */
char *mr_arena_lower(struct mr_arena *a, struct mr_slice s); /* the same in lower case, of ASCII */
char *mr_arena_printf(struct mr_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3), nonnull(2)));
size_t mr_arena_used(const struct mr_arena *a);

static inline void mr_arena_auto_(struct mr_arena **a)
{
	mr_arena_free(*a);
}
#define mr_autoarena __attribute__((cleanup(mr_arena_auto_))) struct mr_arena *
