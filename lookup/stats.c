#include "stats.h"

_Atomic int64_t mr_stat_rows, mr_stat_hits, mr_stat_misses, mr_stat_stale, mr_stat_coalesced, mr_stat_reads, mr_stat_read_failures,
    mr_stat_overtaken, mr_stat_dropped, mr_stat_evicted, mr_stat_maps, mr_stat_directory, mr_stat_temp, mr_stat_late, mr_stat_changes,
    mr_stat_revoked, mr_stat_usage, mr_stat_usage_reports, mr_stat_malformed, mr_stat_keys_waiting, mr_stat_keys_unseen, mr_stat_ahead,
    mr_stat_ahead_used, mr_stat_lacking;

const struct mr_stat mr_lookup_stats[] = {
	{ "rows", "rows in the cache, negative ones too", &mr_stat_rows },
	{ "row_hits_total", "rows answered from the cache", &mr_stat_hits },
	{ "row_misses_total", "rows that had to be read", &mr_stat_misses },
	{ "row_stale_total", "rows answered past their age, the database being away", &mr_stat_stale },
	{ "row_coalesced_total", "questions that joined a read under way", &mr_stat_coalesced },
	{ "row_reads_total", "reads given to the database", &mr_stat_reads },
	{ "row_read_failures_total", "reads that the database did not answer", &mr_stat_read_failures },
	{ "rows_ahead_total", "rows read ahead of questions", &mr_stat_ahead },
	{ "rows_ahead_used_total", "those of them that were asked for then", &mr_stat_ahead_used },
	{ "aliases_lacking_total", "aliases that needed no reading, as all that exist were known", &mr_stat_lacking },
	{ "row_overtaken_total", "rows read before a drop: answered, not kept", &mr_stat_overtaken },
	{ "rows_dropped_total", "rows dropped because of a change", &mr_stat_dropped },
	{ "rows_evicted_total", "rows dropped to make room", &mr_stat_evicted },
	{ "map_questions_total", "questions of Postfix", &mr_stat_maps },
	{ "directory_questions_total", "questions of our own parts", &mr_stat_directory },
	{ "temporary_total", "questions answered with a temporary failure", &mr_stat_temp },
	{ "late_total", "questions that came to their deadline", &mr_stat_late },
	{ "changes_total", "entries of the change log applied", &mr_stat_changes },
	{ "usage_mailboxes", "mailboxes whose usage is known", &mr_stat_usage },
	{ "usage_reports_total", "reports of usage taken", &mr_stat_usage_reports },
	{ "dkim_keys_waiting", "DKIM keys that wait for their record, of domains that sign", &mr_stat_keys_waiting },
	{ "dkim_keys_unseen", "DKIM keys that sign and whose record DNS did not show when it was looked at last", &mr_stat_keys_unseen },
	{ "malformed_total", "requests and reports that could not be read", &mr_stat_malformed },
	{ 0 },
};
