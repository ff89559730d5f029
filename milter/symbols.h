/* symbols: what the symbols of our own checks mean, in words. */
#pragma once
#include "base/slice.h"

/* NULL: not one of them. */
const char *mr_symbol_text(struct mr_slice name);
