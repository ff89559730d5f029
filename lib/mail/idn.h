/* idn: domains of other scripts as DNS has them (RFC 5890 section 2.3, RFC 8616). */
#pragma once
#include "base/arena.h"

/* With A-labels where U-labels stand. A name in ASCII, and one that the rules of IDNA forbid, is returned as it stands. */
struct mr_slice mr_idn_ascii(struct mr_slice name, struct mr_arena *arena);
/* The same for what stands behind the last @ of an address. */
struct mr_slice mr_idn_address(struct mr_slice address, struct mr_arena *arena);
