/* stats: counters of lookup; each is a row of the table in stats.c. */
#pragma once
#include "rt/stats.h"

extern _Atomic int64_t mr_stat_rows, mr_stat_hits, mr_stat_misses, mr_stat_stale, mr_stat_coalesced, mr_stat_reads, mr_stat_read_failures,
    mr_stat_overtaken, mr_stat_dropped, mr_stat_evicted, mr_stat_maps, mr_stat_directory, mr_stat_temp, mr_stat_late, mr_stat_changes,
    mr_stat_revoked, mr_stat_usage, mr_stat_usage_reports, mr_stat_malformed, mr_stat_keys_waiting, mr_stat_keys_unseen, mr_stat_ahead,
    mr_stat_ahead_used, mr_stat_lacking;
extern const struct mr_stat mr_lookup_stats[];
