/* settings: the options of lookup. */
#pragma once
#include "conf/shared.h"

enum mr_disabled_mailboxes { MR_DISABLED_STORE, MR_DISABLED_REFUSE };

struct mr_lookup_conf {
	struct mr_conf_shared shared; /* first */
	int64_t threads, queue, cache_rows, read_ahead, clients_max;
	uint64_t row_age, negative_age, stale_max, stale_wait, deadline; /* ms */
	uint64_t poll_interval, poll_overlap, poll_late;                 /* ms */
	uint64_t usage_interval, snapshot_interval, session_check;       /* ms */
	double junk_score, reject_score;
	struct mr_conf_strings forward_exempt;
	int disabled_mailboxes; /* enum mr_disabled_mailboxes */
	bool mta_sts, mta_sts_private;
	int64_t mta_sts_port;
	char *mta_sts_ca_file;
	struct mr_conf_strings map_views;
	uint64_t map_view_age, map_view_negative_age; /* ms */
};
extern const struct mr_option mr_lookup_options[];

/* What options mean together; files that must be readable. */
int mr_lookup_validate(const void *conf, struct mr_diag *diag);
