/* filetype: what bytes are, whatever their name says. By libmagic. */
#pragma once
#include "base/arena.h"

/* Loads libmagic's tables, once in a process, before threads and before a sandbox. */
void mr_filetype_init(void);
/* A media type as "application/x-dosexec", in the arena; "application/octet-stream" where nothing fits. Looks at the first
 * MR_FILETYPE_BYTES. One thread at a time. */
struct mr_slice mr_filetype(struct mr_slice bytes, struct mr_arena *arena);
#define MR_FILETYPE_BYTES (64u << 10)
