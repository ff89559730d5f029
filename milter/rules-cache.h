/* rules-cache: the databases that make rules fast (rules/rules.h), kept in a folder under their keys, and built by a process of its own
 * where they are missing. */
#pragma once
#include <sys/types.h>
#include "rules/rules.h"

/* Takes what is there; true: all of them were. What is damaged counts as missing. */
bool mr_rules_cache_load(struct mr_rules *r, const char *folder);
/* Builds what is missing, then removes what these rules do not use, and was not used for a week. For a process of its own: takes minutes.
 * 0, or -errno and diag. */
int mr_rules_cache_build(struct mr_rules *r, const char *folder, struct mr_diag *diag);
