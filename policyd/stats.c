/* stats: what policyd counts. */

/* ours */
#include "policyd.h"

_Atomic int64_t mr_policyd_requests, mr_policyd_passed, mr_policyd_refused, mr_policyd_deferred, mr_policyd_held, mr_policyd_observed,
    mr_policyd_unknown, mr_policyd_login_asked, mr_policyd_login_delayed, mr_policyd_login_rejected, mr_policyd_login_observed,
    mr_policyd_login_failures;

const struct mr_stat mr_policyd_stats[] = {
	{ "requests_total", "Requests of Postfix.", &mr_policyd_requests },
	{ "passed_total", "Requests answered DUNNO.", &mr_policyd_passed },
	{ "refused_total", "Requests refused for good.", &mr_policyd_refused },
	{ "deferred_total", "Requests refused for now.", &mr_policyd_deferred },
	{ "held_total", "Messages that Postfix was told to hold.", &mr_policyd_held },
	{ "observed_total", "Requests passed that a check in mode observe would have refused.", &mr_policyd_observed },
	{ "unknown_total", "Requests about which the directory could not tell all.", &mr_policyd_unknown },
	{ "login_asked_total", "Passwords that Dovecot asked about before it looked at them.", &mr_policyd_login_asked },
	{ "login_delayed_total", "Of these, delayed.", &mr_policyd_login_delayed },
	{ "login_rejected_total", "Of these, rejected.", &mr_policyd_login_rejected },
	{ "login_observed_total", "Of these, passed in mode observe that would have been delayed or rejected.",
	  &mr_policyd_login_observed },
	{ "login_failures_total", "Wrong passwords that Dovecot reported.", &mr_policyd_login_failures },
	{ 0 },
};
