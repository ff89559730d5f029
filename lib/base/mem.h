/* mem: allocation that cannot fail. Sizes are bounded by the caller; when the machine is out of memory the process ends with
 * one line and its supervisor starts it again. Scope cleanup for pointers: mr_autofree char *x = ... */
#pragma once
#include <stdlib.h>
#include "base/slice.h"

void *mr_alloc(size_t n); /* zeroed */
void *mr_realloc(void *p, size_t n);
void *mr_realloc_array(void *p, size_t count, size_t size); /* ends the process on overflow */
char *mr_strdup(const char *s);
char *mr_slice_dup(struct mr_slice s); /* NUL-terminated copy, free() it */
#define mr_new(type, count) ((type *)mr_realloc_zero(sizeof(type), (count)))
void *mr_realloc_zero(size_t size, size_t count); /* zeroed array; ends the process on overflow */
/* Overwrites a secret in a way the compiler keeps. */
void mr_wipe(void *p, size_t n);

static inline void mr_autofree_(void *p)
{
	free(*(void **)p);
}
#define mr_autofree __attribute__((cleanup(mr_autofree_)))
#define MR_COUNT(a) (sizeof(a) / sizeof((a)[0]))
