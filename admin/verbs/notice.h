/* notice: a mail to a user and to the administrator about what was done to the user's account. From the null sender, so that nobody answers
 * a notice with a notice; marked Auto-Submitted (RFC 3834). The texts are files. */
#pragma once
#include "options.h"
#include "store/db.h"

/* kind: "lock" "limit-defer" "limit-reject" "limit-hold" "hijack-hold" "hijack-notice", the last one for the administrator only: the texts'
 * names begin so. text: why, or which limit; one line. Of one kind a user is told once a day (UTC), over all hosts. 0 also when it was told
 * already; -errno with the reason. */
int notice_send(const struct verbs_conf *conf, struct mr_db *db, const char *kind, const char *address, const char *text,
		struct mr_diag *diag);
/* Of mail on this host, to the administrator alone, once a day from each host. kind: "content-held". */
int notice_send_of_host(const struct verbs_conf *conf, struct mr_db *db, const char *kind, const char *text, struct mr_diag *diag);
/* Whether address is one of ours in its form, and text one line for people. */
int notice_check(const char *address, const char *text, struct mr_diag *diag);
