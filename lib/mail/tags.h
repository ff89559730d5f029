/* tags: tag lists "a=b; c=d" of DKIM signatures and keys, RFC 6376 section 3.2. */
#pragma once
#include "base/arena.h"

struct mr_tag {
	struct mr_slice name, value; /* without white space around; it may stand inside of the value */
};

/* Takes the next tag off *rest. 1, 0 at the end (one final ";" is fine), -EINVAL for broken syntax, values that are not ASCII included. */
int mr_tag_next(struct mr_slice *rest, struct mr_tag *out);
/* The values of the tags of these names, in their order; p == NULL: absent. Other tags are passed over. Values may hold
 * UTF-8 (RFC 8616 section 5). -EINVAL for broken syntax, -EEXIST when one stands twice. */
int mr_tags_read(struct mr_slice text, const char *const *names, size_t n, struct mr_slice *out);
/* A value without any white space, as base64 and names are meant; the empty slice where the arena is full. */
struct mr_slice mr_tag_compact(struct mr_slice value, struct mr_arena *arena);
