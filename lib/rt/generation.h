/* generation: a number in memory that one process raises whenever something changes and others of this host read without asking it: a page
 * of a file. A reader who was given something together with the number, and finds the same number afterwards, knows that nothing has
 * changed in between; whoever learns from the writer that a change is done finds another one. A writer that starts begins with a number of
 * its own.
 *
 * The file is made anew each time and never shortened. Its reader trusts its owner with that: to shorten a file ends who looks into it. */
#pragma once
#include <stdint.h>
#include "base/diag.h"

struct mr_generation;
/* The writer: makes the file, mode 0640, in place of an older one. 0 or -errno. */
int mr_generation_new(const char *path, struct mr_generation **out, struct mr_diag *diag);
void mr_generation_raise(struct mr_generation *g); /* NULL is fine */
/* A reader: NULL where there is no such file. */
struct mr_generation *mr_generation_open(const char *path);
uint64_t mr_generation_now(const struct mr_generation *g); /* never 0 */
void mr_generation_free(struct mr_generation *g);          /* either's; NULL is fine; the file stays */
