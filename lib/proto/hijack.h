/* hijack: the set in Redis by which the milter tells policyd of spam that an account has sent: queue ids, by time. */
#pragma once
#include <stdint.h>
#include "base/arena.h"

#define MR_HIJACK_SPAM_WINDOW (31 * 86400 * UINT64_C(1000)) /* ms that it lives; who looks may want less */
#define MR_HIJACK_SPAM_MAX    300                           /* messages */

struct mr_slice mr_hijack_spam_name(struct mr_slice login, struct mr_arena *arena);
