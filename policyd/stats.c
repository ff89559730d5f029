/* stats: what policyd counts. */

/* ours */
#include "policyd.h"

_Atomic int64_t mr_policyd_requests, mr_policyd_passed, mr_policyd_refused, mr_policyd_deferred, mr_policyd_held, mr_policyd_observed,
    mr_policyd_unknown;

const struct mr_stat mr_policyd_stats[] = {
	{ "requests_total", "Requests of Postfix.", &mr_policyd_requests },
	{ "passed_total", "Requests answered DUNNO.", &mr_policyd_passed },
	{ "refused_total", "Requests refused for good.", &mr_policyd_refused },
	{ "deferred_total", "Requests refused for now.", &mr_policyd_deferred },
	{ "held_total", "Messages that Postfix was told to hold.", &mr_policyd_held },
	{ "observed_total", "Requests passed that a check in mode observe would have refused.", &mr_policyd_observed },
	{ "unknown_total", "Requests about which the directory could not tell all.", &mr_policyd_unknown },
	{ 0 },
};
