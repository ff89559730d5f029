/* milter-stats: what the milter counts. One row a counter in daemon.c. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

struct mr_milter_counters {
	_Atomic int64_t accepted, junked, split, rejected, tempfailed, held, withheld, greylisted; /* messages by action */
	_Atomic int64_t quarantine_entries, quarantine_bytes;                                      /* when it was last looked at */
	_Atomic int64_t quarantined, released, expired, is_signed, sealed, redirected, circles, evaluations_lost, sessions_refused,
	    keys_opened, scanners_killed;
	_Atomic int64_t viruses, viruses_suspected;
};
extern struct mr_milter_counters mr_milter_counters;
