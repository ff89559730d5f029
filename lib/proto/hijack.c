/* hijack: see hijack.h */

/* ours */
#include "proto/hijack.h"

struct mr_slice mr_hijack_spam_name(struct mr_slice login, struct mr_arena *arena)
{
	return mr_slice_of(mr_arena_printf(arena, "hijack:spam:%s", mr_arena_lower(arena, login)));
}
