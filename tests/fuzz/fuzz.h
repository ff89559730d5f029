/* fuzz: what every target includes; see README.md */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/slice.h"

/* How many inputs were accepted in full. Each target defines it and counts. */
extern size_t fuzz_goals;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct mr_slice fuzz_input(const uint8_t *data, size_t size)
{
	return (struct mr_slice){ (const char *)data, size };
}

#define fuzz_assert(condition)                                                                                                             \
	do {                                                                                                                               \
		if (!(condition)) {                                                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                    \
			abort();                                                                                                           \
		}                                                                                                                          \
	} while (0)
