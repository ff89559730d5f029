/* symbols: what symbols mean, in words. */
#pragma once
#include "rules/rules.h"

/* Of our own checks; else what a rule says of itself. rules: NULL for none. NULL: nobody says. */
const char *mr_symbol_text(struct mr_slice name, const struct mr_rules *rules);
